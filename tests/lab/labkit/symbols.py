# SPDX-License-Identifier: GPL-2.0-or-later
"""Symbols of kernels and programs from the text of kallsyms and of readelf: apart from hvprof, to judge it."""

import bisect
import collections
import re
import subprocess

from labkit import programs

TEXT_TYPES = "tTwW"


class Table:
    """Functions by address. Several names of one address are one function."""

    def __init__(self, functions):
        """`functions`: (address, size or None, name); without a size one goes up to the next."""
        self._names = collections.defaultdict(set)
        sizes = {}
        for address, size, name in functions:
            self._names[address].add(name)
            sizes[address] = max(size or 0, sizes.get(address, 0))
        self._starts = sorted(self._names)
        self._ends = [start + sizes[start] if sizes[start] else following
                      for start, following in zip(self._starts, self._starts[1:] + [1 << 64])]

    def find(self, address):
        """Where the function at an address begins, or None."""
        index = bisect.bisect_right(self._starts, address) - 1
        return self._starts[index] if index >= 0 and address < self._ends[index] else None

    def names(self, start):
        return self._names[start]

    def address_of(self, name):
        return next(start for start in self._starts if name in self._names[start])


def of_kallsyms(path):
    """A kernel's functions, those of its modules too, from a copy of its /proc/kallsyms."""
    functions = []
    with open(path, encoding="ascii") as lines:
        for line in lines:
            address, kind, name = line.split()[:3]
            if kind in TEXT_TYPES:
                functions.append((int(address, 16), None, name))
    return Table(functions)


def of_program(path, base=0):
    """A program's functions at their addresses, or at their distance from `base`."""
    command = [str(programs.find_program("readelf")), "-sW", str(path)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    functions = []
    for line in done.stdout.splitlines():
        #   Num:    Value          Size Type    Bind   Vis      Ndx Name
        match = re.match(r"\s*\d+: ([0-9a-f]+)\s+(\d+) FUNC\s+\w+\s+\w+\s+\d+ (\S+)", line)
        if match:
            # crt's have no size, and what follows them in memory is not theirs.
            size = int(match.group(2)) or 1
            functions.append((base + int(match.group(1), 16), size, match.group(3)))
    return Table(functions)
