/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NMIs end, and those that came meanwhile follow, whichever way KVM takes at the end of a handler that has used the PMU. */
#include "check.h"
#include "pmu.h"
#include "tests.h"

#define APIC_BASE 0x1b
#define X2APIC 0xfee00d00u
#define ICR 0x830
#define AS_NMI 0x400u
#define VECTOR 2
#define NMIS 1000u

static void send_nmis(const char *name, uint64_t from_handler)
{
	struct kvm_regs regs = {.rcx = ICR,
				.rax = AS_NMI,
				.rsi = NMIS,
				.r9 = from_handler,
				.r10 = pmu.select,
				.r11 = ICR};
	struct kvm_vcpu_events events;
	struct vm vm;

	check_begin(name);
	vm_create(&vm, VM_PMU);
	vm_set_handler(&vm, VECTOR, guest_nmi_returns);
	check_is("the x2APIC", 1, vm_set(&vm, APIC_BASE, X2APIC));
	check_is("how it ended", VM_DONE, vm_step(&vm, guest_nmis, &regs));
	events = vm_events(&vm);
	check_is("NMIs", NMIS + from_handler, regs.r8);
	check_is("NMIs that its handler has not sent", 0, regs.r9);
	check_is("NMIs on their way", 0, events.nmi.pending);
	check_is("whether NMIs are blocked", 0, events.nmi.masked);
	vm_destroy(&vm);
	check_end();
}

void test_nmi(void)
{
	send_nmis("NMIs of a handler that reads the PMU", 0);
	send_nmis("an NMI within the last one's handler", 1);
	send_nmis("NMIs within handlers", NMIS);
}
