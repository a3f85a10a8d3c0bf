# SPDX-License-Identifier: GPL-2.0-or-later
"""How often the host's kernel executed WRMSR, and entered a guest, by the emulated machine's histogram of all instructions
(tests/lab, device isa-truth): the addresses of these instructions are those that objdump finds in the kernel's files."""

import bisect
import collections
import dataclasses
import re
import subprocess

from benchkit.figures import CannotMeasure

ENTRIES = ("vmlaunch", "vmresume", "vmrun")
WANTED = ("wrmsr", *ENTRIES)
FUNCTION = re.compile(r"[0-9a-f]+ <(\S+)>:$")
INSTRUCTION = re.compile(rf"\s*([0-9a-f]+):\s+({'|'.join(WANTED)})\b")
# Functions that write MSRs of the PMU: perf's, KVM's, and those of the core that do not have its name.
OF_PMU = re.compile(r"pmu|perf|pmi|^load$|^take$")
# Of these, the core's when a vCPU's thread comes to a processor and leaves it: once each, however often the guest is entered in between.
OF_SWITCH = re.compile(r"^load$|^hvpmu_unload$")


@dataclasses.dataclass(frozen=True)
class Writes:
    """`by_function`: all WRMSRs of the host; `entries`: VM entries in the same time."""

    by_function: dict
    entries: int

    def of_pmu(self):
        return sum(count for name, count in self.by_function.items() if OF_PMU.search(name) and not OF_SWITCH.search(name))


def places_in(text):
    """(function, offset) -> mnemonic, from what objdump -d says of a file; section after section, functions have their places."""
    places, function, start = {}, None, 0
    for line in text:
        head = FUNCTION.match(line)
        if head:
            function, start = head.group(1), int(line.split()[0], 16)
            continue
        found = INSTRUCTION.match(line)
        if found:
            places[function, int(found.group(1), 16) - start] = found.group(2)
    return places


def places_of(files):
    places = {}
    for file in files:
        with subprocess.Popen(["objdump", "-d", "--no-show-raw-insn", str(file)], stdout=subprocess.PIPE, text=True) as process:
            places.update(places_in(process.stdout))
        if process.returncode:
            raise CannotMeasure(f"objdump {file}: exit status {process.returncode}")
    return places


def host_addresses(lines):
    """address -> executions, of the host in kernel mode: the file of isa-truth has `domain vmm space cpl nmi address steps`."""
    found = collections.Counter()
    for line in lines:
        words = line.split()
        if len(words) == 7 and words[0] == "host" and words[3] == "0":
            found[int(words[5], 16)] += int(words[6])
    return found


def functions_in(lines):
    """(address, name) of a kernel's functions, sorted, from its kallsyms."""
    return sorted((int(address, 16), name) for address, kind, name, *_ in map(str.split, lines) if kind in "tTwW")


def count(addresses, functions, places):
    """Writes"""
    by_function, entries = collections.Counter(), 0
    starts = [address for address, _ in functions]
    for address, executed in addresses.items():
        start = starts[bisect.bisect_right(starts, address) - 1]
        names = [name for _, name in functions[bisect.bisect_left(starts, start):bisect.bisect_right(starts, start)]]
        name = next((name for name in names if (name, address - start) in places), None)
        if name is None:
            continue
        if places[name, address - start] == "wrmsr":
            by_function[name] += executed
        else:
            entries += executed
    return Writes(dict(by_function), entries)


def measure(folder, kernel_files):
    """Of a run of the lab whose machine wrote its histogram to `folder`/truth."""
    with open(folder / "truth", encoding="ascii") as truth, open(folder / "host" / "kallsyms", encoding="ascii") as kallsyms:
        writes = count(host_addresses(truth), functions_in(kallsyms), places_of(kernel_files))
    if not writes.entries:
        raise CannotMeasure("the machine's histogram has no VM entry")
    return writes
