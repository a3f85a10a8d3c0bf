/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pmu.h"

#include <cpuid.h>
#include <err.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"

#define FIXED_COUNTER 0x309
#define FIXED_CTRL 0x38d
#define FIXED_BITS 4
#define FIXED_PMI 8
#define HOST_LOOPS 100000

static const struct pmu intel = {
	.is_intel = true,
	.counter = 0x4c1,
	.select = 0x186,
	.hw_counter = 0x4c1,
	.hw_select = 0x186,
	.hw_step = 1,
	.ctrl = 0x38f,
	.status = 0x38e,
	.clear = 0x390,
	.instructions = 0xc0,
	.branches = 0xc4,
	.cycles = 0x3c,
	.host_first = 4,
	.host_count = 4,
};

static const struct pmu amd = {
	.counter = 0xc0010004,
	.select = 0xc0010000,
	.hw_counter = 0xc0010201,
	.hw_select = 0xc0010200,
	.hw_step = 2,
	.instructions = 0xc0,
	.branches = 0xc2,
	.cycles = 0x76,
	.host_first = 4,
	.host_count = 2,
};

struct pmu pmu;

void pmu_find(void)
{
	unsigned int eax, ebx, ecx, edx;

	struct kvm_regs regs = {.rax = 0xa};
	struct vm vm;

	__cpuid(0, eax, ebx, ecx, edx);
	pmu = ebx == signature_INTEL_ebx ? intel : amd;
	vm_create(&vm, VM_PMU);
	if (vm_step(&vm, guest_cpuid, &regs) != VM_DONE)
		errx(1, "no CPUID in a guest");
	pmu.fixed = pmu.is_intel ? regs.rdx & 0x1f : 0;
	vm_destroy(&vm);
}

uint32_t pmu_counter(unsigned int i)
{
	return i < PMU_FIXED ? pmu.counter + i : FIXED_COUNTER + i - PMU_FIXED;
}

uint32_t pmu_select(unsigned int i)
{
	return i < PMU_FIXED ? pmu.select + i : FIXED_CTRL;
}

unsigned int pmu_nth(unsigned int n)
{
	return n < PMU_GUEST_COUNTERS ? n : PMU_FIXED + n - PMU_GUEST_COUNTERS;
}

unsigned int pmu_count(void)
{
	return PMU_GUEST_COUNTERS + pmu.fixed;
}

uint64_t pmu_all_bits(void)
{
	return ((1ull << PMU_GUEST_COUNTERS) - 1) | ((1ull << pmu.fixed) - 1) << PMU_FIXED;
}

static void set(struct vm *vm, uint32_t msr, uint64_t value)
{
	if (!vm_set(vm, msr, value))
		errx(1, "KVM_SET_MSRS refuses %#x = %#llx", msr, (unsigned long long)value);
}

/* KVM's list of MSRs has the legacy names of Intel's counters, which the VMM may set to all their bits. */
static uint32_t migrated_counter(unsigned int i)
{
	return pmu.is_intel && i < PMU_FIXED ? 0xc1 + i : pmu_counter(i);
}

static uint64_t get(struct vm *vm, uint32_t msr)
{
	uint64_t value;

	if (!vm_get(vm, msr, &value))
		errx(1, "KVM_GET_MSRS refuses %#x", msr);
	return value;
}

/* What to write to the register that says what a counter counts. */
static uint64_t selected(struct vm *vm, unsigned int i, uint64_t select)
{
	unsigned int shift = (i - PMU_FIXED) * FIXED_BITS;
	uint64_t bits = (select & PMU_OS ? 1u : 0) | (select & PMU_USR ? 2u : 0) |
			(select & PMU_INT ? FIXED_PMI : 0);

	if (i < PMU_FIXED)
		return select ? select | PMU_EN : 0;
	return (get(vm, FIXED_CTRL) & ~(0xfull << shift)) | bits << shift;
}

void pmu_program(struct vm *vm, unsigned int i, uint64_t select, uint64_t value)
{
	if (pmu.ctrl)
		set(vm, pmu.ctrl, pmu_all_bits());
	set(vm, pmu_select(i), selected(vm, i, 0));
	set(vm, migrated_counter(i), value & PMU_WIDTH_MASK);
	set(vm, pmu_select(i), selected(vm, i, select));
}

uint64_t pmu_value(struct vm *vm, unsigned int i)
{
	return get(vm, migrated_counter(i));
}

void pmu_expect_status(const char *what, uint64_t want, struct vm *vm)
{
	if (pmu.status)
		check_is(what, want, get(vm, pmu.status));
}

static uint64_t read_hardware(unsigned int cpu, uint32_t msr)
{
	uint64_t value;
	char path[40];
	int fd;

	snprintf(path, sizeof(path), "/dev/cpu/%u/msr", cpu);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || pread(fd, &value, sizeof(value), msr) != sizeof(value))
		err(1, "%s, register %#x", path, msr);
	close(fd);
	return value;
}

uint64_t pmu_left(void)
{
	uint64_t left = 0;

	for (unsigned int cpu = 0; cpu < 2; cpu++) {
		for (unsigned int i = 0; i < PMU_GUEST_COUNTERS; i++)
			left |= read_hardware(cpu, pmu.hw_select + i * pmu.hw_step) |
				read_hardware(cpu, pmu.hw_counter + i * pmu.hw_step);
		for (unsigned int i = 0; i < pmu.fixed; i++)
			left |= read_hardware(cpu, FIXED_COUNTER + i) |
				(read_hardware(cpu, FIXED_CTRL) >> i * FIXED_BITS & 0xf);
	}
	return left;
}

uint64_t pmu_host_selectors(unsigned int cpu)
{
	uint64_t sum = 0;

	for (unsigned int i = pmu.host_first; i < pmu.host_first + pmu.host_count; i++) {
		uint64_t select = read_hardware(cpu, pmu.hw_select + i * pmu.hw_step);

		sum += select & PMU_EN ? select : 0;
	}
	return sum;
}

int pmu_open(uint64_t event, int pid, int cpu, int group, uint64_t flags)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_RAW,
		.size = sizeof(attr),
		.config = event,
		.pinned = !!(flags & PMU_PINNED),
		.exclude_kernel = !!(flags & PMU_USER_ONLY),
		.exclude_guest = !!(flags & (PMU_USER_ONLY | PMU_HOST_ONLY)),
		.exclude_host = !!(flags & PMU_GUEST_ONLY),
	};

	return (int)syscall(SYS_perf_event_open, &attr, pid, cpu, group, PERF_FLAG_FD_CLOEXEC);
}

uint64_t pmu_read(int fd)
{
	uint64_t value = 0;

	/* A pinned event that cannot be counted has an end of file. */
	if (read(fd, &value, sizeof(value)) != sizeof(value))
		return ~0ull;
	return value;
}

uint64_t pmu_count_here(int fd)
{
	unsigned long loops = HOST_LOOPS;

	ioctl(fd, PERF_EVENT_IOC_RESET, 0);
	ioctl(fd, PERF_EVENT_IOC_ENABLE, 0);
	asm volatile("1: dec %0; jnz 1b" : "+r"(loops));
	ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
	return pmu_read(fd);
}
