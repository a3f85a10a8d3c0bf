/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/base/map.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 16u

void hvp_map_init(struct hvp_map *map)
{
	*map = (struct hvp_map){0};
}

void hvp_map_deinit(struct hvp_map *map)
{
	free(map->slots);
	hvp_map_init(map);
}

/* The slot of a key other than 0, or the free one where it belongs. The table has a free slot. */
static struct hvp_map_slot *probe(const struct hvp_map *map, uint64_t key)
{
	size_t mask = map->num_slots - 1;
	size_t i = hvp_hash_u64(key) & mask;

	while (map->slots[i].key && map->slots[i].key != key)
		i = (i + 1) & mask;
	return &map->slots[i];
}

static bool grow(struct hvp_map *map)
{
	struct hvp_map larger = {.num_slots = map->num_slots ? map->num_slots * 2 : FIRST_SLOTS};

	larger.slots = calloc(larger.num_slots, sizeof(*larger.slots));
	if (!larger.slots)
		return false;
	for (size_t i = 0; i < map->num_slots; i++) {
		if (map->slots[i].key)
			*probe(&larger, map->slots[i].key) = map->slots[i];
	}
	free(map->slots);
	map->slots = larger.slots;
	map->num_slots = larger.num_slots;
	return true;
}

static bool is_full(const struct hvp_map *map)
{
	return (map->num + 1) * 4 > map->num_slots * 3;
}

uint64_t *hvp_map_insert(struct hvp_map *map, uint64_t key, bool *ret_is_new)
{
	uint64_t *value = hvp_map_find(map, key);
	struct hvp_map_slot *slot;

	if (ret_is_new)
		*ret_is_new = !value;
	if (value)
		return value;
	if (!key) {
		map->has_zero = true;
		map->num++;
		map->zero.value = 0;
		return &map->zero.value;
	}
	if (is_full(map) && !grow(map))
		return NULL;
	slot = probe(map, key);
	*slot = (struct hvp_map_slot){.key = key};
	map->num++;
	return &slot->value;
}

struct hvp_error *hvp_map_set(struct hvp_map *map, uint64_t key, uint64_t value)
{
	uint64_t *place = hvp_map_insert(map, key, NULL);

	if (!place)
		return hvp_error_no_memory;
	*place = value;
	return NULL;
}

/* Moves later entries of the same run up, so that no probe ends at the hole too early. */
static void close_hole(struct hvp_map *map, size_t hole)
{
	size_t mask = map->num_slots - 1;

	for (size_t i = (hole + 1) & mask; map->slots[i].key; i = (i + 1) & mask) {
		size_t home = hvp_hash_u64(map->slots[i].key) & mask;

		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		map->slots[hole] = map->slots[i];
		hole = i;
	}
	map->slots[hole] = (struct hvp_map_slot){0};
}

bool hvp_map_remove(struct hvp_map *map, uint64_t key)
{
	uint64_t *value = hvp_map_find(map, key);

	if (!value)
		return false;
	map->num--;
	if (!key)
		map->has_zero = false;
	else
		close_hole(map, (size_t)(probe(map, key) - map->slots));
	return true;
}

bool hvp_map_next(const struct hvp_map *map, size_t *cursor, uint64_t *ret_key, uint64_t *ret_value)
{
	for (; *cursor < map->num_slots; ++*cursor) {
		const struct hvp_map_slot *slot = &map->slots[*cursor];

		if (!slot->key)
			continue;
		*ret_key = slot->key;
		*ret_value = slot->value;
		++*cursor;
		return true;
	}
	if (*cursor > map->num_slots || !map->has_zero)
		return false;
	*ret_key = 0;
	*ret_value = map->zero.value;
	++*cursor;
	return true;
}
