#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The rules that tell a stalled emulator from a slow one, with a clock and processes made here."""

import pathlib
import sys
import tempfile
import unittest
import unittest.mock

LAB = pathlib.Path(__file__).resolve().parents[2] / "lab"
sys.path.insert(0, str(LAB))

from labkit import machine  # pylint: disable=wrong-import-position
from labkit.progress import BUDGET, PHASES, PROFILER_TIMEOUT, Progress, Stall, Usage  # pylint: disable=wrong-import-position

CPUS = 2
SLEEP = 7


class Rules(unittest.TestCase):
    def setUp(self):
        self.progress = Progress(CPUS, SLEEP)
        self.now = self.ran = self.wanted = 0

    def spend(self, seconds, ran, wanted):
        """Time passes; `ran` and `wanted` are shares of one processor."""
        for _ in range(seconds):
            self.now += 1
            self.ran += ran
            self.wanted += wanted
            self.progress.sample(self.now, self.ran, self.wanted)

    def test_a_machine_that_works_passes(self):
        for line in ("6.00 vm_start web", "6.50 vm_start db", "20.00 vm_ready web",
                     "21.00 profile_start hvprof", "30.00 profile_stop", "result 0"):
            self.progress.line(line)
            self.spend(15, 2, 2)

    def test_an_idle_emulator_is_a_stall(self):
        self.progress.line("7.20 vm_start db")
        self.spend(10, 2, 2)
        with self.assertRaisesRegex(Stall, "start of guests: the emulator is idle"):
            self.spend(30, 0.1, 0.1)
        self.assertLess(self.now, 30)

    def test_a_short_idle_time_is_none(self):
        self.spend(5, 2, 2)
        self.spend(8, 0, 0)
        self.spend(5, 2, 2)

    def test_a_starved_emulator_is_not_idle(self):
        self.progress.line("7.20 vm_start db")
        self.spend(600, 0.1, 2)

    def test_a_spinning_emulator_exceeds_the_budget(self):
        self.progress.line("7.20 vm_start db")
        with self.assertRaisesRegex(Stall, "start of guests: no progress"):
            self.spend(90, 2, 2)

    def test_each_line_renews_the_budget(self):
        for _ in range(10):
            self.progress.line("1.00 vm_gone web")
            self.spend(20, 2, 2)

    def test_a_profiler_that_hangs_is_left_to_the_scenario(self):
        for line, timeouts in (("1.00 vm_ready db", 2), ("2.00 profile_stop", 1)):
            self.progress.line(line)
            self.spend(timeouts * PROFILER_TIMEOUT + 5, CPUS, CPUS)

    def test_budgets_are_not_below_the_default(self):
        for phase, budget in PHASES.values():
            self.assertGreaterEqual(budget, BUDGET, phase)

    def test_without_schedstat_only_the_budget_holds(self):
        for now in range(100):
            self.progress.sample(now, 0, None)
        with self.assertRaises(Stall):
            self.progress.sample(101, 1000, None)


class UsageOfAProcess(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.proc = pathlib.Path(scratch.name)
        (self.proc / "1").mkdir()
        self.usage = Usage(1, self.proc)

    def add_thread(self, tid, text):
        folder = self.proc / "1" / "task" / tid
        folder.mkdir(parents=True)
        (folder / "schedstat").write_text(text, encoding="ascii")
        return folder / "schedstat"

    def test_waiting_for_a_processor_counts_as_wanting_it(self):
        self.add_thread("1", "1000000000 500000000 7\n")
        self.add_thread("2", "2000000000 0 7\n")
        self.assertAlmostEqual(self.usage.wanted(), 3.5)

    def test_a_thread_that_ended_stays_in_the_sum(self):
        self.add_thread("1", "1000000000 0 7\n")
        gone = self.add_thread("2", "2000000000 0 7\n")
        self.usage.wanted()
        gone.unlink()
        self.assertAlmostEqual(self.usage.wanted(), 3)

    def test_no_schedstat_is_said(self):
        self.assertIsNone(self.usage.wanted())

    def test_a_name_with_a_parenthesis_is_no_field(self):
        fields = "S 1 1 1 0 -1 0 0 0 0 0 300 200 0 0"
        (self.proc / "1" / "stat").write_text(f"1 (a) b) {fields}", encoding="ascii")
        self.assertAlmostEqual(self.usage.ran(), 5.0, delta=5.0 * 0.99)


class FakeMachine(machine.Machine):
    """A machine whose emulator is a shell script that writes the console."""

    def __init__(self, folder, script):
        with unittest.mock.patch.object(machine.programs, "find_program"):
            super().__init__(FakeKernel, folder / "image", folder, folder)
        self._command = ["sh", "-c", script, "sh"]


class FakeKernel:
    vmlinuz = pathlib.Path("/vmlinuz")


class Watching(unittest.TestCase):
    """The whole watch, with a window so short that the test is over at once."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)

    def run_script(self, script):
        lines = []
        fake = FakeMachine(self.folder, script.format(console=self.folder / "console.log"))
        fake.run(60, 0, lines.append)
        return lines

    def test_an_emulator_that_goes_silent_is_a_fault_of_the_machine(self):
        with unittest.mock.patch("labkit.progress.IDLE_WINDOW", 0.5), \
                self.assertRaisesRegex(machine.MachineFault, "stalled in start of guests"):
            self.run_script("echo 'lab: 7.20 vm_start db' >>{console}; sleep 50")

    def test_one_that_ends_is_none(self):
        self.assertEqual(self.run_script("echo 'lab: result 0' >>{console}"), ["result 0"])


if __name__ == "__main__":
    unittest.main()
