/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between a source and a session file: gives every sample its domain, leaves out what was not asked
 * for, counts, and hands on.
 *
 *	source --samples, records--> collector --> session writer
 *	              domain table <--'   '--> what kernel code was seen
 *
 * A full disk does not end a session: what cannot be written is counted as lost and the rings go on
 * being drained.
 */
#ifndef HVP_DAEMON_COLLECTOR_H
#define HVP_DAEMON_COLLECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/scope.h"
#include "common/cli/log.h"
#include "common/session/writer.h"
#include "daemon/kvm/discovery.h"
#include "daemon/kvm/domains.h"
#include "daemon/host/host_files.h"
#include "daemon/source.h"
#include "daemon/target.h"

struct hvp_collector;
struct hvp_guest_files;

struct hvp_collector_options {
	const struct hvp_host_roots *roots;
	/* May be NULL. */
	const struct hvp_log *log;
	/* NULL: everything. */
	const struct hvp_target *target;
	/* Files to carry into the session for guests. May be NULL. */
	const struct hvp_guest_files *guest_files;
	/* Where to keep the kernel's symbols for the next time (kallsyms_cache.h). May be NULL. */
	const char *kallsyms_cache;
	/* Look for VMs on this host; off for a source that replays another one. */
	bool discovers;
	enum hvp_qmp_use qmp;
};

/* Options and writer are borrowed while the collector lives. */
struct hvp_error *hvp_collector_create(const struct hvp_collector_options *options,
				       struct hvp_session_writer *writer,
				       struct hvp_collector **ret) hvp_must_use;
void hvp_collector_destroy(struct hvp_collector *collector);
HVP_DEFINE_SCOPE(hvp_collector_destroy, struct hvp_collector *);

/* Where a source delivers. */
void hvp_collector_get_sink(struct hvp_collector *collector, struct hvp_sink *ret);
/* Between opening a source and starting it. */
struct hvp_error *hvp_collector_add_events(struct hvp_collector *collector,
					   const struct hvp_source *source) hvp_must_use;

/* The host's kernel, its modules and the VMs that run: before sampling begins. */
struct hvp_error *hvp_collector_begin(struct hvp_collector *collector) hvp_must_use;
/* To be polled beside the source, or -1; and what to do then, and now and then. */
int hvp_collector_poll_fd(const struct hvp_collector *collector);
struct hvp_error *hvp_collector_update(struct hvp_collector *collector) hvp_must_use;

enum hvp_collector_symbols {
	HVP_COLLECTOR_SYMBOLS_NONE,
	/* Of the kernel functions that were seen. */
	HVP_COLLECTOR_SYMBOLS_SEEN,
	HVP_COLLECTOR_SYMBOLS_ALL,
};
/*
 * NULL for an error of the file that a session survives, which is kept for the end; otherwise the
 * error. Accepts NULL.
 */
struct hvp_error *hvp_collector_survive(struct hvp_collector *collector,
					struct hvp_error *err) hvp_must_use;

/* Sampling is over: the names that the samples need, and what must be said of the session. */
struct hvp_error *hvp_collector_end(struct hvp_collector *collector,
				    enum hvp_collector_symbols symbols) hvp_must_use;

struct hvp_collector_stats {
	/* Handed to the writer. */
	uint64_t samples;
	/* By owner, as reports decide it (docs/architecture.md); the guests' own are by domain. */
	uint64_t guests, hypervisor, host, idle, unknown;
	/* Left out by --host, --guest, --vcpu. */
	uint64_t not_wanted;
	uint64_t lost_samples, lost_records;
	/* Those of lost_samples for which the file had no room. */
	uint64_t lost_by_file;
	uint64_t throttled;
	/* Degradations that the source or the collector put into words. */
	uint64_t notes;
	/* Domains of which no guest code was sampled are among them. */
	uint32_t num_domains;
	/* The first error of the file that was survived, or NULL. */
	const char *file_error;
};
void hvp_collector_get_stats(const struct hvp_collector *collector,
			     struct hvp_collector_stats *ret);
/* Samples of a domain's guest code. */
uint64_t hvp_collector_guest_samples(const struct hvp_collector *collector, uint32_t domain);
struct hvp_domain_table *hvp_collector_domain_table(struct hvp_collector *collector);
/* NULL, or what discovery could not see and why. */
const char *hvp_collector_discovery_limit(const struct hvp_collector *collector);

#endif
