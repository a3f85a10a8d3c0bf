/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hvpmu_check [SCOPE...]: explores the scopes, all of them if none is named, and prints a line for each.
 * Exit status: 0 the invariants hold everywhere, 1 a violation (its trace is printed, and nothing is
 * explored after it), 2 misuse.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/array.h"
#include "explore.h"

#define INTEL(v, gp, fixed, bits)                                                                  \
	{                                                                                          \
		.vendor = MACHINE_INTEL, .version = v, .num_gp = gp, .num_fixed = fixed,           \
		.gp_width = bits, .fixed_width = bits, .has_full_width = true                      \
	}
#define AMD(v, gp, bits)                                                                           \
	{                                                                                          \
		.vendor = MACHINE_AMD, .has_svm = true, .version = v, .num_gp = gp,                \
		.gp_width = bits                                                                   \
	}

static const struct scope scopes[] = {
	{.name = "intel-1vcpu",
	 .machine = INTEL(2, 2, 0, 2),
	 .guest_gp = 1,
	 .num_cpus = 1,
	 .num_vcpus = 1,
	 .used_gp = 1,
	 .has_host_events = true,
	 .has_filter = true,
	 .has_emulation = true,
	 .has_migration_state = true},
	{.name = "intel-freeze",
	 .machine = INTEL(2, 2, 0, 2),
	 .guest_gp = 1,
	 .num_cpus = 1,
	 .num_vcpus = 1,
	 .used_gp = 1,
	 .has_freeze = true,
	 .has_emulation = true},
	{.name = "intel-v4-freeze",
	 .machine = INTEL(4, 2, 0, 2),
	 .guest_gp = 1,
	 .num_cpus = 1,
	 .num_vcpus = 1,
	 .used_gp = 1,
	 .has_freeze = true,
	 .has_emulation = true},
	{.name = "intel-areas",
	 .machine = INTEL(2, 2, 0, 2),
	 .guest_gp = 1,
	 .num_cpus = 1,
	 .num_vcpus = 1,
	 .used_gp = 1,
	 .uses_areas = true,
	 .has_host_events = true},
	{.name = "intel-fixed",
	 .machine = INTEL(2, 2, 1, 2),
	 .guest_gp = 1,
	 .guest_fixed = 1,
	 .num_cpus = 1,
	 .num_vcpus = 1,
	 .used_gp = 1},
	{.name = "intel-2gp",
	 .machine = INTEL(2, 3, 0, 2),
	 .guest_gp = 2,
	 .num_cpus = 1,
	 .num_vcpus = 1,
	 .used_gp = 2},
	{.name = "intel-2vcpus",
	 .machine = INTEL(2, 2, 0, 2),
	 .guest_gp = 1,
	 .num_cpus = 1,
	 .num_vcpus = 2,
	 .used_gp = 1},
	{.name = "intel-2cpus",
	 .machine = INTEL(2, 2, 0, 1),
	 .guest_gp = 1,
	 .num_cpus = 2,
	 .num_vcpus = 2,
	 .used_gp = 1},
	{.name = "intel-3counters",
	 .machine = INTEL(2, 3, 1, 2),
	 .guest_gp = 2,
	 .guest_fixed = 1,
	 .num_cpus = 1,
	 .num_vcpus = 1,
	 .used_gp = 2,
	 .has_migration_state = true},
	{.name = "intel-fixed-2cpus",
	 .machine = INTEL(2, 2, 1, 1),
	 .guest_gp = 1,
	 .guest_fixed = 1,
	 .num_cpus = 2,
	 .num_vcpus = 1,
	 .used_gp = 1,
	 .has_migration_state = true},
	{.name = "intel-2vcpus-all",
	 .machine = INTEL(2, 2, 0, 1),
	 .guest_gp = 1,
	 .num_cpus = 1,
	 .num_vcpus = 2,
	 .used_gp = 1,
	 .has_host_events = true,
	 .has_filter = true,
	 .has_emulation = true,
	 .has_migration_state = true},
	{.name = "intel-loads-all",
	 .machine = INTEL(2, 3, 1, 1),
	 .guest_gp = 2,
	 .guest_fixed = 1,
	 .num_cpus = 1,
	 .num_vcpus = 1,
	 .used_gp = 1,
	 .loads_all = true,
	 .has_filter = true},
	{.name = "intel-2vcpus-loads-all",
	 .machine = INTEL(2, 3, 0, 1),
	 .guest_gp = 2,
	 .num_cpus = 1,
	 .num_vcpus = 2,
	 .used_gp = 1,
	 .loads_all = true,
	 .has_emulation = true},
	{.name = "amd-v2-2cpus",
	 .machine = AMD(2, 2, 1),
	 .guest_gp = 1,
	 .num_cpus = 2,
	 .num_vcpus = 2,
	 .used_gp = 1,
	 .has_migration_state = true},
	{.name = "amd-k7",
	 .machine = AMD(0, 4, 2),
	 .guest_gp = 4,
	 .num_cpus = 1,
	 .num_vcpus = 2,
	 .used_gp = 1,
	 .has_emulation = true},
	{.name = "amd-core",
	 .machine = AMD(1, 6, 2),
	 .guest_gp = 4,
	 .num_cpus = 2,
	 .num_vcpus = 1,
	 .used_gp = 2},
	{.name = "amd-v2",
	 .machine = AMD(2, 2, 2),
	 .guest_gp = 1,
	 .num_cpus = 1,
	 .num_vcpus = 2,
	 .used_gp = 1,
	 .has_filter = true,
	 .has_migration_state = true},
	{.name = "amd-v2-loads-all",
	 .machine = AMD(2, 3, 1),
	 .guest_gp = 2,
	 .num_cpus = 1,
	 .num_vcpus = 1,
	 .used_gp = 2,
	 .loads_all = true,
	 .has_filter = true},
	{.name = "amd-core-loads-all",
	 .machine = AMD(1, 6, 2),
	 .guest_gp = 4,
	 .num_cpus = 1,
	 .num_vcpus = 1,
	 .used_gp = 2,
	 .loads_all = true},
	{.name = "amd-v2-host",
	 .machine = AMD(2, 2, 2),
	 .guest_gp = 1,
	 .num_cpus = 1,
	 .num_vcpus = 1,
	 .used_gp = 1,
	 .has_host_events = true,
	 .has_emulation = true},
};

