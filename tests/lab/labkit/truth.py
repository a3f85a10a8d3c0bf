# SPDX-License-Identifier: GPL-2.0-or-later
"""What the emulated machine says of itself: how often each instruction was executed, and by whom.

The file is that of the machine's device isa-truth (hw/i386/isa-truth.c in the series of patches has its format). It knows guests by the
roots of their nested page tables, and which address space of the host entered them; it knows no names. A guest's name is found by
its kernel: each one has its kallsyms at an address of its own (KASLR), and its kernel executes what lies there.
"""

import collections
import dataclasses
import typing

from labkit import symbols

HOST = "host"
UNKNOWN_VMM = "0"
# Of a guest's instructions in kernel mode, those in its kernel's text (the rest is its modules'), and those that seem to be in
# the text of another guest's kernel, which may overlap with it.
MIN_IN_TEXT = 0.02
MAX_IN_OTHERS = 0.1 * MIN_IN_TEXT


class TruthError(Exception):
    """The file contradicts itself, or a guest in it cannot be told from another."""


class Key(typing.NamedTuple):
    """Who executes: `domain` is "host" or the nested root, `vmm` the address space that entered it."""

    domain: str
    vmm: str
    space: int
    is_user: bool
    is_blocked: bool    # NMIs were held off, so no sample can be here


@dataclasses.dataclass(frozen=True)
class Truth:
    """`steps`: Key -> address -> number of executions. A step takes `step` cycles, and nanoseconds."""

    step: int
    total: int
    steps: dict


def _take_header(lines):
    header = collections.defaultdict(int)
    if next(lines).split() != ["truth", "1"]:
        raise TruthError("it does not begin with \"truth 1\"")
    for line in lines:
        words = line.split()
        if words[0] == "domain":
            return header
        header[words[0]] += int(words[-1])
    raise TruthError("it ends within its head")


def _with_vmm(steps):
    """A vCPU that was in a guest when counting began has the VMM 0 until it leaves: others tell who runs that guest."""
    vmms = {key.domain: key.vmm for key in steps if key.vmm != UNKNOWN_VMM}
    completed = collections.defaultdict(collections.Counter)
    for key, addresses in steps.items():
        completed[key._replace(vmm=vmms.get(key.domain, key.vmm))].update(addresses)
    return dict(completed)


def read(path):
    """Reads the file; raises TruthError unless each step of the machine is in it."""
    steps = collections.defaultdict(dict)
    with open(path, encoding="ascii") as lines:
        header = _take_header(lines)
        for line in lines:
            domain, vmm, space, cpl, nmi, address, count = line.split()
            key = Key(domain, vmm, int(space, 16), cpl != "0", nmi == "b")
            steps[key][int(address, 16)] = int(count)
    counted = sum(sum(addresses.values()) for addresses in steps.values())
    if header["unattributed"] or header["dropped"] or not counted == header["total"] == header["cpu"]:
        raise TruthError(f"{path}: {counted} steps are in it, the machine made {header['total']}, its processors "
                         f"{header['cpu']}; {header['unattributed']} have no instruction, "
                         f"{header['dropped']} were dropped")
    return Truth(header["step"], counted, _with_vmm(steps))


def pooled(truth, is_wanted):
    """address -> executions, over all keys that are wanted."""
    pool = collections.Counter()
    for key, addresses in truth.steps.items():
        if is_wanted(key):
            pool.update(addresses)
    return pool


def _text_range(results, name):
    """From _text to the end of the kernel's text, by a guest's kallsyms."""
    table = symbols.of_kallsyms(results.guest_file(name, "kallsyms"))
    return range(table.address_of("_text"), table.address_of("_etext"))


def name_guests(truth, results):
    """Names the guests: vmm -> name. Raises TruthError when one has no name, or two."""
    ranges = {name: _text_range(results, name) for name in results.guest_names()}
    names = {}
    for vmm in {key.vmm for key in truth.steps if key.domain != HOST}:
        kernel = pooled(truth, lambda key, vmm=vmm: key.vmm == vmm and not key.is_user)
        total = sum(kernel.values())
        shares = {name: sum(count for address, count in kernel.items() if address in text) / total
                  for name, text in ranges.items()}
        ordered = sorted(shares, key=lambda name: -shares[name])
        if shares[ordered[0]] < MIN_IN_TEXT or any(
                shares[name] > MAX_IN_OTHERS for name in ordered[1:]):
            raise TruthError(f"the guest that the address space {vmm} runs is none or several of them: {shares}")
        names[vmm] = ordered[0]
    if len(set(names.values())) != len(names):
        raise TruthError(f"two address spaces of the host run the same guest: {names}")
    return names
