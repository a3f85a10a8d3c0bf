# SPDX-License-Identifier: GPL-2.0-or-later
"""The guests of the lab: how they are started and what a profile of them must show."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Guest:
    """One guest. `hot_kernel` may have several names: processors choose between variants."""

    name: str
    uuid: str
    vcpus: int
    threads: int
    pause_ms: int
    hot_user: str
    hot_kernel: tuple
    kernel_image: str
    name_option: str
    qmp: bool = False
    # Events of which its kernel's function has hardly any, however long it runs: one repeated string instruction, or a loop that
    # is unrolled to its end.
    kernel_lacks: tuple = ()
    # Its program has a random address, so it is found by /proc/PID/maps alone.
    is_pie: bool = False
    modules: tuple = ()
    memory_mb: int = 160
    # What /init is, and the program if it is not called as the guest.
    init: str = "init"
    program: str = None
    with_perf: bool = False
    # It does what the scenario tells it on its second serial port.
    is_told: bool = False
    # Not Debian's kernel but the one that the host has.
    has_hosts_kernel: bool = False
    # A hypervisor itself, with KVM for the machine's processors.
    is_hypervisor: bool = False
    # `program` has no libc unless it says so.
    with_libc: bool = False

    def conf(self):
        """The guest as settings for host/lab.sh."""
        qmp = f"-qmp unix:/run/vm/{self.name}/qmp,server=on,wait=off" if self.qmp else ""
        return (f"UUID={self.uuid}\nVCPUS={self.vcpus}\nMEMORY={self.memory_mb}\n"
                f"NAME_OPTION='{self.name_option}'\nKERNEL={'/lab/vmlinuz-host' if self.has_hosts_kernel else '/lab/vmlinuz'}\nQMP='{qmp}'\nCONTROL={'1' if self.is_told else ''}\n")


VIRTIO_BLK = ("virtio_pci", "virtio_blk")

GUESTS = {
    guest.name: guest for guest in (
        Guest(name="web", uuid="6f1d2c3a-0b54-4d1e-9a77-3c0e5f8a1b01", vcpus=1, threads=1,
              pause_ms=0, hot_user="hot_web_parse", hot_kernel=("sha1_transform",),
              kernel_image="[kernel]", kernel_lacks=("branches",), name_option="-name web", qmp=True,
              modules=VIRTIO_BLK + ("algif_hash",)),
        Guest(name="db", uuid="6f1d2c3a-0b54-4d1e-9a77-3c0e5f8a1b02", vcpus=2, threads=2,
              pause_ms=8, hot_user="hot_db_hash", hot_kernel=("wp512_process_buffer",),
              kernel_image="[wp512]", name_option="-name guest=db,debug-threads=on",
              modules=VIRTIO_BLK + ("wp512", "algif_hash")),
        Guest(name="batch", uuid="6f1d2c3a-0b54-4d1e-9a77-3c0e5f8a1b03", vcpus=1, threads=1,
              pause_ms=0, hot_user="hot_batch_sort",
              hot_kernel=("clear_page_rep", "clear_page_orig", "clear_page_erms"),
              kernel_image="[kernel]", name_option="-name guest=batch,process=vm-batch",
              kernel_lacks=("instructions", "branches"), is_pie=True, modules=VIRTIO_BLK),
    )
}

# It measures with perf and then waits; the scenario vpmu has no other.
METER = Guest(name="meter", uuid="6f1d2c3a-0b54-4d1e-9a77-3c0e5f8a1b04", vcpus=1, threads=0, pause_ms=0,
              hot_user="_start", hot_kernel=(), kernel_image="", name_option="-name meter", modules=VIRTIO_BLK,
              memory_mb=320, init="meter", program="count", with_perf=True)
# They measure at the same time, whenever they are told.
ALPHA = dataclasses.replace(METER, name="alpha", uuid="6f1d2c3a-0b54-4d1e-9a77-3c0e5f8a1b05", vcpus=2, init="told", program="twin",
                            name_option="-name guest=alpha,debug-threads=on", is_told=True)
BETA = dataclasses.replace(ALPHA, name="beta", uuid="6f1d2c3a-0b54-4d1e-9a77-3c0e5f8a1b06", vcpus=1,
                           name_option="-name guest=beta,debug-threads=on")
GAMMA = dataclasses.replace(BETA, name="gamma", uuid="6f1d2c3a-0b54-4d1e-9a77-3c0e5f8a1b08",
                            name_option="-name guest=gamma,debug-threads=on", has_hosts_kernel=True)
# It is a hypervisor itself, and runs the test program of the scenario `hostile` in place of the host.
NEST = dataclasses.replace(GAMMA, name="nest", uuid="6f1d2c3a-0b54-4d1e-9a77-3c0e5f8a1b09", name_option="-name nest", init="nest",
                           program="hostile", with_perf=False, is_told=False, is_hypervisor=True)
# It measures what its virtual PMU costs.
TOLL = dataclasses.replace(METER, name="toll", uuid="6f1d2c3a-0b54-4d1e-9a77-3c0e5f8a1b07", vcpus=2, name_option="-name toll",
                           init="toll", program="toll", with_libc=True, is_told=True)
# scenario -> its guests, where they are not GUESTS
SCENARIO_GUESTS = {"truth": ("web", "db"), "vpmu": ("meter",), "partition": ("alpha", "beta", "gamma"),
                   "selftests": (), "hostile": ("nest",), "device": (), "toll": ("toll",)}

HOST_HOT_USER = "hot_host_burn"


def find(name):
    return next((guest for guest in (METER, ALPHA, BETA, GAMMA, NEST, TOLL) if guest.name == name), None) or GUESTS[name]
