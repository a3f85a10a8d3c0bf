# SPDX-License-Identifier: GPL-2.0-or-later
"""What a kernel has reported of itself: in its log, and at the end of a run by what it says of its own checks."""

import re

REPORT = re.compile(r"Uhhuh\. NMI received for unknown reason|Dazed and confused|(?<!RETBleed: )WARNING: |BUG:|kernel BUG at|Oops|"
                    r"general protection|INFO: (rcu|task|trying to register)|KASAN: |unchecked MSR access|hw perf events .* clipping")
# Bits of kernel.tainted, which stay when a log is longer than its buffer.
TAINTS = {5: "a bad page, or KASAN", 7: "an oops", 9: "a warning", 14: "a soft lockup"}
# Lockdep looks no further after its first report, whoever that one was for.
LOCKDEP = re.compile(r"^ *debug_locks: +(\d+)$", re.M)


def reports(text):
    """Yields the lines of a log that no kernel should have written."""
    yield from (line for line in text.splitlines() if REPORT.search(line))


def wrong_at_end(folder):
    """Yields what the folder `host` of a run has of the host's kernel, beside its log: its taints, and whether lockdep, if it has that,
    was on until the end."""
    tainted = folder / "tainted"
    if not tainted.is_file():
        yield "the host has not said whether its kernel is tainted"
        return
    taints = int(tainted.read_text(encoding="ascii"))
    yield from (f"the host's kernel is tainted by {name}" for bit, name in TAINTS.items() if taints >> bit & 1)
    lockdep = folder / "lockdep_stats"
    if lockdep.is_file() and LOCKDEP.findall(lockdep.read_text(encoding="ascii")) != ["1"]:
        yield "lockdep is off"
