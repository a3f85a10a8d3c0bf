/* SPDX-License-Identifier: GPL-2.0-or-later */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "report/profile/place.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/scope.h"

#define FIRST_SLOTS 4096u

_Static_assert(sizeof(struct hvp_place_key) == 64, "the key has no padding");

void hvp_place_table_deinit(struct hvp_place_table *table)
{
	free(table->places);
	free(table->slots);
	*table = (struct hvp_place_table){0};
}

void hvp_place_table_clear(struct hvp_place_table *table)
{
	table->num = 0;
	if (table->num_slots)
		memset(table->slots, 0, table->num_slots * sizeof(*table->slots));
}

static uint64_t hash_key(const struct hvp_place_key *key)
{
	return XXH3_64bits(key, sizeof(*key));
}

static void insert_slot(struct hvp_place_slot *slots, size_t mask, uint64_t hash, uint32_t index)
{
	size_t at = hash & mask;

	while (slots[at].index)
		at = (at + 1) & mask;
	slots[at] = (struct hvp_place_slot){.tag = hash >> 32, .index = index};
}

static struct hvp_error *grow_slots(struct hvp_place_table *table)
{
	size_t num_slots = table->num_slots ? table->num_slots * 2 : FIRST_SLOTS;
	struct hvp_place_slot *slots = calloc(num_slots, sizeof(*slots));

	if (!slots)
		return hvp_error_no_memory;
	for (size_t i = 0; i < table->num; i++)
		insert_slot(slots, num_slots - 1, hash_key(&table->places[i].key), (uint32_t)i + 1);
	free(table->slots);
	table->slots = slots;
	table->num_slots = num_slots;
	return NULL;
}

static struct hvp_error *append_place(struct hvp_place_table *table, uint64_t hash,
				      const struct hvp_place *place)
{
	if (table->num >= UINT32_MAX - 1)
		return hvp_error_create(HVP_ERROR_UNSUPPORTED,
					"the profile has more than 2^32 distinct places: narrow it "
					"with --time, or sort by fewer keys");
	if ((table->num + 1) * 4 > table->num_slots * 3)
		hvp_try(grow_slots(table));
	hvp_try(hvp_array_reserve(&table->places, &table->capacity, table->num + 1,
				  sizeof(*table->places)));
	table->places[table->num++] = *place;
	insert_slot(table->slots, table->num_slots - 1, hash, (uint32_t)table->num);
	return NULL;
}

struct hvp_error *hvp_place_table_add(struct hvp_place_table *table, const struct hvp_place *place)
{
	uint64_t hash = hash_key(&place->key);
	size_t mask = table->num_slots - 1;

	for (size_t at = hash & mask; table->num_slots && table->slots[at].index;
	     at = (at + 1) & mask) {
		struct hvp_place *found;

		if (table->slots[at].tag != (uint32_t)(hash >> 32))
			continue;
		found = &table->places[table->slots[at].index - 1];
		if (memcmp(&found->key, &place->key, sizeof(found->key)) != 0)
			continue;
		found->samples += place->samples;
		found->period += place->period;
		return NULL;
	}
	return append_place(table, hash, place);
}

struct hvp_error *hvp_place_table_merge(struct hvp_place_table *table, struct hvp_place_table *from)
{
	hvp_scope(hvp_place_table_deinit) struct hvp_place_table source = *from;

	*from = (struct hvp_place_table){0};
	if (!table->num) {
		struct hvp_place_table empty = *table;

		*table = source;
		source = empty;
		return NULL;
	}
	for (size_t i = 0; i < source.num; i++)
		hvp_try(hvp_place_table_add(table, &source.places[i]));
	return NULL;
}
