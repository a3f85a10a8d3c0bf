# SPDX-License-Identifier: GPL-2.0-or-later
"""What the scenario `partition` measured: two guests that count and sample at the same time, and the host around them."""

import collections
import dataclasses
import re

from labkit import kernel_log, symbols, vpmu

# scenarios/partition.sh
GUESTS = ("alpha", "beta")
CROWD = (*GUESTS, "gamma")
# The last one, in which guests want more counters than there are, is for what the host has then.
STEPS = ("stat", "cycles", "instructions", "greedy")
# guest/told
STAT_EVENTS = ("cycles", "instructions", "branches")
RECORDS = {"cycles": 80021, "instructions": 40009}
# guest/twin.c: two processes
LOOPS = 4_000_000
INSTRUCTIONS = 2 * LOOPS + 15, 2 * LOOPS + 7
BRANCHES = LOOPS + 4, LOOPS + 2
# perf counts for parent and child, whose periods change places when one follows the other on a processor.
SAMPLE_SLACK = 2
# An instruction always takes the same number of cycles here: with one period for both, overflows of the two events would keep their
# distance, and those of one might come, for long, while the host has not done with the other's, and be the host's.
# The same goes for a guest's own period of some 80,000 cycles and what its PMI takes, 90,000 to 100,000 in all: ours, without what the
# host's handler takes, lie between that and one and a half of it.
HOST_PERIODS = {"cycles": 136999, "instructions": 60013}
# Host's samples of a guest in all steps, beside the periods that its program is long: what the host's own handler takes counts, too.
HOST_SHARE = (0.85, 1.35)
# A host that checks itself takes ten thousands of cycles from an overflow until the guest goes on.
HOST_SHARE_DEBUG = (HOST_SHARE[0], 3)
# In one step they are fewer, or more, where overflows of guest and host do keep a distance for a while, and the host's are all in the
# guest's handler, or none. A host that is starved has none at all, as the stock kernel's.
STEP_SLACK = 0.25


@dataclasses.dataclass(frozen=True)
class Phase:
    """What runs at the same time, as scenarios/partition.sh has it."""

    name: str
    title: str
    guests: tuple
    is_recorded: bool


PHASES = (
    Phase("alone", "alpha alone, the host records nothing", ("alpha",), False),
    Phase("both", "alpha and beta at once, the host records nothing", GUESTS, False),
    Phase("both-recorded", "alpha and beta at once, the host records cycles and instructions of everything", GUESTS, True),
    Phase("pinned-recorded", "the same, each vCPU on one CPU, two of them on the same", GUESTS, True),
    Phase("crowded-recorded", "and gamma, whose kernel is the host's: more guests than CPUs", CROWD, True),
)


@dataclasses.dataclass(frozen=True)
class Figures:
    """Of one guest in one phase."""

    counts: tuple       # of vpmu.Count
    samples: dict       # event -> number
    host: dict          # (step, event) -> samples that the host has in the program; {} if it recorded nothing


def expected(event, step):
    """The true count of an event: `step` cycles for an instruction."""
    return {"cycles": sum(INSTRUCTIONS) * step, "instructions": sum(INSTRUCTIONS), "branches": sum(BRANCHES)}[event]


def expected_samples(event, step):
    """The guest's own in a recording: the whole periods of each process."""
    return sum(number * (step if event == "cycles" else 1) // RECORDS[event] for number in INSTRUCTIONS)


def expected_host(event, step):
    """The host's periods in a run of the program."""
    return expected(event, step) // HOST_PERIODS[event]


def parse_record(text):
    """The number of samples, from what perf record says at its end."""
    samples = re.search(r"\((\d+) samples\)", text)
    return int(samples.group(1)) if samples else 0


def windows_of(results):
    """(phase, step) -> its time, in nanoseconds of the host's CLOCK_MONOTONIC. The timeline has hundredths of a second, cut off: what
    is in the last one of a step is its program's, as that of the next step is not there before perf is."""
    begun, windows, ended = {}, {}, 0
    for event in results.timeline():
        if event.what == "step":
            begun[event.subject] = max(event.seconds, ended)
        elif event.what == "done":
            ended = event.seconds + 0.01
            windows[tuple(event.subject.split())] = (round(begun[event.subject] * 1e9), round(ended * 1e9))
    return windows


def _host_samples(results, phase, windows, session):
    """(guest, step, event) -> samples in the program; `session` gives the start of a session and its rows."""
    start, rows = session(results.folder / "phases" / phase.name / "hvprof.data")
    table = symbols.of_program(results.guest_file(GUESTS[0], "root") / "usr/bin/twin")
    found = collections.Counter()
    for row in rows:
        if not row["mode"].startswith("guest") or table.find(int(row["ip"], 16)) is None:
            continue
        for step in STEPS:
            begin, end = windows[phase.name, step]
            if begin <= start + row["time"] < end:
                found[row["domain"], step, row["event"].partition(":")[0]] += 1
    return found


def read_phase(results, phase, session):
    """guest -> Figures"""
    host = _host_samples(results, phase, windows_of(results), session) if phase.is_recorded else {}
    figures = {}
    for guest in phase.guests:
        folder = results.guest_file(guest, "figures") / phase.name
        counts = vpmu.parse_stat((folder / "stat").read_text(encoding="ascii"))
        samples = {event: parse_record((folder / f"record.{event}").read_text(encoding="utf-8")) for event in RECORDS}
        seen = {(step, event): host[guest, step, event] for step in STEPS for event in RECORDS} if phase.is_recorded else {}
        figures[guest] = Figures(counts, samples, seen)
    return figures


def wrong_in_guest(figures, step):
    """Counts and samples that are not the true ones."""
    if tuple(count.event for count in figures.counts) != STAT_EVENTS:
        yield f"perf stat has not counted {', '.join(STAT_EVENTS)}"
    for count in figures.counts:
        wanted = expected(count.event, step)
        if count.count != wanted or count.percent != 100:
            yield f"{count.event}: {count.count} in {count.percent:.0f} % of the time, not {wanted}"
    for event, number in figures.samples.items():
        wanted = expected_samples(event, step)
        if abs(number - wanted) > SAMPLE_SLACK:
            yield f"{number} samples of {event}, not {wanted}"


def _share_is_wrong(what, number, wanted, least, most):
    if not least * wanted <= number <= most * wanted:
        yield f"the host has {number} samples of {what}, which is {wanted} periods long"


def wrong_in_host(figures, step, share=HOST_SHARE):
    """Runs of the program of which the host has too few samples, or too many: all of them, and each."""
    totals = collections.defaultdict(list)
    for (name, event), number in figures.host.items():
        wanted = expected_host(event, step)
        totals[event].append((number, wanted))
        yield from _share_is_wrong(f"{event} of the program in the step {name}", number, wanted,
                                   share[0] - STEP_SLACK, share[1] + STEP_SLACK)
    for event, numbers in totals.items():
        yield from _share_is_wrong(f"{event} of the program in all steps", *map(sum, zip(*numbers)), *share)


def kernel_messages(results, guests):
    """who -> the text of its dmesg"""
    paths = {"host": results.folder / "host" / "dmesg",
             **{guest: results.guest_file(guest, "figures") / "dmesg" for guest in guests}}
    return {who: path.read_text(encoding="utf-8", errors="replace") for who, path in paths.items()}


def wrong_in_messages(texts):
    for who, text in texts.items():
        yield from (f"{who}: {line}" for line in kernel_log.reports(text))
