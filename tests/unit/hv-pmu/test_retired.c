/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Instructions that the hypervisor emulates. Events: SDM volume 3, "Pre-defined Architectural Performance Events". */
#include "tests/unit/check.h"

#include "common/base/array.h"
#include "tests/unit/hv-pmu/pmu.h"

#define INSTRUCTION HVPMU_RETIRED_INSTRUCTION
#define BRANCH HVPMU_RETIRED_BRANCH

/* As a hypervisor does. */
static void retire(struct pmu *pmu, enum hvpmu_retired kind, unsigned int cpl)
{
	if (hvpmu_wants_retired(pmu->vcpu, kind))
		hvpmu_retired(pmu->vcpu, &pmu->env, kind, cpl);
}

static void emulated_instructions_count_as_the_selector_says(void **state)
{
	static const struct {
		const char *what;
		bool is_amd;
		u64 select;
		enum hvpmu_retired kind;
		unsigned int cpl;
		u64 counts;
	} cases[] = {
		{"kernel, in kernel mode", false, 0x4200c0, INSTRUCTION, 0, 1},
		{"kernel, in user mode", false, 0x4200c0, INSTRUCTION, 3, 0},
		{"user, in kernel mode", false, 0x4100c0, INSTRUCTION, 0, 0},
		{"user, at CPL 3", false, 0x4100c0, INSTRUCTION, 3, 1},
		{"user, at CPL 2", false, 0x4100c0, INSTRUCTION, 2, 1},
		{"user, at CPL 1", false, 0x4100c0, INSTRUCTION, 1, 1},
		{"both", false, 0x4300c0, INSTRUCTION, 3, 1},
		{"neither", false, 0x4000c0, INSTRUCTION, 0, 0},
		{"not enabled", false, 0x0300c0, INSTRUCTION, 0, 0},
		{"a branch is an instruction", false, 0x4300c0, BRANCH, 0, 1},
		{"branches", false, 0x4300c4, BRANCH, 0, 1},
		{"branches, of which this is none", false, 0x4300c4, INSTRUCTION, 0, 0},
		{"mispredicted branches", false, 0x4300c5, BRANCH, 0, 0},
		{"cycles", false, 0x43003c, BRANCH, 0, 0},
		{"another unit mask", false, 0x4301c0, BRANCH, 0, 0},
		{"AMD's branches", false, 0x4300c2, BRANCH, 0, 0},
		{"edges", false, 0x4700c0, INSTRUCTION, 0, 0},
		{"a threshold", false, 0x24300c0, INSTRUCTION, 0, 0},
		{"a threshold inverted", false, 0x2c300c0, INSTRUCTION, 0, 0},
		{"INV is ignored without CMASK", false, 0xc300c0, INSTRUCTION, 0, 1},
		{"pin control", false, 0x4b00c0, INSTRUCTION, 0, 1},
		{"AMD: kernel", true, 0x4200c0, INSTRUCTION, 0, 1},
		{"AMD: user", true, 0x4100c0, INSTRUCTION, 1, 1},
		{"AMD: user, in kernel mode", true, 0x4100c0, INSTRUCTION, 0, 0},
		{"AMD: branches", true, 0x4300c2, BRANCH, 0, 1},
		{"AMD: branches, of which this is none", true, 0x4300c2, INSTRUCTION, 0, 0},
		{"AMD: Intel's branches", true, 0x4300c4, BRANCH, 0, 0},
		{"AMD: event 1C0H", true, 0x1004300c0ULL, BRANCH, 0, 0},
		{"AMD: a threshold", true, 0x14300c0, INSTRUCTION, 0, 0},
		{"AMD: Inv without CntMask", true, 0xc300c0, INSTRUCTION, 0, 1},
	};

	(void)state;
	for (size_t i = 0; i < 2 * HVP_ARRAY_SIZE(cases); i++) {
		size_t c = i / 2;
		bool is_loaded = i & 1;
		struct pmu pmu;
		u64 is;

		pmu_set_up(&pmu, cases[c].is_amd ? &pmu_amd[2] : &pmu_intel[4], 4, 0);
		pmu_write(&pmu, pmu_select_msr(&pmu, 1), cases[c].select);
		if (is_loaded)
			pmu_run(&pmu, 0);
		retire(&pmu, cases[c].kind, cases[c].cpl);
		is = pmu_read(&pmu, pmu_counter_msr(&pmu, 1));
		if (is != cases[c].counts || pmu.vcpu->account.emulated != cases[c].counts)
			fail_msg("%s: counted %d, accounted %d", cases[c].what, (int)is,
				 (int)pmu.vcpu->account.emulated);
	}
}

