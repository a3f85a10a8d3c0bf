/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toll - what the PMU costs in this guest, in ticks of the TSC: usage: toll access|exits|switches|steady, toll work|counted LOOPS.
 *
 * Each line on standard output is a measurement: its name, ticks, and how many of what is named they are for (the median of batches); for `counted`
 * the instructions of the program (user and kernel) after that. tests/bench/benchkit/vpmu.py reads them.
 */
#define _GNU_SOURCE
#include <cpuid.h>
#include <err.h>
#include <linux/futex.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

/* What is repeated is measured in so many batches, and the median of them counts: timers' interrupts are in few. */
#define BATCHES 15
#define ACCESSES 40
#define EXITS 150
#define ROUND_TRIPS 40
#define STEADY_TICKS 700000000ull
#define MAX_COUNTERS 4

static const uint64_t events[MAX_COUNTERS] = {
	PERF_COUNT_HW_CPU_CYCLES,
	PERF_COUNT_HW_INSTRUCTIONS,
	PERF_COUNT_HW_BRANCH_INSTRUCTIONS,
	PERF_COUNT_HW_BRANCH_MISSES,
};

/* None of them counts CPUID, which leaves the guest and which the hypervisor executes for it. */
static const uint64_t steady_events[MAX_COUNTERS] = {
	PERF_COUNT_HW_CPU_CYCLES,
	PERF_COUNT_HW_BRANCH_INSTRUCTIONS,
	PERF_COUNT_HW_BRANCH_MISSES,
	PERF_COUNT_HW_CACHE_REFERENCES,
};

static int compare(const void *a, const void *b)
{
	const uint64_t *one = a, *other = b;

	return *one < *other ? -1 : *one > *other;
}

/* The median of what the batches took. */
static void report(const char *name, uint64_t ticks[BATCHES], uint64_t number)
{
	qsort(ticks, BATCHES, sizeof(ticks[0]), compare);
	printf("%s %llu %llu\n", name, (unsigned long long)ticks[BATCHES / 2],
	       (unsigned long long)number);
}

static void go_to_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		err(EXIT_FAILURE, "sched_setaffinity");
}

static int open_event(uint32_t type, uint64_t config, int pid, int cpu)
{
	struct perf_event_attr attr = {.type = type, .size = sizeof(attr), .config = config};
	const int fd = syscall(SYS_perf_event_open, &attr, pid, cpu, -1, 0);

	if (fd < 0)
		err(EXIT_FAILURE, "perf_event_open");
	return fd;
}

/* Counters that run, on this processor; close_counters() ends it. */
static void open_counters(int number, const uint64_t *configs, int cpu, int fds[MAX_COUNTERS])
{
	for (int i = 0; i < number; i++)
		fds[i] = open_event(PERF_TYPE_HARDWARE, configs[i], -1, cpu);
}

static void close_counters(int number, const int fds[MAX_COUNTERS])
{
	for (int i = 0; i < number; i++)
		close(fds[i]);
}

static void time_rdpmc(void)
{
	const int fd = open_event(PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, 0, -1);
	const volatile struct perf_event_mmap_page *page =
		mmap(NULL, sysconf(_SC_PAGESIZE), PROT_READ, MAP_SHARED, fd, 0);
	uint64_t ticks[BATCHES], begin;
	uint32_t index;

	if (page == MAP_FAILED)
		err(EXIT_FAILURE, "mmap");
	index = page->index;
	if (!index)
		errx(EXIT_FAILURE, "the event has no counter");
	for (int batch = 0; batch < BATCHES; batch++) {
		begin = __rdtsc();
		for (int i = 0; i < ACCESSES; i++)
			(void)__rdpmc(index - 1);
		ticks[batch] = __rdtsc() - begin;
	}
	report("rdpmc", ticks, ACCESSES);
	close(fd);
}

static uint64_t read_event(int fd)
{
	const uint64_t begin = __rdtsc();
	uint64_t value;

	for (int i = 0; i < ACCESSES; i++)
		if (read(fd, &value, sizeof(value)) != sizeof(value))
			err(EXIT_FAILURE, "read");
	return __rdtsc() - begin;
}

/* Writes of a counter, of its selector, and of what else perf needs. */
static uint64_t switch_event(int fd)
{
	const uint64_t begin = __rdtsc();

	for (int i = 0; i < ACCESSES; i++)
		if (ioctl(fd, PERF_EVENT_IOC_DISABLE, 0) || ioctl(fd, PERF_EVENT_IOC_ENABLE, 0))
			err(EXIT_FAILURE, "ioctl");
	return __rdtsc() - begin;
}

/* What perf's interface costs: `kind` is "hardware", or "dummy" for an event that has no counter. */
static void time_event(const char *kind, uint32_t type, uint64_t config)
{
	const int fd = open_event(type, config, -1, 0);
	uint64_t reads[BATCHES], switches[BATCHES];
	char name[32];

	for (int batch = 0; batch < BATCHES; batch++) {
		reads[batch] = read_event(fd);
		switches[batch] = switch_event(fd);
	}
	snprintf(name, sizeof(name), "read.%s", kind);
	report(name, reads, ACCESSES);
	snprintf(name, sizeof(name), "switch-event.%s", kind);
	report(name, switches, ACCESSES);
	close(fd);
}

