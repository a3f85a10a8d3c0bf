/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/perf/perf_times.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/scope.h"
#include "daemon/host/host_files.h"

struct times {
	uint64_t enabled, running;
};

static struct times times_of(uint32_t event, const struct hvp_perf_set *set,
			     const struct hvp_perf_cpu *cpus, size_t num_cpus)
{
	struct times times = {0};
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

static struct hvp_error *deliver(const struct hvp_perf_set *set, const char *name,
				 const struct times *times)
{
	hvp_scope(hvp_free_ptr) char *text = NULL;
	struct hvp_record note = {.type = HVP_RECORD_NOTE, .time = hvp_clock_now()};

	if (asprintf(&text,
		     "%s had a counter for %.1f%% of the time: other events or the virtual PMUs of "
		     "guests had it meanwhile, and the samples of that time are missing, although "
		     "none is lost; fewer events help, or guests without a PMU",
		     name, 100.0 * (double)times->running / (double)times->enabled) < 0)
		return hvp_error_no_memory;
	note.note.text = text;
	return set->sink->record(set->sink->arg, &note);
}

struct hvp_error *hvp_perf_times_deliver(const struct hvp_perf_set *set,
					 const struct hvp_perf_cpu *cpus, size_t num_cpus)
{
	for (size_t i = 0; i < set->num_events; i++) {
		const struct times times = times_of((uint32_t)i, set, cpus, num_cpus);

		if (times.running < times.enabled - times.enabled / 100)
			hvp_try(deliver(set, set->events[i].name, &times));
	}
	return NULL;
}
