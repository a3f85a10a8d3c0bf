/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Samples of guests whose instructions are known, and what events leave out. */
#include <err.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "guests.h"
#include "tests.h"

#define NUM_PAIR 2

/* What KVM was loaded with: the general counters that guests own, or 0. */
static unsigned int parameter(void)
{
	unsigned int value;
	FILE *file = fopen("/sys/module/kvm/parameters/hvpmu", "re");

	if (!file || fscanf(file, "%u", &value) != 1)
		err(1, "the parameter hvpmu of kvm");
	fclose(file);
	return value;
}

/* While one VM runs. */
static void check_partition(const struct hvpmu_dev_info *info)
{
	unsigned int counters = parameter();

	check_is("VMs with a partitioned PMU", counters > 0, info->num_vms);
	check_is("the guests' general counters", (1ull << counters) - 1, info->guest_mask & ~0u);
	check_is("counters that are both the guests' and the host's", 0,
		 info->guest_mask & info->host_mask);
	check_is("whether the host has counters", 1, info->host_mask != 0);
}

void test_sample(void)
{
	struct session s;
	pid_t guests;

	check_begin(
		"a sample of a guest is its vCPU's, in its loop, at its CPL, in its address space");
	guests = guests_start(2, NULL);
	session_begin(&s, session_default, SESSION_NUM_DEFAULT, SESSION_DATA_SIZE, 0);
	for (unsigned int round = 1; round <= 2; round++) {
		session_run(&s, 400, guests_look);
		for (int vcpu = 0; vcpu < 2; vcpu++)
			check_is("whether a vCPU has enough samples, again", 1,
				 session_in_guests(&s, vcpu) > 50 * round);
	}
	check_is("samples of vCPUs that are not there", 0,
		 session_in_guests(&s, -1) - session_in_guests(&s, 0) - session_in_guests(&s, 1));
	check_partition(&s.info);
	check_is("the VMM's process", (uint64_t)guests, s.last_pid);
	check_is("whether its name is the domain's", 0, (uint64_t)strcmp(GUESTS_NAME, s.last_name));
	check_is("records that were lost", 0, session_lost(&s));
	guests_stop(guests);
	session_end(&s);
	check_end();
}

/* Two at a time, as the host of a partition may have no more counters. */
struct pair {
	const char *name;
	struct hvpmu_dev_event events[NUM_PAIR];
};

static const struct pair pairs[] = {
	{"events of guests alone and of the host alone",
	 {{PERF_TYPE_HARDWARE, HVPMU_DEV_NO_HOST, PERF_COUNT_HW_CPU_CYCLES, 1000003, "guests"},
	  {PERF_TYPE_HARDWARE, HVPMU_DEV_NO_GUEST, PERF_COUNT_HW_CPU_CYCLES, 1000003, "host"}}},
	{"events of kernels alone and of user space alone",
	 {{PERF_TYPE_HARDWARE, HVPMU_DEV_NO_USER, PERF_COUNT_HW_INSTRUCTIONS, 50021, "kernels"},
	  {PERF_TYPE_HARDWARE, HVPMU_DEV_NO_KERNEL, PERF_COUNT_HW_INSTRUCTIONS, 50021, "users"}}},
	{"a clock of guests alone, and a frequency",
	 {{PERF_TYPE_SOFTWARE, HVPMU_DEV_FREQUENCY | HVPMU_DEV_NO_HOST, PERF_COUNT_SW_CPU_CLOCK,
	   500, "clock"},
	  {PERF_TYPE_HARDWARE, HVPMU_DEV_FREQUENCY, PERF_COUNT_HW_INSTRUCTIONS, 500, "frequency"}}},
};

static bool is_left_out(uint32_t flags, const struct session_kind *kind)
{
	return (flags & HVPMU_DEV_NO_HOST && !kind->is_guest) ||
	       (flags & HVPMU_DEV_NO_GUEST && kind->is_guest) ||
	       (flags & HVPMU_DEV_NO_USER && kind->cpl == 3) ||
	       (flags & HVPMU_DEV_NO_KERNEL && kind->cpl == 0);
}

static void filter(const struct pair *pair)
{
	unsigned int taken[NUM_PAIR] = {0}, wrong[NUM_PAIR] = {0};
	struct session s;
	pid_t guests;

	check_begin(pair->name);
	guests = guests_start(2, NULL);
	session_begin(&s, pair->events, NUM_PAIR, SESSION_DATA_SIZE, 0);
	session_run(&s, 400, guests_look);
	for (unsigned int i = 0; i < s.num_kinds; i++) {
		const struct session_kind *kind = &s.kinds[i];

		taken[kind->event] += kind->samples;
		if (is_left_out(pair->events[kind->event].flags, kind))
			wrong[kind->event] += kind->samples;
	}
	for (unsigned int i = 0; i < NUM_PAIR; i++) {
		bool may_be_late = pair->events[i].flags & HVPMU_DEV_NO_HOST &&
				   pair->events[i].type == PERF_TYPE_HARDWARE;

		check_is("whether an event has samples", 1, taken[i] > 5);
		/* A guest's overflow may be noticed after the guest was left for another reason. */
		check_is("samples of what an event leaves out", 0,
			 may_be_late && wrong[i] <= 5 ? 0 : wrong[i]);
	}
	guests_stop(guests);
	session_end(&s);
	check_end();
}

void test_filter(void)
{
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		filter(&pairs[i]);
}
