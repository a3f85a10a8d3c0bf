/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What went wrong or was assumed, one line each, each said once. Thread-safe; lines live as long as
 * the list.
 */
#ifndef HVP_SYMBOLIZER_NOTES_H
#define HVP_SYMBOLIZER_NOTES_H

#include <pthread.h>
#include <stddef.h>

#include "common/base/error.h"

struct hvp_notes {
	pthread_mutex_t lock;
	char **lines;
	size_t num, capacity;
	/* Beyond the limit only counted. */
	size_t num_dropped;
};

void hvp_notes_init(struct hvp_notes *notes);
void hvp_notes_deinit(struct hvp_notes *notes);
/* Control characters are escaped. Without memory the line is lost, not the report. */
void hvp_notes_add(struct hvp_notes *notes, const char *format, ...) hvp_printf(2, 3);
size_t hvp_notes_num(const struct hvp_notes *notes);
const char *hvp_notes_line(const struct hvp_notes *notes, size_t index);

#endif
