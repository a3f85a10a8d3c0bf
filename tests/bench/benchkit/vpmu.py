# SPDX-License-Identifier: GPL-2.0-or-later
"""What a virtual PMU costs a guest: the series in kernel-patches beside the emulated vPMU of the same Linux without it, on the PMU machine
(tests/lab), where time is the number of instructions that were executed. The guest is tests/lab/guest/toll."""

import dataclasses
import pathlib
import shlex
import subprocess
import sys

from benchkit import msr_writes
from benchkit.figures import CannotMeasure, Figure, say

LAB = pathlib.Path(__file__).resolve().parent.parent.parent / "lab"
# An instruction takes 2 ns, and 2 cycles.
ICOUNT = 1
# The small kernel has no 5-level paging, and guests are to have what their host has.
CPU_FEATURES = {"intel": "pmu-gp=8,la57=off", "amd": "pmu-amd-v2=on,la57=off"}
GOAL = 0.2
# What the PMU has no part in.
INFORMATION = ("exit", "switch.vcpu")
# In use by the guest, beside none.
COUNTERS = (1, 4)
RECORDINGS = ("record.1", "record.1.often", "record.3", "record.4")


@dataclasses.dataclass(frozen=True)
class Setup:
    """A kernel of the host, and the parameters of its KVM."""

    name: str
    kernel: str
    parameters: str


OURS = Setup("patched", "patched", "hvpmu=4")
PEER = Setup("stock", "stock", "")
# For guests that are trusted with the host's counters.
DIRECT = Setup("direct", "patched", "hvpmu=4 hvpmu_rdpmc=1")


@dataclasses.dataclass(frozen=True)
class Measurement:
    """A line of the guest's program: all ticks, what they were for, and what follows."""

    ticks: int
    number: int
    further: tuple = ()

    @property
    def instructions(self):
        """Of the machine, for one."""
        return (self.ticks >> ICOUNT) / self.number


def parse(texts):
    """name -> Measurement, from the files' names and texts. A file of one line that perf ran is named by the file."""
    found = {}
    for file, text in texts.items():
        for line in text.splitlines():
            name, ticks, number, *further = line.split()
            name = file if file.startswith("record.") else name
            found[name] = Measurement(int(ticks), int(number), tuple(map(int, further)))
    return found


def read_figures(folder):
    figures = folder / "guests" / "toll" / "figures"
    names = ("access", "exits", "switches", "work", "counted", *RECORDINGS, "record.1.counted")
    try:
        return parse({name: (figures / name).read_text(encoding="ascii") for name in names})
    except (OSError, ValueError) as problem:
        errors = (figures / "errors").read_text(encoding="utf-8") if (figures / "errors").is_file() else ""
        raise CannotMeasure(f"{figures}: {problem}; {errors}") from problem


def costs_of(found):
    """What is printed: name -> instructions for one, or percent."""
    costs = {"rdpmc": found["rdpmc"].instructions}
    for name in ("read", "switch-event"):
        costs[name] = found[f"{name}.hardware"].instructions - found[f"{name}.dummy"].instructions
    for name, kind in (("exit", "exits"), ("switch.vcpu", "switches")):
        costs[name] = found[f"{kind}.0"].instructions
        for number in COUNTERS:
            costs[f"{name}.added.{number}"] = found[f"{kind}.{number}"].instructions - found[f"{kind}.0"].instructions
    for name in RECORDINGS:
        costs[f"profile.{name}"] = 100 * (found[name].ticks / found["work"].ticks - 1)
    for name in RECORDINGS[:2]:
        samples = found[name].further[1]
        costs[f"pmi.{name}"] = ((found[name].ticks - found["work"].ticks) >> ICOUNT) / samples
    counted, alone = found["record.1.counted"], found["counted"]
    added = (counted.ticks - alone.ticks) >> ICOUNT
    costs["pmi.host"] = (added - (counted.further[0] - alone.further[0])) / counted.further[1]
    return costs


def kernel_files(tree):
    """vmlinux and KVM's modules of a built Linux tree, or of what a package of one would have."""
    modules = "arch/x86/kvm/kvm*.ko"
    return [file for pattern in ("vmlinux", "boot/vmlinux-*", modules, f"lib/modules/*/kernel/{modules}") for file in tree.glob(pattern)]


def fetch_kernel(variant):
    """The folder of a kernel that the lab has built."""
    done = subprocess.run([sys.executable, LAB / "fetch", "--patched-kernel", variant], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise CannotMeasure(f"tests/lab/fetch --patched-kernel {variant}: exit status {done.returncode}")
    return pathlib.Path(done.stdout.splitlines()[-1]).parent.parent


def run_lab(vendor, kernel, parameters, folder):
    """Boots host and guest."""
    command = [sys.executable, LAB / "run", "toll", "--machine", vendor, "--icount", str(ICOUNT), "--cpus", "1",
               "--cpu-features", CPU_FEATURES[vendor], "--host-kernel", kernel, "--guest-kernel", "stock", "--kvm-parameters", parameters,
               "--qemu-options", f"-device {shlex.quote(f'isa-truth,file={folder}/truth')}", "-o", folder]
    done = subprocess.run(command, stdout=sys.stderr, check=False)
    if done.returncode:
        raise CannotMeasure(f"tests/lab/run toll on {vendor}: exit status {done.returncode}")


def say_costs(vendor, ours, peer, direct):
    say(f"{vendor}, instructions for one, or percent: with the series, without it, with it and hvpmu_rdpmc=1")
    for name in ours:
        say(f"{name:28}{ours[name]:>12.1f}{peer[name]:>12.1f}{direct[name]:>12.1f}")


def say_writes(vendor, who, writes):
    say(f"{vendor}, {who}: {writes.entries} VM entries with four counters on, WRMSRs of the host meanwhile: " + (", ".join(
        f"{name} {number}" for name, number in sorted(writes.by_function.items())) or "none"))


def figures_of(vendor, ours, peer, direct):
    """The Figures of costs_of() on both kernels."""
    for name, cost in ours.items():
        has_goal = name not in INFORMATION
        unit = "%" if name.startswith("profile.") else ""
        yield Figure(f"vpmu.{name}.{vendor}", unit, cost, peer[name], GOAL if has_goal else None)
        if name not in INFORMATION and not name.startswith("exit"):
            yield Figure(f"vpmu.{name}.direct.{vendor}", unit, direct[name], peer[name], GOAL)


def measure(settings, base, vendor, setup):
    """(costs, Writes)"""
    tree = settings.tree if setup.kernel == "patched" else None
    folder = base / f"{vendor}-{setup.name}"
    if not (folder / "result").is_file():
        run_lab(vendor, str(tree or setup.kernel), setup.parameters, folder)
    writes = msr_writes.measure(folder, kernel_files(tree or fetch_kernel(setup.kernel)))
    say_writes(vendor, setup.name, writes)
    return costs_of(read_figures(folder)), writes


def run(settings):
    base = settings.results or settings.work("vpmu")
    for vendor in CPU_FEATURES:
        ours, writes = measure(settings, base, vendor, OURS)
        peer, _ = measure(settings, base, vendor, PEER)
        direct, _ = measure(settings, base, vendor, DIRECT)
        say_costs(vendor, ours, peer, direct)
        yield from figures_of(vendor, ours, peer, direct)
        yield Figure(f"vpmu.entry.writes.{vendor}", "", writes.of_pmu() / writes.entries, goal=0)
    if settings.results is None:
        settings.done(base)
