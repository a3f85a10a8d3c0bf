/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/hvpmu/tsc_clock.h"

#include <sys/mman.h>
#include <unistd.h>

#include "common/base/scope.h"
#include "daemon/host/host_files.h"
#include "daemon/perf/perf_event.h"

/* Where the machine has none, nobody writes its values either. */
#if defined(__x86_64__) || defined(__i386__)
#include <x86intrin.h>
#else
static uint64_t __rdtsc(void)
{
	return hvp_clock_now();
}
#endif

/* Of these the one that was interrupted least. */
#define NUM_TRIES 5
/* A sample may be taken while the pass that reads it is under way. */
#define MAX_AHEAD_NS 1000000000
/* Shorter spans would make a measured rate of the noise. */
#define MIN_SPAN_NS 1000000
#define MEASURED_SHIFT 32

struct hvp_tsc_moment hvp_tsc_now(void)
{
	struct hvp_tsc_moment best = {0};
	uint64_t narrowest = UINT64_MAX;

	for (int i = 0; i < NUM_TRIES; i++) {
		uint64_t before = __rdtsc(), time = hvp_clock_now(), width = __rdtsc() - before;

		if (width >= narrowest)
			continue;
		narrowest = width;
		best = (struct hvp_tsc_moment){.tsc = before + width / 2, .time = time};
	}
	return best;
}

void hvp_tsc_clock_init(struct hvp_tsc_clock *ret, const struct hvp_tsc_moment *moment,
			uint64_t mult, unsigned int shift)
{
	*ret = (struct hvp_tsc_clock){.first = *moment,
				      .last = *moment,
				      .mult = mult,
				      .shift = shift,
				      .is_measured = !mult};
}

/*
 * An event that counts nothing, for its page. perf says the rate only where the counter runs evenly
 * and the kernel's own clock is made of it.
 */
static bool ask_perf(uint64_t *ret_mult, unsigned int *ret_shift)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_SOFTWARE,
				       .config = PERF_COUNT_SW_DUMMY,
				       .size = sizeof(attr),
				       .exclude_kernel = 1,
				       .exclude_hv = 1};
	hvp_scope(hvp_close_fd) int fd = hvp_perf_event_open(&attr, 0, -1);
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	const struct perf_event_mmap_page *page;
	bool is_known;

	if (fd < 0)
		return false;
	page = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		return false;
	is_known = page->cap_user_time && page->time_mult && page->time_shift < 64;
	*ret_mult = page->time_mult;
	*ret_shift = page->time_shift;
	munmap((void *)page, size);
	return is_known;
}

void hvp_tsc_clock_init_live(struct hvp_tsc_clock *ret)
{
	const struct hvp_tsc_moment moment = hvp_tsc_now();
	unsigned int shift = 0;
	uint64_t mult = 0;

	if (!ask_perf(&mult, &shift))
		mult = 0;
	hvp_tsc_clock_init(ret, &moment, mult, shift);
}

void hvp_tsc_clock_advance(struct hvp_tsc_clock *clock, const struct hvp_tsc_moment *moment)
{
	uint64_t span = moment->time - clock->first.time, ticks = moment->tsc - clock->first.tsc;

	clock->last = *moment;
	if (!clock->is_measured || span < MIN_SPAN_NS || !ticks)
		return;
	clock->mult = (uint64_t)(((unsigned __int128)span << MEASURED_SHIFT) / ticks);
	clock->shift = MEASURED_SHIFT;
}

uint64_t hvp_tsc_clock_time(struct hvp_tsc_clock *clock, uint64_t tsc)
{
	int64_t ticks = (int64_t)(tsc - clock->last.tsc);
	__int128 time = (__int128)ticks * clock->mult;

	/* Rounded towards the past, as a shift of a negative number is here. */
	time = clock->last.time + (time >> clock->shift);
	if (time >= clock->first.time && time <= (__int128)clock->last.time + MAX_AHEAD_NS)
		return (uint64_t)time;
	clock->num_outside++;
	return time < clock->first.time ? clock->first.time : clock->last.time;
}
