/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RDPMC: SDM volume 2, RDPMC, ECX[31:16] the type and ECX[15:0] the index; APM volume 3, RDPMC. */
#include "tests/unit/check.h"

#include "common/base/array.h"
#include "tests/unit/hv-pmu/pmu.h"

#define NONE 255

struct index_case {
	u32 index;
	unsigned int counter; /* as in masks, or NONE: #GP */
};

static void check_indices(const struct machine_model *model, unsigned int gp, unsigned int fixed,
			  const struct index_case *cases, size_t num_cases)
{
	struct pmu pmu;

	for (size_t i = 0; i < 2 * num_cases; i++) {
		const struct index_case *c = &cases[i / 2];
		u64 value = 0x5555, expected = 0x5555;
		int result;

		pmu_set_up(&pmu, model, gp, fixed);
		for (unsigned int n = 0; n < gp; n++)
			pmu_write(&pmu, pmu_counter_msr(&pmu, n), 0x800000001000ULL + n);
		for (unsigned int n = 0; n < fixed; n++)
			pmu_write(&pmu, 0x309 + n, 0x800000002000ULL + n);
		if (i & 1)
			pmu_load_all(&pmu);
		if (c->counter != NONE)
			expected = c->counter >= 32 ? 0x800000002000ULL + c->counter - 32
						    : 0x800000001000ULL + c->counter;
		result = hvpmu_rdpmc(pmu.vcpu, &pmu.env, c->index, &value);
		if (result != (c->counter == NONE ? HVPMU_GP : HVPMU_OK) || value != expected)
			fail_msg("ECX %#x: result %d, %#llx", c->index, result,
				 (unsigned long long)value);
	}
}

static void intel_names_general_and_fixed_counters(void **state)
{
	static const struct index_case cases[] = {
		{0, 0},
		{3, 3},
		{4, NONE}, /* there, but the host's */
		{7, NONE},
		{8, NONE},
		{0x40000000, 32},
		{0x40000001, 33},
		{0x40000002, NONE}, /* the host's */
		{0x40000004, NONE},
		{0x20000000, NONE}, /* performance metrics: not the guest's */
		{0x80000000, NONE}, /* fast reads were NetBurst's */
		{0x80000001, NONE},
		{0xc0000000, NONE},
		{0x40010000, NONE},
		{0x00010000, NONE},
		{0xffffffff, NONE},
	};

	(void)state;
	for (unsigned int version = 2; version <= 5; version++)
		check_indices(&pmu_intel[version], 4, 2, cases, HVP_ARRAY_SIZE(cases));
}

static void a_side_without_counters_has_no_index(void **state)
{
	static const struct index_case only_gp[] = {{0, 0}, {0x40000000, NONE}};
	static const struct index_case only_fixed[] = {{0, NONE}, {0x40000000, 32}};

	(void)state;
	check_indices(&pmu_intel[5], 4, 0, only_gp, HVP_ARRAY_SIZE(only_gp));
	check_indices(&pmu_intel[5], 0, 2, only_fixed, HVP_ARRAY_SIZE(only_fixed));
}

static void amd_names_core_counters_only(void **state)
{
	static const struct index_case four[] = {
		{0, 0},
		{3, 3},
		{4, NONE},
		{5, NONE},
		{6, NONE},
		{10, NONE},
		{0x40000000, NONE},
		{0x80000000, NONE},
		{0xffffffff, NONE},
	};
	static const struct index_case six[] = {
		{0, 0},
		{5, 5},
		{6, NONE},
		/* northbridge */ {10, NONE},
		/* cache */ {0x40000005, NONE},
	};

	(void)state;
	for (size_t version = 0; version < HVP_ARRAY_SIZE(pmu_amd); version++)
		check_indices(&pmu_amd[version], 4, 0, four, HVP_ARRAY_SIZE(four));
	check_indices(&pmu_amd[1], 6, 0, six, HVP_ARRAY_SIZE(six));
	check_indices(&pmu_amd[2], 6, 0, six, HVP_ARRAY_SIZE(six));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(intel_names_general_and_fixed_counters),
		cmocka_unit_test(a_side_without_counters_has_no_index),
		cmocka_unit_test(amd_names_core_counters_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
