/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What stands above every report: what was recorded, where all samples went, and everything that
 * makes the figures less than perfect - losses, throttling, damage, what could not be resolved and
 * what to do about it, the collector's own cost.
 */
#ifndef HVP_REPORT_HEAD_H
#define HVP_REPORT_HEAD_H

#include "report/profile/entries.h"

/* Unresolved samples above this share of all make a report degraded (--strict). */
#define HVP_DEGRADED_UNRESOLVED_PERCENT 10

/* Facts that need no samples to be read: `info` shows the same. */
struct hvp_facts {
	const struct hvp_session *session;
	/* Session clock. From the end of the session, or from the first and last sample. */
	uint64_t start_time, end_time;
	bool has_end;
	struct hvp_session_end end;
	/* Online CPUs at start; 0 is unknown. */
	unsigned int num_cpus;
	/* THROTTLE records that began, and CPUs that went off-line during the session. */
	uint64_t num_throttles, num_offline;
	/* Lines for people: notes of the session first, then what was concluded. Owned. */
	char **notes;
	size_t num_notes, capacity_notes;
};

struct hvp_error *hvp_facts_init(struct hvp_facts *ret,
				 const struct hvp_session *session) hvp_must_use;
void hvp_facts_deinit(struct hvp_facts *facts);
/* Whether it is known what recording cost; of an imported session it is not. */
bool hvp_facts_has_cost(const struct hvp_facts *facts);

/* The collector's CPU time as percent of all CPUs' time in the session; negative is unknown. */
double hvp_facts_overhead(const struct hvp_facts *facts);

struct hvp_head {
	const struct hvp_facts *facts;
	const struct hvp_entries *entries;
	/* In words what the report was cut to: "--time 1-2, --filter domain=web"; "" is nothing. */
	const char *selection;
	/* Index of the event that was selected, or HVP_EVENT_ALL. */
	uint32_t event;
};

/*
 * Adds to the facts' notes what only the finished profile knows: the symbolizer's notes, chunks
 * that do not decode, an interruption, and why domains ran without a single guest sample.
 */
struct hvp_error *hvp_head_conclude(const struct hvp_head *head,
				    struct hvp_facts *facts) hvp_must_use;

/* Something was lost, throttled, damaged, or too much is unresolved. */
bool hvp_head_is_degraded(const struct hvp_head *head);

/* "web (qemu, 1b4e28ba-..., 2 vCPUs)" into the caller's buffer, escaped. */
const char *hvp_domain_title(const struct hvp_domain_info *info, char *buf, size_t size);

/* Wall-clock time "2026-11-21 08:12:45 UTC" of the start, or "" when the session does not tell. */
const char *hvp_facts_start_text(const struct hvp_facts *facts, char *buf, size_t size);

#endif
