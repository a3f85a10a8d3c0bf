# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernel's own tests of a guest's PMU (tools/testing/selftests/kvm): which there are, how they are built, what came of them.

In the cache, for a source version V and a key K of patches and compiler: linux-selftests@V+K/, the programs and the log of the build.
"""

import dataclasses
import pathlib
import shutil

from labkit import packages, patched_kernel, source_build
from labkit.packages import cache_dir

# What is changed in the tests, and why.
FOLDER = pathlib.Path(__file__).resolve().parents[1] / "selftests"
# Where there is a program of this name, in the source and built.
PLACES = {"kvm_binary_stats_test": ""}
DEFAULT_PLACE = "x86_64"
# The exit status of a test that has nothing to test.
SKIPPED = 4
LOG_LINES = 8


@dataclasses.dataclass(frozen=True)
class Test:
    """A program and what it is told; with `differs` it assumes what is not so where the PMU is partitioned, and why. With `too_long` it
    is not run on the kernel that checks itself, and why; with `is_for_debug` it is run only there, and only where the PMU is partitioned."""

    program: str
    arguments: tuple = ()
    differs: str = ""
    too_long: str = ""
    is_for_debug: bool = False

    @property
    def word(self):
        """How scenario and results call it."""
        return ",".join((self.program, *self.arguments))


TESTS = (
    Test("kvm_binary_stats_test"),
    Test("pmu_counters_test", ("-v", "0")),
    Test("pmu_counters_test", ("-v", "1"), differs="version 1 has no GLOBAL_CTRL, which holds a guest's counters",
         too_long="two minutes for KVM's own PMU alone"),
    Test("pmu_counters_test", ("-v", "2"), too_long="it makes up to 790 VMs; -v 3 makes 282, where the PMU is partitioned"),
    # To KVM the second once more, without each set of events that a CPUID can have.
    Test("pmu_counters_test", ("-v", "3"), is_for_debug=True),
    Test("pmu_event_filter_test"),
    Test("state_test"),
    Test("vmx_msrs_test"),
    Test("vmx_pmu_caps_test"),
)


def chosen(is_partitioned, is_debug=False):
    """The tests to run."""
    return [test for test in TESTS if not (is_partitioned and test.differs) and not (is_debug and test.too_long)
            and (not test.is_for_debug or (is_debug and is_partitioned))]


def left_out(is_debug=False):
    """Yields (test, where it is not run and why)."""
    for test in TESTS:
        if is_debug and test.too_long:
            yield test, f"not on the kernel that checks itself: {test.too_long}"
        elif test.differs:
            yield test, f"not where the PMU is partitioned: {test.differs}"


@dataclasses.dataclass(frozen=True)
class Outcome:
    status: int     # None if it did not run
    log: tuple

    @property
    def has_failed(self):
        return self.status not in (0, SKIPPED)

    def __str__(self):
        if self.status is None:
            return "FAILED, it was not run"
        return {0: "ok", SKIPPED: "nothing to test here"}.get(self.status, f"FAILED with status {self.status}")


def outcome(folder, parameter, test):
    """What came of a test, in the folder of a run's results."""
    path = pathlib.Path(folder) / "selftests" / parameter / test.word
    status, log = path.with_name(f"{path.name}.status"), path.with_name(f"{path.name}.log")
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else []
    return Outcome(int(status.read_text(encoding="ascii")) if status.is_file() else None, tuple(lines[-LOG_LINES:]))


def _programs():
    return sorted({test.program for test in TESTS})


def _build(tarball, target):
    with source_build.building(target, "selftests-build", patched_kernel.WHAT, patched_kernel.ENVIRONMENT) as (work, staged, log):
        tree = work / "linux"
        patched_kernel.unpack(tarball, tree, log)
        for patch in source_build.patches_of(FOLDER):
            source_build.patch(tree, patch, log, "--forward")
        log.run("make", "-s", patched_kernel.jobs(), "headers", cwd=tree)
        built = {name: tree / "selftests" / PLACES.get(name, DEFAULT_PLACE) / name for name in _programs()}
        # Static, so that they run in an initramfs.
        log.run("make", "-s", patched_kernel.jobs(), "-C", "tools/testing/selftests/kvm", "ARCH=x86", "EXTRA_CFLAGS=-static",
                "LDFLAGS=-static", f"OUTPUT={tree}/selftests", *map(str, built.values()), cwd=tree)
        for name, program in built.items():
            shutil.copy(program, staged / name)


def provide(say):
    """The programs, built when the cache has them not. Raises Unavailable or BuildFailure."""
    source_build.check_tools(patched_kernel.WHAT, patched_kernel.NEEDED)
    key = patched_kernel.digest([patched_kernel.compiler(), *_programs(), *patched_kernel.texts_of(source_build.patches_of(FOLDER))])
    entry = f"linux-selftests@*+{key}"

    def build():
        version, tarball = packages.provide_linux_tarball(patched_kernel.LINUX, say)
        say(f"build the selftests of Linux {version}")
        _build(tarball, cache_dir() / entry.replace("*", version))

    found = source_build.provide(entry, "selftests", build)
    return [found / name for name in _programs()]
