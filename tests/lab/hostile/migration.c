/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest moves to another VM by KVM's list of MSRs, while it counts. */
#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "check.h"
#include "pmu.h"
#include "tests.h"

#define MAX_MSRS 512
#define PERF_CAPABILITIES 0x345

static struct kvm_msr_list *get_list(void)
{
	struct kvm_msr_list *list = calloc(1, sizeof(*list) + MAX_MSRS * sizeof(list->indices[0]));
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (!list || kvm < 0)
		err(1, "/dev/kvm");
	list->nmsrs = MAX_MSRS;
	if (ioctl(kvm, KVM_GET_MSR_INDEX_LIST, list))
		err(1, "KVM_GET_MSR_INDEX_LIST");
	close(kvm);
	return list;
}

static bool has_msr(const struct kvm_msr_list *list, uint32_t msr)
{
	for (unsigned int i = 0; i < list->nmsrs; i++) {
		if (list->indices[i] == msr)
			return true;
	}
	return false;
}

static bool is_of_pmu(uint32_t msr)
{
	if (!pmu.is_intel)
		return msr >= 0xc0010000 && msr <= 0xc0010007;
	return (msr >= 0xc1 && msr <= 0xc8) || (msr >= 0x186 && msr <= 0x18d) ||
	       (msr >= 0x309 && msr <= 0x30c) || (msr >= 0x38d && msr <= 0x392);
}

/* All of the PMU's that the list has; the number of those that could not be moved. */
static unsigned int move(const struct kvm_msr_list *list, struct vm *from, struct vm *to)
{
	unsigned int refused = 0;
	uint64_t value;

	for (unsigned int i = 0; i < list->nmsrs; i++) {
		uint32_t msr = list->indices[i];

		if (is_of_pmu(msr) && (!vm_get(from, msr, &value) || !vm_set(to, msr, value)))
			refused++;
	}
	return refused;
}

static void expect_list(const struct kvm_msr_list *list)
{
	check_begin("KVM_GET_MSR_INDEX_LIST has what guests own of the PMU, and no more");
	for (unsigned int i = 0; i < PMU_GUEST_COUNTERS; i++) {
		check_is("a selector", 1, has_msr(list, pmu_select(i)));
		check_is("a counter", 1, has_msr(list, pmu.is_intel ? 0xc1 + i : pmu_counter(i)));
	}
	if (pmu.is_intel) {
		check_is("the global control", 1, has_msr(list, pmu.ctrl));
		check_is("the status", 1, has_msr(list, pmu.status));
		check_is("a selector of the host", 0, has_msr(list, 0x18a));
		check_is("a counter of the host", 0, has_msr(list, 0xc5));
		for (unsigned int i = 0; i < 4; i++)
			check_is("a fixed counter", i < pmu.fixed, has_msr(list, 0x309 + i));
	}
	check_end();
}

/* As a VMM saves a vCPU that is about to move, whatever PMU it has: one register refused, and all behind it are not moved. */
static void move_all(const struct kvm_msr_list *list, enum vm_pmu kind)
{
	struct vm from, to;
	uint64_t value;

	vm_create(&from, kind);
	vm_create(&to, kind);
	for (unsigned int i = 0; i < list->nmsrs; i++) {
		uint32_t msr = list->indices[i];
		bool is_moved = vm_get(&from, msr, &value) && vm_set(&to, msr, value);

		/* Linux's own: without a PMU it is not 0 at first, and cannot be written but with 0. */
		if (msr == PERF_CAPABILITIES && kind != VM_PMU && kind != VM_PMU_ONE)
			continue;
		check_is("a register that cannot be moved", 0, is_moved ? 0 : msr);
	}
	vm_destroy(&to);
	vm_destroy(&from);
}

static void expect_all_moves(const struct kvm_msr_list *list)
{
	check_begin("all that KVM_GET_MSR_INDEX_LIST has can be saved and restored");
	move_all(list, VM_PMU);
	move_all(list, VM_PMU_OFF);
	move_all(list, VM_PMU_TOO_MUCH);
	if (pmu.is_intel) {
		move_all(list, VM_PMU_ONE);
		move_all(list, VM_PMU_NONE);
	}
	check_end();
}

