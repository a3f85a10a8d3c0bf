#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the judge of programs in the host makes of their logs and of the kernel's messages."""

import pathlib
import sys
import tempfile
import unittest

LAB = pathlib.Path(__file__).resolve().parents[2] / "lab"
sys.path.insert(0, str(LAB))

from labkit import host_tests  # pylint: disable=wrong-import-position

WELL = "ok 1 a\nok 2 b: c\n1..2\n# ended with status 0\n"


class Log(unittest.TestCase):
    def test_a_log_that_is_well(self):
        self.assertEqual(list(host_tests.wrong_in_log(WELL)), [])
        self.assertEqual(host_tests.results(WELL), [("a", True), ("b: c", True)])

    def test_a_test_that_failed(self):
        log = "ok 1 a\nnot ok 2 b: want 0x1, got 0x2\n1..2\n# ended with status 1\n"
        self.assertEqual(list(host_tests.wrong_in_log(log)), ["b: want 0x1, got 0x2"])

    def test_a_log_that_stops(self):
        for log in ("", "ok 1 a\nhostile: exit 8, 0x0\n# ended with status 1\n", "1..0\n# ended with status 1\n"):
            self.assertRegex("".join(host_tests.wrong_in_log(log)), "it stopped after [01] tests")

    def test_a_status_that_does_not_fit(self):
        self.assertEqual(list(host_tests.wrong_in_log(WELL.replace("status 0", "status 139"))), ["its exit status is not what its tests say"])


class Messages(unittest.TestCase):
    BUSY = "[ 2.7] kvm: hvpmu: the host does not give its counters (-16): the VM of process 59 has the emulated PMU\n"

    def test_what_has_to_be_said(self):
        self.assertEqual(list(host_tests.wrong_in_messages(self.BUSY, host_tests.HOSTILE, ("host",))), [])
        self.assertEqual(len(list(host_tests.wrong_in_messages("", host_tests.HOSTILE, ("host", "cpuid", "pmi")))), 2)

    def test_what_must_not_be_said(self):
        for line in ("Uhhuh. NMI received for unknown reason 20 on CPU 0.", "WARNING: CPU: 0 PID: 1 at arch/x86/kvm/x86.c:1",
                     "unchecked MSR access error: WRMSR to 0x38f"):
            self.assertEqual(list(host_tests.wrong_in_messages(line, host_tests.HOSTILE, ())), [line])
        self.assertEqual(list(host_tests.wrong_in_messages("RETBleed: WARNING: Spectre v2", host_tests.HOSTILE, ())), [])


class Nested(unittest.TestCase):
    REFUSAL = "perf/x86: guests cannot have counters 0xf: they would count the host as well, as its selectors have no GuestOnly\n"

    def wrong(self, machine, text):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "dmesg").write_text(text, encoding="utf-8")
            return list(host_tests.wrong_in_nested(pathlib.Path(folder), machine))

    def test_on_amd_it_says_that_its_guests_get_no_share(self):
        self.assertEqual(self.wrong("amd", self.REFUSAL), [])
        self.assertEqual(self.wrong("intel", ""), [])
        self.assertEqual(len(self.wrong("amd", "")), 1)

    def test_its_kernels_reports_count(self):
        self.assertEqual(len(self.wrong("intel", "WARNING: CPU: 0 PID: 1 at arch/x86/kvm/x86.c:1\n")), 1)


class Debug(unittest.TestCase):
    def test_the_kernel_that_checks_itself_has_a_suite_of_its_own(self):
        self.assertEqual(host_tests.SKID.on("debug").skid, 10 * host_tests.SKID.skid)
        self.assertIs(host_tests.SKID.on("patched"), host_tests.SKID)


if __name__ == "__main__":
    unittest.main()
