/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a session goes: a file (the previous one becomes FILE.old), a pipe, a device. A new file is
 * written under a temporary name until recording is certain to begin, so that a command that fails
 * leaves the previous sessions as they are.
 */
#ifndef HVP_DAEMON_RECORD_OUTPUT_H
#define HVP_DAEMON_RECORD_OUTPUT_H

#include <stdbool.h>

#include "common/base/error.h"

struct hvp_record_output {
	int fd;
	/* Owned; NULL for standard output. */
	char *path;
	/* The name it has until committed; NULL when it needs none. */
	char *temporary;
};

/* "-" is standard output, which must not be a terminal. */
struct hvp_error *hvp_record_output_open(struct hvp_record_output *output,
					 const char *path) hvp_must_use;
/* Puts it into place. */
struct hvp_error *hvp_record_output_commit(struct hvp_record_output *output) hvp_must_use;
/* Closes; what was not committed is removed. */
void hvp_record_output_deinit(struct hvp_record_output *output);

#endif
