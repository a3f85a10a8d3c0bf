/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A command with an option of every type, for what parses command lines and configuration files. */
#ifndef HVP_TESTS_FUZZ_EVERY_OPTION_H
#define HVP_TESTS_FUZZ_EVERY_OPTION_H

#include "common/cli/options.h"

struct every_option {
	bool flag;
	unsigned int count;
	const char *string;
	uint64_t number;
	double real;
	struct hvp_strings list;
	int choice;
	const char *optional;
};

static const char *const every_choice[] = {"text", "csv", "json", NULL};

static const struct hvp_option every_options[] = {
	{.type = HVP_OPTION_GROUP, .help = "Group:"},
	{.type = HVP_OPTION_FLAG,
	 .letter = 'f',
	 .name = "flag",
	 .offset = offsetof(struct every_option, flag)},
	{.type = HVP_OPTION_COUNT,
	 .letter = 'v',
	 .name = "verbose",
	 .offset = offsetof(struct every_option, count)},
	{.type = HVP_OPTION_STRING,
	 .letter = 's',
	 .name = "string",
	 .offset = offsetof(struct every_option, string)},
	{.type = HVP_OPTION_UINT,
	 .letter = 'n',
	 .name = "number",
	 .offset = offsetof(struct every_option, number),
	 .min = 2},
	{.type = HVP_OPTION_DOUBLE,
	 .letter = 'r',
	 .name = "real",
	 .offset = offsetof(struct every_option, real)},
	{.type = HVP_OPTION_LIST,
	 .letter = 'l',
	 .name = "list",
	 .offset = offsetof(struct every_option, list)},
	{.type = HVP_OPTION_CHOICE,
	 .letter = 'c',
	 .name = "choice",
	 .offset = offsetof(struct every_option, choice),
	 .choices = every_choice},
	{.type = HVP_OPTION_OPTIONAL,
	 .letter = 'o',
	 .name = "optional",
	 .offset = offsetof(struct every_option, optional)},
	HVP_END_OF_OPTIONS,
};

static const struct hvp_command every_command = {.name = "every", .options = every_options};

#endif
