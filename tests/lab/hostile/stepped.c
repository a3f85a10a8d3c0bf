/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Accesses to the PMU after which something has to happen at once: a trap, a stop of the VMM's debugger, an interrupt. */
#include <stddef.h>

#include "check.h"
#include "pmu.h"
#include "tests.h"

#define TF 0x100u
#define STI_LENGTH 1
#define ACCESS_LENGTH 2

struct access {
	const char *trapped, *stopped, *interrupted; /* the tests' names */
	const char *code;
	const char *after_sti;
	bool is_rdpmc;
};

/* Each exits: selectors are never passed through, and RDPMC is not. */
static const struct access accesses[] = {
	{"the trap after an RDMSR with TF", "the VMM's single step over an RDMSR",
	 "the interrupt behind STI and an RDMSR", guest_rdmsr, guest_sti_rdmsr, false},
	{"the trap after a WRMSR with TF", "the VMM's single step over a WRMSR",
	 "the interrupt behind STI and a WRMSR", guest_wrmsr, guest_sti_wrmsr, false},
	{"the trap after an RDPMC with TF", "the VMM's single step over an RDPMC",
	 "the interrupt behind STI and an RDPMC", guest_rdpmc, guest_sti_rdpmc, true},
};

static struct kvm_regs regs_of(const struct access *access)
{
	return (struct kvm_regs){.rax = pmu.instructions | PMU_USR,
				 .rcx = access->is_rdpmc ? 2 : pmu_select(2)};
}

/* With what the access does, if it writes. */
static void expect_done(const struct access *access, struct vm *vm)
{
	uint64_t select = 0;

	check_is("instructions", 1, pmu_value(vm, 0));
	if (access->code != guest_wrmsr)
		return;
	check_is("whether the selector can be read", 1, vm_get(vm, pmu_select(2), &select));
	check_is("the selector", pmu.instructions | PMU_USR, select);
}

static void begin(const char *name, struct vm *ret)
{
	check_begin(name);
	vm_create(ret, VM_PMU);
	pmu_program(ret, 0, pmu.instructions | PMU_OS, 0);
}

static void trap(const struct access *access)
{
	struct kvm_regs regs = regs_of(access);
	struct vm vm;

	begin(access->trapped, &vm);
	regs.rflags = TF;
	check_is("how it ended", VM_DEBUG, vm_step(&vm, access->code, &regs));
	check_is("where", vm_offset(access->code) + ACCESS_LENGTH, vm_interrupted_at(&vm, &regs));
	expect_done(access, &vm);
	vm_destroy(&vm);
	check_end();
}

static void stop(const struct access *access)
{
	struct kvm_regs regs = regs_of(access);
	struct vm vm;

	begin(access->stopped, &vm);
	vm_debug(&vm, access->code, &regs);
	check_is("where it stopped", vm_address(access->code) + ACCESS_LENGTH, regs.rip);
	expect_done(access, &vm);
	vm_destroy(&vm);
	check_end();
}

/* An interrupt that waits comes after the instruction behind STI, neither before nor later. */
static void interrupt(const struct access *access)
{
	struct kvm_regs regs = {.rcx = 1000};
	struct vm vm;

	begin(access->interrupted, &vm);
	vm_set_lvtpc(&vm, VM_VECTOR);
	pmu_program(&vm, 1, pmu.instructions | PMU_OS | PMU_INT, PMU_WIDTH_MASK - 500);
	check_is("how it ended with interrupts off", VM_DONE, vm_step(&vm, guest_loop, &regs));
	pmu_program(&vm, 0, pmu.instructions | PMU_OS, 0);
	regs = regs_of(access);
	check_is("how it ended", VM_INTERRUPT, vm_step(&vm, access->after_sti, &regs));
	check_is("where", vm_offset(access->after_sti) + STI_LENGTH + ACCESS_LENGTH,
		 vm_interrupted_at(&vm, &regs));
	check_is("instructions", 2, pmu_value(&vm, 0));
	vm_destroy(&vm);
	check_end();
}

void test_stepped(void)
{
	for (size_t i = 0; i < sizeof(accesses) / sizeof(accesses[0]); i++) {
		trap(&accesses[i]);
		stop(&accesses[i]);
		interrupt(&accesses[i]);
	}
}
