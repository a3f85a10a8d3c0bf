#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What of a kernel's log, and of what it says at its end, is a report."""

import pathlib
import sys
import tempfile
import unittest

LAB = pathlib.Path(__file__).resolve().parents[2] / "lab"
sys.path.insert(0, str(LAB))

from labkit import kernel_log  # pylint: disable=wrong-import-position

REPORTS = (
    "[ 1.0] Uhhuh. NMI received for unknown reason 2c on CPU 0.",
    "[ 1.0] WARNING: CPU: 0 PID: 1 at arch/x86/kvm/x86.c:1 kvm_arch_vcpu_load",
    "[ 1.0] WARNING: possible circular locking dependency detected",
    "[ 1.0] WARNING: suspicious RCU usage",
    "[ 1.0] INFO: trying to register non-static key.",
    "[ 1.0] rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:",
    "[ 1.0] BUG: sleeping function called from invalid context at kernel/locking/mutex.c:1",
    "[ 1.0] BUG: KASAN: slab-use-after-free in hvpmu_load",
    "[ 1.0] kernel BUG at lib/list_debug.c:29!",
    "[ 1.0] unchecked MSR access error: WRMSR to 0x38f",
)
HARMLESS = (
    "[ 0.1] RETBleed: WARNING: Spectre v2 mitigation leaves CPU vulnerable",
    "[ 0.1] Lock dependency validator: Copyright (c) 2006 Red Hat, Inc., Ingo Molnar",
    "[ 0.1] kasan: KernelAddressSanitizer initialized",
    "[ 0.1] rcu: \tRCU lockdep checking is enabled.",
)


class Log(unittest.TestCase):
    def test_reports(self):
        for line in REPORTS:
            self.assertEqual(list(kernel_log.reports(f"before\n{line}\nafter")), [line])

    def test_what_is_none(self):
        self.assertEqual(list(kernel_log.reports("\n".join(HARMLESS))), [])


class End(unittest.TestCase):
    def wrong(self, **files):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            for name, text in files.items():
                (folder / name).write_text(text, encoding="ascii")
            return list(kernel_log.wrong_at_end(folder))

    def test_a_kernel_that_is_well(self):
        self.assertEqual(self.wrong(tainted="0\n"), [])
        self.assertEqual(self.wrong(tainted="0\n", lockdep_stats=" max bfs queue depth:    1\n debug_locks:       1\n\n"), [])

    def test_taints(self):
        # A processor whose registers a program writes is none.
        self.assertEqual(self.wrong(tainted="4\n"), [])
        self.assertEqual(self.wrong(tainted="516\n"), ["the host's kernel is tainted by a warning"])

    def test_lockdep_that_is_off(self):
        for stats in (" debug_locks:       0\n", ""):
            self.assertEqual(self.wrong(tainted="0\n", lockdep_stats=stats), ["lockdep is off"])

    def test_a_kernel_that_has_not_said(self):
        self.assertEqual(len(self.wrong()), 1)


if __name__ == "__main__":
    unittest.main()
