# SPDX-License-Identifier: GPL-2.0-or-later
"""Tells an emulator that stalled from one that is slow: by its processor time, not by the clock on the wall.

A machine that others use, too, makes a run slow, but not its demand for processor time smaller. So there are three rules:

- idle: somewhere in the machine a program always works (a boot, a guest, hostburn). An emulator whose threads hardly
  want a processor for IDLE_WINDOW seconds has lost an interrupt that somebody in it waits for.
- pulse: a process on each emulated processor writes a line every other second of the host's time (host/init). When the
  emulator has used PULSE_BUDGET seconds of processor time without one of them, that processor of the host stands still.
- budget: between two lines of the scenario on the console the emulator may use so much processor time, several times
  what the phase takes. The host may live, and a guest in it not.

A profiler that hangs is neither: guests and hostburn go on meanwhile, and the scenario's own clock fails the run
before the budget is used up (PROFILER_TIMEOUT).
"""

import collections
import os
import pathlib

IDLE_WINDOW = 15
# Share of one processor. A machine whose only activity is a shell that polls wants about 0.1 to 0.2 of one.
IDLE_SHARE = 0.35
PROFILER_TIMEOUT = 60

# The lines "pulse 0", "pulse 1", ... of the host's processors.
PULSE = "pulse "
# Several times what two emulated processors can use from one pulse to the next.
PULSE_BUDGET = 20

BOOT = "boot of the host"
# First word of the scenario's line -> the phase that begins with it, its budget in seconds of processor time.
PHASES = {
    "vm_start": ("start of guests", 120),
    "vm_ready": ("hvprof list and check", 60 + 4 * PROFILER_TIMEOUT),
    "profile_stop": ("end of the profiler", 60 + 2 * PROFILER_TIMEOUT),
    "vm_kill": ("end of a guest", 60),
    "carry": ("results", 60),
    "result": ("power-off", 60),
}
BUDGET = 60


class Stall(Exception):
    """The emulator makes no progress; the message says in which phase and by which rule."""


class Usage:
    """Processor time of a process: what it got, and what its threads would have liked to get."""

    def __init__(self, pid, proc=pathlib.Path("/proc")):
        self._folder = proc / str(pid)
        self._threads = {}

    def ran(self):
        """Seconds in which it ran."""
        stat = (self._folder / "stat").read_text(encoding="utf-8", errors="replace")
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def wanted(self):
        """Seconds in which its threads ran or waited for a processor; None where the kernel does not count them."""
        for path in self._folder.glob("task/*/schedstat"):
            try:
                ran, waited = path.read_text(encoding="ascii").split()[:2]
            except (OSError, ValueError):
                continue
            # Threads end; what they used stays in the sum.
            self._threads[path.parent.name] = (int(ran) + int(waited)) / 1e9
        return sum(self._threads.values()) if self._threads else None


class Progress:
    """The rules, applied to one run. `sleep` is the longest time that the scenario only waits; `slowness`, how many
    times the processor time of Debian's QEMU this emulator needs."""

    def __init__(self, cpus, sleep, slowness=1):
        self._cpus = cpus
        self._slowness = slowness
        self._sleep = sleep
        self._samples = collections.deque()
        self._ran_before = 0
        self._ran = 0
        self._pulses = {}
        self._enter(BOOT, BUDGET)

    def _enter(self, phase, budget):
        self.phase = phase
        self._budget = (budget + self._sleep * self._cpus) * self._slowness
        self._ran_before = self._ran

    def pulse(self, text):
        """Whether the line is a processor's pulse, which is none of the scenario's."""
        if not text.startswith(PULSE):
            return False
        self._pulses[text.removeprefix(PULSE)] = self._ran
        return True

    def line(self, text):
        """The scenario wrote a line: "SECONDS EVENT ..." or a sentence."""
        words = [word for word in text.split() if not word.replace(".", "", 1).isdigit()]
        self._enter(*PHASES.get(words[0] if words else "", (self.phase, BUDGET)))

    def sample(self, now, ran, wanted):
        """What Usage says at a moment. Raises Stall."""
        self._ran = ran
        used = ran - self._ran_before
        if used > self._budget:
            raise Stall(f"{self.phase}: no progress in {used:.0f} s of the emulator's processor "
                        f"time, {self._budget:.0f} s are several times enough")
        self._check_pulses()
        if wanted is not None:
            self._check_idle(now, wanted)

    def _check_pulses(self):
        for cpu, ran in self._pulses.items():
            if self._ran - ran > PULSE_BUDGET:
                raise Stall(f"{self.phase}: processor {cpu} of the host stands still, it gave no sign "
                            f"of life in {self._ran - ran:.0f} s of the emulator's processor time")

    def _check_idle(self, now, wanted):
        self._samples.append((now, wanted))
        # The newest sample that is a whole window old is the one to compare with.
        while len(self._samples) > 1 and now - self._samples[1][0] >= IDLE_WINDOW:
            self._samples.popleft()
        elapsed = now - self._samples[0][0]
        share = (wanted - self._samples[0][1]) / elapsed if elapsed else 1
        if elapsed >= IDLE_WINDOW and share < IDLE_SHARE:
            raise Stall(f"{self.phase}: the emulator is idle, it wanted {100 * share:.0f} % of a "
                        f"processor in {elapsed:.0f} s although its machine has work to do")
