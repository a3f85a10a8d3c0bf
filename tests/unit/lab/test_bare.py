#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a log of the PMU machine's own tests says, and how its seeded faults are read and built."""

import itertools
import os
import pathlib
import sys
import tempfile
import unittest
import unittest.mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "lab"))

from labkit import bare, bare_faults, packages, pmu_machine, source_build  # noqa: E402  pylint: disable=wrong-import-position

WELL = b"TAP version 13\n# Intel\nok 1 one\nok 2 two\n1..2\n# 2 checks\n"
# What the image ends with when a check fails.
STATUS_NOT_WELL = 35
FAILED = b"ok 1 one\nnot ok 2 two: want 0x1 got 0x2\n1..2\n"


class Logs(unittest.TestCase):
    def test_a_log_of_a_machine_that_is_well(self):
        self.assertEqual(list(bare.Log(WELL, bare.STATUS_WELL).wrong()), [])

    def test_what_is_wrong_is_said(self):
        for text, status, wanted in (
                (FAILED, STATUS_NOT_WELL,
                 ["two: want 0x1 got 0x2", "the emulator ended with status 35"]),
                (WELL, 0, ["the emulator ended with status 0"]),
                (WELL, None, ["it did not end"]),
                (WELL.replace(b"1..2", b"1..3"), bare.STATUS_WELL, ["it has 2 results, its plan is [3]"]),
                (b"ok 1 one\nBail out! vector 13\n", bare.STATUS_WELL, ["it stopped after 1 checks: Bail out! vector 13"]),
                (b"", bare.STATUS_WELL, ["it stopped after 0 checks: (no output)"])):
            self.assertEqual(list(bare.Log(text, status).wrong()), wanted, text)


class Faults(unittest.TestCase):
    def read(self, text):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "broken.patch"
            path.write_text(text, encoding="utf-8")
            return bare_faults.read(path)

    def test_a_fault_is_caught_by_the_check_that_it_names(self):
        fault = self.read("It is broken.\n\nMachine: amd-v2\nCaught-by: two\n\n--- a/x\n+++ b/x\n")
        self.assertEqual((fault.name, fault.machine), ("broken", "amd-v2"))
        self.assertEqual(fault.catches(bare.Log(FAILED, STATUS_NOT_WELL)), ["two: want 0x1 got 0x2"])
        self.assertEqual(fault.catches(bare.Log(FAILED.replace(b"two", b"three"), STATUS_NOT_WELL)), [])
        self.assertEqual(fault.catches(bare.Log(WELL, bare.STATUS_WELL)), [])

    def test_a_head_without_its_lines_is_refused(self):
        for text in ("Machine: amd-v2\n\n--- a/x\n", "Caught-by: two\n\n--- a/x\n",
                     "Machine: vax\nCaught-by: two\n\n--- a/x\n", "--- a/x\nMachine: amd-v2\nCaught-by: two\n"):
            with self.assertRaises(ValueError, msg=text):
                self.read(text)

    def test_the_faults_that_are_kept_have_a_head(self):
        faults = bare_faults.all_faults()
        self.assertGreaterEqual(len(faults), 10)
        self.assertEqual({fault.machine.partition("-")[0] for fault in faults}, {"intel", "amd"})


# Stand-ins: the program that ninja makes is what the source has been patched with.
TOOLS = {"dpkg-source": 'mkdir "$4"; printf "#!/bin/sh\\nexit 0\\n" >"$4/configure"; chmod +x "$4/configure"',
         "patch": 'case "$*" in *--reverse*) : >patched;; *--forward*) cat >/dev/null;; *) cat >>patched;; esac',
         "ninja": 'for last; do :; done; touch ../source/patched; cp ../source/patched "$last"',
         "strip": 'if [ "$1" = -o ]; then cp "$3" "$2"; fi'}


class Building(unittest.TestCase):
    """The whole course of building faults, with tools that do nothing."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.tools = pathlib.Path(folder.name) / "tools"
        self.tools.mkdir()
        for name, body in TOOLS.items():
            self.write_tool(name, body)
        for patcher in (unittest.mock.patch.dict(os.environ, {"XDG_CACHE_HOME": folder.name}),
                        unittest.mock.patch.object(pmu_machine, "NEEDED", {}),
                        unittest.mock.patch.object(source_build, "ENVIRONMENT", {"PATH": f"{self.tools}:/usr/bin:/bin"})):
            patcher.start()
            self.addCleanup(patcher.stop)
        source = packages.cache_dir() / "qemu-source@7.2+dfsg-1"
        source.mkdir()
        for name in ("qemu.dsc", ".complete"):
            (source / name).touch()
        self.said = []

    def write_tool(self, name, body):
        (self.tools / name).write_text(f"#!/bin/sh\n{body}\n", encoding="ascii")
        (self.tools / name).chmod(0o755)

    def left(self):
        return sorted(path.name for path in packages.cache_dir().iterdir() if path.is_dir())

    def test_each_emulator_has_its_own_fault(self):
        faults = bare_faults.all_faults()
        paths = bare_faults.provide(faults, self.said.append)
        for fault in faults:
            self.assertEqual(paths[fault.name].read_text(encoding="utf-8"),
                             fault.path.read_text(encoding="utf-8"))
        self.assertNotIn("qemu-faults-build", self.left())

    def test_faults_of_the_same_file_are_built_one_after_the_other(self):
        faults = bare_faults.all_faults()
        bare_faults.provide(faults, self.said.append)
        touched = {f"build the fault {fault.name}": fault.touched() for fault in faults}
        order = [touched[line] for line in self.said if line in touched]
        self.assertEqual(len(list(itertools.groupby(order))), len({*map(tuple, order)}))
        self.assertLess(len({*map(tuple, order)}), len(faults))

    def test_what_is_in_the_cache_is_not_built_again(self):
        faults = bare_faults.all_faults()
        paths = bare_faults.provide(faults[:2], self.said.append)
        self.assertEqual(sorted(self.said[-2:]), [f"build the fault {fault.name}" for fault in faults[:2]])
        self.write_tool("ninja", "exit 1")
        self.assertEqual(bare_faults.provide(faults[:2], self.said.append), paths)
        with self.assertRaises(pmu_machine.BuildFailure):
            bare_faults.provide(faults[:3], self.said.append)

    def test_those_of_another_series_or_text_go(self):
        fault = bare_faults.all_faults()[0]
        other = packages.cache_dir() / "qemu-faults@7.2+dfsg-1+0123456789abcdef"
        other.mkdir()
        path = bare_faults.provide([fault], self.said.append)[fault.name]
        (path.parent / "gone-0123456789abcdef").touch()
        bare_faults.provide([fault], self.said.append)
        self.assertEqual([file.name for file in path.parent.iterdir()], [path.name])
        self.assertFalse(other.exists())


if __name__ == "__main__":
    unittest.main()
