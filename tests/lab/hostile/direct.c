/* SPDX-License-Identifier: GPL-2.0-or-later */
/* With hvpmu_rdpmc=1: RDPMC of a guest does not exit, and shows its own counters, perhaps the host's, and never another guest's. */
#include <err.h>
#include <unistd.h>

#include "check.h"
#include "pmu.h"
#include "runner.h"
#include "tests.h"

#define RDPMC_FIXED 0x40000000u
#define LOOPS 1000u

static void expect_rdpmc(const char *what, struct vm *vm, uint32_t index, uint64_t want)
{
	uint64_t value = ~0ull;

	check_is("whether RDPMC can be used", 1, vm_rdpmc(vm, index, &value));
	check_is(what, want, value);
}

/* As long as the guest counts nothing its counters are in memory, and RDPMC of others' faults. */
static void expect_exits(struct vm *vm)
{
	uint64_t value;

	expect_rdpmc("a counter in memory", vm, 1, 77);
	check_is("RDPMC of a counter of the host", 0, vm_rdpmc(vm, pmu.host_first, &value));
}

/* This guest runs on this CPU; the other one, which uses all its counters, and an event of the host are on CPU 0. */
static void expect_own(struct vm *vm, int cpu)
{
	uint64_t value;

	runner_pin(cpu);
	pmu_program(vm, 0, pmu.instructions | PMU_OS, 0);
	vm_loop(vm, LOOPS);
	/* An RDPMC that does not exit counts itself in what it reads. */
	expect_rdpmc("its own counter", vm, 0, 2 * LOOPS + 1);
	expect_rdpmc("one that it has set, and not on", vm, 1, 77);
	for (uint32_t i = 2; i < PMU_GUEST_COUNTERS; i++)
		expect_rdpmc("one that it does not use", vm, i, 0);
	for (uint32_t i = 0; i < pmu.fixed; i++)
		expect_rdpmc("a fixed one that it does not use", vm, RDPMC_FIXED + i, 0);
	for (uint32_t i = 0; i < pmu.host_count; i++)
		check_is("RDPMC of a counter of the host", 1,
			 vm_rdpmc(vm, pmu.host_first + i, &value));
	pmu_program(vm, 0, 0, 0);
}

static void see_own_alone(void)
{
	struct runner runner;
	struct vm all, one;
	int fd;

	check_begin(
		"RDPMC that does not exit shows the guest's own counters, and no other guest's");
	vm_create(&all, VM_PMU);
	vm_create(&one, VM_PMU);
	fd = pmu_open(pmu.branches, -1, 0, -1, PMU_PINNED);
	if (fd < 0)
		err(1, "no event of the host on CPU 0");
	vm_set(&one, pmu_counter(1), 77);
	expect_exits(&one);
	for (unsigned int n = 0; n < pmu_count(); n++)
		pmu_program(&all, pmu_nth(n), pmu.instructions | PMU_OS, 0);
	runner_start(&runner, &all, 0);
	for (int round = 0; round < 4; round++)
		expect_own(&one, round & 1);
	runner_stop(&runner);
	runner_pin(RUNNER_ANY_CPU);
	for (unsigned int i = 0; i < PMU_GUEST_COUNTERS; i++)
		check_is("the other guest's count", 2 * runner.loops, pmu_value(&all, i));
	vm_destroy(&one);
	vm_destroy(&all);
	check_is("what guests leave in hardware", 0, pmu_left());
	close(fd);
	check_end();
}

void test_direct(void)
{
	see_own_alone();
}
