/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A world at full width, driven by bytes: accesses of any MSR with any value, events by the million, VM entries
 * and exits, migrations, NMIs between any two accesses of the core. After each step every guest and host must
 * see what it would see on a PMU of its own.
 */
#ifndef HVP_TESTS_SEQUENCE_H
#define HVP_TESTS_SEQUENCE_H

#include <stddef.h>
#include <stdio.h>

#include "tests/hv-pmu/world/world.h"

#define NUM_SEQUENCE_SCOPES 10
extern const struct scope sequence_scopes[NUM_SEQUENCE_SCOPES];

/* How often a run did what is worth doing: a run that never overflows proves nothing. */
struct sequence_stats {
	uint64_t steps;
	uint64_t writes;
	uint64_t reads;
	uint64_t faults;
	uint64_t overflows;
	uint64_t injected;
	uint64_t loads;
	uint64_t saves;
	uint64_t nmis_inside; /* NMIs that arrived in the middle of the core */
};

/*
 * Runs until the bytes end or something is wrong. Returns NULL, or the violation; the steps go to
 * `trace` if it is not NULL. Adds to *stats.
 */
const char *sequence_run(const struct scope *scope, const uint8_t *bytes, size_t size, FILE *trace,
			 struct sequence_stats *stats);

#endif