/* Far above what any of the scopes has: only to end one that a fault of the core makes endless. */
#define MAX_STATES 40000000ULL

static bool check(const struct scope *scope)
{
	struct exploration result = explore(scope, MAX_STATES, stdout);
	bool holds = result.is_complete && !result.violation;

	printf("%-16s %10" PRIu64 " states %11" PRIu64 " transitions, depth %u: %s\n", scope->name,
	       result.num_states, result.num_transitions, result.depth,
	       holds ? "all invariants hold"
		     : (result.violation ? result.violation : "not finished"));
	return holds;
}

static const struct scope *find_scope(const char *name)
{
	for (size_t i = 0; i < HVP_ARRAY_SIZE(scopes); i++) {
		if (!strcmp(scopes[i].name, name))
			return &scopes[i];
	}
	return NULL;
}

static int tell_unknown(const char *name)
{
	fprintf(stderr, "hvpmu_check: there is no scope \"%s\"\n", name);
	return 2;
}

/* All scopes, but for one if `without` names it. */
static int check_all(const struct scope *without)
{
	for (size_t i = 0; i < HVP_ARRAY_SIZE(scopes); i++) {
		if (&scopes[i] != without && !check(&scopes[i]))
			return 1;
	}
	return 0;
}

static int check_named(char **names, int count)
{
	for (int i = 0; i < count; i++) {
		const struct scope *scope = find_scope(names[i]);

		if (!scope)
			return tell_unknown(names[i]);
		if (!check(scope))
			return 1;
	}
	return 0;
}

/* All scopes without arguments. */
int main(int argc, char **argv)
{
	const struct scope *without;

	if (argc == 1)
		return check_all(NULL);
	if (strcmp(argv[1], "--without") != 0)
		return check_named(argv + 1, argc - 1);
	if (argc != 3) {
		fprintf(stderr, "usage: hvpmu_check [SCOPE... | --without SCOPE]\n");
		return 2;
	}
	without = find_scope(argv[2]);
	return without ? check_all(without) : tell_unknown(argv[2]);
}
