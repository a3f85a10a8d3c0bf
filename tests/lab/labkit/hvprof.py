# SPDX-License-Identifier: GPL-2.0-or-later
"""hvprof as the tests and the demo call it: on the session of a run, with that run's images."""

import json
import os
import pathlib
import subprocess
import tempfile

from labkit import programs


class HvprofFailure(Exception):
    """hvprof ended with another status than asked for; the message has what it said."""


def _output(command):
    """What it prints."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                          text=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
    if done.returncode:
        raise HvprofFailure(f"{' '.join(command)}\nended with status {done.returncode}:\n"
                            f"{done.stderr}")
    return done.stdout


def rows_of_all_events(program, session):
    """One dictionary for each sample of a session, or of a perf.data file, without symbols."""
    if session.name != "perf.data":
        text = _output([str(program), "script", "-i", str(session), "--event=all", "--format=json"])
        return [json.loads(line) for line in text.splitlines()]
    with tempfile.TemporaryDirectory() as folder:
        imported = pathlib.Path(folder) / "hvprof.data"
        _output([str(program), "import", "-o", str(imported), str(session)])
        return rows_of_all_events(program, imported)


def session_of_all_events(program, session):
    """The start of a session in nanoseconds of the host's CLOCK_MONOTONIC, and its rows as above."""
    start = json.loads(_output([str(program), "info", "-i", str(session), "--format=json"]))["start_time"]
    return start, rows_of_all_events(program, session)


class Hvprof:
    """One program on one run's results."""

    def __init__(self, program, results, vmlinux=None):
        self._program = str(program)
        self._results = results
        self._images = results.symbol_options(vmlinux)

    def command(self, verb, *options, images=None):
        """The whole command line; `images` replaces the options that say where images are."""
        images = self._images if images is None else images
        sources = ["--source", str(programs.PROJECT)] if verb == "annotate" else []
        return [self._program, verb, "-i", str(self._results.session), *images, *sources, *options]

    def start_time(self):
        """The session's start in nanoseconds of the host's CLOCK_MONOTONIC."""
        return json.loads(self.run("info", "--format=json", images=[]))["start_time"]

    def run(self, verb, *options, images=None):
        """What it prints."""
        command = self.command(verb, *options, images=images)
        return _output(command)

    def report(self, *options, images=None):
        """The profile with a row for each owner, domain, mode, image and symbol."""
        text = self.run("report", "--format=json", "--sort=owner,domain,mode,image,symbol",
                        "--fields=+unresolved", "--percent-limit=0", *options, images=images)
        return json.loads(text)

    def script(self, *options, images=None):
        """One dictionary for each sample."""
        text = self.run("script", "--format=json", *options, images=images)
        return [json.loads(line) for line in text.splitlines()]
