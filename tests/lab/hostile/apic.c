/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LVTPC is written with the host's interrupts off, while another vCPU has KVM draw its map of APICs anew, for which it may sleep. */
#include <err.h>
#include <pthread.h>
#include <stdatomic.h>

#include "check.h"
#include "runner.h"
#include "tests.h"

#define APIC_BASE 0x1b
#define X2APIC 0xfee00c00u
#define SPURIOUS 0x80f
#define LVTPC 0x834
#define AS_NMI 0x400u
/* Bit 8, which each of the guest's writes turns round: whether the APIC is on, and in LVTPC a bit of its mode. */
#define TOGGLED 0x100u
#define WRITES 20000u
#define WRITES_AT_ONCE 100u

struct other {
	struct vm vm;
	pthread_t thread;
	atomic_bool stops;
	atomic_ulong writes;
};

static enum vm_end toggle(struct vm *vm, uint32_t msr, uint32_t first, uint64_t count)
{
	struct kvm_regs regs = {.rcx = msr, .rax = first, .rsi = count};

	return vm_step(vm, guest_toggles, &regs);
}

static void *switch_apic(void *argument)
{
	struct other *other = argument;

	runner_pin(1);
	while (!other->stops) {
		if (toggle(&other->vm, SPURIOUS, TOGGLED | 0xff, WRITES_AT_ONCE) != VM_DONE)
			errx(1, "the other vCPU has left its loop");
		other->writes += WRITES_AT_ONCE;
	}
	return NULL;
}

static void start(const struct vm *vm, struct other *ret)
{
	ret->stops = false;
	ret->writes = 0;
	vm_add_vcpu(vm, 1, &ret->vm);
	check_is("the other's x2APIC", 1, vm_set(&ret->vm, APIC_BASE, X2APIC));
	if (pthread_create(&ret->thread, NULL, switch_apic, ret))
		errx(1, "no thread");
}

void test_apic(void)
{
	struct other other;
	uint64_t value = 0;
	struct vm vm;

	check_begin("LVTPC is written while another vCPU's APIC goes on and off");
	vm_create(&vm, VM_PMU);
	vm_set_lvtpc(&vm, AS_NMI);
	check_is("the x2APIC", 1, vm_set(&vm, APIC_BASE, X2APIC | TOGGLED));
	start(&vm, &other);
	runner_pin(0);
	check_is("how it ended", VM_DONE, toggle(&vm, LVTPC, AS_NMI, WRITES));
	check_is("whether LVTPC can be read", 1, vm_rdmsr(&vm, LVTPC, &value));
	check_is("LVTPC", AS_NMI | TOGGLED, value);
	other.stops = true;
	pthread_join(other.thread, NULL);
	runner_pin(RUNNER_ANY_CPU);
	check_is("whether the other's went on and off", 1, other.writes > 0);
	vm_remove_vcpu(&other.vm);
	vm_destroy(&vm);
	check_end();
}
