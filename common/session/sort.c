/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/session/sort.h"

#include <stdbool.h>
#include <string.h>

/* Fewer than this are sorted by insertion. */
#define SMALL 32

static void sort_small(struct hvp_keyed *entries, size_t num)
{
	for (size_t i = 1; i < num; i++) {
		struct hvp_keyed entry = entries[i];
		size_t at = i;

		for (; at && entries[at - 1].key > entry.key; at--)
			entries[at] = entries[at - 1];
		entries[at] = entry;
	}
}

/* One stable pass by the byte at `shift`. */
static void sort_by_byte(const struct hvp_keyed *from, struct hvp_keyed *to, size_t num,
			 unsigned int shift)
{
	size_t places[256] = {0}, place = 0;

	for (size_t i = 0; i < num; i++)
		places[(from[i].key >> shift) & 0xff]++;
	for (size_t byte = 0; byte < 256; byte++) {
		size_t count = places[byte];

		places[byte] = place;
		place += count;
	}
	for (size_t i = 0; i < num; i++)
		to[places[(from[i].key >> shift) & 0xff]++] = from[i];
}

void hvp_sort_keyed(struct hvp_keyed *entries, struct hvp_keyed *spare, size_t num)
{
	struct hvp_keyed *from = entries, *to = spare;
	uint64_t differs = 0;
	bool is_sorted = true;

	for (size_t i = 1; i < num; i++) {
		differs |= entries[i].key ^ entries[0].key;
		is_sorted &= entries[i].key >= entries[i - 1].key;
	}
	if (is_sorted)
		return;
	if (num < SMALL) {
		sort_small(entries, num);
		return;
	}
	for (unsigned int shift = 0; shift < 64; shift += 8) {
		struct hvp_keyed *swap = from;

		if (!((differs >> shift) & 0xff))
			continue;
		sort_by_byte(from, to, num, shift);
		from = to;
		to = swap;
	}
	if (from != entries)
		memcpy(entries, from, num * sizeof(*entries));
}
