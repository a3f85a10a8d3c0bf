#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the judge of `hvprof stat` takes for wrong."""

import pathlib
import re
import sys
import unittest

LAB = pathlib.Path(__file__).resolve().parents[2] / "lab"
sys.path.insert(0, str(LAB))

from labkit import totals  # pylint: disable=wrong-import-position

LOG = """# loops pid 7 vcpu 1: instructions 4000 emulated 0 pmis 0 clock 9000
# loops pid 7 vcpu 0: instructions 8000 emulated 0 pmis 0 clock 18000
# cpuids pid 8 vcpu 0: instructions 300 emulated 100 pmis 0 clock 600000
# overflows pid 9 vcpu 0: instructions 500 emulated 0 pmis 5 clock 90000
# idle pid 10 vcpu 0: instructions 0 emulated 0 pmis 0 clock 1000000
# uncounted pid 11 vcpu 0: instructions 8000 emulated 0 pmis 0 clock 18000
ok 1 guests of known length run to their end
"""
HEAD = "from,seconds,domain,uuid,pid,state,vcpu,guest_cycles,guest_instructions,ipc,hyp_cycles,hyp_instructions,hyp_share,loads,puts,pmis,emulated,exits\n"


def row(pid, vcpu, guest, hyp, loads, pmis=0, emulated=0, exits=""):
    return f'0.0,1.0,"a, b",,{pid},ended,{vcpu},{2 * guest},{guest},0.5,{2 * hyp},{hyp},1.5,{loads},{loads},{pmis},{emulated},{exits}\n'


RIGHT = {
    (7, ""): row(7, "", 14_000, 4_000, 4, exits=2), (7, 0): row(7, 0, 9_000, 2_000, 2), (7, 1): row(7, 1, 5_000, 2_000, 2),
    (8, ""): row(8, "", 90_300, 200_000, 1, 0, 100, 101), (8, 0): row(8, 0, 90_300, 200_000, 1, 0, 100),
    (9, ""): row(9, "", 10_500, 9_000, 5, 5, 0, 10), (9, 0): row(9, 0, 10_500, 9_000, 5, 5),
    (10, ""): row(10, "", 900, 1_000, 0, exits=2), (10, 0): row(10, 0, 900, 1_000, 0),
    (11, ""): row(11, "", 9_000, 2_000, 0, exits=2), (11, 0): row(11, 0, 9_000, 2_000, 0),
}


def wrong(changed=None, log=LOG, kernel="patched"):
    rows = RIGHT | (changed or {})
    return list(totals.wrong(totals.parse_truth(log), totals.parse_stat((HEAD + "".join(rows.values())).splitlines()), kernel))


class Judged(unittest.TestCase):
    def test_what_is_right(self):
        self.assertEqual(wrong(), [])

    def test_a_guest_that_counted_too_little_or_too_much(self):
        for guest in (7_999, 8_001 + 2 * totals.BOUNDS["patched"].around_entry):
            changed = {(7, 0): row(7, 0, guest, 2_000, 2), (7, ""): row(7, "", guest + 5_000, 4_000, 4, exits=2)}
            self.assertRegex("".join(wrong(changed)), f"^loops, vCPU 0: {guest} instructions in the guest, not 8000 and at most 2200 around 2 exits$")
        self.assertEqual(wrong(changed, kernel="debug"), [])
        self.assertEqual(wrong(changed, kernel="/usr/src/linux"), [])

    def test_a_hypervisor_that_did_nothing(self):
        self.assertIn("idle, vCPU 0: 2 instructions in the hypervisor, for 2 exits",
                      wrong({(10, 0): row(10, 0, 900, 2, 0), (10, ""): row(10, "", 900, 2, 0, exits=2)}))

    def test_time_that_is_missing(self):
        self.assertEqual(wrong(log=LOG.replace("clock 600000", "clock 620000")),
                         ["cpuids, vCPU 0: 580600 cycles in both, while 620000 passed"])

    def test_more_time_than_there_was(self):
        changed = {(10, 0): row(10, 0, 900, 700_000, 0), (10, ""): row(10, "", 900, 700_000, 0, exits=2)}
        self.assertEqual(wrong(changed), ["idle, vCPU 0: 1401800 cycles in both, and only 1000000 passed"])

    def test_a_sum_that_is_none(self):
        self.assertEqual(wrong({(8, ""): row(8, "", 90_300, 200_001, 1, 0, 100, 101)}),
                         ["cpuids, vCPU 0: hyp_instructions of the VM are 200001, of its vCPUs 200000",
                          "cpuids, vCPU 0: hyp_cycles of the VM are 400002, of its vCPUs 400000"][::-1])

    def test_pmis_and_emulated_instructions_are_exact(self):
        self.assertIn("overflows, vCPU 0: 4 pmis, not 5", wrong({(9, 0): row(9, 0, 10_500, 9_000, 5, 4)}))
        self.assertIn("cpuids, vCPU 0: 101 emulated, not 100", wrong({(8, 0): row(8, 0, 90_300, 200_000, 1, 0, 101)}))

    def test_a_row_that_is_not_there(self):
        self.assertEqual(wrong({(10, ""): "0.0,1.0,x,,10,ended,,,,,,,,,,,,\n"}), ["idle, vCPU 0: it does not say all of it and of its VM"])
        self.assertEqual(len(wrong({(10, 0): ""})), 1)

    def test_a_guest_that_did_not_run(self):
        self.assertEqual(wrong(log=LOG.replace("# idle", "# hostile: idle")), ["the guests were loops, loops, cpuids, overflows, uncounted"])


class Source(unittest.TestCase):
    def test_the_program_has_the_guests(self):
        source = (LAB / "hostile/totals.c").read_text(encoding="utf-8")
        self.assertEqual({name: int(number) for name, number in re.findall(r'\{"(\w+)", (\d), VM_PMU\w*, run_', source)}, totals.KINDS)


if __name__ == "__main__":
    unittest.main()