/* Fixed counter 0 counts retired instructions; 1 and 2 cycles, 3 slots. */
static void emulated_instructions_count_in_fixed_counter_0(void **state)
{
	static const struct {
		u64 ctrl;
		unsigned int cpl;
		u64 counts;
	} cases[] = {
		{0x1, 0, 1}, {0x1, 3, 0}, {0x2, 0, 0}, {0x2, 3, 1},
		{0x3, 1, 1}, {0x8, 0, 0}, {0x0, 0, 0}, {0x3330, 0, 0},
	};
	struct pmu pmu;

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(cases); i++) {
		pmu_set_up(&pmu, &pmu_intel[5], 4, 4);
		pmu_write(&pmu, 0x38d, cases[i].ctrl);
		pmu_write(&pmu, 0x38f, 0xf00000000ULL);
		retire(&pmu, INSTRUCTION, cases[i].cpl);
		assert_int_equal(pmu_read(&pmu, 0x309), cases[i].counts);
		for (u32 msr = 0x30a; msr <= 0x30c; msr++)
			assert_int_equal(pmu_read(&pmu, msr), 0);
	}
}

static void nothing_counts_that_is_off_globally_or_frozen_or_denied(void **state)
{
	struct pmu pmu;

	(void)state;
	pmu_set_up(&pmu, &pmu_intel[4], 4, 0);
	pmu_write(&pmu, 0x186, PMU_INSTRUCTIONS);
	pmu_write(&pmu, 0x38f, 0xe);
	retire(&pmu, INSTRUCTION, 0);
	assert_int_equal(pmu_read(&pmu, 0x4c1), 0);

	pmu_write(&pmu, 0x38f, 0xf);
	pmu_write(&pmu, 0x391, 1ULL << 59); /* CTR_Frz */
	retire(&pmu, INSTRUCTION, 0);
	assert_int_equal(pmu_read(&pmu, 0x4c1), 0);

	pmu_write(&pmu, 0x390, 1ULL << 59);
	pmu.rig.denied = 1;
	hvpmu_filter(pmu.vcpu, &pmu.env);
	retire(&pmu, INSTRUCTION, 0);
	assert_int_equal(pmu_read(&pmu, 0x4c1), 0);

	pmu.rig.denied = 0;
	hvpmu_filter(pmu.vcpu, &pmu.env);
	retire(&pmu, INSTRUCTION, 0);
	assert_int_equal(pmu_read(&pmu, 0x4c1), 1);
	assert_int_equal(pmu.vcpu->account.emulated, 1);
}

/* So that a hypervisor need not find out the CPL for what a PMI handler does with its counters off. */
static void emulated_instructions_are_wanted_when_they_may_count(void **state)
{
	struct pmu pmu;

	(void)state;
	pmu_set_up(&pmu, &pmu_intel[4], 4, 0);
	pmu_write(&pmu, 0x38f, 0xf);
	assert_false(hvpmu_wants_retired(pmu.vcpu, INSTRUCTION));
	pmu_write(&pmu, 0x187, PMU_INSTRUCTIONS);
	assert_true(hvpmu_wants_retired(pmu.vcpu, INSTRUCTION));
	pmu_write(&pmu, 0x38f, 0xd);
	assert_false(hvpmu_wants_retired(pmu.vcpu, INSTRUCTION));

	/* Where there is no GLOBAL_CTRL the selector alone decides. */
	pmu_set_up(&pmu, &pmu_amd[0], 4, 0);
	assert_false(hvpmu_wants_retired(pmu.vcpu, INSTRUCTION));
	pmu_write(&pmu, pmu_select_msr(&pmu, 1), PMU_INSTRUCTIONS);
	assert_true(hvpmu_wants_retired(pmu.vcpu, INSTRUCTION));
}

static void an_emulated_overflow_is_one_like_any_other(void **state)
{
	struct pmu pmu;
	u32 lvtpc = 0xec, interrupt;

	(void)state;
	for (int is_loaded = 0; is_loaded < 2; is_loaded++) {
		pmu_set_up(&pmu, &pmu_intel[4], 4, 0);
		pmu_write(&pmu, 0x186, PMU_INSTRUCTIONS | PMU_INT);
		pmu_write(&pmu, 0x187, PMU_INSTRUCTIONS);
		pmu_write(&pmu, 0x4c1, 0xffffffffffffULL);
		pmu_write(&pmu, 0x4c2, 0xffffffffffffULL);
		if (is_loaded)
			pmu_run(&pmu, 0);
		retire(&pmu, INSTRUCTION, 0);
		assert_int_equal(pmu_read(&pmu, 0x4c1), 0);
		assert_int_equal(pmu_read(&pmu, 0x4c2), 0);
		assert_int_equal(pmu_read(&pmu, 0x38e), 3);
		assert_int_equal(pmu.rig.vcpu[0].requests, 1);
		assert_true(hvpmu_take_pmi(pmu.vcpu, &lvtpc, &interrupt));
		lvtpc = 0xec;
		assert_false(hvpmu_take_pmi(pmu.vcpu, &lvtpc, &interrupt));
		/* No hardware took part: no NMI is on its way. */
		assert_false(hvpmu_nmi(&pmu.env).is_expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(emulated_instructions_count_as_the_selector_says),
		cmocka_unit_test(emulated_instructions_count_in_fixed_counter_0),
		cmocka_unit_test(nothing_counts_that_is_off_globally_or_frozen_or_denied),
		cmocka_unit_test(emulated_instructions_are_wanted_when_they_may_count),
		cmocka_unit_test(an_emulated_overflow_is_one_like_any_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
