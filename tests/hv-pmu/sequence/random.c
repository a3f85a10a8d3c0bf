/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hvpmu_random [--runs N] [--seed N]: long random runs at full width. Exit status: 0 equal to private PMUs in all
 * of them, 1 not: the run is repeated with its steps printed, 2 misuse.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>

#include "common/base/array.h"
#include "sequence.h"

#define RUN_BYTES 20000

/* xorshift64*: the same bytes everywhere for a seed. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dULL;
}

static void fill(uint8_t *bytes, size_t size, uint64_t seed)
{
	uint64_t state = seed * 2 + 1;

	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(next_random(&state) >> 56);
}

static bool run_scope(const struct scope *scope, uint64_t seed, uint64_t runs)
{
	static uint8_t bytes[RUN_BYTES];
	struct sequence_stats stats = {0};

	for (uint64_t i = 0; i < runs; i++) {
		struct sequence_stats again = {0};
		const char *violation;

		fill(bytes, sizeof(bytes), seed + i);
		violation = sequence_run(scope, bytes, sizeof(bytes), NULL, &stats);
		if (!violation)
			continue;
		sequence_run(scope, bytes, sizeof(bytes), stdout, &again);
		printf("%s: seed %" PRIu64 ", step %" PRIu64 ": %s\n", scope->name, seed + i,
		       again.steps, violation);
		return false;
	}
	printf("%-14s %9" PRIu64 " steps, %8" PRIu64 " writes, %8" PRIu64 " reads, %6" PRIu64
	       " PMIs injected, %7" PRIu64 " loads, %6" PRIu64 " saves, %6" PRIu64
	       " NMIs inside the core: equal to private PMUs\n",
	       scope->name, stats.steps, stats.writes, stats.reads, stats.injected, stats.loads,
	       stats.saves, stats.nmis_inside);
	/* A run in which nothing happens proves nothing. */
	return stats.injected && stats.nmis_inside && stats.saves;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"runs", required_argument, NULL, 'r'},
		{"seed", required_argument, NULL, 's'},
		{NULL, 0, NULL, 0},
	};
	uint64_t runs = 100, seed = 1;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'r')
			runs = strtoull(optarg, NULL, 0);
		else if (option == 's')
			seed = strtoull(optarg, NULL, 0);
		else
			return 2;
	}
	for (size_t i = 0; i < HVP_ARRAY_SIZE(sequence_scopes); i++) {
		if (!run_scope(&sequence_scopes[i], seed, runs))
			return 1;
	}
	return 0;
}
