/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `hvprof info` knows of a session: its facts, what it holds, and what it does not. */
#ifndef HVP_REPORT_INFO_H
#define HVP_REPORT_INFO_H

#include "common/cli/context.h"
#include "report/profile/domains.h"
#include "report/profile/head.h"
#include "report/profile/owner.h"

#define HVP_NUM_RECORD_TYPES (HVP_RECORD_BLOB + 1)

struct hvp_cpu_losses {
	uint32_t cpu;
	uint64_t lost_samples, lost_records, throttles;
};

struct hvp_domain_count {
	/* Samples taken in the guest, and in the host for it. */
	uint64_t guest, hypervisor;
};

struct hvp_session_summary {
	struct hvp_facts facts;
	struct hvp_domains domains;
	/* By index in `domains`. */
	struct hvp_domain_count *domain_counts;
	uint64_t owners[HVP_NUM_OWNERS];
	uint64_t modes[HVP_NUM_MODES];
	/* By index of the event. */
	uint64_t *events;
	/* In chunks that could not be decoded, and the first one's error. */
	uint64_t unreadable;
	char *unreadable_why;
	uint64_t records[HVP_NUM_RECORD_TYPES];
	uint64_t blob_bytes;
	/* Only CPUs that lost something, ordered by number. */
	struct hvp_cpu_losses *cpus;
	size_t num_cpus, capacity_cpus;
	/* 0 for a pipe. */
	uint64_t file_size;
};

/* Reads the whole session. `ret` is to be deinitialised also after an error. */
struct hvp_error *hvp_session_summary_init(struct hvp_session_summary *ret,
					   const struct hvp_session *session,
					   const volatile sig_atomic_t *interrupted) hvp_must_use;
void hvp_session_summary_deinit(struct hvp_session_summary *summary);

/* The two forms of `hvprof info`. */
void hvp_info_print_text(const struct hvp_session_summary *summary, FILE *out, bool has_color);
void hvp_info_print_json(const struct hvp_session_summary *summary, FILE *out);

/* "mmap", "comm", ... by enum hvp_record_type; NULL for numbers without a type. */
extern const char *const hvp_record_type_names[HVP_NUM_RECORD_TYPES];

#endif
