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
from labkit.heartbeat import Heartbeat  # pylint: disable=wrong-import-position
from labkit.models import MODELS, Configuration  # pylint: disable=wrong-import-position
from labkit.progress import (  # pylint: disable=wrong-import-position
    BUDGET, PHASES, PROFILER_TIMEOUT, PULSE_BUDGET, Progress, Stall, Usage)

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

    def test_a_slower_machine_may_use_more(self):
        self.progress = Progress(CPUS, SLEEP, slowness=4)
        self.progress.line("7.20 vm_start db")
        self.spend(200, 2, 2)
        with self.assertRaisesRegex(Stall, "start of guests: no progress"):
            self.spend(200, 2, 2)

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

    def pulse_and_spend(self, seconds, cpus, share):
        """Those processors of the host show themselves every other second."""
        for _ in range(0, seconds, 2):
            for cpu in cpus:
                self.assertTrue(self.progress.pulse(f"pulse {cpu}"))
            self.spend(2, share, CPUS)

    def test_processors_with_a_pulse_pass(self):
        self.progress.line("7.20 vm_start db")
        self.pulse_and_spend(60, (0, 1), CPUS)

    def test_one_processor_without_a_pulse_is_a_stall(self):
        self.pulse_and_spend(10, (0, 1), CPUS)
        self.progress.line("7.20 vm_start db")
        with self.assertRaisesRegex(Stall, "start of guests: processor 1 of the host stands still"):
            self.pulse_and_spend(PULSE_BUDGET, (0,), CPUS)
        self.assertLess(self.now, 10 + PULSE_BUDGET)

    def test_a_late_pulse_of_a_starved_emulator_is_none(self):
        self.pulse_and_spend(2, (0, 1), CPUS)
        self.spend(150, 0.1, CPUS)

    def test_pulses_do_not_renew_the_budget(self):
        self.progress.line("7.20 vm_start db")
        with self.assertRaisesRegex(Stall, "start of guests: no progress"):
            self.pulse_and_spend(90, (0, 1), CPUS)

    def test_a_line_of_the_scenario_is_no_pulse(self):
        self.assertFalse(self.progress.pulse("7.20 vm_start db"))

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


# Runs its shell script, takes what comes over the heartbeat's socket and prints it: into qemu.log.
EMULATOR = """
import re, socket, subprocess, sys
status = subprocess.call(["sh", "-c", sys.argv[1]])
found = re.search("fd=([0-9]+)", " ".join(sys.argv))
if not found:
    print("no connection for a heartbeat")
    sys.exit(status)
heartbeat = socket.socket(fileno=int(found.group(1)))
heartbeat.setblocking(False)
try:
    print(heartbeat.recv(1 << 16).decode())
except BlockingIOError:
    print("no heartbeat")
sys.exit(status)
"""


class FakeMachine(machine.Machine):
    """A machine whose emulator is a shell script that writes the console."""

    def __init__(self, folder, script, model):
        configuration = Configuration(MODELS[model], pathlib.Path("/qemu"))
        with unittest.mock.patch.object(machine.programs, "find_program"):
            super().__init__(configuration, FakeKernel, folder / "image", folder, folder)
        self._command = [sys.executable, "-c", EMULATOR, script]


class FakeKernel:
    vmlinuz = pathlib.Path("/vmlinuz")


class Watching(unittest.TestCase):
    """The whole watch, with a window so short that the test is over at once."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)

    def run_script(self, script, on_beat=None, model="stock"):
        """`on_beat` is a file that is written when the first beat was sent."""
        beat = Heartbeat.beat

        def beat_and_tell(heartbeat):
            beat(heartbeat)
            if on_beat:
                on_beat.write_text("beat\n", encoding="ascii")

        lines = []
        fake = FakeMachine(self.folder, script.format(console=self.folder / "console.log"), model)
        with unittest.mock.patch.object(Heartbeat, "beat", beat_and_tell):
            fake.run(60, 0, lines.append)
        return lines

    def test_an_emulator_that_goes_silent_is_a_fault_of_the_machine(self):
        with unittest.mock.patch("labkit.progress.IDLE_WINDOW", 0.5), \
                self.assertRaisesRegex(machine.MachineFault, "stalled in start of guests"):
            self.run_script("echo 'lab: 7.20 vm_start db' >>{console}; sleep 50")

    def test_one_that_ends_is_none(self):
        self.assertEqual(self.run_script("echo 'lab: result 0' >>{console}"), ["result 0"])

    def test_pulses_are_not_the_scenarios_lines(self):
        script = "(echo 'lab: pulse 0'; echo 'lab: 7.20 vm_start db'; echo 'lab: pulse 1') >>{console}"
        self.assertEqual(self.run_script(script), ["7.20 vm_start db"])

    def test_a_failure_does_not_show_pulses(self):
        script = "(echo before; seq -f 'lab: pulse %g' 100) >>{console}; sleep 50"
        with unittest.mock.patch("labkit.progress.IDLE_WINDOW", 0.5), \
                self.assertRaisesRegex(machine.MachineFault, "console ended with:\n    before$"):
            self.run_script(script)

    def test_the_heart_beats_once_linux_is_up(self):
        # It ends when the first beat is there, however slow this machine is.
        self.run_script("echo 'lab: pulse 0' >>{console}; until [ -s {console}.beat ]; do sleep 0.05; done",
                        on_beat=self.folder / "console.log.beat")
        self.assertRegex((self.folder / "qemu.log").read_text(encoding="utf-8"),
                         "^writel 0xfee00000 0xfd\nwritel 0xfee01000 0xfd\n")

    def test_firmware_gets_no_heartbeat(self):
        self.run_script("echo SeaBIOS >>{console}; sleep 0.3")
        self.assertEqual((self.folder / "qemu.log").read_text(encoding="utf-8"), "no heartbeat\n")

    def test_a_machine_that_counts_instructions_has_no_heart(self):
        self.run_script("echo 'lab: result 0' >>{console}", model="intel")
        self.assertEqual((self.folder / "qemu.log").read_text(encoding="utf-8"), "no connection for a heartbeat\n")


if __name__ == "__main__":
    unittest.main()
