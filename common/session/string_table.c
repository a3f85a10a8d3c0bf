/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/session/string_table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <xxhash.h>

#define NUM_SLOTS (1u << 16)
#define MAX_USED (NUM_SLOTS / 4 * 3)

/* `number` 0 is a free place. The seeded 64-bit hash stands for the string. */
struct hvp_string_slot {
	uint64_t hash;
	uint64_t number;
};

struct hvp_error *hvp_string_table_init(struct hvp_string_table *strings)
{
	*strings = (struct hvp_string_table){.next = 1};
	strings->slots = calloc(NUM_SLOTS, sizeof(*strings->slots));
	if (!strings->slots)
		return hvp_error_no_memory;
	if (getrandom(&strings->seed, sizeof(strings->seed), GRND_NONBLOCK) < 0)
		strings->seed = 0;
	return NULL;
}

void hvp_string_table_deinit(struct hvp_string_table *strings)
{
	free(strings->slots);
	hvp_buf_deinit(&strings->new_strings);
	*strings = (struct hvp_string_table){0};
}

size_t hvp_string_table_memory(const struct hvp_string_table *strings)
{
	return NUM_SLOTS * sizeof(*strings->slots) + strings->new_strings.capacity;
}

uint64_t hvp_string_table_add(struct hvp_string_table *strings, const void *data, size_t size)
{
	uint64_t hash;
	size_t at;

	if (!size)
		return 0;
	hash = XXH3_64bits_withSeed(data, size, strings->seed);
	at = hash & (NUM_SLOTS - 1);
	while (strings->slots[at].number && strings->slots[at].hash != hash)
		at = (at + 1) & (NUM_SLOTS - 1);
	if (strings->slots[at].number)
		return strings->slots[at].number;
	if (strings->num_used >= MAX_USED) {
		memset(strings->slots, 0, NUM_SLOTS * sizeof(*strings->slots));
		strings->num_used = 0;
		at = hash & (NUM_SLOTS - 1);
	}
	if (!hvp_buf_reserve(&strings->new_strings, size + 10))
		return 0;
	hvp_buf_add_varint(&strings->new_strings, size);
	hvp_buf_add_bytes(&strings->new_strings, data, size);
	strings->slots[at] = (struct hvp_string_slot){.hash = hash, .number = strings->next};
	strings->num_used++;
	strings->num_new++;
	return strings->next++;
}
