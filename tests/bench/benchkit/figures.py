# SPDX-License-Identifier: GPL-2.0-or-later
"""Figures, and how they are printed."""

import dataclasses
import statistics
import sys


class CannotMeasure(Exception):
    """Something that is needed is missing or failed; the text says what."""


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def with_unit(value, unit):
    if unit == "B" and value >= 1 << 20:
        return f"{value / (1 << 20):.1f}MiB"
    if unit == "s":
        return f"{value:.3f}s" if value < 10 else f"{value:.1f}s"
    if unit == "ns" and value >= 1e5:
        return f"{value / 1e3:.0f}us"
    return f"{value:.2f}{unit}" if value < 100 else f"{value:.0f}{unit}"


@dataclasses.dataclass
class Figure:
    """Ours beside a peer's. `goal` bounds ours / peer; without a peer it bounds ours. None: for information."""
    name: str
    unit: str
    ours: float
    peer: float = None
    goal: float = None

    @property
    def ratio(self):
        return self.ours / self.peer if self.peer else None

    @property
    def is_met(self):
        return self.ours <= (self.goal if self.peer is None else self.goal * self.peer)

    def line(self):
        fields = [f"BENCH {self.name}", f"ours={with_unit(self.ours, self.unit)}"]
        fields.append("peer=-" if self.peer is None else f"peer={with_unit(self.peer, self.unit)}")
        fields.append("ratio=-" if self.ratio is None else f"ratio={self.ratio:.3f}")
        if self.goal is None:
            return " ".join(fields + ["goal=-", "-"])
        goal = f"<={self.goal:g}" if self.peer is not None else f"<={with_unit(self.goal, self.unit)}"
        return " ".join(fields + [f"goal={goal}", "met" if self.is_met else "short"])


def median_of(what, values, unit):
    """The median; all values go to standard error, so that one sees how far they lie apart."""
    say(f"{what}: " + " ".join(with_unit(value, unit) for value in values))
    return statistics.median(values)
