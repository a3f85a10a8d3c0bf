#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The interrupts that the lab's emulator gets from outside: what is sent, and that nobody waits for anybody."""

import contextlib
import pathlib
import sys
import unittest

LAB = pathlib.Path(__file__).resolve().parents[2] / "lab"
sys.path.insert(0, str(LAB))

from labkit.heartbeat import Heartbeat, message  # pylint: disable=wrong-import-position


class Beats(unittest.TestCase):
    def setUp(self):
        self.heartbeat = Heartbeat(2)
        self.addCleanup(self.heartbeat.close)
        self.emulator = self.heartbeat.theirs
        self.emulator.setblocking(False)

    def test_each_processor_gets_the_message_with_its_apic_id(self):
        self.heartbeat.beat()
        self.assertEqual(self.emulator.recv(1000), b"writel 0xfee00000 0xfd\nwritel 0xfee01000 0xfd\n")

    def test_each_beat_sends_anew_whether_answered_or_not(self):
        self.heartbeat.beat()
        self.emulator.send(b"OK\nOK\n")
        self.heartbeat.beat()
        self.heartbeat.beat()
        self.assertEqual(self.emulator.recv(1000), 3 * (message(0) + message(1)))

    def test_an_emulator_that_reads_nothing_is_not_waited_for(self):
        for _ in range(10000):
            self.heartbeat.beat()
        self.assertGreater(len(self.emulator.recv(1 << 20)), 0)

    def test_answers_do_not_pile_up(self):
        for _ in range(10000):
            self.emulator.send(b"OK\nOK\n")
            self.heartbeat.beat()
            with contextlib.suppress(BlockingIOError):
                self.emulator.recv(1000)

    def test_an_emulator_that_ended_is_no_failure(self):
        self.emulator.close()
        self.heartbeat.beat()
        self.heartbeat.beat()

    def test_qemu_is_told_the_file_that_it_inherits(self):
        self.assertIn(f"socket,id=heartbeat,fd={self.emulator.fileno()}", self.heartbeat.options())


if __name__ == "__main__":
    unittest.main()
