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
	{HVP_OPTION_FLAG, 'f', "flag", offsetof(struct every_option, flag), NULL, NULL, NULL, NULL},
	{HVP_OPTION_COUNT, 'v', "verbose", offsetof(struct every_option, count), NULL, NULL, NULL,
	 NULL},
	{HVP_OPTION_STRING, 's', "string", offsetof(struct every_option, string), NULL, NULL, NULL,
	 NULL},
	{HVP_OPTION_UINT, 'n', "number", offsetof(struct every_option, number), NULL, NULL, NULL,
	 NULL},
	{HVP_OPTION_DOUBLE, 'r', "real", offsetof(struct every_option, real), NULL, NULL, NULL,
	 NULL},
	{HVP_OPTION_LIST, 'l', "list", offsetof(struct every_option, list), NULL, NULL, NULL, NULL},
	{HVP_OPTION_CHOICE, 'c', "choice", offsetof(struct every_option, choice), NULL, NULL,
	 every_choice, NULL},
	{HVP_OPTION_OPTIONAL, 'o', "optional", offsetof(struct every_option, optional), NULL, NULL,
	 NULL, NULL},
	HVP_END_OF_OPTIONS,
};

static const struct hvp_command every_command = {.name = "every", .options = every_options};

#endif
