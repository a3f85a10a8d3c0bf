# SPDX-License-Identifier: GPL-2.0-or-later
"""A profile against the truth: the shares of each owner's functions, and that no sample is booked to a wrong owner.

Samples and instructions are classed by their addresses, with symbols that were read apart from hvprof; hvprof must have the same names.
Instructions executed while NMIs are held off, first of all in the handler that takes the samples, are left out of the expected shares:
an overflow there is seen where NMIs are let in again. Just before it enters a guest AMD's KVM holds them off, too, and lets them in
by the entry: such an overflow is seen at the guest's next instruction. That is anywhere in the guest, but often the same one where an
interrupt comes by an entry, or where the host's own timer interrupts the handler of the guest's. These few may be left out.
"""

import collections
import dataclasses
import typing

from labkit import chi_square, domains, symbols, truth

NO_SYMBOL = "(no symbol)"
# Linux's page-table isolation keeps two roots for each process, which differ in this bit.
PTI_BIT = 1 << 12
OTHERS = "other processes"
HOSTBURN = "hostburn"


@dataclasses.dataclass(frozen=True)
class Owner:
    """One owner in one mode. `executed` and `sampled` count by function; `blocked` are the functions that were executed with
    NMIs held off. `misnamed` are samples for which hvprof has another name than the symbols."""

    name: str
    is_guest: bool
    is_judged: bool     # of the host's kernel much is there because a sample was just taken: see docs/lab.md
    executed: collections.Counter
    sampled: collections.Counter
    blocked: frozenset
    misnamed: tuple

    def test(self, moved=0):
        """`moved`: up to this share of a guest's samples are elsewhere than where their overflow was."""
        return chi_square.compare(self.executed, self.sampled, moved if self.is_guest else 0)

    def strangers(self):
        """Functions with samples that this owner never executed."""
        return [name for name in self.sampled
                if not self.executed[name] and name not in self.blocked]


def function_at(table, address):
    """The name that stands for the function at an address, with where it begins: names may occur twice."""
    start = table.find(address)
    return NO_SYMBOL if start is None else f"{min(table.names(start))} {start:x}"


def is_misnamed(table, address, symbol):
    start = table.find(address)
    return start is not None and symbol not in table.names(start)


def rows_within(hvprof, marks):
    """hvprof's samples between the marks, which are nanoseconds of the session's clock."""
    start_time = hvprof.start_time()
    return [row for row in hvprof.script() if marks[0] <= start_time + row["time"] < marks[1]]


@dataclasses.dataclass(frozen=True)
class _Scope:
    """What belongs to an owner: the keys of the truth that `wants` says, and the rows. Both are of processes, whose symbols are
    in `tables`; a kernel is one process, "". """

    name: str
    wants: typing.Callable
    rows: list
    tables: dict
    process_of_key: typing.Callable = lambda key: ""
    process_of_row: typing.Callable = lambda row: ""
    is_guest: bool = False
    is_judged: bool = True

    def function(self, process, address):
        return f"{process} {function_at(self.tables[process], address)}".lstrip()

    def owner(self, machine):
        executed, sampled = collections.Counter(), collections.Counter()
        blocked, misnamed = set(), []
        for key in filter(self.wants, machine.steps):
            process = self.process_of_key(key)
            for address, count in machine.steps[key].items():
                if key.is_blocked:
                    blocked.add(self.function(process, address))
                else:
                    executed[self.function(process, address)] += count
        for row in self.rows:
            process, address = self.process_of_row(row), int(row["ip"], 16)
            sampled[self.function(process, address)] += 1
            if is_misnamed(self.tables[process], address, row["symbol"]):
                misnamed.append(row)
        return Owner(self.name, self.is_guest, self.is_judged, executed, sampled,
                     frozenset(blocked), tuple(misnamed))


def _guest_scopes(rows, results, vmm, name):
    kernel = symbols.of_kallsyms(results.guest_file(name, "kallsyms"))
    program = symbols.of_program(results.guest_file(name, "root") / "usr/bin" / name)
    vcpus = domains.GUESTS[name].vcpus
    title = f"guest {name}, {vcpus} vCPU{'s' if vcpus > 1 else ''}"
    mine = [row for row in rows if row["domain"] == name]
    yield _Scope(f"{title}, kernel", lambda key: key.vmm == vmm and not key.is_user,
                 [row for row in mine if row["mode"] == "guest-kernel"], {"": kernel}, is_guest=True)
    yield _Scope(f"{title}, user", lambda key: key.vmm == vmm and key.is_user,
                 [row for row in mine if row["mode"] == "guest-user"], {"": program}, is_guest=True)


def guest_owners(machine, rows, results, names):
    """Each guest's kernel and its program; `names` as name_guests() finds them."""
    for vmm, name in sorted(names.items(), key=lambda item: item[1]):
        for scope in _guest_scopes(rows, results, vmm, name):
            yield scope.owner(machine)


def _space_of_hostburn(machine, table):
    """The host's address space where hostburn's hot function is executed most: other programs may have code at its address."""
    start = table.address_of(domains.HOST_HOT_USER)
    found = collections.Counter()
    for key, addresses in machine.steps.items():
        if key.domain == truth.HOST and key.is_user:
            found[key.space & ~PTI_BIT] += sum(count for address, count in addresses.items()
                                               if table.find(address) == start)
    return found.most_common(1)[0][0]


def host_owners(machine, rows, results, names):
    """The host's programs, and its kernel whomever it works for."""
    hostburn = symbols.of_program(results.folder / "host/root/usr/bin/hostburn")
    nothing = symbols.Table([])
    processes = {int(vmm, 16): f"VMM of {name}" for vmm, name in names.items()}
    processes[_space_of_hostburn(machine, hostburn)] = HOSTBURN
    pids = {results.vmm_pid(name): f"VMM of {name}" for name in names.values()}
    tables = collections.defaultdict(lambda: nothing, {HOSTBURN: hostburn})
    yield _Scope("host, programs", lambda key: key.domain == truth.HOST and key.is_user,
                 [row for row in rows if row["mode"] == "host-user"], tables,
                 lambda key: processes.get(key.space & ~PTI_BIT, OTHERS),
                 lambda row: (HOSTBURN if row["comm"] == HOSTBURN else pids.get(row["pid"], OTHERS))
                 ).owner(machine)
    kernel = symbols.of_kallsyms(results.folder / "host/kallsyms")
    yield _Scope("host, kernel", lambda key: key.domain == truth.HOST and not key.is_user,
                 [row for row in rows if row["mode"] == "host-kernel"], {"": kernel},
                 is_judged=False).owner(machine)


def guest_shares(owners):
    """The guests' kernels and programs against each other. The host is not among them: what a sample costs, in
    cycles that count for the next one, is another in a guest, which is left for it, than in the host."""
    guests = [owner for owner in owners if owner.is_guest]
    return chi_square.compare({owner.name: sum(owner.executed.values()) for owner in guests},
                              {owner.name: sum(owner.sampled.values()) for owner in guests})
