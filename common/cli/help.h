/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --help, printed from the same tables that parsing uses. */
#ifndef HVP_COMMON_CLI_HELP_H
#define HVP_COMMON_CLI_HELP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/cli/options.h"

struct hvp_help {
	FILE *out;
	/* Columns; text is wrapped before them. */
	unsigned int width;
	bool has_color;
};

/* Usage, options with the `globals` (may be NULL) behind them, and examples. */
void hvp_help_print_command(const struct hvp_help *help, const struct hvp_command *command,
			    const struct hvp_option *globals);

/* One table of options, aligned. */
void hvp_help_print_options(const struct hvp_help *help, const struct hvp_option *options);

/* Pairs of command line and explanation, NULL-terminated. */
void hvp_help_print_examples(const struct hvp_help *help, const char *const *examples);

/* `label`, then `text` from column `indent` on, wrapped and aligned there. */
void hvp_help_print_entry(const struct hvp_help *help, const char *label, unsigned int indent,
			  const char *text);

/* An option as a manual writes it: "-o, --output=FILE", "-g, --call-graph[=MODE]",
 * "--color=auto|always|never". */
char *hvp_help_spell_option(const struct hvp_option *option, char *buf, size_t size);

#endif
