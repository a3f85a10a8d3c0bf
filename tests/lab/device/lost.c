/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A ring that nobody reads: all that overflowed is there, as a record or as one that was lost. */
#include <linux/perf_event.h>
#include <poll.h>

#include "check.h"
#include "guests.h"
#include "runner.h"
#include "tests.h"
#include "vm.h"

#define PERIOD 10007u
#define LOOPS 2000000u
#define MORE_LOOPS 100000u

static const struct hvpmu_dev_event counted[] = {
	{PERF_TYPE_HARDWARE, HVPMU_DEV_NO_HOST, PERF_COUNT_HW_INSTRUCTIONS, PERIOD, "instructions"},
};

/* The guest's instructions are known, so its overflows are. */
static void lose(void)
{
	struct hvpmu_dev_times times;
	struct session s;
	struct vm vm;

	check_begin("samples and lost ones are all overflows of a guest");
	runner_pin(0);
	vm_create(&vm, VM_PMU);
	session_begin(&s, counted, 1, HVPMU_RING_DATA_MIN, 0);
	session_enable(&s);
	vm_loop(&vm, LOOPS);
	check_is("whether the ring is full", 1, session_lost(&s) > 0);
	session_drain(&s, NULL);
	check_is("losses that a record could tell of already", 0, s.lost);
	vm_loop(&vm, MORE_LOOPS);
	session_disable(&s);
	session_drain(&s, NULL);
	check_is("losses that a record has told of", session_lost(&s), s.lost);
	check_is("samples and losses", 2 * (LOOPS + MORE_LOOPS) / PERIOD,
		 session_samples(&s) + s.lost);
	times = session_times(&s, 0);
	check_is("what the event has counted", 2 * (LOOPS + MORE_LOOPS), times.count);
	check_is("the time that it had a counter", times.enabled, times.running);
	session_end(&s);
	vm_destroy(&vm);
	runner_pin(RUNNER_ANY_CPU);
	check_end();
}

static void wake(void)
{
	struct pollfd poller = {.events = POLLIN};
	struct session s;
	pid_t guests;

	check_begin("whoever reads a ring in time is woken, and loses nothing");
	guests = guests_start(2, NULL);
	session_begin(&s, session_default, SESSION_NUM_DEFAULT, HVPMU_RING_DATA_MIN, 0);
	poller.fd = s.fd;
	check_is("whether it is ready before it began", 0, (uint64_t)poll(&poller, 1, 0));
	session_enable(&s);
	for (unsigned int i = 0; i < 10; i++) {
		check_is("whether it is woken", 1, (uint64_t)poll(&poller, 1, 5000));
		check_is("by what", POLLIN, (uint64_t)(poller.revents & (POLLIN | POLLERR)));
		session_drain(&s, guests_look);
	}
	session_disable(&s);
	check_is("whether it was woken by a ring's quarter", 1, session_samples(&s) > 10 * 10);
	check_is("records that were lost", 0, session_lost(&s));
	guests_stop(guests);
	session_end(&s);
	check_end();
}

void test_lost(void)
{
	lose();
	wake();
}
