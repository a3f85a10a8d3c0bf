/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Results in the Test Anything Protocol: a test is named, and is not ok by the first comparison in it that fails. */
#ifndef HOSTILE_CHECK_H
#define HOSTILE_CHECK_H

#include <stdint.h>

void check_begin(const char *name);
void check_is(const char *what, uint64_t want, uint64_t got);
void check_end(void);

/* Prints the plan; the exit status. */
int check_finish(void);

#endif
