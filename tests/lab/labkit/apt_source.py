# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian source packages, by an apt configuration of the lab's own: nothing of the machine's apt changes.

The archives are the machine's own, with its keys and proxies, asked for sources in place of programs. Lists and cache are in
a folder of the lab. apt checks the signatures of the archives and the sums of the files that they name.
"""

import os
import pathlib
import re
import subprocess

from labkit.packages import Unavailable

# Read after the machine's configuration. What that does after an update (cleaning up, telling others) is not for ours.
CONFIGURATION = """\
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "{folder}/sources.list.d";
Dir::State::lists "{folder}/lists";
Dir::Cache "{folder}";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Acquire::Languages "none";
Acquire::Retries "3";
APT::Sandbox::User "root";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
"""
MAX_SECONDS = 600


def from_one_line(text):
    """sources.list(5), one archive a line: the same archives, for sources alone. Compact discs are left out."""
    lines = []
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if words and words[0] in ("deb", "deb-src") and "cdrom:" not in line:
            lines.append(" ".join(["deb-src", *words[1:]]))
    return "".join(f"{line}\n" for line in dict.fromkeys(lines))


def _stanzas(text):
    """Stanzas of a deb822 file, each a list of fields; a field has its name in lower case and its lines."""
    stanzas = [[]]
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        if not line.strip():
            stanzas.append([])
        elif line[0].isspace():
            if stanzas[-1]:
                stanzas[-1][-1][1].append(line)
        else:
            stanzas[-1].append((line.partition(":")[0].strip().lower(), [line]))
    return [stanza for stanza in stanzas if stanza]


def from_deb822(text):
    """A .sources file: the same archives, for sources alone; everything else of a stanza stays, keys above all."""
    result = []
    for stanza in _stanzas(text):
        fields = dict(stanza)
        enabled = " ".join(fields.get("enabled", ["yes"])).rpartition(":")[2].strip().lower()
        if enabled in ("no", "false", "without", "off", "disable", "0"):
            continue
        if "cdrom:" in " ".join(fields.get("uris", [])):
            continue
        lines = [line for name, lines in stanza if name not in ("types", "enabled") for line in lines]
        result.append("\n".join(["Types: deb-src", *lines]) + "\n")
    return "\n".join(result)


def _machine_sources():
    """The texts of the machine's sources in both formats: (one-line, deb822)."""
    shown = subprocess.run(["apt-config", "shell", "LIST", "Dir::Etc::sourcelist/f",
                            "PARTS", "Dir::Etc::sourceparts/d"],
                           stdout=subprocess.PIPE, check=True, text=True).stdout
    places = dict(re.findall(r"^(\w+)='(.*)'$", shown, re.M))
    files = [pathlib.Path(places["LIST"]), *sorted(pathlib.Path(places["PARTS"]).glob("*"))]
    texts = {".list": "", ".sources": ""}
    for file in files:
        if file.suffix in texts and file.is_file():
            texts[file.suffix] += file.read_text(encoding="utf-8") + "\n\n"
    return texts[".list"], texts[".sources"]


class Apt:
    """The private apt; `folder` keeps its lists."""

    def __init__(self, folder):
        self._folder = folder
        self._file = folder / "apt.conf"

    def _run(self, *command, cwd=None):
        """(exit status, what it printed, what it complained about)"""
        try:
            done = subprocess.run([command[0], "-c", str(self._file), *command[1:]], cwd=cwd,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                                  text=True, env={**os.environ, "LC_ALL": "C"}, timeout=MAX_SECONDS)
        except OSError as error:
            raise Unavailable(f"no {command[0]} on this machine: sources come from a Debian archive") from error
        except subprocess.TimeoutExpired as late:
            raise Unavailable(f"{' '.join(command)} did not end within {MAX_SECONDS} seconds") from late
        return done.returncode, done.stdout, done.stderr

    def update(self):
        """Fetches the lists. An archive that cannot be reached shows when the package is asked for."""
        parts = self._folder / "sources.list.d"
        for folder in (parts, self._folder / "lists" / "partial", self._folder / "archives" / "partial"):
            folder.mkdir(parents=True, exist_ok=True)
        self._file.write_text(CONFIGURATION.format(folder=self._folder), encoding="utf-8")
        try:
            one_line, deb822 = _machine_sources()
        except (OSError, subprocess.CalledProcessError) as error:
            raise Unavailable(f"apt does not say which archives this machine has: {error}") from error
        (parts / "machine.list").write_text(from_one_line(one_line), encoding="utf-8")
        (parts / "machine.sources").write_text(from_deb822(deb822), encoding="utf-8")
        return self._run("apt-get", "update", "-q")[2]

    def versions(self, package):
        """The versions of a source package that the archives have, as apt orders them."""
        shown = self._run("apt-cache", "showsrc", "--only-source", package)[1]
        return re.findall(r"^Version: (\S+)$", shown, re.M)

    def download(self, package, version, target):
        """Puts the .dsc and its files into a folder; returns the .dsc's path."""
        status, _, complaints = self._run("apt-get", "source", "--download-only", "--only-source", "-q",
                                          f"{package}={version}", cwd=target)
        found = list(target.glob("*.dsc"))
        if status or len(found) != 1:
            reason = "\n".join(complaints.strip().splitlines()[-3:])
            raise Unavailable(f"cannot download the source of {package} {version}:\n{reason}")
        return found[0]


def newest(versions):
    """The newest of some versions, as dpkg orders them; None of none."""
    best = None
    for version in versions:
        if best is None or subprocess.run(["dpkg", "--compare-versions", version, "gt", best],
                                          check=False).returncode == 0:
            best = version
    return best
