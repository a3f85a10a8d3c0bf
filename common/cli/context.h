/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What main hands to every command: streams, log, colour, and the flag that Ctrl-C sets. Data goes
 * to `out`, everything else to `err`. Nothing here is global.
 *
 * SIGPIPE is ignored in the whole program: a closed pipe is an error of the stream (EPIPE). Who
 * starts another program gives it back its default first.
 */
#ifndef HVP_COMMON_CLI_CONTEXT_H
#define HVP_COMMON_CLI_CONTEXT_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>

#include "common/base/error.h"
#include "common/cli/log.h"

struct hvp_command;

struct hvp_context {
	FILE *out;
	FILE *err;
	struct hvp_log log;
	/* By --color, NO_COLOR, TERM and whether `out` is a terminal. */
	bool has_color;
	/* `err` is a terminal: progress may be drawn. */
	bool has_progress;
	/* --strict: finishing degraded is exit status 3. */
	bool is_strict;
	/* Set by SIGINT/SIGTERM; a long wait looks at it and ends early with what it has. */
	const volatile sig_atomic_t *interrupted;
	/* The command that runs, its whole command line as typed, and where its "--" part begins in
	 * argv. */
	const struct hvp_command *command;
	const char *command_line;
	int index_of_command;
};

#endif
