/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a source is asked to record: the command line of `hvprof record`, parsed and checked. */
#ifndef HVP_DAEMON_RECORD_CONFIG_H
#define HVP_DAEMON_RECORD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/perf/events.h"
#include "daemon/host/host_files.h"

struct hvp_record_config {
	/* Borrowed while a source lives. */
	const struct hvp_event_spec *events;
	size_t num_events;
	/* For events without a rate of their own: one of the two is 0. */
	uint64_t frequency, period;
	bool wants_chains;
	/* Everything on the CPUs, or only the processes in `pids` and what they start. */
	bool is_system_wide;
	const uint32_t *pids;
	size_t num_pids;
	/* The processes have not begun to run: count from their exec on. */
	bool starts_on_exec;
	/* Empty: all CPUs that are on line, and those that come. */
	struct hvp_cpu_list cpus;
	/* Pages of each CPU's ring, a power of two; 0: the default. */
	uint32_t ring_pages;
	/* Of a source that reads a file: its path, "-" for standard input. Others ignore it. */
	const char *input;
	const struct hvp_host_roots *roots;
};

#endif
