# SPDX-License-Identifier: GPL-2.0-or-later
"""Instructions by source file, of each call of one function, counted by valgrind's callgrind."""

import collections
import re
import subprocess

from benchkit.figures import CannotMeasure

# "fl=(12) path" names file 12, "fl=(12)" refers to it; "fi" and "fe" are changes of file within inlined code.
FILE = re.compile(r"(fl|fi|fe|cfi|cfl)=\((\d+)\)(?: (.*))?")


def of_dump(path, names):
    """{source file: instructions}, calls of other functions not included. `names`: the files named in earlier dumps."""
    counts = collections.Counter()
    current = None
    is_call = False
    for line in path.read_text(encoding="utf-8").splitlines():
        found = FILE.fullmatch(line)
        if found:
            kind, number, name = found.groups()
            if name:
                names[number] = name
            if not kind.startswith("c"):
                current = names.get(number, "")
        elif line.startswith("calls="):
            is_call = True
        elif re.match(r"[0-9+*-]", line):
            # The line after a call has what the callee took.
            if not is_call:
                counts[current] += int(line.split()[1])
            is_call = False
    return counts


def run(command, function, folder):
    """Runs `command`: what it prints, and for each call of `function` in turn a Counter by source file."""
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", f"--toggle-collect={function}",
         f"--dump-after={function}", f"--callgrind-out-file={folder}/dump", *command],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotMeasure(f"valgrind: exit status {done.returncode}: {done.stderr[-400:]}")
    names = {}
    number = 1
    calls = []
    while (folder / f"dump.{number}").exists():
        calls.append(of_dump(folder / f"dump.{number}", names))
        number += 1
    return done.stdout, calls
