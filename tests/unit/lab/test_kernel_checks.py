#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the check of the kernel's series reads out of patches and of what compilers and checkpatch.pl say, without any of them."""

import pathlib
import stat
import subprocess
import sys
import tempfile
import unittest
import unittest.mock

LAB = pathlib.Path(__file__).resolve().parents[2] / "lab"
sys.path.insert(0, str(LAB))

from labkit import kernel_checks, patched_kernel  # pylint: disable=wrong-import-position

PMU, CORE, GLUE = "arch/x86/kvm/pmu.c", "arch/x86/kvm/hvpmu/core/part.c", "arch/x86/kvm/hvpmu/glue.c"
PERF = "arch/x86/events/partition.c"


class Fixture(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.tree = pathlib.Path(scratch.name)

    def write(self, name, text=""):
        path = self.tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path


class Patches(Fixture):
    def test_what_they_touch(self):
        first = self.write("1.patch", f"--- a/{PMU}\n+++ b/{PMU}\n@@\n-a\n+b\n--- a/old.c\n+++ /dev/null\n")
        second = self.write("2.patch", f"+++ b/{PMU}\n+++ b/arch/x86/kvm/Kconfig\n")
        self.assertEqual(kernel_checks.touched_by(first), [PMU])
        self.assertEqual(kernel_checks.touched([first, second]), ["arch/x86/kvm/Kconfig", PMU])

    def test_whether_there_is_something_new_to_configure(self):
        self.assertTrue(kernel_checks.changes_options(self.write("1.patch", "+++ b/arch/x86/kvm/Kconfig\n")))
        self.assertFalse(kernel_checks.changes_options(self.write("2.patch", "+++ b/arch/x86/kvm/Kconfig.c\n")))


class Style(Fixture):
    def said(self, *lines):
        """Of a checkpatch.pl that says these lines."""
        script = self.write("scripts/checkpatch.pl", "".join(f"print '{line}', chr(10);\n" for line in lines))
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        return kernel_checks.style(self.tree, self.tree / "1.patch")

    def test_the_imported_cores_style_is_its_own(self):
        self.assertEqual(self.said(f"{CORE}:74: ERROR:TRAILING_STATEMENTS: trailing statements"), [])

    def test_not_all_is_accepted_of_it(self):
        line = f"{CORE}:74: WARNING:BAD_SIGN_OFF: no"
        self.assertEqual(self.said(line), [line])

    def test_the_series_has_the_kernels(self):
        line = f"{GLUE}:74: ERROR:TRAILING_STATEMENTS: trailing statements"
        self.assertEqual(self.said(line, ""), [line])

    def test_what_is_no_remark_counts(self):
        self.assertEqual(self.said("cannot open it"), ["cannot open it"])


class OfAPatch(Fixture):
    SIGNED = "Subject: [PATCH] a\n\nWhat.\n\nSigned-off-by: A B <a@b.invalid>\n"

    def test_a_message_ends_with_a_signature(self):
        patch = self.write("1.patch", f"{self.SIGNED}---\n a | 1 +\n\n+# Conflicts:\n")
        self.assertEqual(kernel_checks.message(patch), [])

    def test_what_a_merge_leaves_behind_it_is_told(self):
        patch = self.write("1.patch", f"{self.SIGNED}\n# Conflicts:\n#\tarch/x86/kvm/pmu.h\n---\n a | 1 +\n")
        self.assertEqual(len(kernel_checks.message(patch)), 1)


class Messages(unittest.TestCase):
    def test_those_of_the_files_in_question_count_whatever_their_line(self):
        text = ("../arch/x86/kvm/pmu.c:10:3: warning: unused variable\narch/x86/kvm/pmu.c:99: error: no\n"
                "  CC      arch/x86/kvm/pmu.o\n../include/linux/mm.h:5:1: warning: shadowed\n/t/l/arch/x86/kvm/pmu.c:11:3: warning: "
                "unused variable\n../arch/x86/kvm/pmu.c:3:1: fatal error: a.h: No such file\n")
        self.assertEqual(kernel_checks.messages_of(text, [PMU]),
                         {(PMU, "unused variable"): 2, (PMU, "no"): 1, (PMU, "a.h: No such file"): 1})


class Objects(Fixture):
    def setUp(self):
        super().setUp()
        self.objects = kernel_checks.Objects(self.tree)
        for name in (PMU, GLUE, PERF):
            self.write(name)
        self.configure("", "")

    def configure(self, configuration, makefile):
        self.write("objects/.config", configuration)
        self.write("arch/x86/kvm/Makefile", makefile)
        self.write("arch/x86/events/Makefile", "obj-$(CONFIG_KVM_HVPMU) += partition.o\n")

    def compile(self, *said, status=0):
        """With a make that says this."""
        with unittest.mock.patch.object(subprocess, "run") as run:
            run.return_value = subprocess.CompletedProcess([], status, stdout="".join(f"../{line}\n" for line in said))
            return self.objects.compile([PMU])

    def test_the_series_own_are_compiled_when_they_are_wanted_and_known(self):
        files = [GLUE, "arch/x86/kvm/hvpmu/gone.c", "arch/x86/kvm/pmu.h", PMU, PERF]
        on, known = "CONFIG_A=y\nCONFIG_KVM_HVPMU=y\n", "kvm-$(CONFIG_KVM_HVPMU) += hvpmu/glue.o\n"
        for configuration, makefile, expected in ((on, known, [GLUE, PMU, PERF]), (on, "", [PMU, PERF]), ("CONFIG_A=y\n", known, [PMU])):
            with self.subTest(configuration=configuration, makefile=makefile):
                self.configure(configuration, makefile)
                self.assertEqual(self.objects.sources(files), expected)

    def test_a_message_counts_once(self):
        self.assertEqual(self.compile(f"{PMU}:1: warning: a"), [f"{PMU}: a"])
        self.assertEqual(self.compile(f"{PMU}:2: warning: a"), [])
        self.assertEqual(self.compile(f"{PMU}:2: warning: a", f"{PMU}:9: warning: a", f"{PMU}:3: warning: b"), [f"{PMU}: a", f"{PMU}: b"])

    def test_a_failure_without_a_message_is_told(self):
        self.assertEqual(self.compile("make: no rule", status=2), ["make: ../make: no rule\n"])

    def test_nothing_to_compile_is_nothing_to_say(self):
        self.assertEqual(self.objects.compile(["arch/x86/kvm/pmu.h"]), [])


class Packages(unittest.TestCase):
    def test_the_set_up_list_has_what_builds_and_what_looks_at_the_series(self):
        setup = (LAB.parents[1] / "packaging/setup").read_text(encoding="utf-8")
        kernel, check = (setup.partition(f"[{name}]=\"")[2].partition('"')[0].split() for name in ("kernel", "kernel-check"))
        self.assertEqual(set(kernel), set(patched_kernel.NEEDED))
        self.assertEqual(set(check), {"clang", "sparse"})


if __name__ == "__main__":
    unittest.main()
