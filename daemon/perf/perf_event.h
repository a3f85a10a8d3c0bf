/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * perf_event_open(2): attributes for our purposes, what this kernel knows of them, and errors that
 * say what to do.
 */
#ifndef HVP_DAEMON_PERF_EVENT_H
#define HVP_DAEMON_PERF_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/perf_event.h>

#include "common/base/error.h"
#include "daemon/perf/events.h"
#include "daemon/host/host_files.h"

/* What came to perf after Linux 4.1, and whether this kernel has it. */
struct hvp_perf_features {
	/* Build ids in mmap records (5.12). */
	bool has_build_id;
	/* Symbols of BPF programs and trampolines (5.1). */
	bool has_ksymbol;
	/* 4.12 */
	bool has_namespaces;
	/* How many samples an event lost (6.0). */
	bool has_read_lost;
	/*
	 * From 5.17 on KVM told perf a guest's mode by preempted_in_kernel, which is not kept up
	 * while the guest runs; commit 547c91929f43 in 6.7-rc5 mended it.
	 */
	bool has_stale_guest_mode;
};

/* Whether a kernel of this release ("6.1.0-56-cloud-amd64") has that fault. */
bool hvp_perf_has_stale_guest_mode(const char *release);

/* Asks the kernel with an event that counts nothing. Never fails: without perf nothing is there. */
void hvp_perf_features_probe(struct hvp_perf_features *ret);

struct hvp_perf_attr_options {
	const struct hvp_perf_features *features;
	/* For events without a rate of their own. */
	uint64_t frequency, period;
	bool wants_chains;
	/* Samples say of which event they are (several events share a ring). */
	bool has_identifier;
	/* Follow the children of the task. */
	bool inherits;
	bool starts_on_exec;
	/* Leave out what needs privileges: kernel mode. */
	bool user_only;
	/* Bytes in the ring that wake the reader. */
	uint32_t watermark;
};

/* The sample_type of every event of a session. */
uint64_t hvp_perf_sample_type(const struct hvp_perf_attr_options *options);

/*
 * The shortest period that an event can be sampled with: the timer of cpu-clock and task-clock
 * takes at least 10,000 ns (kernel/events/core.c, perf_swevent_start_hrtimer), while its samples
 * would claim what was asked for.
 */
uint64_t hvp_perf_least_period(const struct hvp_event_spec *spec);

/* A sampling event, disabled. */
void hvp_perf_attr_init(const struct hvp_event_spec *spec,
			const struct hvp_perf_attr_options *options, struct perf_event_attr *ret);
/* An event that counts nothing and reports mappings, tasks, names and kernel symbols, disabled. */
void hvp_perf_attr_init_tracking(const struct hvp_perf_attr_options *options,
				 struct perf_event_attr *ret);

/* The system call: the descriptor (close-on-exec), or -1 with errno. */
int hvp_perf_event_open(struct perf_event_attr *attr, int pid, int cpu);

/* What a failed hvp_perf_event_open() of an event means and what mends it. */
struct hvp_error *hvp_perf_open_error(int os_errno, const char *event, bool is_system_wide,
				      const struct hvp_host_roots *roots) hvp_must_use;

/*
 * Whether an event can be sampled here: opens it for a moment, first on CPU 0, then for this
 * process alone. 0, or the errno.
 */
int hvp_perf_event_probe(const struct hvp_event_spec *spec);

#endif
