# SPDX-License-Identifier: GPL-2.0-or-later
"""The outer machine, watched through its console. Which machine it is stands in models.py."""

import contextlib
import pathlib
import re
import signal
import subprocess
import tarfile
import time

from labkit import programs
from labkit.heartbeat import Heartbeat, NoHeartbeat
from labkit.progress import PULSE, Progress, Stall, Usage

DISK_BYTES = 512 << 20
# What begins the lines that the lab writes on the host's console.
LAB = "lab: "
TAIL_LINES = 25
POLL_SECONDS = 0.1
HOST_BROKE = re.compile(r"Kernel panic|rcu: INFO: .* stall|soft lockup|BUG: ")
# The exit status with which a scenario says that a guest broke down (host/lab.sh).
STATUS_MACHINE_FAULT = 3


class LabFailure(Exception):
    """The scenario did not end as it should; the message has the console's tail."""


class MachineFault(LabFailure):
    """The emulated machine or a guest broke down, which is QEMU's doing: worth another attempt."""


def _tail(path):
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "(no console output)"
    lines = [line for line in text.splitlines() if not line.startswith(LAB + PULSE)]
    return "\n".join("    " + line for line in lines[-TAIL_LINES:])


class Machine:
    """One run of the host. Files: console.log and qemu.log in `output`; the disk in `scratch`."""

    def __init__(self, configuration, kernel, image, scratch, output):
        self._cpus = configuration.cpus
        self._model = configuration.model
        self._console = output / "console.log"
        self._log = output / "qemu.log"
        self._disk = scratch / "out.raw"
        self._command = [
            # A machine does not outlive the one who watches it, however that one ends.
            str(programs.find_program("setpriv")), "--pdeathsig", "KILL",
            *configuration.command(), "-kernel", str(kernel.vmlinuz), "-initrd", str(image),
            "-append", f"console=ttyS0 panic=-1 quiet {self._model.host_options}".rstrip(),
            "-drive", f"file={self._disk},format=raw,if=virtio,cache=unsafe"]

    def _make_disk(self):
        self._disk.unlink(missing_ok=True)
        with open(self._disk, "wb") as disk:
            disk.truncate(DISK_BYTES)

    def run_shell(self):
        """The console on this terminal until the machine is off."""
        self._make_disk()
        subprocess.run([*self._command, "-serial", "mon:stdio"], check=False)

    def run(self, timeout, sleep, on_line):
        """Runs to power-off; `on_line` gets each line of the console that the scenario wrote. The scenario
        never only waits for longer than `sleep` seconds."""
        self._make_disk()
        self._console.write_bytes(b"")
        with contextlib.closing(self._make_heartbeat()) as heartbeat:
            process = self._start(heartbeat)
            try:
                progress = Progress(self._cpus, sleep, self._model.slowness)
                self._watch(process, timeout, progress, heartbeat, on_line)
            finally:
                if process.poll() is None:
                    process.send_signal(signal.SIGKILL)
                process.wait()

    def _make_heartbeat(self):
        # Interrupts by this machine's clock would make each run another one.
        return NoHeartbeat() if self._model.is_deterministic else Heartbeat(self._cpus)

    def _start(self, heartbeat):
        command = [*self._command, "-serial", f"file:{self._console}", *heartbeat.options()]
        with open(self._log, "wb") as log:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                    pass_fds=heartbeat.files())

    def _watch(self, process, timeout, progress, heartbeat, on_line):
        end = time.monotonic() + timeout
        usage = Usage(process.pid)
        with open(self._console, encoding="utf-8", errors="replace") as console:
            pending = ""
            is_up = False
            while True:
                ended = process.poll() is not None
                pending += console.read()
                *lines, pending = pending.split("\n")
                for line in lines:
                    is_up |= self._take_line(line.rstrip(), progress, on_line)
                if ended:
                    break
                if time.monotonic() > end:
                    raise MachineFault(f"the machine was still running after {timeout:.0f} s; its "
                                     f"console ended with:\n{_tail(self._console)}")
                self._check(progress, usage)
                if is_up:
                    heartbeat.beat()
                time.sleep(POLL_SECONDS)
        if process.returncode:
            raise LabFailure(f"qemu ended with status {process.returncode}:\n{_tail(self._log)}")

    @staticmethod
    def _take_line(line, progress, on_line):
        """Whether it is one of the lab's, so that Linux runs on all processors."""
        if HOST_BROKE.search(line):
            raise MachineFault(f"the host's kernel broke down: {line}")
        if not line.startswith(LAB):
            return False
        text = line.removeprefix(LAB)
        if not progress.pulse(text):
            progress.line(text)
            on_line(text)
        return True

    def _check(self, progress, usage):
        """The process was not waited for yet, so its numbers are there."""
        try:
            progress.sample(time.monotonic(), usage.ran(), usage.wanted())
        except Stall as stall:
            raise MachineFault(f"stalled in {stall}; its console ended "
                               f"with:\n{_tail(self._console)}") from stall

    def unpack(self, output):
        """Takes the results from the disk; raises when the scenario failed."""
        try:
            with tarfile.open(self._disk) as archive:
                archive.extractall(output)
        except tarfile.TarError as error:
            raise MachineFault(f"no results came out of the machine ({error}); its console ended "
                             f"with:\n{_tail(self._console)}") from error
        result = pathlib.Path(output) / "result"
        if not result.is_file():
            raise MachineFault("the machine stopped before the scenario ended; its console ended "
                               f"with:\n{_tail(self._console)}")
        status = int(result.read_text(encoding="ascii"))
        if status:
            failure = MachineFault if status == STATUS_MACHINE_FAULT else LabFailure
            raise failure(f"the scenario failed with status {status}; the console ended "
                          f"with:\n{_tail(self._console)}")
