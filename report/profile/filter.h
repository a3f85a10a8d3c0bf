/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --filter: which samples to show. Terms joined by commas must all hold:
 *
 *	KEY=VALUE   KEY!=VALUE   KEY~REGEX   KEY!~REGEX        VALUE may be several: web|db
 *
 * Values are compared as reports print them, numbers also as ranges (cpu=0-3), `mode` also by its
 * halves (kernel, user, guest, host), regular expressions are POSIX extended ones and match
 * anywhere. A value with a comma stands in double quotes.
 */
#ifndef HVP_REPORT_FILTER_H
#define HVP_REPORT_FILTER_H

#include "report/profile/profile.h"

struct hvp_filter_term;

struct hvp_filter {
	struct hvp_filter_term *terms;
	size_t num, capacity;
	/* The keys in use. */
	hvp_dim_set dims;
};

/*
 * Adds the terms of an expression: HVP_ERROR_USAGE points at what is wrong. Zero-initialise the
 * filter.
 */
struct hvp_error *hvp_filter_parse(struct hvp_filter *filter, const char *expression) hvp_must_use;
/*
 * Adds the term KEY=VALUES: `size` bytes of alternatives with NULs between them, each taken as it
 * is.
 */
struct hvp_error *hvp_filter_add(struct hvp_filter *filter, enum hvp_dim dim, const char *values,
				 size_t size) hvp_must_use;
void hvp_filter_deinit(struct hvp_filter *filter);

/* Remembers the answer for each value, so it is cheap for every place. */
struct hvp_error *hvp_filter_match(struct hvp_filter *filter, const struct hvp_profile *profile,
				   const struct hvp_spot *spot, bool *ret) hvp_must_use;

/*
 * A slice of time: "A-B", "A-", "-B"; seconds from the session's start (with s, ms, us) or percent
 * of its duration (10%-20%). The results are on the session's clock.
 */
struct hvp_error *hvp_time_slice_parse(const char *text, uint64_t start, uint64_t end,
				       uint64_t *ret_from, uint64_t *ret_until) hvp_must_use;

#endif
