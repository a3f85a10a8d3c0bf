/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Strings stored once and known by small numbers: 0 is "", the others count up from 1 in the order
 * in which they came. Equal strings have equal numbers and equal pointers. Zero-initialise, or
 * hvp_strpool_init(). Not thread-safe; readers alone may be many.
 */
#ifndef HVP_COMMON_BASE_STRPOOL_H
#define HVP_COMMON_BASE_STRPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/error.h"

struct hvp_strpool_item {
	const char *text;
	uint32_t size;
	/* The low half of the text's hash, so that growing the table reads no text. */
	uint32_t hash;
};

struct hvp_strpool {
	struct hvp_arena arena;
	/* Item n is string n + 1. */
	struct hvp_strpool_item *items;
	size_t num, capacity;
	/* Open addressing: string numbers, 0 is free. */
	uint32_t *slots;
	size_t num_slots;
};

void hvp_strpool_init(struct hvp_strpool *pool);
void hvp_strpool_deinit(struct hvp_strpool *pool);

/* The number of a string, which is copied when it is new. Text may hold NULs; at most UINT32_MAX
 * bytes and strings. */
struct hvp_error *hvp_strpool_add(struct hvp_strpool *pool, const char *text, size_t size,
				  uint32_t *ret) hvp_must_use;
/* The same for a C string; NULL is "". */
struct hvp_error *hvp_strpool_intern(struct hvp_strpool *pool, const char *text,
				     uint32_t *ret) hvp_must_use;
/* False when the string is not there. */
bool hvp_strpool_find(const struct hvp_strpool *pool, const char *text, size_t size, uint32_t *ret);

/* The text, NUL-terminated, as long as the pool lives; "" for 0 and for numbers that do not exist.
 */
static inline const char *hvp_strpool_text(const struct hvp_strpool *pool, uint32_t index)
{
	return index - 1 < pool->num ? pool->items[index - 1].text : "";
}

static inline size_t hvp_strpool_size(const struct hvp_strpool *pool, uint32_t index)
{
	return index - 1 < pool->num ? pool->items[index - 1].size : 0;
}

/* One more than the largest number. */
static inline uint32_t hvp_strpool_num(const struct hvp_strpool *pool)
{
	return (uint32_t)pool->num + 1;
}

#endif
