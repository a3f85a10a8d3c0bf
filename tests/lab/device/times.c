/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events that have a counter for a part of the time: those that take turns, and those that come too often. */
#include <err.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "check.h"
#include "guests.h"
#include "tests.h"

#define MAX_COUNTERS 8u
#define MORE 2u

/* One of them is sampled; no fixed counter has branches. */
static void make_events(struct hvpmu_dev_event *ret, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		ret[i] = (struct hvpmu_dev_event){PERF_TYPE_HARDWARE, 0,
						  PERF_COUNT_HW_BRANCH_INSTRUCTIONS,
						  i ? 1ull << 40 : 50021, "branches"};
}

/* Of the host, which shares them with no other program. */
static unsigned int count_counters(void)
{
	struct session s;

	session_begin(&s, session_default, SESSION_NUM_DEFAULT, SESSION_DATA_SIZE, 0);
	session_end(&s);
	return (unsigned int)__builtin_popcountll(s.info.host_mask & ~0u);
}

static void check_shares(const struct session *s, unsigned int counters)
{
	uint64_t enabled = 0, running = 0;

	for (unsigned int i = 0; i < s->num_events; i++) {
		struct hvpmu_dev_times times = session_times(s, i);

		check_is("whether an event had a counter, now and then", 1,
			 times.running > 0 && times.count > 0);
		check_is("whether it had one all the time", s->num_events <= counters,
			 times.running == times.enabled);
		enabled += times.enabled;
		running += times.running;
	}
	/* Each turn is as long as the others but for the last. */
	check_is("percent of the time that there were counters for", 1,
		 running * s->num_events * 100 >= enabled * counters * 95 &&
			 running * s->num_events * 100 <= enabled * counters * 105);
}

static void take_turns(void)
{
	struct hvpmu_dev_event events[MAX_COUNTERS + MORE];
	unsigned int counters;
	struct session s;
	pid_t guests;

	check_begin("more events than counters take turns, and their times say so");
	guests = guests_start(2, NULL);
	counters = count_counters();
	if (!counters || counters > MAX_COUNTERS)
		errx(1, "the host has %u counters", counters);
	make_events(events, counters + MORE);
	session_begin(&s, events, counters + MORE, SESSION_DATA_SIZE, 0);
	session_run(&s, 400, guests_look);
	check_shares(&s, counters);
	check_is("whether the one with a short period has samples", 1, session_samples(&s) > 20);
	session_end(&s);
	session_begin(&s, events, counters, SESSION_DATA_SIZE, 0);
	session_run(&s, 100, guests_look);
	check_shares(&s, counters);
	session_end(&s);
	guests_stop(guests);
	check_end();
}

static void write_number(const char *name, unsigned int value)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/sys/kernel/%s", name);
	file = fopen(path, "we");
	if (!file || fprintf(file, "%u", value) < 0 || fclose(file))
		err(1, "%s", path);
}

/* The kernel lets itself be told only while it looks at handlers' time. */
static void set_max_sample_rate(unsigned int rate)
{
	write_number("perf_cpu_time_max_percent", 25);
	write_number("perf_event_max_sample_rate", rate);
	write_number("perf_cpu_time_max_percent", 0);
}

static unsigned int throttled;

static void count_throttled(const struct session *s, const struct hvpmu_record_sample *sample)
{
	guests_look(s, sample);
	throttled += !!(sample->header.flags & HVPMU_SAMPLE_THROTTLED);
}

static void be_throttled(void)
{
	static const struct hvpmu_dev_event often[] = {
		{PERF_TYPE_HARDWARE, 0, PERF_COUNT_HW_INSTRUCTIONS, 5003, "instructions"}};
	struct session s;
	pid_t guests;

	check_begin("a sample says when its event came too often");
	guests = guests_start(2, NULL);
	throttled = 0;
	session_begin(&s, often, 1, SESSION_DATA_SIZE, 0);
	session_run(&s, 100, count_throttled);
	check_is("samples that were too many, with no reason", 0, throttled);
	set_max_sample_rate(1000);
	session_run(&s, 100, count_throttled);
	check_is("whether there were too many", 1, throttled > 5);
	set_max_sample_rate(100000);
	check_is("records that were lost", 0, session_lost(&s));
	session_end(&s);
	guests_stop(guests);
	check_end();
}

static int error_of(const struct session *s, uint32_t size, uint32_t event)
{
	struct hvpmu_dev_times times = {.size = size, .event = event};

	return ioctl(s->fd, HVPMU_IOC_TIMES, &times) ? errno : 0;
}

static void refuse_times(void)
{
	struct hvpmu_dev_times part = {.size = 16};
	struct session s;

	check_begin("times of an event that is none are refused");
	session_begin(&s, session_default, SESSION_NUM_DEFAULT, SESSION_DATA_SIZE, 0);
	check_is("the last event", 0,
		 (uint64_t)error_of(&s, sizeof(part), SESSION_NUM_DEFAULT - 1));
	check_is("one more", EINVAL, (uint64_t)error_of(&s, sizeof(part), SESSION_NUM_DEFAULT));
	check_is("far beyond", EINVAL, (uint64_t)error_of(&s, sizeof(part), ~0u));
	check_is("no room for its number", EINVAL, (uint64_t)error_of(&s, 4, 0));
	session_run(&s, 10, NULL);
	check_is("a part of them", 0, (uint64_t)ioctl(s.fd, HVPMU_IOC_TIMES, &part));
	check_is("its size", 16, part.size);
	check_is("whether it has something", 1, part.enabled > 0);
	check_is("what is behind it", 0, part.running);
	session_end(&s);
	check_end();
}

void test_times(void)
{
	take_turns();
	be_throttled();
	refuse_times();
}
