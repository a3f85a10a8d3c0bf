# SPDX-License-Identifier: GPL-2.0-or-later
"""A run of the stock lab from its request to the folder of results."""

import dataclasses
import pathlib
import shutil
import sys
import tempfile
import time

from labkit import domains, images, packages, programs, progress, results
from labkit.machine import Machine, MachineFault

EXIT_USAGE = 2
EXIT_SKIP = 77
# The longest sleep of the scenarios but for that of `steady`.
SCENARIO_SLEEP = 7
_start = time.monotonic()


class UsageError(Exception):
    """The request makes no sense: exit status 2."""


@dataclasses.dataclass
class Request:
    """One run; the fields are `run`'s options."""

    output: pathlib.Path
    scenario: str = "stock"
    hvprof: pathlib.Path = None
    profiler: str = None
    options: str = ""
    frequency: int = 499
    seconds: int = 20
    timeout: float = 600
    cpus: int = 2
    attempts: int = 3
    kernel: str = packages.METAPACKAGE
    shell: bool = False


def say(text):
    """A stage of the run, with the seconds since its start."""
    print(f"[{time.monotonic() - _start:5.1f} s] {text}", file=sys.stderr, flush=True)


def _plan(request):
    scenario = programs.LAB / "scenarios" / f"{request.scenario}.sh"
    if not scenario.is_file():
        known = ", ".join(sorted(path.stem for path in scenario.parent.glob("*.sh")))
        raise UsageError(f"no scenario {request.scenario}; there are: {known}")
    if request.hvprof and not request.hvprof.is_file():
        raise UsageError(f"no program {request.hvprof}")
    profiler = request.profiler or ("hvprof" if request.hvprof else "perf")
    if profiler == "hvprof" and not request.hvprof:
        raise UsageError("--profiler hvprof needs --hvprof PATH")
    settings = {
        "PROFILER": profiler, "PROFILER_OPTIONS": request.options,
        "FREQUENCY": request.frequency, "SECONDS_WANTED": request.seconds,
        "PROFILER_TIMEOUT": progress.PROFILER_TIMEOUT, "SHELL_WANTED": "1" if request.shell else "",
        "SHELL_GUESTS": "web db",
    }
    return images.Plan(scenario=scenario, guests=tuple(domains.GUESTS), settings=settings,
                       hvprof=request.hvprof, with_perf=profiler == "perf" or request.shell)


def _empty(output):
    """Clears a folder, but only one that an earlier run of the lab made."""
    marker = output / "console.log"
    if output.exists() and any(output.iterdir()) and not marker.exists():
        raise UsageError(f"{output} holds something that is not the lab's; choose another --output")
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    marker.touch()


def _run_once(request, plan, kernel, cpus, report):
    output = request.output.resolve()
    _empty(output)
    with tempfile.TemporaryDirectory(prefix="hvprof-lab-") as scratch:
        scratch = pathlib.Path(scratch)
        report(f"build the images (kernel {kernel.release}, package {kernel.version})")
        image = images.build_images(plan, kernel, scratch, output)
        machine = Machine(kernel, image, scratch, output, cpus=cpus)
        report("boot the host: QEMU TCG with SVM")
        if request.shell:
            machine.run_shell()
        else:
            machine.run(request.timeout, max(request.seconds, SCENARIO_SLEEP), report)
        machine.unpack(output)


def run(request, report):
    """Runs the scenario; `report` gets its stages. Returns the Results, in request.output."""
    plan = _plan(request)
    kernel = packages.provide_kernel(report, request.kernel)
    for attempt in range(1, request.attempts + 1):
        is_last = attempt == request.attempts
        try:
            # One processor is slow, but free of the faults that two have in QEMU 7.2.
            cpus = 1 if is_last and attempt > 1 else request.cpus
            _run_once(request, plan, kernel, cpus, report)
            break
        except MachineFault as fault:
            if is_last or request.shell:
                raise
            report(f"the emulator failed, attempt {attempt} of {request.attempts}: {fault}")
    report(f"results are in {request.output}")
    return results.Results(request.output)


def open_results(request):
    """The results of an earlier run."""
    if not (request.output / "timeline").is_file():
        raise UsageError(f"{request.output} has no results of a run")
    return results.Results(request.output)
