# SPDX-License-Identifier: GPL-2.0-or-later
"""The image that checks the PMU machine from inside: builds it, runs it, reads what it says (tests/lab/bare)."""

import dataclasses
import pathlib
import re
import subprocess

from labkit import models, programs

BARE = programs.LAB / "bare"
SOURCES = BARE / "image"
PROJECT = programs.LAB.parent.parent
CFLAGS = ("-std=gnu11", "-O2", "-g", "-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror",
          "-ffreestanding", "-nostdlib", "-static", "-fno-pic", "-fno-pie", "-mno-red-zone",
          "-mgeneral-regs-only", "-fno-stack-protector", "-fno-asynchronous-unwind-tables",
          "-fcf-protection=none", "-Wl,--build-id=none", "-Wl,-z,max-page-size=4096",
          "-Wl,--no-warn-rwx-segments")
# What isa-debug-exit makes of 16 (image/console.c).
STATUS_WELL = 33
# The image needs a second; this is for one that a fault of the machine has caught in a loop.
MAX_SECONDS = 120

INTEL = models.MODELS["intel"].cpu
AMD = models.MODELS["amd"].cpu
# Name and CPU of each machine that is checked.
MACHINES = {
    "intel-v2": INTEL,
    "intel-v3": f"{INTEL},pmu-version=3",
    "intel-v4": f"{INTEL},pmu-version=4,pmu-gp=8,vmx-save-perf-global-ctrl=on",
    "intel-v5": f"{INTEL},pmu-version=5,pmu-gp=8,pmu-fixed=4",
    "amd-core": AMD,
    "amd-v2": f"{AMD},pmu-amd-v2=on",
}

RESULT = re.compile(r"^(not )?ok \d+ (.*)$")
PLAN = re.compile(r"^1\.\.(\d+)$")


def build(output, compiler):
    """Compiles the image."""
    sources = sorted(path for path in SOURCES.iterdir() if path.suffix in (".c", ".S"))
    output.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [compiler, *CFLAGS, f"-Wl,-T,{SOURCES / 'image.lds'}", f"-I{PROJECT}", "-o", str(output),
         *(str(source) for source in sources)], check=False, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise RuntimeError(f"{compiler} cannot build the image:\n{done.stderr}")
    return output


@dataclasses.dataclass(frozen=True)
class Log:
    """What one run said on the serial port, and how the emulator ended."""

    text: bytes
    status: int  # None: it did not end

    def lines(self):
        return self.text.decode("ascii", errors="replace").splitlines()

    def failed(self):
        """The lines of the checks that failed, from their names on."""
        return [match.group(2) for match in map(RESULT.match, self.lines())
                if match and match.group(1)]

    def num_checks(self):
        return sum(1 for line in self.lines() if RESULT.match(line))

    def wrong(self):
        """Yields why this is not the log of a machine that is well."""
        plans = [int(match.group(1)) for match in map(PLAN.match, self.lines()) if match]
        yield from self.failed()
        if not plans:
            yield f"it stopped after {self.num_checks()} checks: {(self.lines() or ['(no output)'])[-1]}"
        elif plans != [self.num_checks()]:
            yield f"it has {self.num_checks()} results, its plan is {plans}"
        if self.status != STATUS_WELL:
            yield ("it did not end" if self.status is None else f"the emulator ended with status {self.status}")


def command(emulator, image, machine, seed):
    firmware = [option for folder in models.FIRMWARE for option in ("-L", folder)]
    return [str(programs.find_program("setpriv")), "--pdeathsig", "KILL", str(emulator),
            "-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off", "-seed", str(seed),
            "-rtc", models.CLOCK, *firmware, "-cpu", MACHINES[machine], "-smp", "2", "-m", "64",
            "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio",
            "-device", "isa-debug-exit,iobase=0xf4,iosize=4", "-kernel", str(image), "-append", f"seed={seed}"]


def run(emulator, image, machine, seed):
    """Boots the image once. A machine that hangs has a log all the same."""
    try:
        done = subprocess.run(command(emulator, image, machine, seed), check=False, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=MAX_SECONDS)
    except subprocess.TimeoutExpired as late:
        return Log(late.stdout or b"", None)
    return Log(done.stdout, done.returncode)


def write(log, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(path).write_bytes(log.text)