static void access_counters(void)
{
	time_rdpmc();
	time_event("dummy", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_DUMMY);
	time_event("hardware", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES);
}

static void leave_guest(uint64_t times)
{
	unsigned int eax, ebx, ecx, edx;

	for (uint64_t i = 0; i < times; i++)
		__cpuid(0, eax, ebx, ecx, edx);
}

static void time_exits(int number)
{
	int fds[MAX_COUNTERS];
	char name[32];
	uint64_t ticks[BATCHES], begin;

	open_counters(number, events, 0, fds);
	for (int batch = 0; batch < BATCHES; batch++) {
		begin = __rdtsc();
		leave_guest(EXITS);
		ticks[batch] = __rdtsc() - begin;
	}
	snprintf(name, sizeof(name), "exits.%d", number);
	report(name, ticks, EXITS);
	close_counters(number, fds);
}

/* A futex, as whoever is woken by a pipe waits for a lock of who woke it, and that vCPU is not on the host's processor any more. */
static void wait_for_turn(_Atomic uint32_t *turn, uint32_t mine)
{
	uint32_t now;

	while ((now = *turn) != mine)
		syscall(SYS_futex, turn, FUTEX_WAIT, now, NULL, NULL, 0);
}

static void give_turn(_Atomic uint32_t *turn, uint32_t whose)
{
	*turn = whose;
	syscall(SYS_futex, turn, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static pid_t start_second(_Atomic uint32_t *turn)
{
	const pid_t child = fork();

	if (child < 0)
		err(EXIT_FAILURE, "fork");
	if (child)
		return child;
	go_to_cpu(1);
	for (int i = 0; i < BATCHES * ROUND_TRIPS; i++) {
		wait_for_turn(turn, 1);
		give_turn(turn, 0);
	}
	_exit(EXIT_SUCCESS);
}

/*
 * The guest's two processors take turns, and each sleeps meanwhile: with one processor in the host its vCPUs take turns on that. Counters
 * run on both.
 */
static void time_switches(int number)
{
	_Atomic uint32_t *turn = mmap(NULL, sizeof(*turn), PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int fds[2][MAX_COUNTERS];
	char name[32];
	uint64_t ticks[BATCHES], begin;
	pid_t child;

	if (turn == MAP_FAILED)
		err(EXIT_FAILURE, "mmap");
	child = start_second(turn);
	for (int cpu = 0; cpu < 2; cpu++)
		open_counters(number, steady_events, cpu, fds[cpu]);
	for (int batch = 0; batch < BATCHES; batch++) {
		begin = __rdtsc();
		for (int i = 0; i < ROUND_TRIPS; i++) {
			give_turn(turn, 1);
			wait_for_turn(turn, 0);
		}
		ticks[batch] = __rdtsc() - begin;
	}
	waitpid(child, NULL, 0);
	snprintf(name, sizeof(name), "switches.%d", number);
	report(name, ticks, 2 * ROUND_TRIPS);
	for (int cpu = 0; cpu < 2; cpu++)
		close_counters(number, fds[cpu]);
}

/* Four counters, and nothing but exits, for long enough that the host can look. */
static void stay_steady(void)
{
	const uint64_t begin = __rdtsc();
	int fds[MAX_COUNTERS];

	open_counters(MAX_COUNTERS, steady_events, 0, fds);
	while (__rdtsc() - begin < STEADY_TICKS)
		leave_guest(64);
	close_counters(MAX_COUNTERS, fds);
}

/* What is profiled: 20000 instructions in user mode and a system call, again and again. */
static void work(uint64_t loops, int is_counted)
{
	const int fd =
		is_counted ? open_event(PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS, 0, -1) : -1;
	uint64_t begin, ticks, counts[2] = {0};

	if (is_counted && read(fd, &counts[0], sizeof(counts[0])) < 0)
		err(EXIT_FAILURE, "read");
	begin = __rdtsc();
	for (uint64_t i = 0; i < loops; i++) {
		uint32_t left = 10000;

		__asm__ volatile("1: dec %0\n\tjnz 1b" : "+r"(left) : : "cc");
		syscall(SYS_getppid);
	}
	ticks = __rdtsc() - begin;
	if (is_counted && read(fd, &counts[1], sizeof(counts[1])) < 0)
		err(EXIT_FAILURE, "read");
	printf("%s %llu %llu %llu\n", is_counted ? "counted" : "work", (unsigned long long)ticks,
	       (unsigned long long)loops, (unsigned long long)(counts[1] - counts[0]));
}

static int do_step(const char *step)
{
	static const int numbers[] = {0, 1, MAX_COUNTERS};

	go_to_cpu(0);
	if (!strcmp(step, "access"))
		access_counters();
	else if (!strcmp(step, "steady"))
		stay_steady();
	else if (!strcmp(step, "exits"))
		for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
			time_exits(numbers[i]);
	else if (!strcmp(step, "switches"))
		for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
			time_switches(numbers[i]);
	else
		return EXIT_FAILURE;
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	if (argc == 3 && (!strcmp(argv[1], "work") || !strcmp(argv[1], "counted"))) {
		go_to_cpu(0);
		work(strtoull(argv[2], NULL, 10), *argv[1] == 'c');
		return EXIT_SUCCESS;
	}
	return argc == 2 ? do_step(argv[1]) : EXIT_FAILURE;
}
