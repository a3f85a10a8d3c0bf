# SPDX-License-Identifier: GPL-2.0-or-later
"""Test programs that run in the lab's host: what they are, how they are run, and what their logs in the Test Anything Protocol and
the kernel's messages say."""

import argparse
import dataclasses
import pathlib
import re

from labkit import kernel_log, packages, stock, totals
from labkit.machine import LabFailure
from labkit.source_build import BuildFailure

# The small kernel has no 5-level paging, and guests are to have what their host has.
CPU_FEATURES = {"intel": "pmu-gp=8,la57=off", "amd": "pmu-amd-v2=on,la57=off"}

# Runs in a guest, which on AMD is asked to share its PMU with its own guests.
IN_GUEST = "nested"
REFUSAL = re.compile(r"guests cannot have counters 0xf: .* no GuestOnly")
# Runs below `hvprof stat`, on a KVM that keeps totals.
TOTALS = "totals"
# Runs, and others again, on a KVM whose guests execute RDPMC without exits.
DIRECT = "direct"
# Their logs have their names.
OWN_LOGS = (IN_GUEST, DIRECT, TOTALS)

RESULT = re.compile(r"^(not )?ok \d+ (.*)$", re.M)
PLAN = re.compile(r"^1\.\.(\d+)$", re.M)
STATUS = re.compile(r"^# ended with status (\d+)$", re.M)


@dataclasses.dataclass(frozen=True)
class Suite:
    """A program's tests, in a scenario that runs them and then some of them again, with KVM loaded anew."""

    scenario: str
    tests: tuple
    # The instructions' length on the machine, as --icount has it.
    icount: int
    # Of the module kvm, at first and when it was loaded again, if it was.
    parameters: str
    reloaded_parameters: str
    # What the kernel has to say when these tests run: test -> what it answers.
    messages: dict
    verdict: str
    qemu_options: str = ""
    # How many instructions a PMI may be late.
    skid: int = 0
    # What is otherwise on the kernel that checks itself.
    on_debug: dict = dataclasses.field(default_factory=dict)

    @property
    def logs(self):
        return ("first", "reloaded") if self.reloaded_parameters else ("first",)

    def on(self, kernel):
        """The suite for a kernel of the host."""
        return dataclasses.replace(self, **self.on_debug) if kernel == "debug" else self


HOSTILE = Suite(
    scenario="hostile", icount=1, verdict="nothing was seen, disturbed or lost",
    tests=("isolation", "migration", "filters", "cpuid", "emulated", "stepped", "strings", "pmi", "apic", "nmi", "host", "lifetime", IN_GUEST, DIRECT, TOTALS),
    # All that guests may have, and what they have unless somebody says otherwise. AMD has no fixed counters.
    parameters="hvpmu=4 hvpmu_fixed=3", reloaded_parameters="hvpmu=4",
    messages={
        "host": (r"kvm: hvpmu: the host does not give its counters \(-16\): the VM of process \d+ has the emulated PMU",),
        "cpuid": (r"kvm: hvpmu: process \d+: CPUID \w+ promises more than guests own: no PMU for this vCPU",),
    })

SKID = Suite(
    scenario="hostile", icount=1, verdict="no PMI was lost, and none came later than the machine's", tests=("skid",),
    parameters="hvpmu=4", reloaded_parameters="", messages={},
    # Between exit and entry that kernel executes ten times as much.
    skid=4000, on_debug={"skid": 40000})

DEVICE = Suite(
    scenario="device", icount=4, verdict="the device does what it says",
    tests=("access", "setup", "sample", "filter", "lost", "times", "chain", "end", "hotplug", "unload"),
    parameters="hvpmu=4", reloaded_parameters="hvpmu=0",
    # Less memory than the rings that `setup` asks for.
    qemu_options="-m 1024",
    # A sample takes that kernel longer than the events' periods are, unless the machine executes more in a time.
    on_debug={"icount": 1},
    messages={"setup": (r'kvm: hvpmu: CPU 0 cannot have event 0, "": error -2',)})


def results(text):
    """(name, whether it is ok) of each test in a log."""
    return [(name, not failed) for failed, name in RESULT.findall(text)]


def wrong_in_log(text):
    """Yields why a log is not one of a KVM that is well."""
    found = results(text)
    yield from (name for name, is_ok in found if not is_ok)
    plans = [int(number) for number in PLAN.findall(text)]
    if plans != [len(found)] or not found:
        yield f"it stopped after {len(found)} tests: {(text.splitlines() or ['(no output)'])[-2:]}"
    elif STATUS.findall(text) != ["0" if all(is_ok for _, is_ok in found) else "1"]:
        yield "its exit status is not what its tests say"


