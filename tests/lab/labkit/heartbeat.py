# SPDX-License-Identifier: GPL-2.0-or-later
"""Interrupts for every emulated processor, from outside the machine and whatever its own timers do.

QEMU 7.2 can forget an interrupt of a processor that enters a guest (docs/lab.md). It stays pending in the local APIC, which
looks again when another one arrives. Linux's timer is armed anew only when its interrupt was served, so if that was the one
forgotten, nothing may ever arrive. Hence the interrupts made here: message-signalled ones, written to the emulator's memory
through its qtest object as a device would write them. The host gets the vector with which Linux makes another processor
look at its run queue; one too many of these is as good as none, and no program runs in the host for it.
"""

import socket

# Intel SDM volume 3, "Message Address Register Format": the destination's APIC ID stands in bits 12 to 19.
MSI_ADDRESS = 0xfee00000
MSI_DESTINATION_SHIFT = 12
# RESCHEDULE_VECTOR of Linux, arch/x86/include/asm/irq_vectors.h; fixed delivery, edge.
MSI_DATA = 0xfd


def message(cpu):
    """The command that interrupts one processor; QEMU's APIC IDs count from 0 for so few."""
    return f"writel {MSI_ADDRESS | cpu << MSI_DESTINATION_SHIFT:#x} {MSI_DATA:#x}\n".encode("ascii")


class Heartbeat:
    """The connection to one emulator. beat() is harmless once the emulator has ended."""

    def __init__(self, cpus):
        self._messages = b"".join(message(cpu) for cpu in range(cpus))
        self._here, self.theirs = socket.socketpair()
        self._here.setblocking(False)

    def options(self):
        """QEMU's options; the process inherits `theirs`."""
        return ["-chardev", f"socket,id=heartbeat,fd={self.theirs.fileno()}",
                "-object", "qtest,id=interrupts,chardev=heartbeat,log=none"]

    def files(self):
        """The descriptors that the process inherits."""
        return [self.theirs.fileno()]

    def close(self):
        self._here.close()
        self.theirs.close()

    def beat(self):
        """Interrupts each processor once. Linux must run on all of them: its vector means nothing to firmware."""
        try:
            self._here.send(self._messages)
            # The answers, which say nothing but that the commands were read.
            self._here.recv(1 << 16)
        except (BlockingIOError, ConnectionError):
            # The emulator is slow to read, or has ended.
            pass


class NoHeartbeat:
    """For an emulator that needs none."""

    def options(self):
        return []

    def files(self):
        return []

    def beat(self):
        pass

    def close(self):
        pass
