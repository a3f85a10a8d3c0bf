/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/base/array.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 8u

struct hvp_error *hvp_array_reserve(void *items, size_t *capacity, size_t num, size_t item_size)
{
	size_t wanted = *capacity ? *capacity : FIRST_CAPACITY;
	size_t bytes;
	void *array;

	if (num <= *capacity)
		return NULL;
	while (wanted < num) {
		if (__builtin_mul_overflow(wanted, 2, &wanted))
			return hvp_error_no_memory;
	}
	if (__builtin_mul_overflow(wanted, item_size, &bytes))
		return hvp_error_no_memory;
	/* `items` points to some T *; all data pointers look alike, but not to the type system. */
	memcpy(&array, items, sizeof(array));
	array = realloc(array, bytes);
	if (!array)
		return hvp_error_no_memory;
	memcpy(items, &array, sizeof(array));
	*capacity = wanted;
	return NULL;
}
