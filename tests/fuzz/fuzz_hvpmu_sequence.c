/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A sequence of MSR accesses, VM entries and exits, overflows and migrations: the first byte is the kind of
 * machine, the others are the steps (tests/hv-pmu/sequence). Guests must see what private PMUs would show.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/hv-pmu/sequence/sequence.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sequence_stats stats = {0};
	const struct scope *scope;
	const char *violation;

	if (!size)
		return 0;
	scope = &sequence_scopes[data[0] % NUM_SEQUENCE_SCOPES];
	violation = sequence_run(scope, data + 1, size - 1, NULL, &stats);
	if (!violation)
		return 0;
	sequence_run(scope, data + 1, size - 1, stderr, &stats);
	fprintf(stderr, "%s: %s\n", scope->name, violation);
	abort();
}
