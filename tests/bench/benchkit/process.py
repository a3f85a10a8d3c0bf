# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs one program and says what it cost, from its start to its exit."""

import dataclasses
import os
import subprocess
import time

from benchkit.figures import CannotMeasure, say


@dataclasses.dataclass
class Cost:
    wall: float
    # User + system, in seconds, of the program and those children that it waited for.
    cpu: float
    # Peak resident set of the largest of them, in bytes.
    rss: int


def measure(command, output=None, attempts=1):
    """Runs `command` to its end, again up to `attempts` times when it fails. Standard output goes to the file `output`, or nowhere."""
    for attempt in range(1, attempts + 1):
        try:
            return measure_once(command, output)
        except CannotMeasure as reason:
            if attempt == attempts:
                raise
            say(f"once more: {reason}")
    raise AssertionError("not reached")


def measure_once(command, output):
    command = [str(word) for word in command]
    begin = time.monotonic()
    with open(output or os.devnull, "wb") as out, \
            subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out,
                             stderr=subprocess.PIPE) as process:
        # Its few lines of messages fit in the pipe; the rest of them is not waited for.
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise CannotMeasure(f"{' '.join(command)}: exit status {process.returncode}: "
                            f"{said.decode(errors='replace').strip()[-400:]}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss << 10)


def capture(command):
    """What `command` prints."""
    command = [str(word) for word in command]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode:
        raise CannotMeasure(f"{' '.join(command)}: exit status {done.returncode}: "
                            f"{done.stderr.decode(errors='replace').strip()[-400:]}")
    return done.stdout.decode(errors="replace")
