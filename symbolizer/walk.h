/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All regular files below a folder, in order of name. Symbolic links are not followed, so that nothing
 * outside is seen; the walk ends on trees that are too deep or too large.
 */
#ifndef HVP_SYMBOLIZER_WALK_H
#define HVP_SYMBOLIZER_WALK_H

#include <signal.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "common/base/error.h"

struct hvp_walk_file {
	/* The folder it is in, open; and its name there. */
	int folder;
	const char *name;
	/* From the folder where the walk began, with a leading slash. */
	const char *path;
	const struct stat *stat;
};

struct hvp_walk_options {
	/* Ends the walk when it becomes non-zero. May be NULL. */
	const volatile sig_atomic_t *interrupted;
	/* Folders (paths as above) that are not entered; NULL-terminated or NULL. */
	const char *const *excluded;
	struct hvp_error *(*visit)(void *arg, const struct hvp_walk_file *file);
	void *arg;
};

/*
 * Walks the folder that `fd` is (borrowed). Folders that cannot be read are left out. `*ret_is_cut_short` is
 * set when not all was seen.
 */
struct hvp_error *hvp_walk(int fd, const struct hvp_walk_options *options,
			   bool *ret_is_cut_short) hvp_must_use;

#endif
