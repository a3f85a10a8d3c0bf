#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""QEMU's command lines for the lab's machines, and what cannot be asked of them."""

import argparse
import importlib.machinery
import importlib.util
import pathlib
import sys
import tempfile
import unittest
import unittest.mock

LAB = pathlib.Path(__file__).resolve().parents[2] / "lab"
sys.path.insert(0, str(LAB))

from labkit import stock  # pylint: disable=wrong-import-position
from labkit.models import MODELS, Configuration  # pylint: disable=wrong-import-position

EMULATOR = pathlib.Path("/opt/qemu")


def load(name):
    """A program of the lab as a module."""
    loader = importlib.machinery.SourceFileLoader(name, str(LAB / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


def command(name, **chosen):
    """The command line as text, each option with its value between spaces."""
    return f" {' '.join(Configuration(MODELS[name], EMULATOR, **chosen).command())} "


class CommandLine(unittest.TestCase):
    def test_the_emulator_is_the_one_that_was_found(self):
        for name in MODELS:
            self.assertTrue(command(name).startswith(" /opt/qemu -accel tcg,thread="), name)

    def test_only_debians_emulator_runs_by_the_clock_on_the_wall(self):
        self.assertIn(" -accel tcg,thread=multi ", command("stock"))
        for word in ("-icount", "-seed", "-rtc", "-L"):
            self.assertNotIn(f" {word} ", command("stock"))

    def test_the_pmu_machines_leave_nothing_to_chance(self):
        for name in ("intel", "amd"):
            line = command(name)
            for part in ("-accel tcg,thread=single", "-icount shift=4,sleep=off", "-seed 1",
                         "-rtc base=2026-01-01T00:00:00,clock=vm", "-boot strict=on", "-L /usr/share/qemu -L /usr/share/seabios"):
                self.assertIn(f" {part} ", line, name)

    def test_zero_is_a_choice(self):
        line = command("intel", icount=0, seed=0)
        self.assertIn(" -icount shift=0,sleep=off ", line)
        self.assertIn(" -seed 0 ", line)

    def test_what_else_is_wanted_stands_there(self):
        line = command("amd", cpus=1, extra=("-s", "-S"))
        self.assertIn(" -smp 1 ", line)
        self.assertTrue(line.endswith(" -s -S "))

    def test_so_do_the_options_of_nested_boot(self):
        for without_icount in (False, True):
            arguments = argparse.Namespace(icount=None, qemu_options="-d int -D log", without_icount=without_icount)
            line = load("nested_boot").machine_command(arguments, EMULATOR, MODELS["amd"], 2, 1)
            self.assertEqual(line[-4:], ["-d", "int", "-D", "log"])

    def test_properties_of_processors_are_added_to_the_models(self):
        self.assertIn(" -cpu max,+svm,pmu-skid=50,pmu-gp=4 ", command("amd", cpu_features="pmu-skid=50,pmu-gp=4"))
        self.assertIn(" -cpu max,+svm ", command("amd"))

    def test_the_vendor_has_its_own_kvm(self):
        for name, vendor, module in (("intel", "vendor=GenuineIntel", "kvm-intel"), ("amd", "max,+svm ", "kvm-amd")):
            self.assertIn(vendor, command(name))
            self.assertEqual(MODELS[name].kvm_module, module)


class Requests(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.output = pathlib.Path(scratch.name)

    def refuse(self, words, **request):
        with unittest.mock.patch("labkit.packages.provide_kernel"), \
                self.assertRaisesRegex(stock.UsageError, words):
            stock.run(stock.Request(output=self.output, **request), print)

    def test_the_stock_machine_counts_no_instructions(self):
        for option in ({"icount": 0}, {"seed": 0}):
            self.refuse("--icount and --seed are the PMU machine's", **option)

    def test_an_emulator_that_is_none_is_named(self):
        self.refuse("no program /no/qemu", machine="intel", qemu=pathlib.Path("/no/qemu"))

    def attempts_of(self, **request):
        """How often a machine that always breaks down is started."""
        fault = stock.MachineFault("broke down")
        with unittest.mock.patch("labkit.packages.provide_kernel"), \
                unittest.mock.patch.object(stock, "_run_once", side_effect=fault) as started, \
                self.assertRaises(stock.MachineFault):
            stock.run(stock.Request(output=self.output, qemu=pathlib.Path("/bin/sh"), **request), lambda text: None)
        return [call.args[3].cpus for call in started.call_args_list]

    def test_a_stock_machine_that_fails_is_tried_again_at_last_with_one_processor(self):
        self.assertEqual(self.attempts_of(), [2, 2, 1])

    def test_a_machine_that_does_the_same_each_time_is_tried_once(self):
        self.assertEqual(self.attempts_of(machine="intel"), [2])


class Events(unittest.TestCase):
    def test_hvprof_chooses_for_itself_and_perf_is_told(self):
        for profiler, machine, event, expected in (
                ("hvprof", "intel", (), []), ("perf", "stock", (), ["-e", "cpu-clock"]),
                ("perf", "amd", (), ["-e", "cycles"]), ("hvprof", "amd", ("a", "b"), ["-e", "a", "-e", "b"])):
            request = stock.Request(output=pathlib.Path("out"), event=event)
            # pylint: disable-next=protected-access
            self.assertEqual(stock._event_options(request, MODELS[machine], profiler), expected)


if __name__ == "__main__":
    unittest.main()
