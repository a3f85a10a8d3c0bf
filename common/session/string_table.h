/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The writer's side of strings: paths, names, build ids, each stored once and numbered from 1; 0 is
 * "". Memory is bounded as that of stacks is: the table is forgotten when it is full, then strings
 * may be in the file twice.
 */
#ifndef HVP_COMMON_SESSION_STRING_TABLE_H
#define HVP_COMMON_SESSION_STRING_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/bytes.h"
#include "common/base/error.h"

struct hvp_string_slot;

struct hvp_string_table {
	struct hvp_string_slot *slots;
	size_t num_used;
	uint64_t seed;
	/* The next string's number. */
	uint64_t next;
	/*
	 * Strings that are not in the file yet, as the file has them; their numbers end before
	 * `next`.
	 */
	struct hvp_buf new_strings;
	size_t num_new;
};

struct hvp_error *hvp_string_table_init(struct hvp_string_table *strings) hvp_must_use;
void hvp_string_table_deinit(struct hvp_string_table *strings);
size_t hvp_string_table_memory(const struct hvp_string_table *strings);

/* The number of `size` bytes. Out of memory shows in new_strings.failed. */
uint64_t hvp_string_table_add(struct hvp_string_table *strings, const void *data, size_t size);

#endif
