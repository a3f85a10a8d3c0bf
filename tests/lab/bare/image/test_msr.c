/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every MSR of the table of facts, every bit alone and some together, written and read back. */
#include "check.h"
#include "pmu.h"
#include "tests.h"

/* Of PerfMonV2's status the bits of freezing, which not every processor has. */
#define MON2_FREEZE (3ULL << 58)

static void check_write(const struct msr_fact *fact, u32 msr, u64 value)
{
	bool is_status = fact->kind == MSR_KIND_CLEARS || fact->kind == MSR_KIND_SETS;
	u32 shown = is_status ? pmu.status_msr : msr;
	u64 before = 0, after, is = 0;
	u32 faults = fact->kind == MSR_KIND_FAULTS ? VECTOR_GP : 0;
	bool succeeds;

	if (is_status && !pmu.is_intel)
		value &= ~MON2_FREEZE;
	if (fact->kind == MSR_KIND_RW)
		check_step(wrmsr_safe(msr, 0), 0, "WRMSR of", 0);
	check_step(rdmsr_safe(shown, &before), faults, "RDMSR before", value);
	succeeds = msr_fact_write(fact, pmu.is_intel, value, before, &after);
	check_step(wrmsr_safe(msr, value), succeeds ? 0 : VECTOR_GP, "WRMSR of", value);
	if (faults)
		return;
	check_step(rdmsr_safe(shown, &is), 0, "RDMSR after", value);
	check_step(is, after, "read after", value);
	if (is_status) {
		check_step(rdmsr_safe(msr, &is), 0, "RDMSR of itself after", value);
		check_step(is, 0, "itself after", value);
	}
	if (fact->kind == MSR_KIND_SETS)
		wrmsr_safe(pmu.clear_msr, value & fact->bits);
}

static void check_register(const struct msr_fact *fact, u32 msr)
{
	u64 value = 0;

	pmu_clear();
	check_begin();
	if (fact->kind == MSR_KIND_RO) {
		check_step(rdmsr_safe(msr, &value), 0, "RDMSR", 0);
		check_step(value, fact->bits, "read", 0);
	}
	for (u32 bit = 0; bit < 64; bit++)
		check_write(fact, msr, 1ULL << bit);
	check_write(fact, msr, fact->bits);
	check_write(fact, msr, ~0ULL);
	check_write(fact, msr, ~fact->bits);
	check_end("MSR %#x (%s)", msr, fact->section);
}

static void check_alias(u32 at, u32 alias, u64 value)
{
	u64 is = 0;

	pmu_clear();
	check_begin();
	check_step(wrmsr_safe(at, value), 0, "WRMSR of", value);
	check_step(rdmsr_safe(alias, &is), 0, "RDMSR after", value);
	check_step(is, value, "read after", value);
	check_end("MSR %#x is MSR %#x", at, alias);
}

static void check_aliases(void)
{
	for (u32 i = 0; pmu.is_intel && i < pmu.shape.num_gp; i++)
		check_alias(PMU_FULL_COUNTER0 + i, PMU_COUNTER0 + i, 0xffff12345678 + i);
	for (u32 i = 0; !pmu.is_intel && i < 4; i++) {
		check_alias(0xc0010000 + i, PMU_AMD_SELECT0 + 2 * i, 0x76 + i);
		check_alias(PMU_AMD_COUNTER0 + 2 * i, 0xc0010004 + i, 0x1234 + i);
	}
}

void test_msrs(void)
{
	for (size_t at = 0; at < ARRAY_SIZE(msr_facts); at++) {
		struct msr_fact fact = msr_fact_on(&msr_facts[at], &pmu.shape);

		/* The emulator has no #GP for MSRs that it does not know. */
		if (fact.extent & MSR_OF_OTHERS)
			continue;
		for (u32 i = 0; i < fact.count; i++)
			check_register(&fact, fact.first + i * fact.stride);
	}
	check_aliases();
	pmu_clear();
}