static void go_on(const struct kvm_msr_list *list)
{
	struct vm vms[4];
	uint64_t loops = 0;

	check_begin("counters go on exactly in another VM, and again in another");
	for (unsigned int i = 0; i < 4; i++)
		vm_create(&vms[i], VM_PMU);
	pmu_program(&vms[0], 0, pmu.instructions | PMU_OS, 0);
	pmu_program(&vms[0], 1, pmu.branches | PMU_OS, PMU_WIDTH_MASK - 9999);
	pmu_program(&vms[0], 3, pmu.instructions | PMU_OS, 0x123456789abcull);
	if (pmu.fixed)
		pmu_program(&vms[0], PMU_FIXED, PMU_OS, 0x765432100000ull);
	for (unsigned int i = 0; i < 4; i++) {
		vm_loop(&vms[i], 3000 + i);
		loops += 3000 + i;
		if (i < 3)
			check_is("registers that could not be moved", 0,
				 move(list, &vms[i], &vms[i + 1]));
	}
	check_is("instructions", 2 * loops, pmu_value(&vms[3], 0));
	check_is("branches", loops - 10000, pmu_value(&vms[3], 1));
	check_is("instructions, from elsewhere on", 0x123456789abcull + 2 * loops,
		 pmu_value(&vms[3], 3));
	if (pmu.fixed)
		check_is("instructions, by a fixed counter", 0x765432100000ull + 2 * loops,
			 pmu_value(&vms[3], PMU_FIXED));
	pmu_expect_status("the status", 2, &vms[3]);
	pmu_expect_status("the first VM's status", 0, &vms[0]);
	for (unsigned int i = 0; i < 4; i++)
		vm_destroy(&vms[i]);
	check_is("what guests leave in hardware", 0, pmu_left());
	check_end();
}

static void keep_quiet(const struct kvm_msr_list *list, const char *name, unsigned int i)
{
	struct vm from, to;

	check_begin(name);
	vm_create(&from, VM_PMU);
	vm_create(&to, VM_PMU);
	vm_set_lvtpc(&to, 0x400);
	pmu_program(&from, i, pmu.instructions | PMU_OS | PMU_INT, PMU_WIDTH_MASK - 100);
	check_is("how the first run ended, its LVTPC being masked", VM_DONE, vm_loop(&from, 200));
	pmu_expect_status("the overflow", 1ull << i, &from);
	check_is("registers that could not be moved", 0, move(list, &from, &to));
	pmu_expect_status("the overflow, moved", 1ull << i, &to);
	check_is("how the second run ended", VM_DONE, vm_loop(&to, 50));
	check_is("the count", 400 - 101 + 100, pmu_value(&to, i));
	pmu_expect_status("the overflow, later", 1ull << i, &to);
	/* Written by the VMM to what would overflow: still none. */
	pmu_program(&to, i, pmu.instructions | PMU_OS | PMU_INT, PMU_WIDTH_MASK);
	pmu_program(&to, i, pmu.instructions | PMU_OS | PMU_INT, 0);
	check_is("how a run after the VMM's writes ended", VM_DONE, vm_loop(&to, 50));
	vm_destroy(&to);
	vm_destroy(&from);
	check_end();
}

/* What overflowed was completed by the VMM, which then saves the guest: the PMI waits for its next entry, elsewhere. */
static void keep_pmi(const struct kvm_msr_list *list)
{
	struct kvm_regs regs = {.rax = 1};
	struct vm from, to;

	check_begin("a PMI on its way moves with the guest");
	vm_create(&from, VM_PMU);
	vm_create(&to, VM_PMU);
	vm_set_lvtpc(&from, 0x400);
	pmu_program(&from, 0, pmu.instructions | PMU_OS | PMU_INT, PMU_WIDTH_MASK);
	vm_complete(&from, guest_out, &regs);
	check_is("registers that could not be moved", 0, move(list, &from, &to));
	vm_move_events(&from, &to);
	vm_set_lvtpc(&to, vm_get_lvtpc(&from));
	check_is("how the next run ends, elsewhere", VM_NMI, vm_loop(&to, 50));
	pmu_expect_status("the status", 1, &to);
	vm_destroy(&to);
	vm_destroy(&from);
	check_end();
}

void test_migration(void)
{
	struct kvm_msr_list *list = get_list();

	expect_list(list);
	expect_all_moves(list);
	go_on(list);
	keep_quiet(list, "a restored overflow is the status, and no PMI", 0);
	if (pmu.fixed)
		keep_quiet(list, "so is that of a fixed counter", PMU_FIXED);
	keep_pmi(list);
	free(list);
}
