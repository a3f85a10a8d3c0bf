/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/base/strpool.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "common/base/array.h"

#define FIRST_SLOTS 64u

void hvp_strpool_init(struct hvp_strpool *pool)
{
	*pool = (struct hvp_strpool){0};
}

void hvp_strpool_deinit(struct hvp_strpool *pool)
{
	hvp_arena_deinit(&pool->arena);
	free(pool->items);
	free(pool->slots);
	hvp_strpool_init(pool);
}

static bool is_item(const struct hvp_strpool_item *item, uint32_t hash, const char *text,
		    size_t size)
{
	return item->hash == hash && item->size == size && !memcmp(item->text, text, size);
}

/* The slot that holds the string, or the free one where it belongs. The table has a free slot. */
static uint32_t *probe(const struct hvp_strpool *pool, uint32_t hash, const char *text, size_t size)
{
	size_t mask = pool->num_slots - 1;
	size_t i = hash & mask;

	while (pool->slots[i] && !is_item(&pool->items[pool->slots[i] - 1], hash, text, size))
		i = (i + 1) & mask;
	return &pool->slots[i];
}

static struct hvp_error *grow(struct hvp_strpool *pool)
{
	size_t num_slots = pool->num_slots ? pool->num_slots * 2 : FIRST_SLOTS;
	size_t mask = num_slots - 1;
	uint32_t *slots = calloc(num_slots, sizeof(*slots));

	if (!slots)
		return hvp_error_no_memory;
	for (size_t n = 0; n < pool->num; n++) {
		size_t i = pool->items[n].hash & mask;

		while (slots[i])
			i = (i + 1) & mask;
		slots[i] = (uint32_t)n + 1;
	}
	free(pool->slots);
	pool->slots = slots;
	pool->num_slots = num_slots;
	return NULL;
}

struct hvp_error *hvp_strpool_add(struct hvp_strpool *pool, const char *text, size_t size,
				  uint32_t *ret)
{
	uint32_t hash, *slot;
	const char *copy;

	if (!size) {
		*ret = 0;
		return NULL;
	}
	if (size > UINT32_MAX || pool->num >= UINT32_MAX - 1)
		return hvp_error_create(HVP_ERROR_UNSUPPORTED,
					"more than 4 GiB of one string, or 4 G strings");
	if ((pool->num + 1) * 4 > pool->num_slots * 3)
		hvp_try(grow(pool));
	hash = (uint32_t)XXH3_64bits(text, size);
	slot = probe(pool, hash, text, size);
	if (!*slot) {
		hvp_try(hvp_array_reserve(&pool->items, &pool->capacity, pool->num + 1,
					  sizeof(*pool->items)));
		copy = hvp_arena_strndup(&pool->arena, text, size);
		if (!copy)
			return hvp_error_no_memory;
		pool->items[pool->num++] = (struct hvp_strpool_item){
			.text = copy, .size = (uint32_t)size, .hash = hash};
		*slot = (uint32_t)pool->num;
	}
	*ret = *slot;
	return NULL;
}

struct hvp_error *hvp_strpool_intern(struct hvp_strpool *pool, const char *text, uint32_t *ret)
{
	return hvp_strpool_add(pool, text, text ? strlen(text) : 0, ret);
}

bool hvp_strpool_find(const struct hvp_strpool *pool, const char *text, size_t size, uint32_t *ret)
{
	uint32_t index = 0;

	if (size && pool->num_slots)
		index = *probe(pool, (uint32_t)XXH3_64bits(text, size), text, size);
	if (size && !index)
		return false;
	*ret = index;
	return true;
}
