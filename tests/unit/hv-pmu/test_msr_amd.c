/* SPDX-License-Identifier: GPL-2.0-or-later */
/* AMD's MSRs of the PMU. Sections: APM volume 2; "PPR": a family 19H model's register list. */
#include "tests/unit/check.h"

#include "common/base/array.h"
#include "tests/unit/hv-pmu/msr_table.h"

enum {
	K7 = 1,
	K7_OF_CORE = 2, /* a guest told of four, on hardware with six */
	CORE = 4,
	V2 = 8,
	ALL = K7 | K7_OF_CORE | CORE | V2,
};

static const struct msr_pmu pmus[] = {
	{"K7", &pmu_amd[0], 4, 0, 0, 0},
	{"K7 of PerfCtrExtCore", &pmu_amd[1], 4, 0, 0, 0},
	{"PerfCtrExtCore", &pmu_amd[1], 6, 0, 0, 0},
	{"PerfMonV2", &pmu_amd[2], 4, 0, 0xc0000300, 0xf},
};

#define COUNTER_BITS 0xffffffffffffULL /* 48 */
/* 63:36 with HostOnly and GuestOnly, which need SVM, 21 and 19. */
#define SELECT_BITS 0xfffd7ffffULL

static const struct msr_row rows[] = {
	{0xc0010000, 4, 1, ALL, MSR_RW, MSR_RW, SELECT_BITS,
	 "13.2.1 Performance-Event Select Registers, legacy addresses"},
	{0xc0010004, 4, 1, ALL, MSR_RW, MSR_RW, COUNTER_BITS,
	 "13.2.1 Performance-Monitoring Counters, legacy addresses"},
	{0xc0010200, 6, 2, CORE, MSR_RW, MSR_RW, SELECT_BITS, "13.2.1, PERF_CTL0-5"},
	{0xc0010201, 6, 2, CORE, MSR_RW, MSR_RW, COUNTER_BITS, "13.2.1, PERF_CTR0-5"},
	{0xc0010200, 4, 2, V2, MSR_RW, MSR_RW, SELECT_BITS, "13.2.1, CPUID 80000022H:EBX[3:0]"},
	{0xc0010201, 4, 2, V2, MSR_RW, MSR_RW, COUNTER_BITS, "13.2.1, CPUID 80000022H:EBX[3:0]"},
	{0xc0010208, 4, 1, V2, MSR_IGNORED, MSR_IGNORED, 0,
	 "13.2.1: PerfCtrExtCore promises six, EBX[3:0] has four"},
	{0xc0000300, 1, 1, V2, MSR_RO, MSR_RW, 0xf, "PPR PerfCntrGlobalStatus: read-only, ignored"},
	{0xc0000301, 1, 1, V2, MSR_RW, MSR_RW, 0xf, "PPR PerfCntrGlobalCtl"},
	{0xc0000302, 1, 1, V2, MSR_CLEARS, MSR_CLEARS, 0xf, "PPR PerfCntrGlobalStatusClr"},
	{0xc0000303, 1, 1, V2, MSR_SETS, MSR_SETS, 0xf, "PPR PerfCntrGlobalStatusSet"},
};

static void every_msr_and_every_bit_is_as_the_manual_says(void **state)
{
	(void)state;
	msr_table_check(rows, HVP_ARRAY_SIZE(rows), pmus, HVP_ARRAY_SIZE(pmus), false);
}

static void every_other_msr_is_none_of_the_pmus(void **state)
{
	(void)state;
	msr_table_check_unknown(rows, HVP_ARRAY_SIZE(rows), pmus, HVP_ARRAY_SIZE(pmus));
}

