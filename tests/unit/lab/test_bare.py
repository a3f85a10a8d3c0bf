#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a log of the PMU machine's own tests says, and the heads of its seeded faults."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "lab"))

from labkit import bare, bare_faults  # noqa: E402  pylint: disable=wrong-import-position

WELL = b"TAP version 13\n# Intel\nok 1 one\nok 2 two\n1..2\n# 2 checks\n"
FAILED = b"ok 1 one\nnot ok 2 two: want 0x1 got 0x2\n1..2\n"


class Logs(unittest.TestCase):
    def test_a_log_of_a_machine_that_is_well(self):
        self.assertEqual(list(bare.Log(WELL, bare.STATUS_WELL).wrong()), [])

    def test_what_is_wrong_is_said(self):
        for text, status, wanted in (
                (FAILED, bare.STATUS_NOT_WELL,
                 ["two: want 0x1 got 0x2", "the emulator ended with status 35"]),
                (WELL, 0, ["the emulator ended with status 0"]),
                (WELL, None, ["it did not end"]),
                (WELL.replace(b"1..2", b"1..3"), bare.STATUS_WELL, ["it has 2 results, its plan is [3]"]),
                (b"ok 1 one\nBail out! vector 13\n", bare.STATUS_WELL, ["it stopped after 1 checks: Bail out! vector 13"]),
                (b"", bare.STATUS_WELL, ["it stopped after 0 checks: (no output)"])):
            self.assertEqual(list(bare.Log(text, status).wrong()), wanted, text)


class Faults(unittest.TestCase):
    def read(self, text):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "broken.patch"
            path.write_text(text, encoding="utf-8")
            return bare_faults.read(path)

    def test_a_fault_is_caught_by_the_check_that_it_names(self):
        fault = self.read("It is broken.\n\nMachine: amd-v2\nCaught-by: two\n\n--- a/x\n+++ b/x\n")
        self.assertEqual((fault.name, fault.machine), ("broken", "amd-v2"))
        self.assertEqual(fault.catches(bare.Log(FAILED, bare.STATUS_NOT_WELL)), ["two: want 0x1 got 0x2"])
        self.assertEqual(fault.catches(bare.Log(FAILED.replace(b"two", b"three"), bare.STATUS_NOT_WELL)), [])
        self.assertEqual(fault.catches(bare.Log(WELL, bare.STATUS_WELL)), [])

    def test_a_head_without_its_lines_is_refused(self):
        for text in ("Machine: amd-v2\n\n--- a/x\n", "Caught-by: two\n\n--- a/x\n",
                     "Machine: vax\nCaught-by: two\n\n--- a/x\n", "--- a/x\nMachine: amd-v2\nCaught-by: two\n"):
            with self.assertRaises(ValueError, msg=text):
                self.read(text)

    def test_the_faults_that_are_kept_have_a_head(self):
        faults = bare_faults.all_faults()
        self.assertGreaterEqual(len(faults), 10)
        self.assertEqual({fault.machine.partition("-")[0] for fault in faults}, {"intel", "amd"})


if __name__ == "__main__":
    unittest.main()
