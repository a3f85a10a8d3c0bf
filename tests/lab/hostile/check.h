/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Results in the Test Anything Protocol: a test is named, and is not ok by the first comparison in it that fails. */
#ifndef HOSTILE_CHECK_H
#define HOSTILE_CHECK_H

#include <stddef.h>
#include <stdint.h>

void check_begin(const char *name);
void check_is(const char *what, uint64_t want, uint64_t got);
void check_end(void);

struct check_test {
	const char *name;
	void (*run)(void);
};

/* Runs those that the arguments name, in their order, and prints the plan; the exit status. */
int check_run(const struct check_test *tests, size_t count, char **names);

#endif
