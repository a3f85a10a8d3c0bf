# SPDX-License-Identifier: GPL-2.0-or-later
"""What the scenario `vpmu` measured: counts and samples of a program of known length, in a guest and in the host around it."""

import collections
import dataclasses
import re

from labkit import symbols

WORDS = {
    "alone": "the host records nothing; its NMI watchdog has a counter",
    "unwatched": "the host records nothing and has no NMI watchdog",
    "hvprof": "the host runs hvprof record -a, cycles and instructions",
    "perf": "the host runs perf record -a, cycles:GH and instructions:GH",
    "crowd": "the host runs hvprof record -a with six events",
}
PHASES = tuple(WORDS)
# guest/count.c
BRANCHES = 10_000_000
INSTRUCTIONS = 2 * BRANCHES + 4
# guest/meter: how often it runs `count` in all, the counts it takes, and the periods of its two recordings.
RUNS = 8
STATS = ("user1", "user2", "user3", "many")
RECORDS = {"cycles": 100003, "instructions": 50021}
LIMITS = ("falling", "fixed")
# scenarios/vpmu.sh
HOST_PERIOD = 98129
# Within a run, events that take turns have no sample for up to 18 ms, between two runs for 92 ms and more.
GAP_NS = 50_000_000


@dataclasses.dataclass(frozen=True)
class Count:
    """A line of perf stat: the count (scaled, if it was not always there; None if it never was) and the share of time."""

    event: str
    count: int
    percent: float


@dataclasses.dataclass(frozen=True)
class Phase:
    """`stats`: name -> Counts; `samples`: (event, limit) -> the guest's own; `host`: event -> the host's in each
    run of `count`."""

    name: str
    stats: dict
    samples: dict
    host: dict


def expected(event, step):
    """The true count of an event: `step` cycles for an instruction."""
    return {"cycles": INSTRUCTIONS * step, "instructions": INSTRUCTIONS, "branches": BRANCHES}.get(event)


def are_equal(phase):
    """Whether the three runs of perf stat with the same events have the same counts."""
    return len({tuple(count.count for count in phase.stats[name]) for name in STATS[:3]}) == 1


def parse_stat(text):
    """Counts from what perf stat -x, writes."""
    counts = []
    for line in text.splitlines():
        fields = line.split(",")
        if len(fields) > 4 and not line.startswith("#"):
            counts.append(Count(fields[2].partition(":")[0],
                                int(fields[0]) if fields[0].isdigit() else None, float(fields[4])))
    return tuple(counts)


def parse_report(text):
    """The number of samples, from what perf report --stats prints."""
    samples = re.search(r"^\s*SAMPLE events:\s+(\d+)", text, re.M)
    return int(samples.group(1)) if samples else 0


def split_runs(times):
    """How many samples each run of the program has; between two runs perf needs its time."""
    runs = []
    for before, time in zip([None, *times], times):
        if before is None or time - before > GAP_NS:
            runs.append(0)
        runs[-1] += 1
    return tuple(runs)


def _host_samples(open_rows, folder, program):
    """event -> samples that the host has in each run of the guest's program `count`; {} if it did not record."""
    sessions = [path for path in (folder / "hvprof.data", folder / "perf.data") if path.is_file()]
    table = symbols.of_program(program)
    times = collections.defaultdict(list)
    for session in sessions:
        for row in open_rows(session):
            if row["mode"].startswith("guest") and table.find(int(row["ip"], 16)) is not None:
                times[row["event"].partition(":")[0]].append(row["time"])
    return {event: split_runs(sorted(found)) for event, found in sorted(times.items())}


def read_phase(results, name, open_rows):
    """A Phase; `open_rows` gives the rows of all events of a session, perf's too."""
    folder = results.folder / "phases" / name
    stats = {stat: parse_stat((folder / f"stat.{stat}").read_text(encoding="ascii"))
             for stat in STATS}
    samples = {(event, limit): parse_report((folder / f"report.{event}.{limit}").read_text(encoding="utf-8"))
               for event in RECORDS for limit in LIMITS}
    program = results.guest_file("meter", "root") / "usr/bin/count"
    return Phase(name, stats, samples, _host_samples(open_rows, folder, program))
