/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/profile/totals.h"

#include <stdlib.h>

void hvp_totals_deinit(struct hvp_totals *totals)
{
	free(totals->domains);
	hvp_culprits_deinit(&totals->culprits);
	*totals = (struct hvp_totals){0};
}

void hvp_totals_count_lost(struct hvp_totals *totals, const struct hvp_session *session,
			   const struct hvp_scan *scan, uint64_t from, uint64_t until)
{
	for (size_t i = 0; i < hvp_session_num_records(session); i++) {
		const struct hvp_record *record = hvp_session_record(session, i);

		if (record->type != HVP_RECORD_LOST || record->time < from || record->time > until)
			continue;
		if (record->lost.where < HVP_NUM_LOST_WHERE)
			totals->lost[record->lost.where] += record->lost.samples;
		else
			totals->lost[HVP_LOST_COLLECTOR] += record->lost.samples;
		totals->lost_records += record->lost.records;
	}
	totals->lost_unreadable = scan->unreadable;
	totals->outside = scan->outside;
	totals->interrupted = scan->interrupted;
	totals->owners[HVP_OWNER_LOST] = totals->lost_unreadable;
	for (unsigned int i = 0; i < HVP_NUM_LOST_WHERE; i++)
		totals->owners[HVP_OWNER_LOST] += totals->lost[i];
}

static int compare_domains(const void *left_arg, const void *right_arg)
{
	const struct hvp_domain_totals *left = left_arg, *right = right_arg;
	uint64_t left_sum = left->kernel + left->user, right_sum = right->kernel + right->user;

	if (left_sum != right_sum)
		return left_sum > right_sum ? -1 : 1;
	if (left->hypervisor != right->hypervisor)
		return left->hypervisor > right->hypervisor ? -1 : 1;
	return left->domain < right->domain ? -1 : left->domain > right->domain;
}

bool hvp_totals_seal(struct hvp_totals *totals, const struct hvp_scan *scan)
{
	uint64_t guest = 0;

	hvp_culprits_seal(&totals->culprits);
	if (totals->num_domains)
		qsort(totals->domains, totals->num_domains, sizeof(*totals->domains),
		      compare_domains);
	for (size_t i = 0; i < totals->num_domains; i++)
		guest += totals->domains[i].kernel + totals->domains[i].user;
	totals->total = totals->filtered;
	for (unsigned int i = 0; i < HVP_NUM_OWNERS; i++)
		totals->total += totals->owners[i];
	return guest == totals->owners[HVP_OWNER_DOMAIN] &&
	       totals->total == scan->samples + totals->owners[HVP_OWNER_LOST];
}
