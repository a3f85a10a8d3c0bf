# SPDX-License-Identifier: GPL-2.0-or-later
"""Seeded faults of the PMU machine: patches on its series, each with the check that has to catch it.

Their emulators are in the cache, one folder for a source version and a series:

    qemu-faults@V+K/NAME-HASH     the emulator with the patch NAME, whose text has that hash
"""

import dataclasses
import hashlib
import pathlib
import re
import shutil

from labkit import bare, pmu_machine, source_build
from labkit.packages import cache_dir

FOLDER = bare.BARE / "faults"
TOUCHED = re.compile(r"^\+\+\+ b/(\S+)", re.M)
HEADER = re.compile(r"^(Machine|Caught-by): (.+)$", re.M)


@dataclasses.dataclass(frozen=True)
class Fault:
    """One patch. Its head says what is broken, `Machine: NAME`, and `Caught-by:` with how the check's name begins."""

    path: pathlib.Path
    machine: str
    caught_by: str

    @property
    def name(self):
        return self.path.stem

    def file_name(self):
        return f"{self.name}-{hashlib.sha256(self.path.read_bytes()).hexdigest()[:16]}"

    def touched(self):
        """The files that it changes."""
        return TOUCHED.findall(self.path.read_text(encoding="utf-8"))

    def catches(self, log):
        """The failed checks that this fault was to be caught by."""
        return [line for line in log.failed() if line.startswith(self.caught_by)]


def read(path):
    head = f"\n{path.read_text(encoding='utf-8')}".partition("\n--- ")[0]
    fields = dict(HEADER.findall(head))
    if set(fields) != {"Machine", "Caught-by"} or fields["Machine"] not in bare.MACHINES:
        raise ValueError(f"{path}: its head needs \"Machine: \" with one of {', '.join(bare.MACHINES)}, and \"Caught-by: \"")
    return Fault(path, fields["Machine"], fields["Caught-by"])


def all_faults():
    return [read(path) for path in sorted(FOLDER.glob("*.patch"))]


def _folder(version):
    return cache_dir() / f"qemu-faults@{version}+{pmu_machine.key()}"


def _build(faults, folder, source, say):
    """One build of the whole, then for each fault what it touches."""
    say("build the PMU machine for its faults, one to five minutes")
    with source_build.work_folder("qemu-faults-build") as work, pmu_machine.open_log(work / "build.log") as log:
        pmu_machine.unpack(source, work / "source", log)
        pmu_machine.compile_in(work / "source", work / "objects", log)
        # One after the other in the same file: it is compiled once for taking one back and putting the next one in.
        for fault in sorted(faults, key=Fault.touched):
            say(f"build the fault {fault.name}")
            source_build.patch(work / "source", fault.path, log)
            log.run("ninja", pmu_machine.PROGRAM, cwd=work / "objects")
            log.run("strip", "-o", str(work / "stripped"), pmu_machine.PROGRAM, cwd=work / "objects")
            (work / "stripped").rename(folder / fault.file_name())
            source_build.patch(work / "source", fault.path, log, "--reverse")


def provide(faults, say):
    """The emulator of each fault, built when the cache has it not: a dictionary from name to path."""
    pmu_machine.provide(say)
    with pmu_machine.lock():
        source = pmu_machine.source(say)
    with source_build.lock("qemu-faults"):
        folder = _folder(source.name.partition("@")[2])
        for old in cache_dir().glob("qemu-faults@*"):
            if old != folder:
                shutil.rmtree(old)
        folder.mkdir(exist_ok=True)
        missing = [fault for fault in faults if not (folder / fault.file_name()).exists()]
        if missing:
            _build(missing, folder, source, say)
        wanted = {fault.file_name() for fault in all_faults()}
        for path in folder.iterdir():
            if path.name not in wanted:
                path.unlink()
    return {fault.name: folder / fault.file_name() for fault in faults}
