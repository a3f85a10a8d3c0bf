# SPDX-License-Identifier: GPL-2.0-or-later
"""The folder that a run leaves behind, and how hvprof is told where the guests' images are."""

import dataclasses
import json
import pathlib

from labkit import domains


@dataclasses.dataclass(frozen=True)
class Event:
    """A line of the scenario's timeline; `seconds` on the host's CLOCK_MONOTONIC."""

    seconds: float
    what: str
    subject: str


class Results:
    """Paths and facts of one run."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    @property
    def session(self):
        return self.folder / "hvprof.data"

    def guest_names(self):
        """The guests that ran long enough to hand out their kallsyms."""
        return [name for name in domains.GUESTS
                if (self.folder / "guests" / name / "kallsyms").is_file()]

    def guest_file(self, name, file):
        return self.folder / "guests" / name / file

    def vmm_pid(self, name):
        return int(self.guest_file(name, "pid").read_text(encoding="ascii"))

    def listing(self):
        """What `hvprof list` said in the host before the session."""
        return json.loads((self.folder / "list.json").read_text(encoding="utf-8"))

    def kernel_text(self, name):
        """Where KASLR put a guest's kernel: the line of _text in its kallsyms."""
        with open(self.guest_file(name, "kallsyms"), encoding="ascii") as kallsyms:
            return next(line for line in kallsyms if line.endswith(" T _text\n"))

    def timeline(self):
        events = []
        for line in (self.folder / "timeline").read_text(encoding="ascii").splitlines():
            seconds, what, subject = (line.split(" ", 2) + [""])[:3]
            events.append(Event(float(seconds), what, subject))
        return events

    def seconds_of(self, what, subject=""):
        """When an event happened; the scenario has each at most once."""
        for event in self.timeline():
            if event.what == what and subject in ("", event.subject):
                return event.seconds
        raise KeyError(f"{self.folder}/timeline has no event {what} {subject}")

    def truth_marks(self):
        """When the machine's histogram began and ended: nanoseconds of the host's CLOCK_MONOTONIC."""
        lines = (self.folder / "truth.marks").read_text(encoding="ascii").splitlines()
        return tuple(int(line.split()[1]) for line in lines)

    def guest_option(self, name, *parts):
        """--guest for one guest; `parts` come on top of its kernel's files and its root folder."""
        parts = (f"kallsyms:{self.guest_file(name, 'kallsyms')}",
                 f"modules:{self.guest_file(name, 'modules')}",
                 f"root:{self.guest_file(name, 'root')}", *parts)
        return ["--guest", f"{name}={','.join(parts)}"]

    def symbol_options(self, vmlinux=None):
        """hvprof's options that resolve every domain of this run, on any machine."""
        options = ["--symfs", str(self.folder / "host" / "root"),
                   "--kallsyms", str(self.folder / "host" / "kallsyms")]
        if vmlinux:
            options += ["--vmlinux", str(vmlinux)]
        for name in self.guest_names():
            parts = [f"vmlinux:{vmlinux}"] if vmlinux else []
            if domains.GUESTS[name].is_pie:
                parts.append(f"maps:{self.guest_file(name, 'maps')}")
            options += self.guest_option(name, *parts)
        return options
