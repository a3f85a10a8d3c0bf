# SPDX-License-Identifier: GPL-2.0-or-later
"""What the emulated machine says of itself: how often each instruction was executed, and by whom.

The file is that of the machine's device isa-truth (hw/i386/isa-truth.c in the series of patches has its format). It knows guests by the
roots of their nested page tables, and which address space of the host entered them; it knows no names. A guest's name is found by
the function in which its kernel spends its time, which is another one in each guest: it executes most where its own kallsyms have it.
"""

import collections
import dataclasses
import typing

from labkit import domains, symbols

HOST = "host"
UNKNOWN_VMM = "0"
# Of a guest's instructions in kernel mode, those that are in its hot function, and those that seem to be in another guest's, where
# it has something else: KASLR may have put both kernels at nearly the same place.
MIN_IN_HOT = 0.2
MAX_IN_OTHERS = 0.1 * MIN_IN_HOT


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


def _share_in(functions, table, kernel):
    """Of the steps in `kernel`, those in the functions of these names, as a kallsyms has them."""
    hot = sum(count for address, count in kernel.items()
              if (start := table.find(address)) is not None and not table.names(start).isdisjoint(functions))
    return hot / sum(kernel.values())


def name_guests(truth, results):
    """Names the guests: vmm -> name. Raises TruthError when one has no name, or two."""
    tables = {name: symbols.of_kallsyms(results.guest_file(name, "kallsyms")) for name in results.guest_names()}
    names = {}
    for vmm in {key.vmm for key in truth.steps if key.domain != HOST}:
        kernel = pooled(truth, lambda key, vmm=vmm: key.vmm == vmm and not key.is_user)
        shares = {name: _share_in(domains.GUESTS[name].hot_kernel, table, kernel) for name, table in tables.items()}
        ordered = sorted(shares, key=lambda name: -shares[name])
        if shares[ordered[0]] < MIN_IN_HOT or any(
                shares[name] > MAX_IN_OTHERS for name in ordered[1:]):
            raise TruthError(f"the guest that the address space {vmm} runs is none or several of them: {shares}")
        names[vmm] = ordered[0]
    if len(set(names.values())) != len(names):
        raise TruthError(f"two address spaces of the host run the same guest: {names}")
    return names