/* APM volume 2, 13.2.1: the legacy addresses alias the first four. */
static void legacy_and_core_addresses_are_the_same_registers(void **state)
{
	struct pmu pmu;

	(void)state;
	for (int is_loaded = 0; is_loaded < 2; is_loaded++) {
		pmu_set_up(&pmu, &pmu_amd[1], 6, 0);
		if (is_loaded)
			pmu_load_all(&pmu);
		for (u32 i = 0; i < 4; i++) {
			pmu_write(&pmu, 0xc0010000 + i, 0x4300c0 + i);
			assert_int_equal(pmu_read(&pmu, 0xc0010200 + 2 * i), 0x4300c0 + i);
			pmu_write(&pmu, 0xc0010201 + 2 * i, 0x1000 + i);
			assert_int_equal(pmu_read(&pmu, 0xc0010004 + i), 0x1000 + i);
		}
	}
}

/* No counter has fewer legacy addresses than four; those beyond the guest's take nothing. */
static void a_narrow_guest_keeps_the_addresses_of_what_it_lost(void **state)
{
	struct pmu pmu;

	(void)state;
	pmu_set_up(&pmu, &pmu_amd[2], 2, 0);
	for (u32 i = 0; i < 4; i++) {
		pmu_write(&pmu, 0xc0010000 + i, 0x4300c0);
		pmu_write(&pmu, 0xc0010004 + i, 7);
		assert_int_equal(pmu_read(&pmu, 0xc0010000 + i), i < 2 ? 0x4300c0 : 0);
		assert_int_equal(pmu_read(&pmu, 0xc0010004 + i), i < 2 ? 7 : 0);
	}
}

/* What neither PerfCtrExtCore nor CPUID 80000022H promises is no register: #GP, APM volume 3, WRMSR. */
static void a_counter_that_cpuid_does_not_promise_is_unknown(void **state)
{
	static const struct {
		unsigned int gp;
		u32 first_unknown;
	} cases[] = {{2, 0xc001020c}, {6, 0xc001020c}, {8, 0xc0010210}, {15, 0xc001021e}};
	struct machine_model model = pmu_amd[2];
	struct pmu pmu;
	u64 value;

	(void)state;
	model.num_gp = 16;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(cases); i++) {
		pmu_set_up(&pmu, &model, cases[i].gp, 0);
		for (u32 msr = 0xc0010200; msr < 0xc0010220; msr++) {
			int result = msr < cases[i].first_unknown ? HVPMU_OK : HVPMU_UNKNOWN;

			assert_int_equal(hvpmu_rdmsr(pmu.vcpu, &pmu.env, msr, &value, false),
					 result);
			assert_int_equal(hvpmu_wrmsr(pmu.vcpu, &pmu.env, msr, 0, true), result);
		}
	}
}

/* APM volume 2, 13.2.1, HG_ONLY: the hardware's is 1 whatever the guest writes. */
static void hardware_counts_for_the_guest_only(void **state)
{
	struct pmu pmu;

	(void)state;
	for (size_t version = 0; version < HVP_ARRAY_SIZE(pmu_amd); version++) {
		for (u64 hg_only = 0; hg_only < 4; hg_only++) {
			pmu_set_up(&pmu, &pmu_amd[version], 4, 0);
			pmu_write(&pmu, pmu_select_msr(&pmu, 0), PMU_INSTRUCTIONS | hg_only << 40);
			pmu_run(&pmu, 5);
			assert_int_equal(pmu.machine->gp_select[0], PMU_INSTRUCTIONS | 1ULL << 40);
			rig_host_count(&pmu.rig, 0, MACHINE_INSTRUCTIONS, 0, 9);
			assert_int_equal(pmu_read(&pmu, pmu_counter_msr(&pmu, 0)), 5);
			assert_int_equal(pmu_read(&pmu, pmu_select_msr(&pmu, 0)), PMU_INSTRUCTIONS);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_msr_and_every_bit_is_as_the_manual_says),
		cmocka_unit_test(every_other_msr_is_none_of_the_pmus),
		cmocka_unit_test(legacy_and_core_addresses_are_the_same_registers),
		cmocka_unit_test(a_narrow_guest_keeps_the_addresses_of_what_it_lost),
		cmocka_unit_test(a_counter_that_cpuid_does_not_promise_is_unknown),
		cmocka_unit_test(hardware_counts_for_the_guest_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
