/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long events had a counter. The kernel takes turns when there are more events than counters,
 * and a counter that a guest's virtual PMU asks KVM for comes before ours: no sample is lost then,
 * it is never taken.
 */
#ifndef HVP_DAEMON_PERF_TIMES_H
#define HVP_DAEMON_PERF_TIMES_H

#include "daemon/perf/perf_cpu.h"

/* Of all CPUs together, in nanoseconds. */
struct hvp_perf_times {
	uint64_t enabled, running;
};

/*
 * Delivers a note when the event was without a counter for more than a hundredth of the time in
 * which it was enabled: who had it, and what helps.
 */
struct hvp_error *hvp_perf_times_note(const struct hvp_sink *sink, const char *event,
				      const struct hvp_perf_times *times, const char *others,
				      const char *remedy) hvp_must_use;
/* That for each event of the set, by all open CPUs. */
struct hvp_error *hvp_perf_times_deliver(const struct hvp_perf_set *set,
					 const struct hvp_perf_cpu *cpus,
					 size_t num_cpus) hvp_must_use;

#endif
