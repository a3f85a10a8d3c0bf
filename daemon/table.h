/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Columns of text, aligned: what `hvprof list`, `check` and `stat` print. */
#ifndef HVP_DAEMON_TABLE_H
#define HVP_DAEMON_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/base/arena.h"
#include "common/base/error.h"

#define HVP_TABLE_MAX_COLUMNS 16

struct hvp_table {
	/* The first row is the heading. */
	const char **cells;
	size_t num_cells, capacity;
	size_t num_columns;
	/* Columns of numbers, a bit each: they end below each other. May be set after the init. */
	uint32_t numbers;
	struct hvp_arena arena;
};

/* `heading` has `num_columns` texts. */
struct hvp_error *hvp_table_init(struct hvp_table *table, const char *const *heading,
				 size_t num_columns) hvp_must_use;
void hvp_table_deinit(struct hvp_table *table);

/* One row; the texts are copied, without control characters. NULL is "". */
struct hvp_error *hvp_table_add(struct hvp_table *table, const char *const *cells) hvp_must_use;
static inline size_t hvp_table_num_rows(const struct hvp_table *table)
{
	return table->num_cells / table->num_columns - 1;
}

void hvp_table_print(const struct hvp_table *table, FILE *out, bool has_color);

#endif
