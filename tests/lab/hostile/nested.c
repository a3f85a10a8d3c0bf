/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Run in a guest with a partitioned PMU that is a hypervisor itself: its own guests, and what it counts meanwhile. */
#include <err.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "check.h"
#include "pmu.h"
#include "tests.h"

/* A read of what is not there faults, or is 0 where KVM keeps to what every processor once had. */
static void expect_nothing(struct vm *vm)
{
	uint64_t value = 0;

	for (unsigned int n = 0; n < pmu_count(); n++) {
		unsigned int i = pmu_nth(n);
		uint32_t index = i < PMU_FIXED ? i : 0x40000000 + i - PMU_FIXED;

		if (vm_rdmsr(vm, pmu_counter(i), &value))
			check_is("a counter", 0, value);
		if (vm_rdmsr(vm, pmu_select(i), &value))
			check_is("a selector", 0, value);
		check_is("RDPMC", 0, vm_rdpmc(vm, index, &value));
	}
	if (pmu.ctrl) {
		check_is("the global control", 0, vm_rdmsr(vm, pmu.ctrl, &value));
		check_is("the status", 0, vm_rdmsr(vm, pmu.status, &value));
		check_is("a write to the global control", 0, vm_wrmsr(vm, pmu.ctrl, 1));
	}
}

/* Its PMU leaves out AMD's GuestOnly, as every KVM's does: labkit/host_tests.py has what its kernel says. */
static void expect_refusal(void)
{
	uint64_t found;
	struct vm vm;

	check_begin("a hypervisor in a guest does not share what it cannot keep from counting it");
	vm_create(&vm, VM_PMU);
	pmu_program(&vm, 0, pmu.instructions | PMU_OS, 0);
	vm_loop(&vm, 1000);
	found = pmu_value(&vm, 0);
	printf("# the emulated PMU of such a guest counts %" PRIu64 " instructions of its 2000\n",
	       found);
	check_is("whether the emulated PMU counts", 1, found >= 2000);
	vm_destroy(&vm);
	check_end();
}

static void expect_no_pmu(void)
{
	int all_fd = pmu_open(pmu.branches, -1, 0, -1, PMU_PINNED);
	int own_fd = pmu_open(pmu.instructions, 0, -1, -1, PMU_USER_ONLY);
	/* Off while its guest runs: on Intel the VMCS for that switches GLOBAL_CTRL. */
	int host_fd = pmu_open(pmu.cycles, -1, 0, -1, PMU_HOST_ONLY);
	uint64_t want;
	struct vm vm;

	check_begin("a nested guest sees no PMU while its hypervisor counts");
	if (all_fd < 0 || own_fd < 0 || host_fd < 0)
		err(1, "no event of the guest");
	ioctl(own_fd, PERF_EVENT_IOC_DISABLE, 0);
	want = pmu_count_here(own_fd);
	vm_create(&vm, VM_PMU_OFF);
	for (unsigned int round = 0; round < 3; round++) {
		expect_nothing(&vm);
		vm_loop(&vm, 1000);
		check_is("the hypervisor's own count", want, pmu_count_here(own_fd));
	}
	check_is("the hypervisor's event that counts", 1, pmu_read(all_fd) != ~0ull);
	check_is("its event that leaves guests out", 1, pmu_read(host_fd) > 0);
	vm_destroy(&vm);
	close(host_fd);
	close(own_fd);
	close(all_fd);
	check_end();
}

void test_nested(void)
{
	expect_no_pmu();
	if (!pmu.is_intel)
		expect_refusal();
}
