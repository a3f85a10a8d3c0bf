/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `hvprof help`, `--help` and `--version` print on the context's output. They never fail; the
 * type lets main end with them.
 */
#ifndef HVP_REPORT_CMD_HELP_H
#define HVP_REPORT_CMD_HELP_H

#include "common/cli/context.h"

/* Commands, global options, three examples. */
struct hvp_error *hvp_help_print_overview(const struct hvp_context *context) hvp_must_use;
struct hvp_error *hvp_help_print_for(const struct hvp_context *context,
				     const struct hvp_command *command) hvp_must_use;
struct hvp_error *hvp_help_print_version(const struct hvp_context *context) hvp_must_use;

/* The sections OPTIONS and EXAMPLES of a manual page, for scdoc(1). */
void hvp_help_print_manual(const struct hvp_context *context, const struct hvp_command *command);

#endif
