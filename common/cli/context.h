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
#include "common/cli/options.h"

struct hvp_settings;

struct hvp_context {
	FILE *out;
	FILE *err;
	struct hvp_log log;
	/* By --color, NO_COLOR, TERM and whether `out` is a terminal. */
	bool has_color;
	/* `err` is a terminal: progress may be drawn. */
	bool has_progress;
	/* --quiet: no progress and no closing lines, only warnings and errors. */
	bool is_quiet;
	/* --strict: finishing degraded is exit status 3. */
	bool is_strict;
	/*
	 * A command sets it when it finished but something was lost, throttled or not to be had.
	 * With --strict main then makes 3 of the exit status 0; the command need not look.
	 */
	bool is_degraded;
	/* Set by SIGINT/SIGTERM; a long wait looks at it and ends early with what it has. */
	const volatile sig_atomic_t *interrupted;
	/* The command that runs, its whole command line as typed (quoted for a shell). */
	const struct hvp_command *command;
	const char *command_line;
	/* Where its "--" part begins in argv; argc when there is none. */
	int index_of_command;
	/* Every command there is, NULL-terminated. */
	const struct hvp_command *const *commands;
	/* The options that all of them take, as the table of a command that cannot be run. */
	const struct hvp_command *globals;
	/* What the configuration files say. */
	const struct hvp_settings *settings;
};

#endif
