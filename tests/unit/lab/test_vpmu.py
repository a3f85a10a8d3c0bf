#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the baseline of the virtual PMU reads from perf's output."""

import pathlib
import sys
import unittest

LAB = pathlib.Path(__file__).resolve().parents[2] / "lab"
sys.path.insert(0, str(LAB))

from labkit import vpmu  # pylint: disable=wrong-import-position

STAT = """# started on Thu Jan  1 00:00:23 2026

40000008,,cycles:u,67492558,100.00,,
20000004,,instructions:u,33000000,48.90,0.50,insn per cycle
<not counted>,,branches:u,0,0.00,,
"""
REPORT = """
Aggregated stats:
           TOTAL events:        372
        THROTTLE events:          6  ( 1.6%)
          SAMPLE events:        349  (93.8%)
cycles:u stats:
          SAMPLE events:        349
"""


class Perf(unittest.TestCase):
    def test_counts_with_the_time_in_which_they_counted(self):
        self.assertEqual(vpmu.parse_stat(STAT), (
            vpmu.Count("cycles", 40000008, 100.0), vpmu.Count("instructions", 20000004, 48.9),
            vpmu.Count("branches", None, 0.0)))

    def test_the_number_of_samples(self):
        self.assertEqual(vpmu.parse_report(REPORT), 349)
        self.assertEqual(vpmu.parse_report("no samples"), 0)

    def test_runs_are_told_by_the_pauses_between_them(self):
        self.assertEqual(vpmu.split_runs([]), ())
        self.assertEqual(vpmu.split_runs([5, 6, 7, 7 + vpmu.GAP_NS, 8 + 2 * vpmu.GAP_NS]), (4, 1))

    def test_the_truth_follows_from_the_program(self):
        source = (LAB / "guest/count.c").read_text(encoding="ascii")
        self.assertIn(f"${vpmu.BRANCHES}, %ecx", source)
        self.assertEqual(vpmu.expected("cycles", 2), 40000008)
        self.assertIsNone(vpmu.expected("cache-misses", 2))

    def test_the_guest_runs_the_program_as_often_as_is_said(self):
        guest = (LAB / "guest/meter").read_text(encoding="ascii")
        stats = sum(line.startswith("\tstat ") for line in guest.splitlines())
        records = sum(line.startswith("\tperf record ") for line in guest.splitlines())
        calls = sum(line.startswith("\trecord ") for line in guest.splitlines())
        self.assertEqual(stats + records * calls, vpmu.RUNS)
        self.assertEqual((stats, calls), (len(vpmu.STATS), len(vpmu.LIMITS)))


if __name__ == "__main__":
    unittest.main()
