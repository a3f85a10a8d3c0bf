/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the completion scripts of all shells need to know of the option tables. A new shell is one
 * more file and one more row in cmd_completion.c.
 */
#ifndef HVP_REPORT_COMPLETION_H
#define HVP_REPORT_COMPLETION_H

#include <stdbool.h>
#include <stdio.h>

#include "common/cli/context.h"

enum hvp_completion {
	HVP_COMPLETION_NONE,
	HVP_COMPLETION_FILE,
	HVP_COMPLETION_DIR,
	/* One of some words: hvp_completion_print_words(). */
	HVP_COMPLETION_WORDS,
	/* What `hvprof list domains` and `hvprof list events` show. */
	HVP_COMPLETION_GUEST,
	HVP_COMPLETION_EVENT,
};

#define for_each_command(command, context)                                                         \
	for (const struct hvp_command *const *command = (context)->commands; *command; command++)

/* Without the headings of groups. */
#define for_each_option(option, command)                                                           \
	for (const struct hvp_option *option = (command)->options;                                 \
	     option && option->type != HVP_OPTION_END; option++)                                   \
		if (option->type != HVP_OPTION_GROUP)

/* Whether the next word is an option's value. */
bool hvp_completion_has_value(const struct hvp_option *option);
/* How that value is completed. */
enum hvp_completion hvp_completion_of_value(const struct hvp_option *option);
/* How a command's arguments are. */
enum hvp_completion hvp_completion_of_arguments(const struct hvp_command *command);

/*
 * The words of an option's value or, when it is NULL, of a command's arguments, with blanks
 * between.
 */
void hvp_completion_print_words(const struct hvp_context *context, const struct hvp_option *option,
				const struct hvp_command *command);
void hvp_completion_print_commands(const struct hvp_context *context, const char *separator);

/* The scripts. */
void hvp_completion_print_bash(const struct hvp_context *context);
void hvp_completion_print_zsh(const struct hvp_context *context);
void hvp_completion_print_fish(const struct hvp_context *context);

#endif
