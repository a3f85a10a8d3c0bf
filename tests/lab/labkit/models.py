# SPDX-License-Identifier: GPL-2.0-or-later
"""The machines that the lab can emulate, one row for each, and QEMU's command line for them."""

import dataclasses
import pathlib

from labkit import pmu_machine, programs

MEMORY_MB = 2560
# Whatever time it is here, it is always the same time there.
CLOCK = "base=2026-01-01T00:00:00,clock=vm"
# The disk answers by this machine's clock, so firmware shall not ask it.
STRICT_BOOT = "strict=on"
# Where Debian has the firmware that our build of QEMU does not bring along.
FIRMWARE = ("/usr/share/qemu", "/usr/share/seabios")


# More than a third of a Debian guest's boot is RSA arithmetic with the kernel's own certificates. Without them its modules
# load all the same, and it calls itself tainted.
NO_CERTIFICATES = "initcall_blacklist=load_system_certificate_list,load_revocation_certificate_list"
# Without it, kvm_intel reads 64 KiB before it enters a guest, against a fault that an emulated cache has not.
NO_L1TF = "l1tf=off"


@dataclasses.dataclass(frozen=True)
class Model:
    """One machine. `icount` and `seed` are None where instructions are not counted, so that no run is like another."""

    name: str
    title: str
    cpu: str
    kvm_module: str
    # What its functions are called.
    kvm_prefix: str
    # What perf record is told to take; hvprof finds out for itself.
    event: str
    # On the command lines of the kernels, beside what all have.
    host_options: str = ""
    guest_options: str = ""
    icount: int = None
    seed: int = None
    # How many times Debian's QEMU's processor time it uses for the same (labkit/progress.py).
    slowness: int = 1

    @property
    def is_deterministic(self):
        return self.icount is not None

    def find_emulator(self, say):
        """QEMU for this machine; built first when it is ours."""
        if self.is_deterministic:
            return pmu_machine.provide(say)
        return programs.find_program("qemu-system-x86_64")


MODELS = {
    model.name: model for model in (
        # Without cmpxchg16b: TCG emulates its locked form by stopping all processors, and a processor that is stopped
        # just after an event injection delivers the event twice (a fault of QEMU 7.2).
        Model(name="stock", title="Debian's QEMU, TCG with SVM, no PMU", cpu="max,+svm,-cx16",
              kvm_module="kvm-amd", kvm_prefix="svm_", event="cpu-clock"),
        # Family, model and stepping are those of which Linux knows the PMU's events: Cascade Lake.
        Model(name="intel", title="the PMU machine, VT-x and Intel's PMU",
              cpu="max,+svm,vendor=GenuineIntel,family=6,model=85,stepping=7", kvm_module="kvm-intel",
              kvm_prefix="vmx_", event="cycles", host_options=f"{NO_CERTIFICATES} {NO_L1TF}", guest_options=NO_CERTIFICATES, icount=4,
              seed=1, slowness=8),
        Model(name="amd", title="the PMU machine, SVM and AMD's PMU", cpu="max,+svm",
              kvm_module="kvm-amd", kvm_prefix="svm_", event="cycles", host_options=NO_CERTIFICATES,
              guest_options=NO_CERTIFICATES, icount=4, seed=1, slowness=8),
    )
}


@dataclasses.dataclass(frozen=True)
class Configuration:
    """A machine as it shall be started: the model, and what can be chosen. None is the model's own choice."""

    model: Model
    emulator: pathlib.Path
    cpus: int = 2
    icount: int = None
    seed: int = None
    # Further properties of the processor, such as "pmu-skid=50".
    cpu_features: str = ""
    # Further options for QEMU, say for its debugger.
    extra: tuple = ()

    def _counting(self):
        """Time is counted in instructions, and chance comes from a seed: the same run each time."""
        icount = self.model.icount if self.icount is None else self.icount
        seed = self.model.seed if self.seed is None else self.seed
        options = ["-accel", "tcg,thread=single", "-icount", f"shift={icount},sleep=off",
                   "-seed", str(seed), "-rtc", CLOCK, "-boot", STRICT_BOOT]
        for folder in FIRMWARE:
            options += ["-L", folder]
        return options

    def command(self):
        """QEMU without what it boots and where its console goes."""
        how = self._counting() if self.model.is_deterministic else ["-accel", "tcg,thread=multi"]
        return [str(self.emulator), *how, "-cpu", ",".join(filter(None, (self.model.cpu, self.cpu_features))),
                "-smp", str(self.cpus), "-m", str(MEMORY_MB), "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
                *self.extra]
