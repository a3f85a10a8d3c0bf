/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Instructions that KVM or its user emulate, and overflows by them and by others. */
#include <stddef.h>

#include "check.h"
#include "pmu.h"
#include "tests.h"

#define CR4_MCE_PAE 0x60
#define MASKED 0x10000u
#define AS_NMI 0x400u

struct emulated {
	const char *name;
	const char *code;
	struct kvm_regs regs;
};

/* One instruction each. */
static const struct emulated instructions[] = {
	{"CPUID", guest_cpuid, {.rax = 0}},
	{"MOV to CR4", guest_cr4, {.rax = CR4_MCE_PAE}},
	{"RDMSR that exits", guest_rdmsr, {.rcx = 0x10a}},
	{"RDPMC", guest_rdpmc, {.rcx = 3}},
	{"OUT", guest_out, {.rax = 1}},
	{"IN", guest_in, {.rax = 1}},
	{"OUTSB", guest_outs, {.rdx = 0x20, .rsi = VM_BUFFER}},
	{"INSB", guest_ins, {.rdx = 0x20, .rdi = VM_BUFFER}},
	{"MOV from where no memory is", guest_read, {.rbx = VM_MMIO}},
	{"MOV to where no memory is", guest_write, {.rbx = VM_MMIO}},
};

/* The same, in parts. */
static const struct emulated strings[] = {
	{"REP OUTSB of one", guest_rep_outs, {.rdx = 0x20, .rsi = VM_BUFFER, .rcx = 1}},
	{"REP OUTSB of 12", guest_rep_outs, {.rdx = 0x20, .rsi = VM_BUFFER, .rcx = 12}},
	{"REP OUTSB of none", guest_rep_outs, {.rdx = 0x20, .rsi = VM_BUFFER, .rcx = 0}},
	{"REP INSB of 12", guest_rep_ins, {.rdx = 0x20, .rdi = VM_BUFFER, .rcx = 12}},
	{"REP INSB of 1500", guest_rep_ins, {.rdx = 0x20, .rdi = VM_BUFFER, .rcx = 1500}},
	{"REP MOVSB of 9 to where no memory is",
	 guest_rep_movs,
	 {.rsi = VM_BUFFER, .rdi = VM_MMIO, .rcx = 9}},
	{"REP MOVSB of 9 from where no memory is",
	 guest_rep_movs,
	 {.rsi = VM_MMIO, .rdi = VM_BUFFER, .rcx = 9}},
};

/* It is what a counter overflows by, alone. */
static void overflow_by(const struct emulated *emulated, struct vm *vm, unsigned int i)
{
	struct kvm_regs regs = emulated->regs;

	for (unsigned int n = 0; n < pmu_count(); n++)
		pmu_program(vm, pmu_nth(n), 0, 0);
	if (pmu.clear)
		vm_set(vm, pmu.clear, pmu_all_bits());
	vm_set_lvtpc(vm, AS_NMI);
	pmu_program(vm, i, pmu.instructions | PMU_OS | PMU_INT, PMU_WIDTH_MASK);
	check_is("how it ended when it overflows", VM_NMI, vm_step(vm, emulated->code, &regs));
	pmu_expect_status("the status", 1ull << i, vm);
}

static void count_one(const struct emulated *emulated)
{
	struct kvm_regs regs = emulated->regs;
	struct vm vm;

	check_begin(emulated->name);
	vm_create(&vm, VM_PMU);
	pmu_program(&vm, 0, pmu.instructions | PMU_OS, 0);
	pmu_program(&vm, 1, pmu.branches | PMU_OS, 0);
	pmu_program(&vm, 2, pmu.instructions | PMU_USR, 0);
	if (pmu.fixed)
		pmu_program(&vm, PMU_FIXED, PMU_OS, 0);
	check_is("how it ended", VM_DONE, vm_step(&vm, emulated->code, &regs));
	check_is("instructions", 1, pmu_value(&vm, 0));
	check_is("branches", 0, pmu_value(&vm, 1));
	check_is("instructions at CPL 3", 0, pmu_value(&vm, 2));
	if (pmu.fixed)
		check_is("instructions, by the fixed counter", 1, pmu_value(&vm, PMU_FIXED));
	overflow_by(emulated, &vm, 0);
	if (pmu.fixed)
		overflow_by(emulated, &vm, PMU_FIXED);
	vm_destroy(&vm);
	check_end();
}

void test_emulated(void)
{
	for (size_t i = 0; i < sizeof(instructions) / sizeof(instructions[0]); i++)
		count_one(&instructions[i]);
}

void test_strings(void)
{
	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
		count_one(&strings[i]);
}

/* Overflow of a counter by the guest's own instructions. */
static enum vm_end overflow(struct vm *vm, unsigned int i, uint32_t lvtpc, uint64_t rflags,
			    struct kvm_regs *regs)
{
	*regs = (struct kvm_regs){.rcx = 1000, .rflags = rflags};
	vm_set_lvtpc(vm, lvtpc);
	pmu_program(vm, i, pmu.instructions | PMU_OS | PMU_INT, PMU_WIDTH_MASK - 500);
	return vm_step(vm, guest_loop, regs);
}

static void deliver(const char *name, unsigned int i, uint32_t lvtpc, uint64_t rflags,
		    enum vm_end want)
{
	uint32_t masked = pmu.is_intel && !(lvtpc & MASKED) ? MASKED : 0;
	struct kvm_regs regs;
	struct vm vm;

	check_begin(name);
	vm_create(&vm, VM_PMU);
	check_is("how it ended", want, overflow(&vm, i, lvtpc, rflags, &regs));
	pmu_expect_status("the status", 1ull << i, &vm);
	if (want != VM_DONE) {
		check_is("rounds that were left", 1000 - 251, regs.rcx);
		check_is("LVTPC", lvtpc | masked, vm_get_lvtpc(&vm));
	} else {
		check_is("LVTPC, masked as it was", lvtpc & MASKED ? lvtpc : lvtpc | masked,
			 vm_get_lvtpc(&vm));
		check_is("instructions", 2000 - 501, pmu_value(&vm, i));
	}
	vm_destroy(&vm);
	check_end();
}

void test_pmi(void)
{
	deliver("a PMI through an LVTPC that says NMI", 0, AS_NMI, 0x202, VM_NMI);
	deliver("a PMI through an LVTPC that says NMI, with interrupts off", 0, AS_NMI, 0x2,
		VM_NMI);
	deliver("a PMI through an LVTPC with a vector", 0, VM_VECTOR, 0x202, VM_INTERRUPT);
	deliver("a PMI through an LVTPC with a vector, with interrupts off", 0, VM_VECTOR, 0x2,
		VM_DONE);
	deliver("no PMI through a masked LVTPC", 0, MASKED | AS_NMI, 0x202, VM_DONE);
	if (!pmu.fixed)
		return;
	deliver("a fixed counter's PMI as an NMI", PMU_FIXED, AS_NMI, 0x202, VM_NMI);
	deliver("a fixed counter's PMI as a vector", PMU_FIXED, VM_VECTOR, 0x202, VM_INTERRUPT);
	deliver("no PMI of a fixed counter through a masked LVTPC", PMU_FIXED, MASKED | AS_NMI,
		0x202, VM_DONE);
}
