# SPDX-License-Identifier: GPL-2.0-or-later
"""Accesses to MSRs and instructions of hv-pmu beside two other designs of a virtual PMU, on the model machine (tests/bench/pmu_designs)."""

import dataclasses
import shutil

from benchkit import callgrind
from benchkit.figures import CannotMeasure, Figure, say
from benchkit.process import capture

OURS = "ours"
PEERS = ("emulated", "mediated")
# Where the instructions of a design are: what lies around it (the machine, entry and exit) is not its own.
SOURCES = {
    OURS: ("hv-pmu/core/", "hv-pmu/include/", "hv-pmu/env/"),
    "emulated": ("pmu_designs/emulated.c", "pmu_designs/registers."),
    "mediated": ("pmu_designs/mediated.c", "pmu_designs/registers."),
}
COLUMNS = ("entry", "load", "put", "switch", "pmi", "access")
# Counters in use of the figures; the tables on standard error have all.
SHOWN = (1, 4, 8)


@dataclasses.dataclass
class Cost:
    accesses: int
    writes: int
    # None: nobody counted.
    instructions: int

    def cell(self):
        return f"{self.accesses}/{'-' if self.instructions is None else self.instructions}"


def instructions_of(design, counts):
    if counts is None:
        return None
    return sum(count for file, count in counts.items()
               if file and any(source in file for source in SOURCES[design]))


def run_program(settings, program):
    """What it prints, a line a measurement, and for each the instructions by source file."""
    if not shutil.which("valgrind"):
        say("no instructions, which valgrind counts; it is not installed: apt-get install valgrind")
        lines = capture([program]).splitlines()
        return lines, [None] * len(lines)
    folder = settings.work("pmu")
    text, calls = callgrind.run([program], "pmu_designs_measure", folder)
    settings.done(folder)
    lines = text.splitlines()
    if len(lines) != len(calls):
        raise CannotMeasure(f"{len(lines)} measurements, but {len(calls)} dumps of callgrind")
    return lines, calls


def measure(settings):
    """{(vendor, column, counters in use, design): Cost}, in the order of the program."""
    program = settings.hvprof.parent / "tests" / "bench" / "pmu_designs" / "pmu_designs"
    if not program.exists():
        raise CannotMeasure(f"{program} is not there: build with HVPROF_TESTS=ON")
    lines, calls = run_program(settings, program)
    costs = {}
    for line, counts in zip(lines, calls):
        vendor, column, in_use, design, *numbers = line.split()
        rdmsr, wrmsr, rdpmc, area = map(int, numbers)
        costs[vendor, column, int(in_use), design] = Cost(
            rdmsr + wrmsr + rdpmc + area, wrmsr, instructions_of(design, counts))
    return costs


def say_table(costs):
    rows = {}
    for (vendor, column, _, design), cost in costs.items():
        rows.setdefault((vendor, column, design), []).append(cost.cell())
    say("accesses/instructions, by counters in use (to 8)")
    for (vendor, column, design), cells in rows.items():
        say(f"{vendor:6}{column:22}{design:10}" + "".join(f"{cell:>10}" for cell in cells))


def run(settings):
    costs = measure(settings)
    say_table(costs)
    vendors = list(dict.fromkeys(vendor for vendor, *_ in costs))
    for vendor in vendors:
        writes = max(cost.writes for (v, column, _, design), cost in costs.items()
                     if (v, column, design) == (vendor, "entry", OURS))
        yield Figure(f"pmu.{vendor}.entry.writes", "", writes, goal=0)
    for vendor in vendors:
        for column in COLUMNS:
            for in_use in SHOWN:
                ours = costs[vendor, column, in_use, OURS]
                for peer in PEERS:
                    theirs = costs[vendor, column, in_use, peer]
                    name = f"pmu.{vendor}.{column}.{in_use}"
                    yield Figure(f"{name}.accesses.vs-{peer}", "", ours.accesses,
                                 theirs.accesses, 1)
                    if ours.instructions is not None:
                        yield Figure(f"{name}.instructions.vs-{peer}", "", ours.instructions,
                                     theirs.instructions, 1)
