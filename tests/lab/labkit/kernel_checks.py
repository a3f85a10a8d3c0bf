# SPDX-License-Identifier: GPL-2.0-or-later
"""What a reviewer would ask of the series first: that it applies, its style, what compilers and sparse say of what it touches."""

import collections
import contextlib
import os
import pathlib
import re
import shutil
import subprocess

from labkit import patched_kernel, source_build

ROOT = patched_kernel.FOLDER.parent
# What the core's style has and checkpatch.pl would not, in the patches that only import it.
CORE = "arch/x86/kvm/hvpmu/core/"
CORE_IGNORES = ("COMPLEX_MACRO", "LONG_LINE_COMMENT", "MEMORY_BARRIER", "PREFER_DEFINED_ATTRIBUTE_MACRO", "TRAILING_STATEMENTS",
                "TYPO_SPELLING", "VOLATILE")
# The series adds its files to no MAINTAINERS, and has no mailing list's archive to link to.
IGNORES = ("FILE_PATH_CHANGES",)
MESSAGE = re.compile(r"^(?:\S*?/)?((?:arch|include|kernel|virt|drivers|tools)/\S+?):\d+(?::\d+)?: (?:warning|error): (.*)$", re.M)
COMPILERS = ("gcc", "clang")


def touched_by(patch):
    """The files that a patch changes or adds."""
    return re.findall(r"^\+\+\+ b/(\S+)", patch.read_text(encoding="utf-8"), re.M)


def touched(patches):
    """The files of a whole series, without those that it takes away again."""
    return sorted({name for patch in patches for name in touched_by(patch)})


def style(tree, patch):
    """What checkpatch.pl has to say of a patch."""
    imports = [name for name in touched_by(patch) if name.startswith(CORE)]
    ignores = [*IGNORES, *(CORE_IGNORES if imports else ())]
    done = subprocess.run(["perl", "scripts/checkpatch.pl", "--terse", "--show-types", "--no-summary", f"--ignore={','.join(ignores)}",
                           str(patch)], cwd=tree, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, text=True)
    return [line for line in done.stdout.splitlines() if line.strip()]


def same_core(tree):
    """What differs between the core in the tree and that of hv-pmu; None if the tree has none."""
    if not (tree / CORE).is_dir():
        return None
    done = subprocess.run([str(ROOT / "import.sh"), "--check", str(tree)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False, text=True)
    return done.stdout.splitlines() or ([f"import.sh ended with status {done.returncode}"] if done.returncode else [])


def messages_of(text, files):
    """(file, message) -> how often it is there, of the files in question and whatever the line."""
    return collections.Counter((name, message) for name, message in MESSAGE.findall(text) if name in files)


class Objects:
    """A folder of objects beside a source tree, made by one compiler; sparse looks at what gcc compiles."""

    def __init__(self, tree, compiler, with_sparse):
        self._tree = tree
        self._folder = tree / compiler
        self._folder.mkdir()
        self._make = ["make", "-s", patched_kernel.jobs(), f"O={compiler}", f"CC={compiler}"]
        self._checks = ["W=1", *(["C=1", "CHECK=sparse"] if with_sparse else [])]

    def _run(self, *arguments):
        return subprocess.run([*self._make, *arguments], cwd=self._tree, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              check=False, text=True, env=patched_kernel.ENVIRONMENT)

    def configure(self, configuration):
        fragment = self._folder / "fragment"
        fragment.write_text("".join(f"{symbol}={value}\n" for symbol, value in configuration.items()), encoding="utf-8")
        for goals in (["allnoconfig", f"KCONFIG_ALLCONFIG={fragment}"], ["modules_prepare"]):
            done = self._run(*goals)
            if done.returncode:
                raise source_build.BuildFailure(f"make {' '.join(goals)} fails:\n{done.stdout[-2000:]}")

    def compile(self, sources):
        """(whether all compile, what is said)"""
        goals = [f"{source.removesuffix('.c')}.o" for source in sources]
        done = self._run(*self._checks, *goals) if goals else None
        return (done.returncode == 0, done.stdout) if done else (True, "")


@contextlib.contextmanager
def unpacked(scratch, tarball):
    """The source without the series in a new folder, which is gone afterwards."""
    tree = pathlib.Path(scratch).resolve() / "linux"
    shutil.rmtree(tree, ignore_errors=True)
    tree.parent.mkdir(parents=True, exist_ok=True)
    with patched_kernel.open_log(tree.parent / "log") as log:
        patched_kernel.unpack(tarball, tree, log)
    try:
        yield tree
    finally:
        shutil.rmtree(tree, ignore_errors=True)


def compilers():
    return [name for name in COMPILERS if shutil.which(name, path=patched_kernel.ENVIRONMENT["PATH"])]


def has_sparse():
    return os.path.exists("/usr/bin/sparse")
