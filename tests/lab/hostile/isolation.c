/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One guest counts with all its counters, the host counts, and another guest tries everything. */
#include <err.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/perf_event.h>

#include "check.h"
#include "pmu.h"
#include "runner.h"
#include "tests.h"

#define ROUNDS 2
/* Of an instruction, by the machine's --icount. */
#define CYCLES 2u
#define RDPMC_FIXED 0x40000000u
#define CR4_PAE 0x20u
#define CR4_PCE 0x100u
#define RFLAGS_IOPL 0x3000u
#define ARRAY_SIZE(array) (sizeof(array) / sizeof(*(array)))

/* What a guest finds at a register. */
enum kind {
	FAULTS,	 /* #GP, reads and writes alike */
	IS_ZERO, /* reads as 0, ignores writes */
	OWN,	 /* the guest's own, 0 at first */
	READS_AS_RESET,
	FIXED, /* the guest's own as far as it has fixed counters, the others fault */
};

struct range {
	uint32_t first, last;
	enum kind kind;
};

static const struct range intel[] = {
	{0xc1, 0xc4, OWN},
	{0xc5, 0xc8, FAULTS},
	{0x186, 0x189, OWN},
	{0x18a, 0x18d, FAULTS},
	{0x309, 0x30c, FIXED},
	{0x329, 0x329, FAULTS},
	{0x345, 0x345, READS_AS_RESET},
	{0x38d, 0x38e, OWN},
	{0x38f, 0x38f, READS_AS_RESET},
	{0x390, 0x390, OWN},
	{0x391, 0x392, FAULTS},
	{0x3f1, 0x3f1, FAULTS},
	{0x4c1, 0x4c4, OWN},
	{0x4c5, 0x4c8, FAULTS},
	{0xc0010000, 0xc0010007, IS_ZERO},
	{0xc0010200, 0xc001020f, FAULTS},
	{0xc0000300, 0xc0000303, FAULTS},
};

static const struct range amd[] = {
	{0xc1, 0xc2, IS_ZERO},
	{0xc3, 0xc8, FAULTS},
	{0x186, 0x187, IS_ZERO},
	{0x188, 0x18d, FAULTS},
	{0x309, 0x30c, FAULTS},
	{0x345, 0x345, FAULTS},
	{0x38d, 0x392, FAULTS},
	{0x3f1, 0x3f1, FAULTS},
	{0x4c1, 0x4c8, FAULTS},
	{0xc0010000, 0xc0010007, OWN},
	{0xc0010200, 0xc001020f, FAULTS},
	{0xc0000300, 0xc0000303, FAULTS},
};

static const uint64_t patterns[] = {
	0,	  1,	    0xf,       0x80000000, 0xffffffff, 0x100000000f, PMU_WIDTH_MASK, ~0ull,
	0x5300c0, 0x4300c4, 0x1d300c0, 0x5100c0,   0,
};

static enum kind kind_of(const struct range *range, uint32_t msr)
{
	if (range->kind != FIXED)
		return range->kind;
	return msr - range->first < pmu.fixed ? OWN : FAULTS;
}

static void expect_read(struct vm *vm, uint32_t msr, enum kind kind)
{
	uint64_t value;
	bool is_there = vm_rdmsr(vm, msr, &value);

	check_is("whether a register can be read", (uint64_t)(kind != FAULTS) << 32 | msr,
		 (uint64_t)is_there << 32 | msr);
	if (kind == IS_ZERO || kind == OWN)
		check_is("a register's value, and which", msr, value << 32 | msr);
}

static void write_all(struct vm *vm, uint32_t msr, enum kind kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		bool is_taken = vm_wrmsr(vm, msr, patterns[i]);

		if (kind == FAULTS)
			check_is("whether a register that is not there can be written", msr,
				 (uint64_t)is_taken << 32 | msr);
		if (kind == IS_ZERO)
			expect_read(vm, msr, kind);
	}
}

static void disable_all(struct vm *vm)
{
	for (unsigned int n = 0; n < pmu_count(); n++)
		pmu_program(vm, pmu_nth(n), 0, 0);
	if (pmu.clear)
		vm_wrmsr(vm, pmu.clear, pmu_all_bits());
}

