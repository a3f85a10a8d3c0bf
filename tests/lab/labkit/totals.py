# SPDX-License-Identifier: GPL-2.0-or-later
"""What `hvprof stat` says of guests of known length (tests/lab/hostile/totals.c), on a KVM that keeps totals of each vCPU, beside what
is true of them."""

import csv
import dataclasses
import re

# Of the module kvm. Two counters are the totals': AMD's host has no other.
PARAMETERS = "hvpmu=4 hvpmu_account=1"
# A cycle lasts two nanoseconds here, an instruction takes two; an iteration of a repeated instruction one more.
CYCLES = 2
# What no exit does with less.
LEAST_OF_EXIT = 300
TRUTH = re.compile(r"^# (?P<kind>\w+) pid (?P<pid>\d+) vcpu (?P<vcpu>\d+): instructions (?P<instructions>\d+) emulated (?P<emulated>\d+) "
                   r"pmis (?P<pmis>\d+) clock (?P<clock>\d+)$", re.M)
KINDS = {"loops": 2, "cpuids": 1, "overflows": 1, "idle": 1, "uncounted": 1}
# Their guests have no counter on: none is loaded.
WITHOUT_COUNTERS = ("idle", "uncounted")
SUMMED = ("guest_cycles", "guest_instructions", "hyp_cycles", "hyp_instructions", "loads", "puts", "pmis", "emulated")


@dataclasses.dataclass(frozen=True)
class Bounds:
    """What a kernel of the host may take. The totals are read some way before the entry and behind the exit: what the host executes there
    counts as the guest's."""

    # Instructions around each entry: 970 on `patched`, 10,200 on `debug`, 1,210 with Debian's configuration were seen;
    around_entry: int
    # and of a PMI's NMI, if the guest was left for it.
    pmi_handler: int
    # Of the time that passes while a guest leaves again and again, this much is its vCPU's; the rest is what else its CPU does.
    least_of_clock: float
    # Cycles before its guest runs, while a vCPU is made and set up.
    set_up: int
    # Cycles of the hypervisor by those of as many instructions that are not repeated: a VM that does little has its pages cleared by these,
    # 1.5 to 3.2 times.
    repeated: float = 2


BOUNDS = {"patched": Bounds(1_100, 2_000, 0.95, 200_000), "debug": Bounds(12_000, 12_000, 0.85, 5_000_000)}
# A tree, of whatever configuration.
BOUNDS_OF_OTHERS = Bounds(1_500, 3_000, 0.95, 500_000, 5)


@dataclasses.dataclass(frozen=True)
class Vcpu:
    """What is true of a vCPU; `clock` is the time that passed, in cycles."""

    kind: str
    pid: int
    vcpu: int
    instructions: int
    emulated: int
    pmis: int
    clock: int


def parse_truth(text):
    return [Vcpu(found["kind"], *(int(found[name]) for name in ("pid", "vcpu", "instructions", "emulated", "pmis", "clock")))
            for found in TRUTH.finditer(text)]


def parse_stat(lines):
    """(pid, vCPU or None for the whole VM) -> what `hvprof stat` says; what it does not know is not there."""
    return {(int(row["pid"]), int(row["vcpu"]) if row["vcpu"] else None):
            {name: int(value) for name, value in row.items() if value and (name in SUMMED or name == "exits")}
            for row in csv.DictReader(lines)}


def _wrong_in_vcpu(true, said, exits, bounds):
    """Yields what is not true of a vCPU."""
    extra = bounds.around_entry * exits + bounds.pmi_handler * true.pmis
    if not true.instructions <= said["guest_instructions"] <= true.instructions + extra:
        yield f"{said['guest_instructions']} instructions in the guest, not {true.instructions} and at most {extra} around {exits} exits"
    for mode in ("guest", "hyp"):
        cycles, instructions = said[f"{mode}_cycles"], said[f"{mode}_instructions"]
        if not CYCLES * instructions <= cycles <= (1.01 if mode == "guest" else bounds.repeated) * CYCLES * instructions:
            yield f"{instructions} instructions in {cycles} cycles ({mode})"
    if said["hyp_instructions"] < LEAST_OF_EXIT * exits // KINDS[true.kind]:
        yield f"{said['hyp_instructions']} instructions in the hypervisor, for {exits} exits"
    cycles = said["guest_cycles"] + said["hyp_cycles"]
    if true.kind == "cpuids" and cycles < bounds.least_of_clock * true.clock:
        yield f"{cycles} cycles in both, while {true.clock} passed"
    if cycles > true.clock + bounds.set_up:
        yield f"{cycles} cycles in both, and only {true.clock} passed"
    for name in ("emulated", "pmis"):
        if said[name] != getattr(true, name):
            yield f"{said[name]} {name}, not {getattr(true, name)}"
    if said["loads"] != said["puts"] or (said["loads"] == 0) != (true.kind in WITHOUT_COUNTERS):
        yield f"{said['loads']} loads, {said['puts']} puts"


def wrong(truths, stat, kernel):
    """Yields what `hvprof stat` has not right; `kernel` is the host's, by name or tree."""
    bounds = BOUNDS.get(kernel, BOUNDS_OF_OTHERS)
    if sorted(true.kind for true in truths) != sorted(kind for kind, number in KINDS.items() for _ in range(number)):
        yield f"the guests were {', '.join(true.kind for true in truths)}"
    for true in truths:
        vm, said = stat.get((true.pid, None), {}), stat.get((true.pid, true.vcpu), {})
        name = f"{true.kind}, vCPU {true.vcpu}"
        if not {*SUMMED, "exits"} <= vm.keys() or not set(SUMMED) <= said.keys():
            yield f"{name}: it does not say all of it and of its VM"
            continue
        yield from (f"{name}: {line}" for line in _wrong_in_vcpu(true, said, vm["exits"], bounds))
        for column in SUMMED:
            total = sum(row.get(column, 0) for (pid, vcpu), row in stat.items() if pid == true.pid and vcpu is not None)
            if vm[column] != total:
                yield f"{name}: {column} of the VM are {vm[column]}, of its vCPUs {total}"


def judge(folder, kernel):
    """Yields what is wrong in a run's results."""
    log = (folder / "totals.log").read_text(encoding="utf-8", errors="replace")
    yield from (f"hvprof stat: {line}" for line in log.splitlines())
    if " totals_end 0\n" not in (folder / "timeline").read_text(encoding="utf-8"):
        yield "hvprof stat failed"
    text = (folder / "totals.tap").read_text(encoding="utf-8", errors="replace")
    with open(folder / "totals.csv", encoding="utf-8", newline="") as lines:
        yield from wrong(parse_truth(text), parse_stat(lines), kernel)
