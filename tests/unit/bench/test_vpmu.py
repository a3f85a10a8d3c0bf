#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What tests/bench/run vpmu makes of a guest's figures and of the machine's histogram of instructions."""

import pathlib
import sys
import unittest

BENCH = pathlib.Path(__file__).resolve().parents[2] / "bench"
sys.path.insert(0, str(BENCH))

from benchkit import msr_writes, vpmu  # pylint: disable=wrong-import-position

# Two ticks are an instruction.
TEXTS = {
    "access": "rdpmc 4000 10\nread.dummy 1000 10\nread.hardware 5000 10\nswitch-event.dummy 2000 10\nswitch-event.hardware 22000 10\n",
    "exits": "exits.0 40000 10\nexits.1 40020 10\nexits.4 40080 10\n",
    "switches": "switches.0 60000 10\nswitches.1 60200 10\nswitches.4 61000 10\n",
    "work": "work 100000 1 0\n",
    "counted": "counted 100100 1 40000\n",
    "record.1": "work 120000 1 0 10\n",
    "record.1.often": "work 150000 1 0 25\n",
    "record.3": "work 180000 1 0 30\n",
    "record.4": "work 200000 1 0 40\n",
    "record.1.counted": "counted 122100 1 43000 10\n",
}

OBJDUMP = """
/boot/vmlinux:     file format elf64-x86-64

ffffffff81000100 <intel_pmu_enable_all>:
ffffffff81000100:\tpush   %rbx
ffffffff81000108:\twrmsr
ffffffff81000200 <lapic_next_deadline>:
ffffffff81000204:\twrmsr

0000000000000010 <__vmx_vcpu_run>:
  1c:\tvmlaunch
  20:\tvmresume
""".splitlines()
KALLSYMS = """ffffffff81000100 T intel_pmu_enable_all
ffffffff81000200 t lapic_next_deadline
ffffffff81000300 T _etext
ffffffff81000400 D data
ffffffffa0000010 t __vmx_vcpu_run [kvm_intel]
ffffffffa0000100 t other [kvm_intel]
""".splitlines()
TRUTH = """truth 1
step 2
total 200
domain vmm space cpl nmi address steps
host - 1000 0 - ffffffff81000100 9
host - 1000 0 - ffffffff81000108 3
host - 2000 0 b ffffffff81000108 1
host - 1000 3 - ffffffff81000108 100
host - 1000 0 - ffffffff81000204 5
host - 1000 0 - ffffffffa000001c 1
host - 1000 0 - ffffffffa0000020 39
5000 1000 3000 0 - ffffffff81000108 50
""".splitlines()


class Costs(unittest.TestCase):
    def setUp(self):
        self.costs = vpmu.costs_of(vpmu.parse(TEXTS))

    def test_an_access_is_that_of_an_event_without_counter_less(self):
        self.assertEqual(self.costs["rdpmc"], 200)
        self.assertEqual(self.costs["read"], 200)
        self.assertEqual(self.costs["switch-event"], 1000)

    def test_counters_add_to_exits(self):
        self.assertEqual([self.costs[name] for name in ("exit", "exit.added.1", "exit.added.4")], [2000, 1, 4])

    def test_counters_add_to_switches_of_vcpus(self):
        self.assertEqual([self.costs[name] for name in ("switch.vcpu", "switch.vcpu.added.1", "switch.vcpu.added.4")], [3000, 10, 50])

    def test_recordings_slow_the_work_down(self):
        self.assertAlmostEqual(self.costs["profile.record.1"], 20)
        self.assertAlmostEqual(self.costs["profile.record.3"], 80)
        self.assertAlmostEqual(self.costs["profile.record.4"], 100)

    def test_a_pmi_is_what_the_samples_add(self):
        self.assertEqual(self.costs["pmi.record.1"], 1000)
        self.assertEqual(self.costs["pmi.record.1.often"], 1000)

    def test_the_host_has_what_the_guest_does_not_count(self):
        self.assertEqual(self.costs["pmi.host"], (11000 - 3000) / 10)


class Goals(unittest.TestCase):
    def test_what_the_pmu_has_no_part_in_has_none(self):
        costs = vpmu.costs_of(vpmu.parse(TEXTS))
        figures = {figure.name: figure for figure in vpmu.figures_of("amd", costs, costs, costs)}
        self.assertIsNone(figures["vpmu.exit.amd"].goal)
        self.assertIsNone(figures["vpmu.switch.vcpu.amd"].goal)
        self.assertEqual(figures["vpmu.rdpmc.amd"].goal, vpmu.GOAL)
        self.assertFalse(figures["vpmu.rdpmc.amd"].is_met)

    def test_rdpmc_without_exits_is_beside_the_same_peer(self):
        costs = vpmu.costs_of(vpmu.parse(TEXTS))
        figures = {figure.name: figure for figure in vpmu.figures_of("amd", costs, costs, {**costs, "rdpmc": 20})}
        self.assertEqual(figures["vpmu.rdpmc.direct.amd"].ratio, 0.1)
        self.assertTrue(figures["vpmu.rdpmc.direct.amd"].is_met)
        self.assertNotIn("vpmu.exit.direct.amd", figures)


class MsrWrites(unittest.TestCase):
    def test_instructions_are_found_by_function_and_offset(self):
        self.assertEqual(msr_writes.places_in(OBJDUMP), {
            ("intel_pmu_enable_all", 8): "wrmsr", ("lapic_next_deadline", 4): "wrmsr",
            ("__vmx_vcpu_run", 12): "vmlaunch", ("__vmx_vcpu_run", 16): "vmresume"})

    def test_only_the_hosts_kernel_counts(self):
        self.assertEqual(msr_writes.host_addresses(TRUTH)[0xffffffff81000108], 4)

    def test_modules_lie_elsewhere(self):
        writes = msr_writes.count(msr_writes.host_addresses(TRUTH), msr_writes.functions_in(KALLSYMS), msr_writes.places_in(OBJDUMP))
        self.assertEqual(writes.by_function, {"intel_pmu_enable_all": 4, "lapic_next_deadline": 5})
        self.assertEqual(writes.entries, 40)
        self.assertEqual(writes.of_pmu(), 4)


if __name__ == "__main__":
    unittest.main()
