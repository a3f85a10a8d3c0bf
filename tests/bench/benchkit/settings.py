# SPDX-License-Identifier: GPL-2.0-or-later
"""What is measured with, and where its files are kept."""

import os
import pathlib
import platform
import shutil
import subprocess

from benchkit.figures import say


class Settings:
    def __init__(self, hvprof, is_quick, repeats, keep):
        self.hvprof = hvprof.resolve()
        self.is_quick = is_quick
        self.repeats = repeats or (1 if is_quick else 5)
        self.keep = keep
        # Of vpmu: a Linux tree with the series, and where to keep the lab's results.
        self.tree = None
        self.results = None
        base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
        self.cache = pathlib.Path(base) / "hvprof" / "bench"

    def clean(self):
        shutil.rmtree(self.cache, ignore_errors=True)

    def work(self, name):
        """An empty folder for one bench's files."""
        folder = self.cache / "work" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def done(self, folder):
        if not self.keep:
            shutil.rmtree(folder, ignore_errors=True)

    @property
    def event(self):
        """The same event for both: cycles where there is a PMU."""
        devices = pathlib.Path("/sys/bus/event_source/devices")
        has_pmu = (devices / "cpu").exists() or (devices / "cpu_core").exists()
        return "cycles" if has_pmu else "cpu-clock"

    def say_machine(self):
        model = "unknown CPU"
        for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
        perf = "no perf"
        if shutil.which("perf"):
            perf = subprocess.run(["perf", "--version"], capture_output=True, text=True,
                                  check=False).stdout.strip()
        ours = subprocess.run([self.hvprof, "--version"], capture_output=True, text=True,
                              check=False).stdout.strip()
        say(f"{os.cpu_count()} x {model}, Linux {platform.release()}, {perf}, {ours}, "
            f"event {self.event}, load {os.getloadavg()[0]:.1f}, {self.repeats} rounds")
