# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs of the lab: those built here from C, and those taken from installed packages."""

import pathlib
import shutil
import subprocess

from labkit.packages import Unavailable

LAB = pathlib.Path(__file__).resolve().parent.parent
PROJECT = LAB.parents[1]
# The same machine code and the same debug information wherever the project lies: a machine that is deterministic
# runs another way when a byte of its images is another.
CFLAGS = ("-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-fno-omit-frame-pointer", "-pthread",
          f"-ffile-prefix-map={PROJECT}=/hvprof")
# A fixed address apart from busybox's: a guest's samples hold nothing but an address, so without
# /proc/PID/maps only a program that is not relocated can be found from outside.
FIXED = ("-fno-pie", "-no-pie", "-Wl,-Ttext-segment=0x10000000", "-Wl,--build-id")
PIE = ("-fPIE", "-pie", "-Wl,--build-id")

# command -> the Debian package that has it
PACKAGES = {
    "qemu-system-x86_64": "qemu-system-x86", "busybox": "busybox-static", "perf": "linux-perf",
    "gcc": "gcc", "readelf": "binutils", "ldd": "libc-bin", "dpkg-deb": "dpkg",
    "setpriv": "util-linux",
}

HV_PMU = PROJECT / "hv-pmu"
# scenario -> its program, sources, flags
TEST_PROGRAMS = {
    "hostile": ("hostile", ("hostile/*.c",), ()),
    "device": ("hvpmu-dev", ("device/*.c", "hostile/check.c", "hostile/runner.c", "hostile/vm.c", "../../hv-pmu/core/ring_reader.c"),
               (f"-I{LAB}/hostile", f"-I{HV_PMU}/include", f"-I{HV_PMU}/env/host", f"-I{HV_PMU}/env")),
}


def find_program(name):
    path = shutil.which(name, path="/usr/bin:/bin:/usr/sbin:/sbin") or shutil.which(name)
    if path is None:
        raise Unavailable(f"{name} is not installed; run: apt-get install {PACKAGES.get(name, name)}")
    return pathlib.Path(path)


def build(output, sources, extra=()):
    """Compiles one program from sources of this folder; its debug information has them below /hvprof."""
    output.parent.mkdir(parents=True, exist_ok=True)
    command = [str(find_program("gcc")), *CFLAGS, *extra, "-o", str(output),
               *(str(LAB / source) for source in sources)]
    done = subprocess.run(command, check=False, stderr=subprocess.PIPE, text=True, cwd=PROJECT)
    if done.returncode:
        raise RuntimeError(f"cannot build {output.name}:\n{done.stderr}")
    return output


def build_test_program(folder, scenario):
    name, sources, flags = TEST_PROGRAMS[scenario]
    paths = sorted(path for pattern in sources for path in LAB.glob(pattern))
    return build(folder / name, (path.relative_to(LAB) for path in paths), ("-static", "-D_GNU_SOURCE", *flags))


def build_guest_program(guest, folder):
    if guest.program in TEST_PROGRAMS:
        return build_test_program(folder, guest.program)
    if guest.program:
        libc = () if guest.with_libc else ("-nostdlib",)
        return build(folder / guest.program, (f"guest/{guest.program}.c",), (*FIXED, *libc, "-static"))
    sources = (f"guest/{guest.name}.c", "guest/workload.c", "guest/hash.c")
    return build(folder / guest.name, sources, PIE if guest.is_pie else FIXED)


def build_host_programs(folder, scenario):
    """name -> path of the programs that only the host has."""
    built = {name: build(folder / name, (f"host/{name}.c",), ("-fno-pie", "-no-pie"))
             for name in ("hostburn", "truthmark")}
    if scenario in TEST_PROGRAMS:
        program = build_test_program(folder, scenario)
        built[program.name] = program
    return built
