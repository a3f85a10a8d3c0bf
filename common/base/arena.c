/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BLOCK_SIZE 4096u
#define MAX_BLOCK_SIZE (1024u * 1024u)
/* What is larger than this gets a block of its own, so that the rest of the current one is not
 * lost. */
#define LARGE_SIZE (FIRST_BLOCK_SIZE / 4)

struct hvp_arena_block {
	struct hvp_arena_block *next;
	size_t size;
	alignas(max_align_t) char data[];
};

void hvp_arena_init(struct hvp_arena *arena)
{
	*arena = (struct hvp_arena){0};
}

void hvp_arena_deinit(struct hvp_arena *arena)
{
	struct hvp_arena_block *block = arena->blocks;

	while (block) {
		struct hvp_arena_block *next = block->next;

		free(block);
		block = next;
	}
	hvp_arena_init(arena);
}

static struct hvp_arena_block *create_block(struct hvp_arena *arena, size_t size)
{
	struct hvp_arena_block *block;

	if (size > SIZE_MAX / 2)
		return NULL;
	block = malloc(sizeof(*block) + size);
	if (!block)
		return NULL;
	block->size = size;
	arena->footprint += sizeof(*block) + size;
	return block;
}

/* Behind the current block, which stays current. */
static void *alloc_large(struct hvp_arena *arena, size_t size)
{
	struct hvp_arena_block *block = create_block(arena, size);

	if (!block)
		return NULL;
	if (arena->blocks) {
		block->next = arena->blocks->next;
		arena->blocks->next = block;
	} else {
		block->next = NULL;
		arena->blocks = block;
	}
	return block->data;
}

/* Blocks double, so that their number stays small. */
static int start_block(struct hvp_arena *arena)
{
	size_t size = FIRST_BLOCK_SIZE;
	struct hvp_arena_block *block;

	while (size < MAX_BLOCK_SIZE && size < arena->footprint)
		size *= 2;
	block = create_block(arena, size);
	if (!block)
		return -1;
	block->next = arena->blocks;
	arena->blocks = block;
	arena->at = block->data;
	arena->left = size;
	return 0;
}

static void *alloc_aligned(struct hvp_arena *arena, size_t size, size_t alignment)
{
	size_t padding = -(uintptr_t)arena->at & (alignment - 1);
	char *at;

	if (size > LARGE_SIZE && arena->left < size + padding)
		return alloc_large(arena, size);
	if (arena->left < size + padding) {
		if (start_block(arena) < 0)
			return NULL;
		padding = 0;
	}
	at = arena->at + padding;
	arena->at = at + size;
	arena->left -= size + padding;
	return at;
}

void *hvp_arena_alloc(struct hvp_arena *arena, size_t size)
{
	if (size > SIZE_MAX / 2)
		return NULL;
	return alloc_aligned(arena, size ? size : 1, alignof(max_align_t));
}

void *hvp_arena_calloc(struct hvp_arena *arena, size_t num, size_t size)
{
	size_t bytes;
	void *data;

	if (__builtin_mul_overflow(num, size, &bytes))
		return NULL;
	data = hvp_arena_alloc(arena, bytes);
	if (data)
		memset(data, 0, bytes);
	return data;
}

char *hvp_arena_strndup(struct hvp_arena *arena, const char *text, size_t size)
{
	char *copy;

	if (size >= SIZE_MAX / 2)
		return NULL;
	copy = alloc_aligned(arena, size + 1, 1);
	if (!copy)
		return NULL;
	if (size)
		memcpy(copy, text, size);
	copy[size] = '\0';
	return copy;
}

char *hvp_arena_strdup(struct hvp_arena *arena, const char *text)
{
	return hvp_arena_strndup(arena, text, strlen(text));
}