static void try_registers(struct vm *vm)
{
	const struct range *ranges = pmu.is_intel ? intel : amd;
	size_t count = pmu.is_intel ? ARRAY_SIZE(intel) : ARRAY_SIZE(amd);

	for (size_t i = 0; i < count; i++) {
		for (uint32_t msr = ranges[i].first; msr <= ranges[i].last; msr++)
			expect_read(vm, msr, kind_of(&ranges[i], msr));
	}
	for (size_t i = 0; i < count; i++) {
		for (uint32_t msr = ranges[i].first; msr <= ranges[i].last; msr++)
			write_all(vm, msr, kind_of(&ranges[i], msr));
	}
	disable_all(vm);
}

static bool is_rdpmc_own(uint32_t index)
{
	return index < PMU_GUEST_COUNTERS ||
	       (index >= RDPMC_FIXED && index - RDPMC_FIXED < pmu.fixed);
}

static void try_rdpmc(struct vm *vm)
{
	static const uint32_t bases[] = {0, RDPMC_FIXED, 0x80000000, 0x20000000, 0x20000};
	uint64_t value;

	for (size_t i = 0; i < ARRAY_SIZE(bases); i++) {
		for (uint32_t index = bases[i]; index < bases[i] + 12; index++) {
			bool is_own = is_rdpmc_own(index);

			check_is("whether RDPMC faults", (uint64_t)is_own << 32 | index,
				 (uint64_t)vm_rdpmc(vm, index, &value) << 32 | index);
			check_is("what RDPMC reads", 0, value);
		}
	}
}

static void try_counting(struct vm *vm)
{
	/* But the fixed counters of cycles: those of CPL 3, where the guest never is. */
	for (unsigned int n = 0; n < pmu_count(); n++)
		pmu_program(vm, pmu_nth(n),
			    pmu.instructions | PMU_USR | (pmu_nth(n) <= PMU_FIXED ? PMU_OS : 0), 0);
	vm_loop(vm, 5000);
	for (unsigned int n = 0; n < pmu_count(); n++)
		check_is("the second guest's own count", pmu_nth(n) <= PMU_FIXED ? 10000 : 0,
			 pmu_value(vm, pmu_nth(n)));
	disable_all(vm);
}

static void start_counting(struct vm *vm)
{
	pmu_program(vm, 0, pmu.instructions | PMU_OS | PMU_USR, 0);
	pmu_program(vm, 1, pmu.branches | PMU_OS, 0);
	pmu_program(vm, 2, pmu.instructions | PMU_USR, 0);
	pmu_program(vm, 3, pmu.instructions | PMU_OS, 0);
	if (pmu.fixed > 0)
		pmu_program(vm, PMU_FIXED, PMU_OS, 0);
	if (pmu.fixed > 1)
		pmu_program(vm, PMU_FIXED + 1, PMU_OS | PMU_USR, 0);
	if (pmu.fixed > 2)
		pmu_program(vm, PMU_FIXED + 2, PMU_USR, 0);
}

static void expect_counts(struct vm *vm, uint64_t loops)
{
	check_is("the first guest's instructions", 2 * loops, pmu_value(vm, 0));
	check_is("its branches", loops, pmu_value(vm, 1));
	check_is("its instructions at CPL 3", 0, pmu_value(vm, 2));
	check_is("its instructions at CPL 0", 2 * loops, pmu_value(vm, 3));
	if (pmu.fixed > 0)
		check_is("its fixed counter of instructions", 2 * loops, pmu_value(vm, PMU_FIXED));
	if (pmu.fixed > 1)
		check_is("its fixed counter of cycles", CYCLES * 2 * loops,
			 pmu_value(vm, PMU_FIXED + 1));
	if (pmu.fixed > 2)
		check_is("its reference cycles at CPL 3", 0, pmu_value(vm, PMU_FIXED + 2));
}

