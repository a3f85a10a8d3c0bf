/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where all samples of a session went. The sum that every report keeps:
 *
 *	owners (domains + hypervisor + host + idle + unknown + lost) + filtered = total
 *	total + outside = samples in the session + lost
 */
#ifndef HVP_REPORT_TOTALS_H
#define HVP_REPORT_TOTALS_H

#include "report/profile/culprits.h"
#include "report/profile/profile.h"

struct hvp_domain_totals {
	uint32_t domain;
	/* Taken in the guest. */
	uint64_t kernel, user;
	/* Taken in the hypervisor on the domain's behalf. */
	uint64_t hypervisor;
	/* The sum of periods of kernel + user. */
	uint64_t period;
};

struct hvp_totals {
	/* Samples and sums of periods by owner; LOST has no periods. */
	uint64_t owners[HVP_NUM_OWNERS];
	uint64_t periods[HVP_NUM_OWNERS];
	/* Of owners' LOST: by who lost them, and in chunks that cannot be decoded. */
	uint64_t lost[HVP_NUM_LOST_WHERE];
	uint64_t lost_unreadable;
	/* Records (mappings, names) that were lost. */
	uint64_t lost_records;
	/* Left out by --filter; these samples belong to the total and to no row. */
	uint64_t filtered, filtered_period;
	/* Of another time or event, or unread because of Ctrl-C; not part of the total. */
	uint64_t outside, interrupted;
	uint64_t total;
	uint64_t unresolved[HVP_NUM_UNRESOLVED];
	struct hvp_culprits culprits;
	/* Ordered by samples, descending. */
	struct hvp_domain_totals *domains;
	size_t num_domains;
};

void hvp_totals_deinit(struct hvp_totals *totals);

/* Counts the session's lost records within [from, until] and the scan's losses. */
void hvp_totals_count_lost(struct hvp_totals *totals, const struct hvp_session *session,
			   const struct hvp_scan *scan, uint64_t from, uint64_t until);

/* Sets the total; whether the sums above hold (always, unless there is a bug). */
bool hvp_totals_seal(struct hvp_totals *totals, const struct hvp_scan *scan);

#endif
