/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/session/sort.h"

#include <stdbool.h>
#include <string.h>

/* Fewer than this are sorted by insertion. */
#define SMALL 32
/* Addresses have 48 bits: four passes. */
#define MAX_DIGIT_BITS 12
#define MAX_DIGITS (1u << MAX_DIGIT_BITS)

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

/* One stable pass by the `mask` at `shift`; does nothing and returns false if all are in order. */
static bool sort_by_digit(const struct hvp_keyed *from, struct hvp_keyed *to, size_t num,
			  unsigned int shift, uint32_t mask)
{
	uint32_t places[MAX_DIGITS], place = 0;
	uint64_t last = 0, falls = 0;

	memset(places, 0, (mask + (size_t)1) * sizeof(*places));
	for (size_t i = 0; i < num; i++) {
		places[from[i].key >> shift & mask]++;
		falls |= from[i].key < last;
		last = from[i].key;
	}
	if (!falls)
		return false;
	for (size_t digit = 0; digit <= mask; digit++) {
		uint32_t count = places[digit];

		places[digit] = place;
		place += count;
	}
	for (size_t i = 0; i < num; i++)
		to[places[from[i].key >> shift & mask]++] = from[i];
	return true;
}

void hvp_sort_keyed(struct hvp_keyed *entries, struct hvp_keyed *spare, size_t num)
{
	/* The table of wide digits has to be worth its while. */
	unsigned int bits = num < MAX_DIGITS ? 8 : MAX_DIGIT_BITS;
	struct hvp_keyed *from = entries, *to = spare;
	uint32_t mask = (1u << bits) - 1;
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
	for (unsigned int shift = 0; shift < 64; shift += bits) {
		struct hvp_keyed *swap = from;

		if (!(differs >> shift & mask))
			continue;
		if (!sort_by_digit(from, to, num, shift, mask))
			break;
		from = to;
		to = swap;
	}
	if (from != entries)
		memcpy(entries, from, num * sizeof(*entries));
}
