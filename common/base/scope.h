/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scope guards: a local that owns something names its destructor, and every way out of the scope
 * runs it.
 *
 *	hvp_scope(hvp_free_ptr) char *text = NULL;
 *	hvp_scope(hvp_close_fd) int fd = -1;
 *
 * A type gets its guard with HVP_DEFINE_SCOPE(hvp_thing_destroy, struct hvp_thing *), then
 *
 *	hvp_scope(hvp_thing_destroy_scope) struct hvp_thing *thing = NULL;
 *
 * and ownership leaves by `*ret = hvp_take(thing)`.
 */
#ifndef HVP_COMMON_BASE_SCOPE_H
#define HVP_COMMON_BASE_SCOPE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define hvp_scope(destructor) __attribute__((cleanup(destructor)))

#define HVP_DEFINE_SCOPE(destroy, type)                                                            \
	static inline void destroy##_scope(type *owner)                                            \
	{                                                                                          \
		destroy(*owner);                                                                   \
	}                                                                                          \
	struct hvp_scope_wants_a_semicolon

/* The value of a pointer variable, which is left NULL. */
#define hvp_take(pointer)                                                                          \
	({                                                                                         \
		__typeof__(pointer) hvp_taken = (pointer);                                         \
		(pointer) = NULL;                                                                  \
		hvp_taken;                                                                         \
	})

/* The value of a file descriptor variable, which is left -1. */
static inline int hvp_take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

static inline void hvp_free_ptr(void *owner)
{
	free(*(void **)owner);
}

static inline void hvp_close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void hvp_close_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

#endif
