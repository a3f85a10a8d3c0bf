/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A session made by code with everything opened that a report needs. */
#ifndef HVP_TESTS_UNIT_REPORT_REPORT_FIXTURE_H
#define HVP_TESTS_UNIT_REPORT_REPORT_FIXTURE_H

#include "report/profile/calltree.h"
#include "report/profile/entries.h"
#include "report/profile/sections.h"
#include "tests/unit/check.h"
#include "tests/unit/report/make_session.h"

struct fixture {
	int fd;
	struct hvp_session *session;
	struct hvp_symbolizer *symbolizer;
	struct hvp_profile profile;
	struct hvp_filter filter;
	struct hvp_entries_options options;
	struct hvp_entries entries;
};

/* An empty file in memory. */
int memory_file(void);

/* Opens what is in `fixture->fd`. */
void fixture_open(struct fixture *fixture);
/* A session of a kind, opened. */
void fixture_make(struct fixture *fixture, enum made_kind kind);

struct question {
	const char *sort;
	/* NULL: none. */
	const char *filter;
	bool has_children, by_address;
	/* 0, 0: all. */
	uint64_t time_from, time_until;
	double percent_limit;
	uint64_t limit;
	unsigned int num_threads;
};
/* Fills profile and entries; may be called again. */
void fixture_ask(struct fixture *fixture, const struct question *question);
void fixture_close(struct fixture *fixture);

/* The row with these words, or NULL; NULL for a word is any. */
const struct hvp_entry *find_row(const struct fixture *fixture, const char *owner,
				 const char *domain, const char *symbol);

#endif
