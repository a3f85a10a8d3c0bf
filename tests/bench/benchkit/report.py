# SPDX-License-Identifier: GPL-2.0-or-later
"""Time and memory of a report on ten million samples: the same ones for both, since hvprof's session is imported from perf's file."""

import os

from benchkit import count
from benchkit.figures import CannotMeasure, Figure, median_of, say
from benchkit.process import measure
from benchkit.workload import Workload

# Nanoseconds between two samples of a CPU: the kernel allows no less for cpu-clock.
PERIOD = 10000


def wanted(settings):
    return 1000000 if settings.is_quick else 10000000


def record(settings, path, samples):
    """perf.data of at least so many samples, recorded once and kept."""
    temporary = path.with_suffix(".new")
    seconds = samples * PERIOD / 1e9 / os.cpu_count() * 1.1
    folder = settings.work("report-workload")
    for _ in range(4):
        say(f"recording about {samples} samples in {seconds:.0f} s")
        with Workload(folder):
            measure(["perf", "record", "-a", "-e", "cpu-clock", "-c", str(PERIOD), "-m", "16M",
                     "-o", temporary, "--", "sleep", f"{seconds:.0f}"],
                    attempts=3)
        found, lost = count.of_perf(temporary)
        say(f"{found} samples, {lost} lost, {temporary.stat().st_size} bytes")
        for old in settings.cache.glob("*.old"):
            old.unlink()
        if found >= samples:
            settings.done(folder)
            temporary.rename(path)
            return
        seconds *= samples / max(found, 1) * 1.1
    raise CannotMeasure(f"perf record gets no {samples} samples here")


def prepare(settings):
    samples = wanted(settings)
    settings.cache.mkdir(parents=True, exist_ok=True)
    perf_data = settings.cache / f"report-{samples}.perf.data"
    session = settings.cache / f"report-{samples}.hvprof"
    if not perf_data.exists():
        record(settings, perf_data, samples)
    cost = measure([settings.hvprof, "import", "-o", session, perf_data])
    ours, _ = count.of_hvprof(settings.hvprof, session)
    peers, _ = count.of_perf(perf_data)
    say(f"import: {cost.wall:.1f} s; {ours} samples in the session, {peers} in perf.data, "
        f"{session.stat().st_size} and {perf_data.stat().st_size} bytes")
    if ours != peers:
        raise CannotMeasure(f"the session has {ours} samples, perf.data {peers}")
    return perf_data, session


def run(settings):
    perf_data, session = prepare(settings)
    folder = settings.work("report")
    commands = {
        "perf": ["perf", "report", "--stdio", "-i", perf_data],
        "hvprof": [settings.hvprof, "report", "--limit", "0", session],
    }
    # Both find the symbols' files, and what they cache of them, warm.
    for name, command in commands.items():
        measure(command, output=folder / name)
    costs = {name: [] for name in commands}
    for _ in range(min(3, settings.repeats)):
        for name, command in commands.items():
            costs[name].append(measure(command, output=folder / name))
    wall, cpu, rss = {}, {}, {}
    for name, runs in costs.items():
        wall[name] = median_of(f"report wall, {name}", [cost.wall for cost in runs], "s")
        cpu[name] = median_of(f"report CPU, {name}", [cost.cpu for cost in runs], "s")
        rss[name] = median_of(f"report memory, {name}", [cost.rss for cost in runs], "B")
    yield Figure("report.wall", "s", wall["hvprof"], wall["perf"], 0.1)
    yield Figure("report.cpu", "s", cpu["hvprof"], cpu["perf"])
    yield Figure("report.memory", "B", rss["hvprof"], rss["perf"], 0.25)
    settings.done(folder)
