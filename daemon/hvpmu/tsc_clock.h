/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the CPUs' time-stamp counter to the session's clock. The rate is the one that perf says
 * (time_mult and time_shift of perf_event_open(2)'s page). Its time_zero leads to perf's own clock
 * and not to CLOCK_MONOTONIC, which NTP slews meanwhile: the zero is measured anew before each pass
 * over the rings, so that what is converted is never older than one pass.
 */
#ifndef HVP_DAEMON_TSC_CLOCK_H
#define HVP_DAEMON_TSC_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Two clocks at one moment. */
struct hvp_tsc_moment {
	uint64_t tsc;
	/* hvp_clock_now() */
	uint64_t time;
};

struct hvp_tsc_clock {
	struct hvp_tsc_moment first, last;
	/* ns = (tsc * mult) >> shift */
	uint64_t mult;
	unsigned int shift;
	/* perf does not vouch for the counter: the rate is measured, too. */
	bool is_measured;
	/* Times that cannot be, and were brought to the nearest that can. */
	uint64_t num_outside;
};

struct hvp_tsc_moment hvp_tsc_now(void);

/* `mult` 0: the rate is not known and is measured from one moment to the next. */
void hvp_tsc_clock_init(struct hvp_tsc_clock *ret, const struct hvp_tsc_moment *moment,
			uint64_t mult, unsigned int shift);
/* Asks perf for the rate. Never fails: without perf the rate is measured. */
void hvp_tsc_clock_init_live(struct hvp_tsc_clock *ret);
/* A later moment, from which the next times are reckoned. */
void hvp_tsc_clock_advance(struct hvp_tsc_clock *clock, const struct hvp_tsc_moment *moment);

/*
 * The session's time of a counter value: between the first moment and a second behind the last one,
 * whatever the value is.
 */
uint64_t hvp_tsc_clock_time(struct hvp_tsc_clock *clock, uint64_t tsc);

#endif
