#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The build of the kernel with the series, as far as it needs no Linux."""

import os
import pathlib
import re
import sys
import tempfile
import unittest
import unittest.mock

LAB = pathlib.Path(__file__).resolve().parents[2] / "lab"
sys.path.insert(0, str(LAB))

from labkit import packages, patched_kernel, source_build  # pylint: disable=wrong-import-position

PATCHED, STOCK, DEBUG = (patched_kernel.VARIANTS[name] for name in ("patched", "stock", "debug"))


class Fixture(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        environment = unittest.mock.patch.dict(os.environ, XDG_CACHE_HOME=scratch.name)
        environment.start()
        self.addCleanup(environment.stop)

    def write(self, **texts):
        """A series' folder; names have _ for . ."""
        folder = self.folder / "series"
        folder.mkdir(exist_ok=True)
        files = {"lab_config": "A=y\n", "hvpmu_config": "H=y\n", "debug_config": "A=n\n", "series": "1_patch\n", "1_patch": "one", **texts}
        for name, text in files.items():
            (folder / name.replace("_", ".")).write_text(text.replace("_", "."), encoding="utf-8")
        return folder

    def write_tree(self):
        """A tree as it is after a build."""
        tree = self.folder / "tree"
        for name, text in (("include/config/kernel.release", "6.12.1-x\n"), ("arch/x86/boot/bzImage", "image"), ("vmlinux", "elf"),
                           ("System.map", "map"), (".config", "A=y\n"), ("modules.builtin", "kernel/drivers/virtio/virtio_blk.ko\n"),
                           ("modules.order", "arch/x86/kvm/kvm.o\n"), ("arch/x86/kvm/kvm.ko", "module")):
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_text(text, encoding="ascii")
        return tree


class Key(Fixture):
    def test_it_is_series_configuration_and_compiler(self):
        keys = {patched_kernel.key(PATCHED, "gcc 12", self.write(**texts)) for texts in (
            {}, {"1_patch": "two"}, {"lab_config": "A=m\n"}, {"hvpmu_config": "H=n\n"}, {"series": ""})}
        keys.add(patched_kernel.key(PATCHED, "gcc 13", self.write()))
        self.assertEqual(len(keys), 6)

    def test_the_series_is_nothing_to_the_stock_kernel(self):
        key = patched_kernel.key(STOCK, "gcc 12", self.write())
        self.assertEqual(patched_kernel.key(STOCK, "gcc 12", self.write(**{"1_patch": "two", "hvpmu_config": ""})), key)

    def test_comments_are_nothing(self):
        key = patched_kernel.key(STOCK, "gcc 12", self.write())
        self.assertEqual(patched_kernel.key(STOCK, "gcc 12", self.write(lab_config="# A=m\nA=y\n")), key)


class Configuration(Fixture):
    def test_the_last_file_has_the_last_word(self):
        self.assertEqual(patched_kernel.configuration(DEBUG, self.write()), {"A": "n", "H": "y"})

    def test_the_projects_files_are_there(self):
        for variant in patched_kernel.VARIANTS.values():
            self.assertIn("CONFIG_KVM", patched_kernel.configuration(variant))

    def test_a_symbol_that_linux_does_not_take_is_a_failure(self):
        tree = self.folder / "tree"
        tree.mkdir()
        (tree / ".config").write_text("CONFIG_KVM=m\n# CONFIG_SMP is not set\n", encoding="ascii")
        with unittest.mock.patch.object(patched_kernel, "configuration", return_value={"CONFIG_KVM": "m", "CONFIG_SMP": "y"}), \
                self.assertRaisesRegex(source_build.BuildFailure, "does not have: CONFIG_SMP=y$"):
            patched_kernel.configure(tree, STOCK, unittest.mock.Mock())


class Series(unittest.TestCase):
    def test_it_is_whole(self):
        listed = [path.name for path in patched_kernel.patches()]
        self.assertEqual(listed, sorted(path.name for path in patched_kernel.FOLDER.glob("*.patch")))

    def test_the_set_up_list_has_what_the_build_needs(self):
        setup = (LAB.parents[1] / "packaging/setup").read_text(encoding="utf-8")
        group = re.search(r"\[kernel\]=\"(.*?)\"", setup, re.S).group(1).split()
        self.assertEqual(set(patched_kernel.NEEDED) - set(group), set())


class Kernel(Fixture):
    def test_a_built_tree_is_a_kernel(self):
        kernel = patched_kernel.of_tree(self.write_tree())
        self.assertEqual(kernel.release, "6.12.1-x")
        self.assertEqual(kernel.vmlinuz.read_text(encoding="ascii"), "image")
        self.assertEqual(kernel.module("kvm").read_text(encoding="ascii"), "module")
        self.assertTrue(kernel.has_built_in("virtio-blk"))
        self.assertFalse(kernel.has_built_in("kvm"))

    def test_a_copy_of_a_tree_stays_while_the_tree_does(self):
        tree = self.write_tree()
        image = patched_kernel.of_tree(tree).vmlinuz
        first = image.stat().st_ino, image.stat().st_mtime_ns
        patched_kernel.of_tree(tree)
        self.assertEqual((image.stat().st_ino, image.stat().st_mtime_ns), first)
        (tree / "arch/x86/kvm/kvm.ko").write_text("another module", encoding="ascii")
        (tree / "arch/x86/boot/bzImage").write_text("another image", encoding="ascii")
        patched_kernel.of_tree(tree)
        self.assertEqual(image.read_text(encoding="ascii"), "another image")

    def test_what_the_cache_has_is_not_built(self):
        with unittest.mock.patch.object(patched_kernel, "compiler", return_value="gcc"), \
                unittest.mock.patch.object(patched_kernel, "NEEDED", {}):
            folder = packages.cache_dir() / f"linux-stock@6.12.9-1+{patched_kernel.key(STOCK, 'gcc')}"
            patched_kernel.collect(self.write_tree(), folder)
            (folder / ".complete").touch()
            kernel = patched_kernel.provide("stock", self.fail)
        self.assertEqual((kernel.version, kernel.root), ("6.12.9-1", folder))

    def test_the_pair_is_built_where_the_cache_has_neither(self):
        found = []

        def build(_, targets):
            found.append(sorted(targets))
            for target in targets.values():
                target.mkdir()
                (target / ".complete").touch()

        with unittest.mock.patch.multiple(patched_kernel, compiler=lambda: "gcc", NEEDED={}, _build_pair=build), \
                unittest.mock.patch.object(packages, "provide_linux_tarball", return_value=("6.12.9-1", None)):
            for _ in range(2):
                patched_kernel.provide_pair(str)
        self.assertEqual(found, [["patched", "stock"]])

    def test_one_of_the_pair_is_no_reason_to_build_the_other(self):
        with unittest.mock.patch.object(patched_kernel, "compiler", return_value="gcc"):
            folder = packages.cache_dir() / f"linux-patched@6.12.9-1+{patched_kernel.key(PATCHED, 'gcc')}"
            folder.mkdir()
            (folder / ".complete").touch()
            patched_kernel.provide_pair(self.fail)

    def test_a_missing_package_is_a_reason_to_skip(self):
        with unittest.mock.patch.object(patched_kernel, "NEEDED", {"bc": "/no/bc"}), \
                self.assertRaisesRegex(packages.Unavailable, "apt-get install bc$"):
            patched_kernel.provide("stock", self.fail)


if __name__ == "__main__":
    unittest.main()
