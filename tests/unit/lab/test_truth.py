#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The emulated machine's histogram: what is refused, how guests get their names, and that a wrong profile does not pass for the truth."""

import pathlib
import sys
import tempfile
import unittest

LAB = pathlib.Path(__file__).resolve().parents[2] / "lab"
sys.path.insert(0, str(LAB))

from labkit import comparison, symbols, truth  # pylint: disable=wrong-import-position
from labkit.results import Results  # pylint: disable=wrong-import-position

HEAD = "truth 1\nstep 2\ncpu 0 {}\ncpu 1 {}\ntotal {}\nunattributed {}\ndropped {}\ndomain vmm space cpl nmi address steps\n"
# Two guests; that of VMM 7000 was in guest mode when counting began.
LINES = """host - 1000 0 - ffffffff81000000 10
host - 1000 0 b ffffffff81000010 5
host - 2000 3 - 401180 100
a000 0 3000 0 - ffffffff91000000 1
a000 7000 3000 0 - ffffffff91000000 50
a000 7000 3000 3 - 10001000 60
b000 8000 3000 0 - ffffffffa2000004 70
"""
TOTAL = 10 + 5 + 100 + 1 + 50 + 60 + 70


class Files(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def read(self, lines=LINES, cpus=(TOTAL - 20, 20), total=TOTAL, unattributed=0, dropped=0):
        path = self.folder / "truth"
        path.write_text(HEAD.format(*cpus, total, unattributed, dropped) + lines, encoding="ascii")
        return truth.read(path)

    def add_kallsyms(self, name, start, hot):
        """A kernel whose first function is `hot`."""
        path = self.folder / "guests" / name / "kallsyms"
        path.parent.mkdir(parents=True)
        path.write_text(f"{start:x} T _text\n{start:x} T {hot}\n{start + 4:x} t second\n"
                        f"{start:x} D no_function\n", encoding="ascii")


class Reading(Files):
    def test_all_steps_are_there(self):
        machine = self.read()
        self.assertEqual((machine.step, machine.total), (2, TOTAL))
        self.assertEqual(sum(truth.pooled(machine, lambda key: True).values()), TOTAL)

    def test_a_guest_that_ran_from_the_start_has_its_vmm(self):
        guest = truth.pooled(self.read(), lambda key: key.vmm == "7000" and not key.is_user)
        self.assertEqual(guest, {0xffffffff91000000: 51})

    def test_a_contradiction_is_an_error(self):
        for wrong in ({"total": TOTAL + 1}, {"cpus": (TOTAL, 1)}, {"unattributed": 1}, {"dropped": 1},
                      {"lines": LINES.replace(" 100\n", " 99\n")}):
            with self.subTest(wrong), self.assertRaises(truth.TruthError):
                self.read(**wrong)

    def test_another_file_is_an_error(self):
        for text in ("lie 1\n", "truth 2\n", "truth 1\ncpu 0 5\n"):
            (self.folder / "truth").write_text(text, encoding="ascii")
            with self.subTest(text), self.assertRaises(truth.TruthError):
                truth.read(self.folder / "truth")


class Names(Files):
    lines = LINES.replace("ffffffffa2000004", "ffffffffa2000000")

    def test_a_guest_is_named_by_where_its_hot_function_is(self):
        self.add_kallsyms("db", 0xffffffff91000000, "wp512_process_buffer")
        self.add_kallsyms("web", 0xffffffffa2000000, "sha1_transform")
        self.assertEqual(truth.name_guests(self.read(self.lines), Results(self.folder)), {"7000": "db", "8000": "web"})

    def test_kernels_may_overlap(self):
        self.add_kallsyms("db", 0xffffffff91000000, "wp512_process_buffer")
        self.add_kallsyms("web", 0xffffffff91000004, "sha1_transform")
        lines = self.lines.replace("ffffffffa2000000", "ffffffff91000004")
        self.assertEqual(truth.name_guests(self.read(lines), Results(self.folder)), {"7000": "db", "8000": "web"})

    def test_hot_functions_at_one_address_are_an_error(self):
        self.add_kallsyms("db", 0xffffffff91000000, "wp512_process_buffer")
        self.add_kallsyms("web", 0xffffffff91000000, "sha1_transform")
        with self.assertRaises(truth.TruthError):
            truth.name_guests(self.read(self.lines), Results(self.folder))

    def test_a_guest_whose_kernel_is_not_known_is_an_error(self):
        self.add_kallsyms("db", 0xffffffff91000000, "wp512_process_buffer")
        with self.assertRaises(truth.TruthError):
            truth.name_guests(self.read(self.lines), Results(self.folder))


class Symbols(unittest.TestCase):
    table = symbols.Table([(0x1000, 0x10, "a"), (0x1000, 0x10, "alias"), (0x1010, 0, "open"), (0x2000, 4, "end")])

    def test_functions_by_address(self):
        for address, start in ((0xfff, None), (0x1000, 0x1000), (0x100f, 0x1000), (0x1010, 0x1010),
                               (0x1fff, 0x1010), (0x2003, 0x2000), (0x2004, None)):
            with self.subTest(hex(address)):
                self.assertEqual(self.table.find(address), start)

    def test_each_name_of_an_address_is_right_and_no_other(self):
        self.assertFalse(comparison.is_misnamed(self.table, 0x1001, "alias"))
        self.assertTrue(comparison.is_misnamed(self.table, 0x1001, "open"))
        self.assertFalse(comparison.is_misnamed(self.table, 0x3000, "[no symbol]"))


class Owners(Files):
    def owner(self, *addresses):
        self.add_kallsyms("web", 0xffffffffa2000000, "first")
        program = self.folder / "guests/web/root/usr/bin/web"
        program.parent.mkdir(parents=True)
        program.symlink_to(sys.executable)
        rows = [{"domain": "web", "mode": "guest-kernel", "ip": hex(address), "symbol": "second"}
                for address in addresses]
        return next(comparison.guest_owners(self.read(), rows, Results(self.folder), {"8000": "web"}))

    def test_a_sample_in_what_was_executed_has_an_owner(self):
        owner = self.owner(0xffffffffa2000008)
        self.assertEqual((owner.strangers(), owner.misnamed), ([], ()))
        self.assertEqual(sum(owner.executed.values()), 70)

    def test_a_sample_in_what_only_another_executed_is_a_stranger(self):
        owner = self.owner(0xffffffffa2000004, 0xffffffffa2000000)
        self.assertEqual(owner.strangers(), ["_text ffffffffa2000000"])
        self.assertEqual(len(owner.misnamed), 1)


if __name__ == "__main__":
    unittest.main()
