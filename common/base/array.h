/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Growth of plain arrays: a pointer, a number of items and a capacity that their owner keeps. */
#ifndef HVP_COMMON_BASE_ARRAY_H
#define HVP_COMMON_BASE_ARRAY_H

#include <stddef.h>

#include "common/base/error.h"

#define HVP_ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/*
 * Makes room for at least `num` items; capacities double, so pushing is amortised O(1). `items` is
 * the address of the array pointer (NULL is an empty array), `capacity` counts items. Unchanged on
 * error.
 *
 *	hvp_try(hvp_array_reserve(&list->items, &list->capacity, list->num + 1,
 *				  sizeof(*list->items)));
 *	list->items[list->num++] = item;
 */
struct hvp_error *hvp_array_reserve(void *items, size_t *capacity, size_t num,
				    size_t item_size) hvp_must_use;

#endif
