#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What is read out of a run of the scenario `partition`, and what of it is wrong."""

import pathlib
import sys
import tempfile
import unittest

LAB = pathlib.Path(__file__).resolve().parents[2] / "lab"
sys.path.insert(0, str(LAB))

from labkit import partition, results, vpmu  # pylint: disable=wrong-import-position

STEP = 2


def figures(samples=None, host=None, **counts):
    """Right ones but for what is said."""
    right = {event: partition.expected(event, STEP) for event in partition.STAT_EVENTS}
    return partition.Figures(tuple(vpmu.Count(event, count, 100.0) for event, count in {**right, **counts}.items()),
                             {event: partition.expected_samples(event, STEP) for event in partition.RECORDS} | (samples or {}), host or {})


class Expected(unittest.TestCase):
    def test_the_programs_are_what_the_tables_say(self):
        source = (LAB / "guest/twin.c").read_text(encoding="ascii")
        self.assertIn(f"mov	${partition.LOOPS}, %ecx", source)
        init = (LAB / "guest/told").read_text(encoding="ascii")
        for event, period in partition.RECORDS.items():
            self.assertIn(f"-e {event}:u -c {period} ", init)
        # With it, perf does not say how many samples there are.
        self.assertNotIn(" -B", init)
        self.assertIn(f"-e {','.join(f'{event}:u' for event in partition.STAT_EVENTS)} ", init)

    def test_the_scenario_has_the_phases(self):
        scenario = (LAB / "scenarios/partition.sh").read_text(encoding="ascii")
        for phase in partition.PHASES:
            verb = "recorded" if phase.is_recorded else "phase"
            self.assertIn(f"\n{verb} {phase.name} {' '.join(phase.guests)}\n", scenario)


class Wrong(unittest.TestCase):
    def test_the_truth_is_not(self):
        self.assertEqual(list(partition.wrong_in_guest(figures(), STEP)), [])

    def test_a_count_that_is_one_off_is(self):
        wrong = list(partition.wrong_in_guest(figures(cycles=partition.expected("cycles", STEP) - 1), STEP))
        self.assertEqual(len(wrong), 1)
        self.assertRegex(wrong[0], "^cycles: ")

    def test_no_count_is(self):
        self.assertEqual(len(list(partition.wrong_in_guest(figures(branches=None), STEP))), 1)

    def test_no_counts_at_all_are(self):
        self.assertEqual(len(list(partition.wrong_in_guest(partition.Figures((), {}, {}), STEP))), 1)

    def test_samples_that_are_missing_are(self):
        self.assertEqual(list(partition.wrong_in_guest(figures(samples={"cycles": 190}), STEP))[0][:22], "190 samples of cycles,")

    def test_a_blind_host_is(self):
        wanted = partition.expected_host("cycles", STEP)
        right = figures(host={("stat", "cycles"): wanted, ("cycles", "cycles"): wanted + wanted // 10})
        self.assertEqual(list(partition.wrong_in_host(right, STEP)), [])
        for wrong in (0, wanted // 2, wanted * 7 // 4):
            with self.subTest(wrong):
                self.assertTrue(list(partition.wrong_in_host(figures(host={("stat", "cycles"): wrong}), STEP)))

    def test_a_host_that_has_too_few_in_all_steps_is(self):
        wanted = partition.expected_host("cycles", STEP)
        few = {(step, "cycles"): wanted * 4 // 5 for step in partition.STEPS}
        self.assertEqual(len(list(partition.wrong_in_host(figures(host=few), STEP))), 1)
        self.assertEqual(list(partition.wrong_in_host(figures(host=few | {("stat", "cycles"): wanted * 5 // 4}), STEP)), [])

    def test_messages_of_kernels_are(self):
        texts = {"host": "[1] Uhhuh. NMI received for unknown reason 2c on CPU 0.\n[2] RETBleed: WARNING: Spectre v2 mitigation\n",
                 "alpha": "[3] fine\n[4] WARNING: CPU: 0 PID: 1 at x\n[5] WARNING: suspicious RCU usage\n"}
        self.assertEqual([line[:9] for line in partition.wrong_in_messages(texts)], ["host: [1]", "alpha: [4", "alpha: [5"])


class Reading(unittest.TestCase):
    def test_a_phase(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            for guest in partition.GUESTS:
                phase = folder / "guests" / guest / "figures/both"
                phase.mkdir(parents=True)
                (phase / "stat").write_text("# started\n\n17,,cycles:u,1000,100.00,,\n", encoding="ascii")
                for event in partition.RECORDS:
                    (phase / f"record.{event}").write_text(
                        "[ perf record: Woken up 1 times to write data ]\n[ perf record: Captured and wrote 0.018 MB /tmp/data "
                        "(199 samples) ]\n", encoding="ascii")
            phase = next(phase for phase in partition.PHASES if phase.name == "both")
            found = partition.read_phase(results.Results(folder), phase, self.fail)
        self.assertEqual(set(found), set(partition.GUESTS))
        self.assertEqual(found["beta"], partition.Figures((vpmu.Count("cycles", 17, 100.0),), {"cycles": 199, "instructions": 199}, {}))

    def test_a_step_has_nothing_of_the_one_before(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / "timeline").write_text("1.00 step both stat\n1.50 done both stat\n1.50 step both cycles\n2.25 done both cycles\n"
                                             "3.00 step both greedy\n3.50 done both greedy\n", encoding="ascii")
            windows = partition.windows_of(results.Results(folder))
        self.assertEqual(windows, {("both", "stat"): (1000000000, 1510000000), ("both", "cycles"): (1510000000, 2260000000),
                                   ("both", "greedy"): (3000000000, 3510000000)})

    def test_a_recording_without_samples(self):
        self.assertEqual(partition.parse_record("[ perf record: Captured and wrote 0.010 MB /tmp/data ]\n"), 0)


if __name__ == "__main__":
    unittest.main()
