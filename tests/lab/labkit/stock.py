# SPDX-License-Identifier: GPL-2.0-or-later
"""A run of the lab from its request to the folder of results."""

import dataclasses
import pathlib
import shlex
import shutil
import sys
import tempfile
import time

from labkit import domains, images, packages, patched_kernel, programs, progress, results, selftests
from labkit.models import MODELS, Configuration
from labkit.machine import Machine, MachineFault

EXIT_USAGE = 2
EXIT_SKIP = 77
# The longest sleep of the scenarios but for that of `steady`.
SCENARIO_SLEEP = 7
DEFAULT_ATTEMPTS = 3
# Seconds until QEMU is killed, whatever it does; of a slow machine a multiple.
DEFAULT_TIMEOUT = 600
_start = time.monotonic()


class UsageError(Exception):
    """The request makes no sense: exit status 2."""


@dataclasses.dataclass
class Request:
    """One run; the fields are `run`'s options."""

    output: pathlib.Path
    scenario: str = "stock"
    machine: str = "stock"
    hvprof: pathlib.Path = None
    profiler: str = None
    options: str = ""
    event: tuple = ()
    frequency: int = 499
    seconds: int = 20
    timeout: float = None
    cpus: int = 2
    icount: int = None
    seed: int = None
    attempts: int = None
    kernel: str = packages.METAPACKAGE
    host_kernel: str = None
    guest_kernel: str = None
    kvm_parameters: str = ""
    guest_cpu: str = "host"
    # (a parameter of kvm or "none", a test's word)
    selftests: tuple = ()
    phases: tuple = ()
    host_tests: tuple = ()
    reloaded_parameters: str = ""
    totals_parameters: str = ""
    # What the machine has by cpu_features, told to the tests.
    pmu_skid: int = 0
    cpu_features: str = ""
    qemu: pathlib.Path = None
    qemu_options: str = ""
    shell: bool = False


def say(text):
    """A stage of the run, with the seconds since its start."""
    print(f"[{time.monotonic() - _start:5.1f} s] {text}", file=sys.stderr, flush=True)


def _event_options(request, model, profiler):
    """hvprof chooses an event for itself when none is asked for."""
    events = request.event or ((model.event,) if profiler == "perf" else ())
    return [word for event in events for word in ("-e", event)]


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
    model = MODELS[request.machine]
    if not model.is_deterministic and (request.icount, request.seed) != (None, None):
        raise UsageError(f"--icount and --seed are the PMU machine's; --machine {model.name} has neither")
    guests = domains.SCENARIO_GUESTS.get(request.scenario, tuple(domains.GUESTS))
    with_perf = profiler == "perf" or request.shell or any(domains.find(name).with_perf for name in guests)
    settings = {
        "PROFILER": profiler,
        "PROFILER_OPTIONS": " ".join([*_event_options(request, model, profiler), request.options]),
        "PULSE_WANTED": "" if model.is_deterministic else "1", "MACHINE": model.title,
        "GUEST_OPTIONS": model.guest_options, "GUEST_CPU": request.guest_cpu,
        "VENDOR_MODULE": model.kvm_module, "SELFTESTS_WANTED": " ".join(f"{parameter}:{word}" for parameter, word in request.selftests),
        "PHASES_WANTED": " ".join(request.phases),
        "RELOADED_PARAMETERS": request.reloaded_parameters, "TOTALS_PARAMETERS": request.totals_parameters,
        "HOST_TESTS": " ".join(request.host_tests), "PMU_SKID": request.pmu_skid,
        "FREQUENCY": request.frequency or "", "SECONDS_WANTED": request.seconds,
        "PROFILER_TIMEOUT": progress.PROFILER_TIMEOUT, "SHELL_WANTED": "1" if request.shell else "",
        "SHELL_GUESTS": "web db",
    }
    return images.Plan(scenario=scenario, kvm_module=model.kvm_module, guests=guests, settings=settings,
                       hvprof=request.hvprof, with_perf=with_perf, kvm_parameters=request.kvm_parameters)


def _empty(output):
    """Clears a folder, but only one that an earlier run of the lab made."""
    marker = output / "console.log"
    if output.exists() and any(output.iterdir()) and not marker.exists():
        raise UsageError(f"{output} holds something that is not the lab's; choose another --output")
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    marker.touch()


def _configure(request, report):
    """The machine that is asked for."""
    model = MODELS[request.machine]
    if request.qemu and not request.qemu.is_file():
        raise UsageError(f"no program {request.qemu}")
    emulator = request.qemu.resolve() if request.qemu else model.find_emulator(report)
    return Configuration(model, emulator, request.cpus, request.icount, request.seed,
                         request.cpu_features, tuple(shlex.split(request.qemu_options)))


def _host_kernel(name, report):
    """With or without the series: a variant, or a tree where it was built."""
    if name in patched_kernel.VARIANTS:
        return patched_kernel.provide(name, report)
    if pathlib.Path(name, "include/config/kernel.release").is_file():
        return patched_kernel.of_tree(name)
    raise UsageError(f"{name} is neither one of {', '.join(patched_kernel.VARIANTS)} nor a Linux tree that is built")


def _kernels(request, report):
    """Debian's for host and guests, unless others are asked for."""
    debian = packages.provide_kernel(report, request.kernel)
    host = _host_kernel(request.host_kernel, report) if request.host_kernel else debian
    guest = patched_kernel.provide(request.guest_kernel, report) if request.guest_kernel else debian
    return images.Kernels(host, guest)


def _attempts(request):
    """A machine that does the same each time is not asked twice."""
    if request.shell or MODELS[request.machine].is_deterministic:
        return 1
    return request.attempts or DEFAULT_ATTEMPTS


def _run_once(request, plan, kernels, configuration, report):
    output = request.output.resolve()
    _empty(output)
    with tempfile.TemporaryDirectory(prefix="hvprof-lab-") as scratch:
        scratch = pathlib.Path(scratch)
        report(f"build the images (kernel {kernels.host.release}, package {kernels.host.version})")
        image = images.build_images(plan, kernels, scratch, output)
        machine = Machine(configuration, kernels.host, image, scratch, output)
        report(f"boot the host: {configuration.model.title}")
        if request.shell:
            machine.run_shell()
        else:
            timeout = request.timeout or DEFAULT_TIMEOUT * configuration.model.slowness
            machine.run(timeout, max(request.seconds, SCENARIO_SLEEP), report)
        machine.unpack(output)


def run(request, report):
    """Runs the scenario; `report` gets its stages. Returns the Results, in request.output."""
    plan = _plan(request)
    kernels = _kernels(request, report)
    if request.selftests:
        plan.programs = tuple(selftests.provide(report))
    configuration = _configure(request, report)
    attempts = _attempts(request)
    for attempt in range(1, attempts + 1):
        is_last = attempt == attempts
        try:
            # One processor is slow, but free of the faults that two have in QEMU 7.2.
            if is_last and attempt > 1:
                configuration = dataclasses.replace(configuration, cpus=1)
            _run_once(request, plan, kernels, configuration, report)
            break
        except MachineFault as fault:
            if is_last:
                raise
            report(f"the emulator failed, attempt {attempt} of {attempts}: {fault}")
    report(f"results are in {request.output}")
    return results.Results(request.output)


def open_results(request):
    """The results of an earlier run."""
    if not (request.output / "timeline").is_file():
        raise UsageError(f"{request.output} has no results of a run")
    return results.Results(request.output)
