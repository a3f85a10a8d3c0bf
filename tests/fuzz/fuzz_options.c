/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A command line: the input's lines are its arguments. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/every_option.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_ARGUMENTS 64

static void parse(int argc, char **argv)
{
	struct every_option config = {0};
	struct hvp_parse parsed = {0};
	struct hvp_error *err = hvp_options_parse(&every_command, argc, argv, &config, &parsed);

	if (err) {
		hvp_error_destroy(err);
	} else {
		if (parsed.argc > argc || parsed.command > parsed.argc || parsed.argv[parsed.argc])
			abort();
		if (config.choice < 0 || config.choice > 2)
			abort();
		free(parsed.argv);
	}
	hvp_options_deinit(&every_command, &config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *rest = text;
	char *argv[MAX_ARGUMENTS + 1] = {NULL};
	int argc = 0;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	while (argc < MAX_ARGUMENTS && rest)
		argv[argc++] = strsep(&rest, "\n");
	parse(argc, argv);
	free(text);
	return 0;
}
