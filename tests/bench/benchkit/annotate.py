# SPDX-License-Identifier: GPL-2.0-or-later
"""Time of annotating one kernel function from Debian's vmlinux with full DWARF: the lab's host, recorded by perf, seen by both."""

import pathlib
import re
import subprocess
import sys

from benchkit.figures import CannotMeasure, Figure, median_of, say
from benchkit.process import capture, measure

# A function shorter than that is no work for either.
MIN_BYTES = 256
LAB = pathlib.Path(__file__).resolve().parent.parent.parent / "lab"


def fetch_vmlinux():
    done = subprocess.run([sys.executable, LAB / "fetch", "--debug"], stdout=subprocess.PIPE,
                          text=True, check=False)
    if done.returncode:
        raise CannotMeasure("the lab's kernel with debug information cannot be had "
                            "(tests/lab/fetch --debug)")
    return pathlib.Path(done.stdout.splitlines()[-1])


def record_in_lab(settings):
    """perf.data of the lab's host, recorded once and kept, with the host's symbols."""
    folder = settings.cache / "annotate-lab"
    if not (folder / "perf.data").exists():
        say("perf records in the lab")
        done = subprocess.run([sys.executable, LAB / "run", "steady", "--profiler", "perf",
                               "-F", "997", "-o", folder], stdout=sys.stderr, check=False)
        if done.returncode:
            raise CannotMeasure(f"tests/lab/run: exit status {done.returncode}")
    return folder


def sizes_of(kallsyms):
    """Name -> bytes, of the functions of the kernel itself."""
    functions = []
    for line in kallsyms.read_text(encoding="utf-8", errors="replace").splitlines():
        fields = line.split()
        if len(fields) == 3 and fields[1] in "tT":
            functions.append((int(fields[0], 16), fields[2]))
    functions.sort()
    return {name: following[0] - address
            for (address, name), following in zip(functions, functions[1:])}


def hottest_kernel_function(perf_data, vmlinux, kallsyms):
    """Of the host's vmlinux, as perf sees it, so that both have something to annotate; not one of a few instructions."""
    text = capture(["perf", "report", "--stdio", "-i", perf_data, "-k", vmlinux, "--sort", "sym,dso",
                    "-n", "--field-separator", ";"])
    sizes = sizes_of(kallsyms)
    best, most = None, 0
    for line in text.splitlines():
        fields = [field.strip() for field in line.split(";")]
        if len(fields) != 4 or not fields[2].startswith("[k] "):
            continue
        if "vmlinux" not in fields[3] and "kernel.kallsyms" not in fields[3]:
            continue
        name = fields[2][4:]
        if int(fields[1]) > most and re.fullmatch(r"[\w.]+", name) and sizes.get(name, 0) >= MIN_BYTES:
            best, most = name, int(fields[1])
    if not best:
        raise CannotMeasure(f"perf report resolves no kernel function of {perf_data}")
    say(f"the hottest function of the host's vmlinux is {best}, {sizes[best]} bytes, {most} samples")
    return best


def run(settings):
    vmlinux = fetch_vmlinux()
    lab = record_in_lab(settings)
    folder = settings.work("annotate")
    session = folder / "session"
    measure([settings.hvprof, "import", "-o", session, "--kallsyms", lab / "host" / "kallsyms",
             lab / "perf.data"])
    symbol = hottest_kernel_function(lab / "perf.data", vmlinux, lab / "host" / "kallsyms")
    commands = {
        "perf": ["perf", "annotate", "--stdio", "-i", lab / "perf.data", "-k", vmlinux,
                 "-s", symbol],
        "hvprof": [settings.hvprof, "annotate", "--vmlinux", vmlinux, "-i", session, symbol],
    }
    costs = {name: [] for name in commands}
    for number in range(settings.repeats + 1):
        for name, command in commands.items():
            cost = measure(command, output=folder / f"{name}.out")
            # The first of each reads the file into memory.
            if number:
                costs[name].append(cost)
    for name in commands:
        lines = (folder / f"{name}.out").read_text(errors="replace").count("\n")
        say(f"annotate, {name}: {lines} lines")
        if lines < 20:
            raise CannotMeasure(f"{name} annotate {symbol} printed only {lines} lines")
    wall = {name: median_of(f"annotate wall, {name}", [cost.wall for cost in runs], "s")
            for name, runs in costs.items()}
    rss = {name: median_of(f"annotate memory, {name}", [cost.rss for cost in runs], "B")
           for name, runs in costs.items()}
    yield Figure("annotate.wall", "s", wall["hvprof"], wall["perf"], 0.1)
    yield Figure("annotate.memory", "B", rss["hvprof"], rss["perf"])
    settings.done(folder)
