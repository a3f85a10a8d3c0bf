#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The lab's programs: a machine that is deterministic runs another way if they know the folder they were built in."""

import pathlib
import sys
import tempfile
import unittest

LAB = pathlib.Path(__file__).resolve().parents[2] / "lab"
sys.path.insert(0, str(LAB))

from labkit import domains, programs  # pylint: disable=wrong-import-position


class Folders(unittest.TestCase):
    def check(self, program):
        image = program.read_bytes()
        self.assertNotIn(str(programs.PROJECT).encode(), image)
        self.assertNotIn(str(program.parent).encode(), image)
        self.assertIn(b"/hvprof", image)

    def test_no_guests_program_knows_its_folder(self):
        with tempfile.TemporaryDirectory() as folder:
            for guest in (*domains.GUESTS.values(), domains.METER, domains.ALPHA, domains.TOLL):
                with self.subTest(guest.name):
                    self.check(programs.build_guest_program(guest, pathlib.Path(folder)))

    def test_no_hosts_program_knows_its_folder(self):
        with tempfile.TemporaryDirectory() as folder:
            for scenario in programs.TEST_PROGRAMS:
                for name, program in programs.build_host_programs(pathlib.Path(folder), scenario).items():
                    with self.subTest(name):
                        self.check(program)


if __name__ == "__main__":
    unittest.main()
