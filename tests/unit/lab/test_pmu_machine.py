#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The build of the PMU machine, as far as it needs no QEMU: which source, which key, what is said when it goes wrong."""

import os
import pathlib
import sys
import tempfile
import unittest
import unittest.mock

LAB = pathlib.Path(__file__).resolve().parents[2] / "lab"
sys.path.insert(0, str(LAB))

from labkit import packages, pmu_machine, source_build  # pylint: disable=wrong-import-position


class Fixture(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        environment = unittest.mock.patch.dict(os.environ, XDG_CACHE_HOME=scratch.name)
        environment.start()
        self.addCleanup(environment.stop)
        self.said = []

    def write_series(self, **texts):
        folder = self.folder / "series"
        folder.mkdir(exist_ok=True)
        for name, text in texts.items():
            (folder / f"{name}.patch").write_text(text, encoding="utf-8")
        (folder / "series").write_text("".join(f"{name}.patch\n" for name in texts), encoding="utf-8")
        return folder

    def cache(self, name, *files):
        """A complete entry of the cache."""
        folder = packages.cache_dir() / name
        folder.mkdir()
        for file in (*files, ".complete"):
            (folder / file).touch()
        return folder


class Key(Fixture):
    def test_it_is_the_patches_and_the_options(self):
        key = pmu_machine.key(self.write_series(a="one", b="two"), ("--x",))
        for texts, options in (({"a": "one", "b": "2"}, ("--x",)), ({"b": "two", "a": "one"}, ("--x",)),
                               ({"a": "onetwo", "b": ""}, ("--x",)), ({"a": "one"}, ("--x",)),
                               ({"a": "one", "b": "two"}, ("--x", "--y"))):
            self.assertNotEqual(pmu_machine.key(self.write_series(**texts), options), key, texts)
        self.assertEqual(pmu_machine.key(self.write_series(a="one", b="two"), ("--x",)), key)

    def test_the_projects_series_is_whole(self):
        listed = [patch.name for patch in pmu_machine.patches()]
        self.assertEqual(listed, sorted(path.name for path in pmu_machine.SERIES.glob("*.patch")))
        self.assertTrue(listed)


class Source(Fixture):
    def test_the_release_decides(self):
        self.assertEqual(pmu_machine.fitting(["1:7.2+dfsg-7+deb12u18", "1:10.0.2+ds-2", "1:7.20-1", "1:7.2.1-1"]),
                         ["1:7.2+dfsg-7+deb12u18", "1:7.2.1-1"])

    def provide_with(self, versions, complaints=""):
        apt = unittest.mock.Mock()
        apt.versions.return_value = versions
        apt.update.return_value = complaints
        with unittest.mock.patch("labkit.apt_source.Apt", return_value=apt), \
                unittest.mock.patch.object(pmu_machine, "NEEDED", {}):
            pmu_machine.provide(self.said.append)

    def test_another_release_is_a_reason_to_skip(self):
        with self.assertRaisesRegex(packages.Unavailable, "have 1:10.0.2.ds-2, the series is for 7.2"):
            self.provide_with(["1:10.0.2+ds-2"])

    def test_no_network_is_a_reason_to_skip(self):
        with self.assertRaisesRegex(packages.Unavailable, "Temporary failure resolving 'mirror'"):
            self.provide_with([], "W: Failed to fetch\nE: Temporary failure resolving 'mirror'\n")

    def test_a_missing_package_is_named_with_the_command(self):
        with unittest.mock.patch.object(pmu_machine, "NEEDED", {"meson": "/no/meson", "gcc": "/"}), \
                self.assertRaisesRegex(packages.Unavailable, "apt-get install meson$"):
            pmu_machine.provide(self.said.append)


class Cache(Fixture):
    def test_a_build_of_this_series_is_taken_whatever_its_source(self):
        folder = self.cache(f"qemu@7.2+dfsg-1+{pmu_machine.key()}", pmu_machine.PROGRAM)
        self.cache("qemu@7.2+dfsg-2+0123456789abcdef", pmu_machine.PROGRAM)
        self.assertEqual(pmu_machine.provide(self.said.append), folder / pmu_machine.PROGRAM)
        self.assertEqual(self.said, [])

    def test_a_build_that_was_cut_off_is_none(self):
        folder = self.cache(f"qemu@7.2+dfsg-1+{pmu_machine.key()}", pmu_machine.PROGRAM)
        (folder / ".complete").unlink()
        self.assertIsNone(source_build.newest_complete(f"qemu@*+{pmu_machine.key()}"))


# Stand-ins for dpkg-source, configure's caller and so on: each is a script with this body.
TOOLS = {"dpkg-source": 'mkdir "$4"; printf "#!/bin/sh\\nexit 0\\n" >"$4/configure"; chmod +x "$4/configure"',
         "patch": "cat >>patched", "ninja": 'echo program >"$3"', "strip": "exit 0"}


class Build(Fixture):
    """The whole course of a build, with tools that do nothing."""

    def setUp(self):
        super().setUp()
        self.source = self.cache("qemu-source@7.2+dfsg-1", "qemu.dsc")
        self.tools = self.folder / "tools"
        self.tools.mkdir()
        for name, body in TOOLS.items():
            self.write_tool(name, body)
        environment = {"PATH": f"{self.tools}:/usr/bin:/bin"}
        for module, name, value in ((pmu_machine, "NEEDED", {}), (source_build, "ENVIRONMENT", environment)):
            patcher = unittest.mock.patch.object(module, name, value)
            patcher.start()
            self.addCleanup(patcher.stop)

    def write_tool(self, name, body):
        (self.tools / name).write_text(f"#!/bin/sh\n{body}\n", encoding="ascii")
        (self.tools / name).chmod(0o755)

    def left(self):
        return sorted(path.name for path in packages.cache_dir().iterdir() if path.is_dir())

    def test_only_the_program_and_its_log_are_kept(self):
        path = pmu_machine.provide(self.said.append)
        self.assertEqual(path.read_text(encoding="ascii"), "program\n")
        name = f"qemu@7.2+dfsg-1+{pmu_machine.key()}"
        self.assertEqual(self.left(), ["qemu-source@7.2+dfsg-1", name])
        self.assertEqual(sorted(file.name for file in path.parent.iterdir()),
                         [".complete", "build.log", pmu_machine.PROGRAM])
        self.assertEqual(len(self.said), 1)

    def test_a_second_call_builds_nothing(self):
        path = pmu_machine.provide(self.said.append)
        self.write_tool("ninja", "exit 1")
        self.assertEqual(pmu_machine.provide(self.said.append), path)

    def test_a_build_that_fails_shows_the_end_of_its_log(self):
        self.write_tool("ninja", "echo pmu.c: error: no such register; exit 1")
        with self.assertRaisesRegex(pmu_machine.BuildFailure,
                                    "qemu-build/build.log ends with:\n(.*\n)*.*no such register"):
            pmu_machine.provide(self.said.append)
        self.assertIsNone(source_build.newest_complete(f"qemu@*+{pmu_machine.key()}"))

    def test_a_patch_that_does_not_apply_is_a_failed_build(self):
        self.write_tool("patch", "echo Hunk 1 FAILED at 7.; exit 1")
        with self.assertRaisesRegex(pmu_machine.BuildFailure, "Hunk 1 FAILED"):
            pmu_machine.provide(self.said.append)

    def test_a_failed_build_is_no_hindrance_to_the_next(self):
        self.write_tool("strip", "exit 1")
        with self.assertRaises(pmu_machine.BuildFailure):
            pmu_machine.provide(self.said.append)
        self.write_tool("strip", "exit 0")
        self.assertTrue(pmu_machine.provide(self.said.append).is_file())
        self.assertNotIn("qemu-build", self.left())


if __name__ == "__main__":
    unittest.main()
