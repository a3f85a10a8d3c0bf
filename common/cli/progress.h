/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A line on the terminal that says what is being done, how far it is, how fast, and how long it
 * will take. Nothing at all when standard error is not a terminal or the work takes less than half
 * a second.
 */
#ifndef HVP_COMMON_CLI_PROGRESS_H
#define HVP_COMMON_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct hvp_progress {
	FILE *err;
	bool is_enabled;
	/* Whether a line stands on the terminal that must be cleared. */
	bool is_drawn;
	/* Borrowed: "Reading samples". */
	const char *stage;
	/* Of what is counted: "samples". May be NULL. */
	const char *unit;
	/* 0: not known. */
	uint64_t total;
	uint64_t start_ns, next_ns;
};

/* `is_enabled` is the context's has_progress. */
void hvp_progress_init(struct hvp_progress *progress, FILE *err, bool is_enabled);
/* Begins a stage; `stage` and `unit` must live until the next. */
void hvp_progress_stage(struct hvp_progress *progress, const char *stage, const char *unit,
			uint64_t total);
/* Cheap enough for every chunk (not for every sample): draws at most ten times a second. */
void hvp_progress_update(struct hvp_progress *progress, uint64_t done);
/* A line of this text instead of numbers, drawn at once: for what waits for others. */
void hvp_progress_show(struct hvp_progress *progress, const char *what, const char *on_what);
/* Clears the line. Call it before anything else is printed, and at the end. */
void hvp_progress_clear(struct hvp_progress *progress);

/* The line's text, for `elapsed_ns` of work: "Reading samples  42%  4,200 of 10,000 samples,
 * 1,400/s, 4 s left". */
void hvp_progress_format(const struct hvp_progress *progress, uint64_t done, uint64_t elapsed_ns,
			 char *buf, size_t size);

#endif
