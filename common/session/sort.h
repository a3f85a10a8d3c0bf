/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sorting what chunks are made of: numbers with a companion, by bytes (LSD radix), stable. */
#ifndef HVP_COMMON_SESSION_SORT_H
#define HVP_COMMON_SESSION_SORT_H

#include <stddef.h>
#include <stdint.h>

struct hvp_keyed {
	uint64_t key;
	uint32_t item;
	/* Where an entry stands for items that follow each other: how many. */
	uint32_t count;
};

/* Sorts by key; `spare` has room for `num` too. Bytes in which all keys agree cost nothing. */
void hvp_sort_keyed(struct hvp_keyed *entries, struct hvp_keyed *spare, size_t num);

#endif
