# SPDX-License-Identifier: GPL-2.0-or-later
"""The images that the machines boot: one initramfs per guest, and the host's around them."""

import dataclasses
import pathlib
import shlex

from labkit import domains, programs
from labkit.packages import Kernel, Unavailable
from labkit.tree import Tree

FIRMWARE = ("bios-256k.bin", "kvmvapic.bin", "linuxboot_dma.bin")
FIRMWARE_FOLDERS = ("/usr/share/seabios", "/usr/share/qemu")
# What else the host loads for a scenario, where its kernel has that as a module: /dev/cpu/N/msr.
SCENARIO_MODULES = {"hostile": ("msr",)}


@dataclasses.dataclass(frozen=True)
class Kernels:
    """What host and guests boot."""

    host: Kernel
    guest: Kernel


@dataclasses.dataclass
class Plan:
    """What shall run in the host: the scenario's file, its settings and the programs it needs."""

    scenario: pathlib.Path
    kvm_module: str
    guests: tuple
    settings: dict
    hvprof: pathlib.Path = None
    with_perf: bool = False
    # Parameters of the module kvm.
    kvm_parameters: str = ""
    # What the scenario `selftests` runs.
    programs: tuple = ()


def guest_tree(plan, guest, kernel, program):
    tree = Tree()
    tree.add_file("/init", programs.LAB / "guest" / guest.init, 0o755)
    tree.add_program("/bin/busybox", programs.find_program("busybox"))
    tree.add_program(f"/usr/bin/{program.name}", program)
    if guest.with_perf:
        tree.add_program("/usr/bin/perf", programs.find_program("perf"))
    tree.add_modules(kernel, (*guest.modules, plan.kvm_module) if guest.is_hypervisor else guest.modules)
    tree.add_text("/etc/workload",
                  f"PROGRAM={guest.name}\nARGUMENTS='{guest.threads} {guest.pause_ms}'\n")
    return tree


def add_firmware(tree):
    for name in FIRMWARE:
        paths = [pathlib.Path(folder) / name for folder in FIRMWARE_FOLDERS]
        found = next((path for path in paths if path.is_file()), None)
        if found is None:
            raise Unavailable(f"QEMU's firmware {name} is missing; run: apt-get install "
                              "seabios qemu-system-data")
        tree.add_file(str(found), found)


def host_programs(plan, built):
    """The programs of the host that a session will name: also the tree for --symfs."""
    tree = Tree()
    tree.add_program("/bin/busybox", programs.find_program("busybox"))
    for name, program in built.items():
        tree.add_program(f"/usr/bin/{name}", program)
    if plan.hvprof:
        tree.add_program("/usr/bin/hvprof", plan.hvprof)
    if plan.with_perf:
        tree.add_program("/usr/bin/perf", programs.find_program("perf"))
    tree.add_program("/usr/bin/qemu-system-x86_64", programs.find_program("qemu-system-x86_64"))
    return tree


def host_tree(plan, kernels, built, guest_images):
    """`built` maps names of programs, `guest_images` names of guests to their initramfs files."""
    tree = host_programs(plan, built)
    add_firmware(tree)
    modules = ("virtio_pci", "virtio_blk", *SCENARIO_MODULES.get(plan.scenario.stem, ()), plan.kvm_module)
    tree.add_modules(kernels.host, modules, {"kvm": plan.kvm_parameters})
    tree.add_file("/init", programs.LAB / "host/init", 0o755)
    for script in ("lab.sh", "shell.sh", "tap.sh"):
        tree.add_file(f"/lab/{script}", programs.LAB / "host" / script)
    tree.add_file("/lab/scenario", plan.scenario)
    tree.add_file("/lab/vmlinuz", kernels.guest.vmlinuz)
    if any(domains.find(name).has_hosts_kernel for name in plan.guests):
        tree.add_file("/lab/vmlinuz-host", kernels.host.vmlinuz)
    for program in sorted(plan.programs):
        tree.add_program(f"/lab/selftests/{program.name}", program)
    tree.add_text("/lab/env", "".join(f"{key}={shlex.quote(str(value))}\n" for key, value in plan.settings.items()))
    for name, image in guest_images.items():
        tree.add_file(f"/lab/guests/{name}.cpio", image)
        tree.add_text(f"/lab/guests/{name}.conf", domains.find(name).conf())
    return tree


def build_images(plan, kernels, scratch, output):
    """Builds all images; returns the host's. Keeps each guest's root in the output folder."""
    images = {}
    for name in plan.guests:
        guest = domains.find(name)
        program = programs.build_guest_program(guest, scratch / "bin")
        tree = guest_tree(plan, guest, kernels.host if guest.has_hosts_kernel else kernels.guest, program)
        tree.write_directory(output / "guests" / name / "root")
        images[name] = scratch / f"{name}.cpio"
        tree.write_initramfs(images[name])
    built = programs.build_host_programs(scratch / "bin", plan.scenario.stem)
    host = host_tree(plan, kernels, built, images)
    host_programs(plan, built).write_directory(output / "host" / "root")
    image = scratch / "host.cpio"
    host.write_initramfs(image)
    return image
