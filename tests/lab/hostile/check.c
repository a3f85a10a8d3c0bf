/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "check.h"

#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *current;
static char failure[200];
static unsigned int num_tests, num_failed;

void check_begin(const char *name)
{
	current = name;
	failure[0] = 0;
}

void check_is(const char *what, uint64_t want, uint64_t got)
{
	if (want != got && !failure[0])
		snprintf(failure, sizeof(failure), ": %s: want %#" PRIx64 ", got %#" PRIx64, what,
			 want, got);
}

void check_end(void)
{
	num_tests++;
	num_failed += failure[0] != 0;
	printf("%sok %u %s%s\n", failure[0] ? "not " : "", num_tests, current, failure);
	fflush(stdout);
}

static void run(const struct check_test *tests, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(tests[i].name, name)) {
			tests[i].run();
			return;
		}
	}
	errx(2, "no tests of \"%s\"", name);
}

int check_run(const struct check_test *tests, size_t count, char **names)
{
	while (*names)
		run(tests, count, *names++);
	printf("1..%u\n", num_tests);
	return num_failed || !num_tests;
}
