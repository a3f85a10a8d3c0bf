/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All perf events of one CPU and the ring they share: opened, drained, closed together. */
#ifndef HVP_DAEMON_PERF_CPU_H
#define HVP_DAEMON_PERF_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/map.h"
#include "daemon/perf/perf_event.h"
#include "daemon/perf/perf_parse.h"
#include "daemon/perf/perf_ring.h"
#include "daemon/source.h"

/* What the CPUs of one source have in common; borrowed by each while it is open. */
struct hvp_perf_set {
	const struct hvp_event_spec *events;
	size_t num_events;
	struct hvp_perf_attr_options options;
	bool is_system_wide;
	/* Threads to follow; unused when is_system_wide. */
	const uint32_t *tids;
	size_t num_tids;
	uint32_t ring_pages;
	const struct hvp_host_roots *roots;
	const struct hvp_sink *sink;
	/* It was said already that the mode of guest samples is told by their address. */
	bool has_said_guest_mode;
	/* perf id -> event index; filled as CPUs are opened. */
	struct hvp_map event_of_id;
};

/* One descriptor. */
struct hvp_perf_fd {
	int fd;
	/* Index in the set's events, or HVP_PERF_TRACKING. */
	uint32_t event;
	/* Of PERF_FORMAT_LOST, what was already reported. */
	uint64_t lost_seen;
};
#define HVP_PERF_TRACKING UINT32_MAX

/* What the kernel says of a descriptor (read_format); times in nanoseconds. */
struct hvp_perf_count {
	uint64_t value, time_enabled, time_running;
	/* 0 where the kernel does not count it. */
	uint64_t lost;
};

struct hvp_perf_cpu {
	uint32_t cpu;
	bool is_open;
	/* It came and could not be opened: not tried again before it goes. */
	bool is_refused;
	struct hvp_perf_ring ring;
	struct hvp_perf_parser parser;
	/* The first is the tracking event, whose ring it is. */
	struct hvp_perf_fd *fds;
	size_t num_fds, capacity;
	/* The last pass saw that something was lost, or gave something up. */
	bool has_lost;
	uint64_t corrupt_seen;
};

/*
 * Opens everything, disabled. HVP_ERROR_NOT_FOUND: the CPU is off line, or no thread is there any
 * more.
 */
struct hvp_error *hvp_perf_cpu_open(struct hvp_perf_set *set, uint32_t cpu,
				    struct hvp_perf_cpu *ret) hvp_must_use;
void hvp_perf_cpu_close(struct hvp_perf_cpu *cpu);

/*
 * The tracking events first, so that the state of the world can be read between the two; then the
 * sampling ones.
 */
struct hvp_error *hvp_perf_cpu_enable_tracking(struct hvp_perf_cpu *cpu) hvp_must_use;
struct hvp_error *hvp_perf_cpu_enable_sampling(struct hvp_perf_cpu *cpu) hvp_must_use;
void hvp_perf_cpu_disable(struct hvp_perf_cpu *cpu);

/*
 * Delivers all that the ring has. An error of the sink ends the pass; what was delivered is not
 * delivered again.
 */
struct hvp_error *hvp_perf_cpu_drain(struct hvp_perf_set *set,
				     struct hvp_perf_cpu *cpu) hvp_must_use;
/* False if there is nothing to be read: the event is in error, or its CPU is gone. */
bool hvp_perf_fd_read(const struct hvp_perf_set *set, const struct hvp_perf_fd *fd,
		      struct hvp_perf_count *ret);
/* Reports what was lost since the last report, as PERF_FORMAT_LOST counts it. */
struct hvp_error *hvp_perf_cpu_report_lost(const struct hvp_perf_set *set,
					   struct hvp_perf_cpu *cpu) hvp_must_use;

#endif
