/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host against its guests: events that do not fit, CPUs that go, VMs that come and are killed. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "pmu.h"
#include "runner.h"
#include "tests.h"

#define CYCLES 200
#define KILLS 12
#define MAX_EVENTS 9
#define REFERENCE_CYCLES 0x300

/* As many pinned events as this, of one that no fixed counter counts, on CPU 0; returns how many of them count. */
static unsigned int open_pinned(int *fds, unsigned int count)
{
	unsigned int counting = 0;

	for (unsigned int i = 0; i < count; i++)
		fds[i] = pmu_open(pmu.branches, -1, 0, -1, PMU_PINNED);
	for (unsigned int i = 0; i < count; i++)
		counting += fds[i] >= 0 && pmu_read(fds[i]) != ~0ull;
	return counting;
}

static void close_all(const int *fds, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
}

/* All of the machine's counters are the host's. */
static void expect_all_to_host(void)
{
	unsigned int count = pmu.host_first + pmu.host_count;
	int fds[MAX_EVENTS];

	check_is("the host's events with all counters", count, open_pinned(fds, count));
	if (pmu.fixed) {
		fds[count] = pmu_open(pmu.instructions, -1, 0, -1, PMU_PINNED);
		check_is("one on a fixed counter beside them", 1, pmu_read(fds[count++]) != ~0ull);
	}
	close_all(fds, count);
}

static void fall_back(void)
{
	unsigned int count = pmu.host_count + 1;
	int fds[MAX_EVENTS];
	struct vm vm;

	check_begin("pinned events of the host that leave too little: the VM has the emulated PMU");
	check_is("the host's events", count, open_pinned(fds, count));
	vm_create(&vm, VM_PMU);
	runner_pin(1);
	pmu_program(&vm, 0, pmu.instructions | PMU_OS, 0);
	vm_loop(&vm, 1000);
	check_is("what the emulated PMU counts", 2000, pmu_value(&vm, 0));
	for (unsigned int i = 0; i < count; i++)
		check_is("an event of the host that counts", 1, pmu_read(fds[i]) != ~0ull);
	runner_pin(RUNNER_ANY_CPU);
	vm_destroy(&vm);
	close_all(fds, count);
	expect_all_to_host();
	check_end();
}

/* As a group, which has to fit at once. */
static int open_group(unsigned int count, int *fds)
{
	for (unsigned int i = 0; i < count; i++) {
		fds[i] = pmu_open(pmu.branches, 0, -1, i ? fds[0] : -1, 0);
		if (fds[i] < 0)
			return errno;
	}
	return 0;
}

/* Only what a guest can use is taken from the host; AMD's CPUID does not tell. */
static void leave(enum vm_pmu kind)
{
	struct vm vm;

	vm_create(&vm, kind);
	vm_loop(&vm, 1000);
	expect_all_to_host();
	vm_destroy(&vm);
}

static void expect_left(void)
{
	check_begin("a VM without a PMU takes no counter of the host");
	leave(VM_PMU_OFF);
	if (pmu.is_intel)
		leave(VM_PMU_NONE);
	check_end();
}

static void refuse(void)
{
	int fds[MAX_EVENTS];
	struct vm vm;

	check_begin("events of the host that do not fit are refused while there are guests");
	memset(fds, -1, sizeof(fds));
	check_is("a group with one event too many, without guests", 0,
		 (uint64_t)open_group(pmu.host_count + 1, fds));
	close_all(fds, MAX_EVENTS);
	vm_create(&vm, VM_PMU);
	memset(fds, -1, sizeof(fds));
	check_is("a group that fits", 0, (uint64_t)open_group(pmu.host_count, fds));
	close_all(fds, MAX_EVENTS);
	memset(fds, -1, sizeof(fds));
	check_is("a group with one event too many", EBUSY,
		 (uint64_t)open_group(pmu.host_count + 1, fds));
	close_all(fds, MAX_EVENTS);
	memset(fds, -1, sizeof(fds));
	check_is("pinned events that count", pmu.host_count, open_pinned(fds, pmu.host_count + 1));
	close_all(fds, MAX_EVENTS);
	/* Intel has events that only counters of guests can count. */
	if (pmu.is_intel)
		check_is("an event that only counter 1 has", (uint64_t)-1,
			 (uint64_t)pmu_open(0x1c0, 0, -1, -1, 0));
	if (pmu.fixed > 2)
		check_is("an event that only fixed counter 2 has", (uint64_t)-1,
			 (uint64_t)pmu_open(REFERENCE_CYCLES, 0, -1, -1, 0));
	vm_destroy(&vm);
	expect_all_to_host();
	check_end();
}

/* Whether an event of this CPU goes on. */
static bool goes_on(int fd)
{
	uint64_t before = pmu_read(fd);
	unsigned long loops = 10000;

	asm volatile("1: dec %0; jnz 1b" : "+r"(loops));
	return pmu_read(fd) != before;
}

