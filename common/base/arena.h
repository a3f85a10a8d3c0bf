/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory for data that dies together: allocation moves a pointer, nothing is freed alone.
 * Zero-initialise, or hvp_arena_init(). Not thread-safe.
 */
#ifndef HVP_COMMON_BASE_ARENA_H
#define HVP_COMMON_BASE_ARENA_H

#include <stddef.h>

struct hvp_arena_block;

struct hvp_arena {
	/* The newest block, which begins with its header; the others hang behind it. */
	struct hvp_arena_block *blocks;
	char *at;
	size_t left;
	/* All memory taken from malloc, for those who must stay below a limit. */
	size_t footprint;
};

void hvp_arena_init(struct hvp_arena *arena);
/* Frees all that was handed out; the arena is as new. */
void hvp_arena_deinit(struct hvp_arena *arena);

/* `size` bytes, not initialised, aligned for every type; never NULL for size 0. NULL when there is
 * no memory. */
void *hvp_arena_alloc(struct hvp_arena *arena, size_t size) __attribute__((malloc));
/* The same, zeroed; NULL also when num * size overflows. */
void *hvp_arena_calloc(struct hvp_arena *arena, size_t num, size_t size) __attribute__((malloc));
/* A copy of `size` bytes with a NUL behind; it takes no more room than that. NULL when there is no
 * memory. */
char *hvp_arena_strndup(struct hvp_arena *arena, const char *text, size_t size);
char *hvp_arena_strdup(struct hvp_arena *arena, const char *text);

#endif
