# SPDX-License-Identifier: GPL-2.0-or-later
"""What the scenario `hostile` said: two logs in the Test Anything Protocol, and the kernel's messages."""

import re

TESTS = ("isolation", "migration", "filters", "cpuid", "emulated", "strings", "pmi", "host", "lifetime")
# scenarios/hostile.sh: before and after KVM was loaded again.
LOGS = ("first", "reloaded")

RESULT = re.compile(r"^(not )?ok \d+ (.*)$", re.M)
PLAN = re.compile(r"^1\.\.(\d+)$", re.M)
STATUS = re.compile(r"^# ended with status (\d+)$", re.M)
KERNEL_REPORT = re.compile(r"Uhhuh\. NMI received for unknown reason|Dazed and confused|(?<!RETBleed: )WARNING: |BUG:|Oops|"
                           r"general protection|INFO: (rcu|task)|KASAN: |unchecked MSR access")
# What the kernel has to say when these tests run: test -> what it answers.
WANTED_MESSAGES = {
    "host": (r"kvm: hvpmu: the host does not give its counters \(-16\): the VM of process \d+ has the emulated PMU",),
    "cpuid": (r"kvm: hvpmu: process \d+: CPUID \w+ promises more than guests own: no PMU for this vCPU",),
}


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


def wrong_in_messages(text, tests):
    """Yields what a kernel should not have said, and what it should have."""
    yield from (line for line in text.splitlines() if KERNEL_REPORT.search(line))
    for test in tests:
        for message in WANTED_MESSAGES.get(test, ()):
            if not re.search(message, text):
                yield f"the kernel has not said: {message}"
