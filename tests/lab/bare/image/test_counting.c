/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blocks of known length, on each counter, in both rings, through each filter. */
#include "check.h"
#include "pmu.h"
#include "tests.h"

static const struct {
	const char *name;
	u64 how;
} filters[] = {
	{"no ring", 0},
	{"ring 0", PMU_OS},
	{"ring 3", PMU_USR},
	{"both rings", PMU_OS | PMU_USR},
};

static u64 count(u32 counter, enum pmu_event event, u64 how, bool as_user, measure_block *block)
{
	struct measure_toggle toggle;

	pmu_clear();
	toggle = pmu_prepare(counter, event, how, 0);
	if (as_user)
		measure_as_user(&toggle, block);
	else
		measure(&toggle, block);
	return pmu_read(counter);
}

/* Instructions and branches that a filter admits of a block run in one of the rings. */
static u64 expected(const struct measure_known *known, enum pmu_event event, u64 how, bool as_user)
{
	u64 in_kernel, in_user = 0;

	if (event == PMU_BRANCHES) {
		in_kernel = as_user ? MEASURE_USER_ADDS_BRANCHES_IN_KERNEL
				    : known->branches + MEASURE_ADDS_BRANCHES;
		in_user = as_user ? known->branches + MEASURE_USER_ADDS_BRANCHES : 0;
	} else {
		in_kernel =
			as_user ? MEASURE_USER_ADDS_IN_KERNEL : known->instructions + MEASURE_ADDS;
		in_user = as_user ? known->instructions + MEASURE_USER_ADDS : 0;
	}
	return (how & PMU_OS ? in_kernel : 0) + (how & PMU_USR ? in_user : 0);
}

static void check_block(const struct measure_known *known, enum pmu_event event, const char *what)
{
	for (u32 at = 0; at < ARRAY_SIZE(filters) * 2; at++) {
		u64 how = filters[at / 2].how;
		bool as_user = at & 1;

		/* AMD counts the exception as a branch, Intel does not: that is not asked. */
		if (known->for_users_only && (!as_user || how & PMU_OS || event == PMU_BRANCHES))
			continue;
		check_begin();
		for (u32 i = 0; i < pmu.num; i++) {
			if (pmu_can_count(i, event))
				check_step(count(i, event, how, as_user, known->block),
					   expected(known, event, how, as_user), "counter", i);
		}
		check_end("%s of %s in ring %u, counting %s", what, known->name, as_user ? 3U : 0U,
			  filters[at / 2].name);
	}
}

/* A counter without its bit in GLOBAL_CTRL stands still, and so does one without EN. */
static void check_enables(void)
{
	struct measure_toggle toggle;

	for (u32 i = 0; i < pmu.num; i++) {
		if (!pmu.has_global || !pmu_can_count(i, PMU_CYCLES))
			continue;
		pmu_clear();
		toggle = pmu_prepare(i, PMU_CYCLES, PMU_OS, 0);
		toggle.on ^= msr_mask(pmu.shape.num_gp) | msr_mask(pmu.shape.num_fixed) << 32;
		measure(&toggle, block_nops);
		check_u64(pmu_read(i), 0, "counter %u without its bit in GLOBAL_CTRL", i);
		pmu_clear();
		if (i < pmu.shape.num_gp) {
			toggle = pmu_prepare(i, PMU_CYCLES, PMU_OS, 0);
			wrmsr(pmu.is_intel ? PMU_SELECT0 + i : PMU_AMD_SELECT0 + 2 * i,
			      pmu_selector(PMU_CYCLES, PMU_OS));
			measure(&toggle, block_nops);
			check_u64(pmu_read(i), 0, "counter %u without EN", i);
		}
	}
}

/* All counters at once count the same. */
static void check_together(void)
{
	struct measure_toggle toggle = {.msr = pmu.control_msr};

	if (!pmu.has_global)
		return;
	pmu_clear();
	for (u32 i = 0; i < pmu.num; i++)
		if (pmu_can_count(i, PMU_INSTRUCTIONS))
			toggle.on |= pmu_prepare(i, PMU_INSTRUCTIONS, PMU_OS, i).on;
	measure(&toggle, block_nops);
	check_begin();
	for (u32 i = 0; i < pmu.num; i++)
		if (pmu_can_count(i, PMU_INSTRUCTIONS))
			check_step(pmu_read(i), i + MEASURE_SLED + MEASURE_ADDS, "counter", i);
	check_end("all counters at once");
}

/* What loads, what stores and what does both. */
static void check_accesses(void)
{
	const u64 loads = MEASURE_LOADS + MEASURE_ADDS_LOADS;
	const u64 stores = MEASURE_STORES + MEASURE_ADDS_STORES;
	const u64 to_each = pmu.is_intel ? MEASURE_LOAD_STORES : 0;

	check_begin();
	for (u32 i = 0; i < pmu.shape.num_gp; i++) {
		check_step(count(i, PMU_LOADS, PMU_OS, false, block_accesses), loads + to_each,
			   "loads, counter", i);
		check_step(count(i, PMU_STORES, PMU_OS, false, block_accesses), stores + to_each,
			   "stores, counter", i);
		check_step(count(i, PMU_ACCESSES, PMU_OS, false, block_accesses),
			   loads + stores + MEASURE_LOAD_STORES, "accesses, counter", i);
		if (!pmu.is_intel)
			check_step(count(i, PMU_LOAD_STORES, PMU_OS, false, block_accesses),
				   MEASURE_LOAD_STORES, "both, counter", i);
	}
	check_end("loads and stores");
}

void test_counting(void)
{
	for (u32 i = 0; i < measure_num_known; i++) {
		check_block(&measure_known[i], PMU_INSTRUCTIONS, "instructions");
		check_block(&measure_known[i], PMU_BRANCHES, "branches");
	}
	check_enables();
	check_together();
	check_accesses();
	pmu_clear();
}
