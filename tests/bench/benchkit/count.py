# SPDX-License-Identifier: GPL-2.0-or-later
"""How many samples a recording has, and how many it lost, as its own program counts them."""

import json
import re

from benchkit.figures import CannotMeasure
from benchkit.process import capture


def of_perf(path):
    text = capture(["perf", "report", "--stats", "--stdio", "-i", path])
    counts = dict(re.findall(r"^\s*(\w+) events:\s+(\d+)", text, re.MULTILINE))
    if "SAMPLE" not in counts:
        raise CannotMeasure(f"perf report --stats says nothing of samples in {path}")
    lost = int(counts.get("LOST_SAMPLES", 0)) + int(counts.get("LOST", 0))
    return int(counts["SAMPLE"]), lost


def of_hvprof(hvprof, path):
    text = capture([hvprof, "report", "--format=json", "--sort", "owner", path])
    totals = json.loads(text)["totals"]
    lost = sum(value for key, value in totals["lost_by"].items())
    return totals["total"] - lost, lost
