/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/perf/perf_times.h"

static struct hvp_perf_times times_of(uint32_t event, const struct hvp_perf_set *set,
				      const struct hvp_perf_cpu *cpus, size_t num_cpus)
{
	struct hvp_perf_times times = {0};
	struct hvp_perf_count count;

	for (size_t i = 0; i < num_cpus; i++)
		for (size_t k = 0; k < cpus[i].num_fds; k++) {
			if (cpus[i].fds[k].event != event ||
			    !hvp_perf_fd_read(set, &cpus[i].fds[k], &count))
				continue;
			times.enabled += count.time_enabled;
			times.running += count.time_running;
		}
	return times;
}

struct hvp_error *hvp_perf_times_note(const struct hvp_sink *sink, const char *event,
				      const struct hvp_perf_times *times, const char *others,
				      const char *remedy)
{
	if (times->running >= times->enabled - times->enabled / 100)
		return NULL;
	return hvp_sink_note(sink,
			     "%s had a counter for %.1f%% of the time: %s had it meanwhile, and "
			     "the samples of that time are missing, although none is lost; %s",
			     event, 100.0 * (double)times->running / (double)times->enabled, others,
			     remedy);
}

struct hvp_error *hvp_perf_times_deliver(const struct hvp_perf_set *set,
					 const struct hvp_perf_cpu *cpus, size_t num_cpus)
{
	for (size_t i = 0; i < set->num_events; i++) {
		const struct hvp_perf_times times = times_of((uint32_t)i, set, cpus, num_cpus);

		hvp_try(hvp_perf_times_note(set->sink, set->events[i].name, &times,
					    "other events or the virtual PMUs of guests",
					    "fewer events help, or guests without a PMU"));
	}
	return NULL;
}