/* A user's RDPMC faults unless the guest's kernel lets him: with IOPL 3 he can end his steps. */
static void expect_user_rdpmc(bool is_allowed)
{
	struct kvm_regs regs = {.rax = CR4_PAE | (is_allowed ? CR4_PCE : 0)};
	struct vm vm;

	vm_create(&vm, VM_PMU);
	pmu_program(&vm, 1, 0, 77);
	check_is("whether CR4 can be set", VM_DONE, vm_step(&vm, guest_cr4, &regs));
	vm_go_to_user(&vm);
	regs = (struct kvm_regs){.rcx = 1, .rflags = RFLAGS_IOPL};
	check_is("how a user's RDPMC ends", is_allowed ? VM_DONE : VM_GP,
		 vm_step(&vm, guest_rdpmc, &regs));
	check_is("what it reads", is_allowed ? 77 : 0, regs.rax);
	vm_destroy(&vm);
}

static void try_user(void)
{
	check_begin("RDPMC of a guest's user is as CR4.PCE says");
	expect_user_rdpmc(false);
	expect_user_rdpmc(true);
	check_end();
}

/* The second guest on this CPU; the first one is on CPU 0. */
static void attack(struct vm *second, int cpu, int host_fd, uint64_t want_in_host)
{
	runner_pin(cpu);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		try_registers(second);
		try_rdpmc(second);
		try_counting(second);
		check_is("the host's own count", want_in_host, pmu_count_here(host_fd));
	}
}

static void isolate(const char *name, int cpu)
{
	int host_fd = pmu_open(pmu.instructions, 0, -1, -1, PMU_USER_ONLY), all_fd, guest_fd;
	uint64_t want_in_host, selectors;
	struct runner runner;
	struct vm first, second;

	check_begin(name);
	if (host_fd < 0)
		err(1, "no event of the host");
	ioctl(host_fd, PERF_EVENT_IOC_DISABLE, 0);
	want_in_host = pmu_count_here(host_fd);
	vm_create(&first, VM_PMU);
	vm_create(&second, VM_PMU);
	/* One that is there all the time, on the CPU of the first guest. */
	all_fd = pmu_open(pmu.branches, -1, 0, -1, PMU_PINNED);
	if (all_fd < 0)
		err(1, "no event of the host on CPU 0");
	selectors = pmu_host_selectors(0);
	check_is("whether the host counts", 1, selectors != 0);
	start_counting(&first);
	runner_start(&runner, &first, 0);
	attack(&second, cpu, host_fd, want_in_host);
	guest_fd = pmu_open(pmu.instructions, (int)runner.tid, -1, -1, PMU_GUEST_ONLY);
	check_is("whether the host may count the guest", 1, guest_fd >= 0);
	runner_stop(&runner);
	close(guest_fd);
	expect_counts(&first, runner.loops);
	check_is("the host's selectors on CPU 0", selectors, pmu_host_selectors(0));
	check_is("the host's event that counts", 1, pmu_read(all_fd) != ~0ull);
	check_is("what guests leave in hardware", 0, pmu_left());
	close(all_fd);
	close(host_fd);
	vm_destroy(&second);
	vm_destroy(&first);
	check_is("what guests leave in hardware when they have gone", 0, pmu_left());
	runner_pin(RUNNER_ANY_CPU);
	check_end();
}

/* The host counts a guest's instructions, which the guest counts itself. */
static void compare_with_host(void)
{
	struct vm vm;
	int fd;

	check_begin("host and guest count the same instructions of the guest");
	vm_create(&vm, VM_PMU);
	fd = pmu_open(pmu.instructions, 0, -1, -1, PMU_GUEST_ONLY);
	if (fd < 0)
		err(1, "no event of the host");
	start_counting(&vm);
	ioctl(fd, PERF_EVENT_IOC_RESET, 0);
	for (unsigned int i = 0; i < 20; i++)
		vm_loop(&vm, 10000);
	expect_counts(&vm, 200000);
	check_is("what the host has counted", 400000, pmu_read(fd));
	close(fd);
	vm_destroy(&vm);
	check_end();
}

void test_isolation(void)
{
	isolate("a hostile guest on the same CPU sees and disturbs nothing", 0);
	isolate("a hostile guest on another CPU sees and disturbs nothing", 1);
	try_user();
	compare_with_host();
}
