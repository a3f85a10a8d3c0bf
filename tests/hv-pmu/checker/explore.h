/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every state that a scope can reach, breadth first, so that a violation comes with a shortest trace. */
#ifndef HVP_TESTS_CHECKER_EXPLORE_H
#define HVP_TESTS_CHECKER_EXPLORE_H

#include <stdio.h>

#include "tests/hv-pmu/world/world.h"

struct exploration {
	uint64_t num_states;
	uint64_t num_transitions;
	unsigned int depth;    /* of the last state found */
	const char *violation; /* or NULL: the invariants hold in all of them */
	bool is_complete;      /* false: stopped at a violation or at max_states */
};

/*
 * Explores until there is nothing new, a violation, or max_states. A violation's trace goes to
 * `trace`. States are told apart by 128-bit hashes of all their bytes.
 */
struct exploration explore(const struct scope *scope, uint64_t max_states, FILE *trace);

#endif
