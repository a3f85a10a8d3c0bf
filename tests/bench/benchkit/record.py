# SPDX-License-Identifier: GPL-2.0-or-later
"""Bytes and collector CPU time per sample: hvprof record, perf record and perf record -z, in turn, of the same work."""

import dataclasses
import os

from benchkit import count
from benchkit.figures import CannotMeasure, Figure, median_of, say
from benchkit.process import measure
from benchkit.workload import Workload

SECONDS = 15
MIN_SAMPLES = 300000
# Samples a second and CPU: high on a small machine, so that a recording of some seconds has the samples that a long one has.
FREQUENCY = max(4000, 40000 // os.cpu_count())


@dataclasses.dataclass
class Recording:
    bytes: float
    cpu_ns: float


def commands(settings, folder, has_chains):
    """Name -> (command, file)."""
    chains = ["-g"] if has_chains else []
    common = ["record", "-a", "-e", settings.event, "-F", str(FREQUENCY), *chains]
    seconds = str(3 if settings.is_quick else SECONDS)
    files = {name: folder / name for name in ("hvprof", "perf", "perf-z")}
    tail = ["--", "sleep", seconds]
    return {
        "hvprof": ([settings.hvprof, *common, "-o", files["hvprof"], *tail], files["hvprof"]),
        "perf": (["perf", *common, "-o", files["perf"], *tail], files["perf"]),
        "perf-z": (["perf", *common, "-z", "-o", files["perf-z"], *tail], files["perf-z"]),
    }


def record_once(settings, name, command, path):
    for old in path.parent.glob(path.name + "*"):
        old.unlink()
    # perf 6.1 dies of a mapping with a build id, which it gets when another profiler of the machine asked for those.
    cost = measure(command, attempts=3)
    if name == "hvprof":
        samples, lost = count.of_hvprof(settings.hvprof, path)
    else:
        samples, lost = count.of_perf(path)
    size = path.stat().st_size
    say(f"{name}: {samples} samples, {lost} lost, {size} bytes, {cost.cpu:.3f} s of CPU")
    if samples + lost < MIN_SAMPLES and not settings.is_quick:
        raise CannotMeasure(f"{' '.join(map(str, command))}: {samples} samples and {lost} lost; "
                            f"a comparison needs {MIN_SAMPLES}")
    return Recording(size / samples, cost.cpu * 1e9 / samples)


def compare(settings, folder, has_chains):
    """Name -> recordings, made in turn so that what disturbs one disturbs the others as well."""
    found = {}
    turns = list(commands(settings, folder, has_chains).items())
    for number in range(settings.repeats):
        # Nobody is always the first of a round.
        for name, (command, path) in turns[number % 3:] + turns[:number % 3]:
            found.setdefault(name, []).append(record_once(settings, name, command, path))
    return found


def figures_of(found, suffix):
    sizes = {name: median_of(f"bytes per sample, {name}", [r.bytes for r in recordings], "B")
             for name, recordings in found.items()}
    times = {name: median_of(f"CPU per sample, {name}", [r.cpu_ns for r in recordings], "ns")
             for name, recordings in found.items()}
    yield Figure("size.vs-record" + suffix, "B", sizes["hvprof"], sizes["perf"],
                 None if suffix else 0.25)
    yield Figure("size.vs-record-z" + suffix, "B", sizes["hvprof"], sizes["perf-z"], 0.5)
    yield Figure("cpu.vs-record" + suffix, "ns", times["hvprof"], times["perf"], 1.0)
    yield Figure("cpu.vs-record-z" + suffix, "ns", times["hvprof"], times["perf-z"], 1 / 3)


def run(settings):
    folder = settings.work("record")
    with Workload(folder):
        for has_chains in (False, True):
            found = compare(settings, folder, has_chains)
            yield from figures_of(found, ".chains" if has_chains else "")
    settings.done(folder)
