#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Which of the kernel's own tests run where, what is read out of their results, and the build of them as far as it needs no Linux."""

import os
import pathlib
import sys
import tempfile
import unittest
import unittest.mock

LAB = pathlib.Path(__file__).resolve().parents[2] / "lab"
sys.path.insert(0, str(LAB))

from labkit import packages, patched_kernel, selftests, source_build  # pylint: disable=wrong-import-position

EVERYWHERE = selftests.Test("a_test")
DIFFERS = selftests.Test("b_test", ("-v", "1"), differs="it has another number of counters")
SLOW = selftests.Test("b_test", ("-v", "2"), too_long="it takes an hour")
SHORT = selftests.Test("b_test", ("-v", "3"), is_for_debug=True)


class Choice(unittest.TestCase):
    def test_what_assumes_another_pmu_is_not_run_on_a_partitioned_one(self):
        with unittest.mock.patch.object(selftests, "TESTS", (EVERYWHERE, DIFFERS)):
            self.assertEqual(selftests.chosen(False), [EVERYWHERE, DIFFERS])
            self.assertEqual(selftests.chosen(True), [EVERYWHERE])
            self.assertEqual(list(selftests.left_out()), [(DIFFERS, f"not where the PMU is partitioned: {DIFFERS.differs}")])

    def test_a_kernel_that_checks_itself_has_short_ones_in_place_of_slow_ones(self):
        with unittest.mock.patch.object(selftests, "TESTS", (EVERYWHERE, SLOW, SHORT)):
            self.assertEqual(selftests.chosen(True), [EVERYWHERE, SLOW])
            self.assertEqual(selftests.chosen(True, True), [EVERYWHERE, SHORT])
            self.assertEqual(selftests.chosen(False, True), [EVERYWHERE])
            self.assertEqual(list(selftests.left_out()), [])
            self.assertEqual(list(selftests.left_out(True)), [(SLOW, f"not on the kernel that checks itself: {SLOW.too_long}")])

    def test_words_are_unlike_and_the_shells(self):
        words = [test.word for test in selftests.TESTS]
        self.assertEqual(len(set(words)), len(words))
        for word in words:
            self.assertRegex(word, r"^[\w,-]+$")

    def test_a_partition_has_some(self):
        self.assertIn("pmu_event_filter_test", {test.program for test in selftests.chosen(True)})


class Outcomes(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.results = pathlib.Path(scratch.name)
        self.folder = self.results / "selftests/hvpmu=4"
        self.folder.mkdir(parents=True)

    def outcome_of(self, status, log="said\n"):
        (self.folder / "b_test,-v,1.status").write_text(f"{status}\n", encoding="ascii")
        (self.folder / "b_test,-v,1.log").write_text(log, encoding="utf-8")
        return selftests.outcome(self.results, "hvpmu=4", DIFFERS)

    def test_by_status(self):
        for status, has_failed, text in ((0, False, "ok"), (4, False, "nothing to test here"), (254, True, "FAILED with status 254")):
            with self.subTest(status=status):
                outcome = self.outcome_of(status)
                self.assertEqual((outcome.has_failed, str(outcome)), (has_failed, text))

    def test_one_that_did_not_run_failed(self):
        outcome = selftests.outcome(self.results, "hvpmu=0", DIFFERS)
        self.assertTrue(outcome.has_failed)
        self.assertEqual(str(outcome), "FAILED, it was not run")

    def test_the_end_of_the_log_is_kept(self):
        lines = [str(number) for number in range(selftests.LOG_LINES + 3)]
        self.assertEqual(self.outcome_of(1, "\n".join(lines)).log, tuple(lines[3:]))


class Build(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        environment = unittest.mock.patch.dict(os.environ, XDG_CACHE_HOME=scratch.name)
        environment.start()
        self.addCleanup(environment.stop)

    def provide(self, built):
        """Provides with a build that makes empty programs."""
        def build(_tarball, target):
            built.append(target)
            target.mkdir()
            (target / ".complete").touch()
        with unittest.mock.patch.object(selftests, "_build", build), \
                unittest.mock.patch.object(patched_kernel, "NEEDED", {}), \
                unittest.mock.patch.object(patched_kernel, "compiler", return_value="gcc"), \
                unittest.mock.patch.object(packages, "provide_linux_tarball", return_value=("6.12.9-1", "tar")):
            return selftests.provide(lambda text: None)

    def test_what_the_cache_has_is_not_built(self):
        built = []
        self.provide(built)
        programs = self.provide(built)
        self.assertEqual(len(built), 1)
        self.assertEqual(programs, [built[0] / name for name in sorted({test.program for test in selftests.TESTS})])

    def test_changed_patches_are_another_build(self):
        built = []
        self.provide(built)
        with unittest.mock.patch.object(source_build, "patches_of", return_value=[]):
            self.provide(built)
        self.assertEqual(len(set(built)), 2)

    def build_with(self, **tools):
        """A whole build, with tools that are scripts with these bodies."""
        folder = pathlib.Path(os.environ["XDG_CACHE_HOME"]) / "tools"
        folder.mkdir(exist_ok=True)
        for name, body in {"tar": "exit 0", "patch": "exit 0", **tools}.items():
            (folder / name).write_text(f"#!/bin/sh\n{body}\n", encoding="ascii")
            (folder / name).chmod(0o755)
        with unittest.mock.patch.object(patched_kernel, "ENVIRONMENT", {"PATH": f"{folder}:/usr/bin:/bin"}), \
                unittest.mock.patch.object(patched_kernel, "NEEDED", {}), \
                unittest.mock.patch.object(patched_kernel, "compiler", return_value="gcc"), \
                unittest.mock.patch.object(packages, "provide_linux_tarball", return_value=("6.12.9-1", "tar")):
            return selftests.provide(lambda text: None)

    MAKE = """for word; do case $word in /*) mkdir -p "${word%/*}"; echo built >"$word" ;; esac; done"""

    def test_the_programs_and_the_log_are_kept_and_nothing_else(self):
        programs = self.build_with(make=self.MAKE)
        self.assertEqual({path.read_text(encoding="ascii") for path in programs}, {"built\n"})
        entry = programs[0].parent
        self.assertEqual({path.name for path in entry.iterdir()}, {path.name for path in programs} | {".complete", "build.log"})
        self.assertEqual([path for path in packages.cache_dir().iterdir() if path.is_dir()], [entry])

    def test_a_build_that_fails_is_left_and_is_no_hindrance(self):
        with self.assertRaisesRegex(source_build.BuildFailure, "no rule"):
            self.build_with(make="echo no rule; exit 2")
        self.assertEqual([path.name for path in packages.cache_dir().iterdir() if path.is_dir()], ["selftests-build"])
        self.assertTrue(self.build_with(make=self.MAKE)[0].is_file())

    def test_the_series_is_whole(self):
        listed = [path.name for path in source_build.patches_of(selftests.FOLDER)]
        self.assertEqual(listed, sorted(path.name for path in selftests.FOLDER.glob("*.patch")))


if __name__ == "__main__":
    unittest.main()
