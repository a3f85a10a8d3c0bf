/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How long events had a counter. The kernel takes turns when there are more events than counters,
 * and a counter that a guest's virtual PMU asks KVM for comes before ours: no sample is lost then,
 * it is never taken.
 */
#ifndef HVP_DAEMON_PERF_TIMES_H
#define HVP_DAEMON_PERF_TIMES_H

#include "daemon/perf/perf_cpu.h"

/*
 * Delivers a note for each event of the set that was without a counter for more than a hundredth of
 * the time in which it was enabled, all open CPUs together.
 */
struct hvp_error *hvp_perf_times_deliver(const struct hvp_perf_set *set,
					 const struct hvp_perf_cpu *cpus,
					 size_t num_cpus) hvp_must_use;

#endif
