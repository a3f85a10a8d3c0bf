/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Injected faults: memory that runs out, at every allocation in turn. For tests declared with
 * hvprof_unit_test(... FAULTS), which links them with malloc, calloc, realloc, strdup, strndup,
 * asprintf and vasprintf wrapped - for calls from the code under test, not from inside libraries.
 */
#ifndef HVP_TESTS_UNIT_FAULT_H
#define HVP_TESTS_UNIT_FAULT_H

#include <stdbool.h>

#include "common/base/error.h"

/* The next `num` allocations succeed; all later ones fail until hvp_fault_stop(). */
void hvp_fault_start(unsigned long num);
/* Whether one failed since the start. Allocations succeed again. */
bool hvp_fault_stop(void);

/*
 * Runs `scenario` with 0, 1, 2, ... allocations until one run needs no more. A run in which an
 * allocation failed must return hvp_error_no_memory, or NULL where the code can do without; the
 * last run must return NULL. Leaks are the sanitizer's to find. Returns the number of runs; fails
 * the test when `scenario` never finishes or needs no memory at all.
 */
unsigned long hvp_fault_every_allocation(struct hvp_error *(*scenario)(void *arg), void *arg);

#endif
