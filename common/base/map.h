/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hash map from u64 to u64 (open addressing, linear probing, power-of-two table, at most 3/4
 * full). Every key and value is allowed. Zero-initialise, or hvp_map_init(). Not thread-safe;
 * readers alone may be many.
 */
#ifndef HVP_COMMON_BASE_MAP_H
#define HVP_COMMON_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"

/* Key 0 marks a free slot; the entry of key 0 itself lives outside the table. */
struct hvp_map_slot {
	uint64_t key;
	uint64_t value;
};

struct hvp_map {
	struct hvp_map_slot *slots;
	/* A power of two, or 0. */
	size_t num_slots;
	/* Entries in all, the one of key 0 included. */
	size_t num;
	struct hvp_map_slot zero;
	bool has_zero;
};

void hvp_map_init(struct hvp_map *map);
void hvp_map_deinit(struct hvp_map *map);

/* A 64-bit mix in which every bit of the key reaches the low bits (the finaliser of MurmurHash3).
 */
static inline uint64_t hvp_hash_u64(uint64_t key)
{
	key ^= key >> 33;
	key *= 0xff51afd7ed558ccdULL;
	key ^= key >> 33;
	key *= 0xc4ceb9fe1a85ec53ULL;
	key ^= key >> 33;
	return key;
}

/* The value's place, valid until the next insertion or removal; NULL when the key is not there. */
static inline uint64_t *hvp_map_find(struct hvp_map *map, uint64_t key)
{
	size_t mask = map->num_slots - 1;

	if (!key)
		return map->has_zero ? &map->zero.value : NULL;
	if (!map->num_slots)
		return NULL;
	for (size_t i = hvp_hash_u64(key) & mask;; i = (i + 1) & mask) {
		if (map->slots[i].key == key)
			return &map->slots[i].value;
		if (!map->slots[i].key)
			return NULL;
	}
}

static inline bool hvp_map_get(const struct hvp_map *map, uint64_t key, uint64_t *ret)
{
	const uint64_t *value = hvp_map_find((struct hvp_map *)map, key);

	if (value)
		*ret = *value;
	return value != NULL;
}

/*
 * The value's place, inserted as 0 (and *ret_is_new, which may be NULL, set) when the key was not
 * there. NULL when there is no memory.
 */
uint64_t *hvp_map_insert(struct hvp_map *map, uint64_t key, bool *ret_is_new);
struct hvp_error *hvp_map_set(struct hvp_map *map, uint64_t key, uint64_t value) hvp_must_use;
/* False when the key was not there. */
bool hvp_map_remove(struct hvp_map *map, uint64_t key);

/* Every entry once, in no order: start with *cursor 0. Not while inserting or removing. */
bool hvp_map_next(const struct hvp_map *map, size_t *cursor, uint64_t *ret_key,
		  uint64_t *ret_value);

#endif
