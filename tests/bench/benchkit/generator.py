# SPDX-License-Identifier: GPL-2.0-or-later
"""A large host replayed into the collector: 192 CPUs x 2 kHz x 1000 domains. What it checks itself is that no sample is missing or has a wrong domain."""

import re

from benchkit.figures import CannotMeasure, Figure, say
from benchkit.process import capture

# The session writer's default limit (common/session/writer.h).
WRITER_LIMIT_MIB = 64


def run(settings):
    program = settings.hvprof.parent / "tests" / "bench" / "session_generator"
    if not program.exists():
        raise CannotMeasure(f"{program} is not there: build with HVPROF_TESTS=ON")
    seconds = "2" if settings.is_quick else "20"
    for chains in ([], ["-g"]):
        text = capture([program, "-s", seconds, *chains])
        for line in text.splitlines():
            say(line)
        found = {name.strip(): float(value)
                 for name, value in re.findall(r"^([a-z][a-zA-Z/ ]*?) *([0-9.]+)", text, re.MULTILINE)}
        suffix = ".chains" if chains else ""
        yield Figure("generator.lost" + suffix, "", found["lost"], goal=0)
        yield Figure("generator.writer-memory" + suffix, "MiB", found["writer peak MiB"],
                     goal=WRITER_LIMIT_MIB)
        yield Figure("generator.process-memory" + suffix, "MiB", found["process MiB"])
        yield Figure("generator.collect" + suffix, "ns", found["write ns/sample"])
        yield Figure("generator.size" + suffix, "B", found["bytes/sample"])