def wrong_in_messages(text, suite, tests):
    """Yields what a kernel should not have said, and what it should have."""
    yield from kernel_log.reports(text)
    for test in tests:
        for message in suite.messages.get(test, ()):
            if not re.search(message, text):
                yield f"the kernel has not said: {message}"


def wrong_in_nested(folder, machine):
    """The same of the kernel of a guest that is a hypervisor."""
    text = (folder / "dmesg").read_text(encoding="utf-8", errors="replace")
    yield from kernel_log.reports(text)
    if machine == "amd" and not REFUSAL.search(text):
        yield f"the kernel has not said: {REFUSAL.pattern}"


def _parse_arguments(suite, program, description):
    parser = argparse.ArgumentParser(prog=program, description=description, epilog="exit status: 0 passed, 1 failed, "
                                     "77 something that the lab needs cannot be had")
    parser.add_argument("--machine", choices=tuple(CPU_FEATURES), default="intel",
                        help="vendor of the emulated processors (default: intel)")
    if TOTALS in suite.tests:
        parser.add_argument("--hvprof", type=pathlib.Path, metavar="PATH", help=f"the program that the test `{TOTALS}` asks (default: no such test)")
    parser.add_argument("--host-kernel", default="patched", metavar="NAME|TREE",
                        help="patched, debug, or a built Linux tree with the series (default: patched)")
    parser.add_argument("--kvm-parameters", metavar="LIST",
                        help=f"of the module kvm (default: {', then '.join(filter(None, (suite.parameters, suite.reloaded_parameters)))})")
    parser.add_argument("--test", choices=suite.tests, action="append", help="only this one, can be repeated")
    parser.add_argument("--qemu", type=pathlib.Path, metavar="PATH",
                        help="the emulator to use (default: the PMU machine's, built when it is not there)")
    parser.add_argument("-o", "--output", type=pathlib.Path, default=pathlib.Path("out", program),
                        help=f"folder for the results (default: out/{program})")
    return parser.parse_args()


def _run(suite, arguments, tests):
    features = CPU_FEATURES[arguments.machine] + (f",pmu-skid={suite.skid}" if suite.skid else "")
    request = stock.Request(output=arguments.output, scenario=suite.scenario, machine=arguments.machine, profiler="none",
                            hvprof=arguments.hvprof if TOTALS in tests else None, totals_parameters=totals.PARAMETERS,
                            icount=suite.icount, host_kernel=arguments.host_kernel, host_tests=tests,
                            kvm_parameters=arguments.kvm_parameters or suite.parameters,
                            reloaded_parameters=suite.reloaded_parameters and (arguments.kvm_parameters or suite.reloaded_parameters),
                            pmu_skid=suite.skid, cpu_features=features, qemu=arguments.qemu, qemu_options=suite.qemu_options)
    return stock.run(request, stock.say).folder


def _judge(suite, folder, tests, kernel, machine):
    """Prints each test's result; whether all is well."""
    wrong = []
    for name in (*suite.logs, *(test for test in tests if test in OWN_LOGS)):
        text = (folder / f"{name}.tap").read_text(encoding="utf-8", errors="replace")
        for test, is_ok in results(text):
            print(f"{'ok' if is_ok else 'FAILED':7} {name}: {test}")
        wrong += [f"{name}: {line}" for line in wrong_in_log(text)]
    if TOTALS in tests:
        wrong += [f"{TOTALS}: {line}" for line in totals.judge(folder, kernel)]
    if IN_GUEST in tests:
        wrong += [f"{IN_GUEST}: dmesg: {line}" for line in wrong_in_nested(folder / "guests/nest/figures", machine)]
    dmesg = (folder / "host" / "dmesg").read_text(encoding="utf-8", errors="replace")
    wrong += [f"dmesg: {line}" for line in wrong_in_messages(dmesg, suite, tests)]
    wrong += kernel_log.wrong_at_end(folder / "host")
    print()
    for line in wrong:
        print(f"FAILED  {line}")
    print("FAILED" if wrong else f"ok      {suite.verdict}")
    return not wrong


def main(suite, program, description):
    """A command that runs a suite; the exit status."""
    arguments = _parse_arguments(suite, program, description)
    suite = suite.on(arguments.host_kernel)
    wanted = tuple(arguments.test or suite.tests)
    tests = tuple(test for test in wanted if test != TOTALS or arguments.hvprof)
    if tests != wanted:
        print(f"skipped: {TOTALS}: no --hvprof was given")
    if not tests:
        return stock.EXIT_SKIP
    try:
        folder = _run(suite, arguments, tests)
    except packages.Unavailable as reason:
        print(f"skipped: {reason}")
        return stock.EXIT_SKIP
    except (LabFailure, BuildFailure, stock.UsageError) as failure:
        print(f"FAILED  {failure}")
        return 1
    return 0 if _judge(suite, folder, tests, arguments.host_kernel, arguments.machine) else 1