/* An event that one counter alone has: it waits, and nobody opens it anew or touches it when the counter is the host's again. */
static void wait_for_guests(void)
{
	struct vm vm;
	int fd;

	if (pmu.fixed < 3)
		return;
	check_begin("an event of the host waits while a guest has its only counter, and goes on");
	runner_pin(0);
	fd = pmu_open(REFERENCE_CYCLES, -1, 0, -1, 0);
	if (fd < 0)
		err(1, "no reference cycles");
	check_is("whether it counts", 1, goes_on(fd));
	for (unsigned int round = 0; round < 3; round++) {
		vm_create(&vm, VM_PMU);
		vm_loop(&vm, 1000);
		check_is("whether it does beside the guest", 0, goes_on(fd));
		vm_destroy(&vm);
		check_is("whether it does afterwards", 1, goes_on(fd));
	}
	close(fd);
	runner_pin(RUNNER_ANY_CPU);
	check_end();
}

void test_host(void)
{
	fall_back();
	expect_left();
	wait_for_guests();
	refuse();
}

static void set_online(unsigned int cpu, bool is_online)
{
	char path[] = "/sys/devices/system/cpu/cpu1/online";
	int fd;

	path[sizeof("/sys/devices/system/cpu/cpu") - 1] = (char)('0' + cpu);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, is_online ? "1" : "0", 1) != 1)
		err(1, "%s", path);
	close(fd);
}

static void unplug(void)
{
	struct runner runners[2];
	struct vm vms[2];

	check_begin("a CPU goes and comes while guests count");
	for (unsigned int i = 0; i < 2; i++) {
		vm_create(&vms[i], VM_PMU);
		pmu_program(&vms[i], i, pmu.instructions | PMU_OS, 0);
		runner_start(&runners[i], &vms[i], RUNNER_ANY_CPU);
	}
	for (unsigned int i = 0; i < 3; i++) {
		set_online(1, false);
		usleep(20000);
		set_online(1, true);
		usleep(20000);
	}
	for (unsigned int i = 0; i < 2; i++) {
		runner_stop(&runners[i]);
		check_is("instructions of a guest", 2 * runners[i].loops, pmu_value(&vms[i], i));
	}
	runner_pin(1);
	pmu_program(&vms[0], 3, pmu.instructions | PMU_OS, 0);
	vm_loop(&vms[0], 1000);
	check_is("instructions on the CPU that came", 2000, pmu_value(&vms[0], 3));
	runner_pin(RUNNER_ANY_CPU);
	vm_destroy(&vms[0]);
	vm_destroy(&vms[1]);
	check_is("what guests leave in hardware", 0, pmu_left());
	expect_all_to_host();
	check_end();
}

static void come_and_go(void)
{
	struct vm vm;

	check_begin("200 VMs, one after the other");
	for (unsigned int i = 0; i < CYCLES; i++) {
		vm_create(&vm, VM_PMU);
		pmu_program(&vm, i % PMU_GUEST_COUNTERS, pmu.instructions | PMU_OS, i);
		vm_loop(&vm, 10);
		check_is("instructions", 20 + i, pmu_value(&vm, i % PMU_GUEST_COUNTERS));
		vm_destroy(&vm);
	}
	check_is("what guests leave in hardware", 0, pmu_left());
	expect_all_to_host();
	check_end();
}

/* In a process of its own, which is killed while the guest runs and its counters raise PMIs. */
static void run_for_ever(int ready)
{
	struct kvm_regs regs = {.rcx = ~0ull};
	struct vm vm;

	vm_create(&vm, VM_PMU);
	vm_set_lvtpc(&vm, VM_VECTOR);
	for (unsigned int n = 0; n < pmu_count(); n++)
		pmu_program(&vm, pmu_nth(n), pmu.instructions | PMU_OS | PMU_INT,
			    PMU_WIDTH_MASK - 1000000 * n);
	if (write(ready, "", 1) != 1)
		_exit(1);
	vm_step(&vm, guest_loop, &regs);
	_exit(1);
}

static void kill_one(void)
{
	int pipes[2], status;
	pid_t child;
	char byte;

	if (pipe(pipes))
		err(1, "pipe");
	child = fork();
	if (child < 0)
		err(1, "fork");
	if (!child)
		run_for_ever(pipes[1]);
	if (read(pipes[0], &byte, 1) != 1)
		errx(1, "no guest");
	usleep(3000);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	check_is("the signal that ended it", SIGKILL,
		 WIFSIGNALED(status) ? (uint64_t)WTERMSIG(status) : 0);
	close(pipes[0]);
	close(pipes[1]);
}

static void be_killed(void)
{
	check_begin("VMMs that are killed while their guests count");
	for (unsigned int i = 0; i < KILLS; i++)
		kill_one();
	check_is("what guests leave in hardware", 0, pmu_left());
	expect_all_to_host();
	check_end();
}

void test_lifetime(void)
{
	come_and_go();
	be_killed();
	unplug();
}
