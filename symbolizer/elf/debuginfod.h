/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fetching debug files from the servers in $DEBUGINFOD_URLS with libdebuginfod.so.1, loaded when
 * first needed: hvprof does not depend on it. Files land in the library's own cache.
 */
#ifndef HVP_SYMBOLIZER_DEBUGINFOD_H
#define HVP_SYMBOLIZER_DEBUGINFOD_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"

enum hvp_debuginfod_kind { HVP_DEBUGINFOD_DEBUGINFO, HVP_DEBUGINFOD_EXECUTABLE };

struct hvp_debuginfod_options {
	/* Ends a transfer when it becomes non-zero. May be NULL. */
	const volatile sig_atomic_t *interrupted;
	/* Called as bytes arrive, "1.2 of 8.0 MB". May be NULL. */
	void (*progress)(void *arg, const char *stage, const char *what);
	void *progress_arg;
};

struct hvp_debuginfod;

/* Loads nothing yet. */
struct hvp_error *hvp_debuginfod_create(const struct hvp_debuginfod_options *options,
					struct hvp_debuginfod **ret) hvp_must_use;
/* Accepts NULL. */
void hvp_debuginfod_destroy(struct hvp_debuginfod *debuginfod);

/*
 * The path of the file in the cache; caller frees. HVP_ERROR_NOT_FOUND: no server has it.
 * HVP_ERROR_UNSUPPORTED: the library or $DEBUGINFOD_URLS is missing. HVP_ERROR_CANCELLED:
 * interrupted. Thread-safe, one transfer at a time.
 */
struct hvp_error *hvp_debuginfod_find(struct hvp_debuginfod *debuginfod,
				      enum hvp_debuginfod_kind kind, const uint8_t *build_id,
				      size_t size, char **ret_path) hvp_must_use;

#endif
