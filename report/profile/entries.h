/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rows of a report: a profile's places summed by the sort keys. sections.h orders them.
 */
#ifndef HVP_REPORT_ENTRIES_H
#define HVP_REPORT_ENTRIES_H

#include "report/profile/filter.h"
#include "report/profile/profile.h"
#include "report/profile/totals.h"
#include "report/profile/vcpu_set.h"

#define HVP_NO_TREE UINT32_MAX

struct hvp_entry {
	/*
	 * Of dimensions that are no sort key: the value all its samples share, otherwise
	 * HVP_VALUE_MIXED.
	 */
	uint64_t values[HVP_NUM_DIMS];
	/* Samples in the row's function itself. */
	uint64_t samples, period;
	/*
	 * Samples with the row's function anywhere in the chain, itself included; each counted
	 * once.
	 */
	uint64_t children_samples, children_period;
	struct hvp_vcpu_set vcpus;
	/* The place that was last counted in children_*, + 1. */
	uint64_t last_place;
	/* Root of its call tree in the report's trees, or HVP_NO_TREE. */
	uint32_t tree;
	/* Within the section's limits. */
	bool is_shown;
};

struct hvp_section {
	/* enum hvp_owner, or HVP_VALUE_MIXED when neither owner nor domain is a sort key. */
	uint64_t owner;
	/* Domain id for HVP_OWNER_DOMAIN, otherwise HVP_VALUE_NONE. */
	uint64_t domain;
	uint64_t samples, period;
	/*
	 * entries[first .. first + num) are its rows; of these the first num_shown are to be shown.
	 */
	size_t first, num, num_shown;
	uint64_t omitted_samples, omitted_period;
};

enum hvp_weight {
	HVP_WEIGHT_SAMPLES,
	HVP_WEIGHT_PERIOD,
};

struct hvp_entries_options {
	struct hvp_dim_list sort;
	/* May be NULL. Not const: it remembers answers. */
	struct hvp_filter *filter;
	enum hvp_weight weight;
	/* Inclusive sums by call chain; rows are ordered by them. */
	bool has_children;
	/* Rows below this share of the total are not shown. */
	double percent_limit;
	/* Rows of each section; 0 is all. */
	uint64_t limit;
	/* The slice that lost samples are counted in. */
	uint64_t time_from, time_until;
};

struct hvp_entries {
	struct hvp_profile *profile;
	const struct hvp_entries_options *options;
	/* Sections' rows one after the other. */
	struct hvp_entry *items;
	size_t num, capacity;
	/*
	 * Hash of the sort keys -> index + 1; used while grouping and to find the entry of a spot
	 * later.
	 */
	uint32_t *slots;
	size_t num_slots;
	struct hvp_section *sections;
	size_t num_sections, capacity_sections;
	struct hvp_totals totals;
	/*
	 * What 100 % is: all samples, the lost and the filtered included; or the sum of their
	 * periods.
	 */
	uint64_t weight;
};

/* Without an order yet. Borrows profile and options. `ret` is to be deinitialised also after an error. */
struct hvp_error *hvp_entries_init(struct hvp_entries *ret, struct hvp_profile *profile,
				   const struct hvp_entries_options *options) hvp_must_use;
void hvp_entries_deinit(struct hvp_entries *entries);

/* Makes the way from keys to rows anew; to be called by whoever moves the rows. */
struct hvp_error *hvp_entries_index(struct hvp_entries *entries) hvp_must_use;

/* The entry that a spot's samples are in, or NULL. */
struct hvp_entry *hvp_entries_find(const struct hvp_entries *entries, const struct hvp_spot *spot);

static inline uint64_t hvp_weigh(const struct hvp_entries *entries, uint64_t samples,
				 uint64_t period)
{
	return entries->options->weight == HVP_WEIGHT_SAMPLES ? samples : period;
}

#endif
