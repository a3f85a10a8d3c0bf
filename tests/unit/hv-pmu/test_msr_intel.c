/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Intel's MSRs of the PMU. "V4": SDM volume 4, table "IA-32 Architectural MSRs"; else volume 3. */
#include "tests/unit/check.h"

#include "common/base/array.h"
#include "tests/unit/hv-pmu/msr_table.h"

enum {
	V2 = 1,
	V3 = 2,
	V4 = 4,
	V5 = 8,
	NO_FIXED = 16,
	NO_GP = 32,
	MODERN = V4 | V5 | NO_FIXED | NO_GP,
	USUAL = V2 | V3 | V4 | V5, /* 4 general and 2 fixed counters of the 8 and 4 */
	ALL = USUAL | NO_FIXED | NO_GP,
	HAS_GP = USUAL | NO_FIXED,
};

#define STATUS_V2 0xc00000030000000fULL /* CondChgd, OvfBuffer */
#define STATUS_V3 0xe00000030000000fULL /* Ovf_Uncore */
#define STATUS_V4 0xfc0000030000000fULL /* ASCI, CTR_Frz, LBR_Frz */

static const struct msr_pmu pmus[] = {
	{"version 2", &pmu_intel[2], 4, 2, 0x38e, STATUS_V2},
	{"version 3", &pmu_intel[3], 4, 2, 0x38e, STATUS_V3},
	{"version 4", &pmu_intel[4], 4, 2, 0x38e, STATUS_V4},
	{"version 5", &pmu_intel[5], 4, 2, 0x38e, STATUS_V4},
	{"no fixed counter", &pmu_intel[5], 4, 0, 0x38e, 0xfc0000000000000fULL},
	{"no general counter", &pmu_intel[5], 0, 2, 0x38e, 0xfc00000300000000ULL},
};

#define COUNTER_BITS 0xffffffffffffULL /* 48 */
#define SELECT_BITS 0xffdfffffULL      /* AnyThread is bit 21 */

static const struct msr_row rows[] = {
	{0x0c1, 4, 1, HAS_GP, MSR_SIGNED, MSR_RW, COUNTER_BITS,
	 "Full-Width Writes to Performance Counter Registers: EAX extended"},
	{0x0c5, 4, 1, HAS_GP, MSR_FAULTS, MSR_FAULTS, 0, "V4 C1H: CPUID.0AH:EAX[15:8] > n"},
	{0x0c1, 8, 1, NO_GP, MSR_FAULTS, MSR_FAULTS, 0, "V4 C1H: CPUID.0AH:EAX[15:8] > n"},
	{0x186, 4, 1, HAS_GP, MSR_RW, MSR_RW, SELECT_BITS,
	 "Architectural Performance Monitoring Version 1 Facilities: 63:32; CPUID.0AH:EDX[15]"},
	{0x18a, 4, 1, HAS_GP, MSR_FAULTS, MSR_FAULTS, 0, "V4 186H: CPUID.0AH:EAX[15:8] > n"},
	{0x186, 8, 1, NO_GP, MSR_FAULTS, MSR_FAULTS, 0, "V4 186H: CPUID.0AH:EAX[15:8] > n"},
	{0x309, 2, 1, USUAL | NO_GP, MSR_RW, MSR_RW, COUNTER_BITS,
	 "Version 2 Facilities: bits beyond the width are reserved"},
	{0x30b, 6, 1, USUAL | NO_GP, MSR_FAULTS, MSR_FAULTS, 0, "V4 309H: CPUID.0AH:EDX[4:0] > n"},
	{0x309, 8, 1, NO_FIXED, MSR_FAULTS, MSR_FAULTS, 0, "V4 309H: CPUID.0AH:EDX[4:0] > n"},
	{0x345, 1, 1, ALL, MSR_RO, MSR_RW, 0x2000, "V4 345H (RO), FW_WRITE[13]"},
	{0x38d, 1, 1, USUAL | NO_GP, MSR_RW, MSR_RW, 0xbb,
	 "Layout of IA32_FIXED_CTR_CTRL: four bits a counter, AnyThread is bit 2 of them"},
	{0x38d, 1, 1, NO_FIXED, MSR_RW, MSR_RW, 0, "V4 38DH: CPUID.0AH:EAX[7:0] > 1"},
	{0x38e, 1, 1, V2, MSR_RO, MSR_RW, STATUS_V2, "V4 38EH (RO)"},
	{0x38e, 1, 1, V3, MSR_RO, MSR_RW, STATUS_V3, "V4 38EH (RO), Ovf_Uncore[61]"},
	{0x38e, 1, 1, V4 | V5, MSR_RO, MSR_RW, STATUS_V4, "V4 38EH (RO), 60:58"},
	{0x38e, 1, 1, NO_FIXED, MSR_RO, MSR_RW, 0xfc0000000000000fULL, "V4 38EH (RO)"},
	{0x38e, 1, 1, NO_GP, MSR_RO, MSR_RW, 0xfc00000300000000ULL, "V4 38EH (RO)"},
	{0x38f, 1, 1, USUAL, MSR_RW, MSR_RW, 0x30000000fULL,
	 "Layout of Global Performance Monitoring Control MSR"},
	{0x38f, 1, 1, NO_FIXED, MSR_RW, MSR_RW, 0xf, "V4 38FH: CPUID.0AH:EDX[4:0] > n"},
	{0x38f, 1, 1, NO_GP, MSR_RW, MSR_RW, 0x300000000ULL, "V4 38FH: CPUID.0AH:EAX[15:8] > n"},
	{0x390, 1, 1, V2, MSR_CLEARS, MSR_CLEARS, STATUS_V2,
	 "V4 390H IA32_PERF_GLOBAL_OVF_CTRL, ClrCondChgd, ClrOvfBuffer"},
	{0x390, 1, 1, V3, MSR_CLEARS, MSR_CLEARS, STATUS_V3, "Version 3 Facilities, Ovf_Uncore"},
	{0x390, 1, 1, V4 | V5, MSR_CLEARS, MSR_CLEARS, STATUS_V4,
	 "V4 390H IA32_PERF_GLOBAL_STATUS_RESET, 60:58"},
	{0x390, 1, 1, NO_FIXED, MSR_CLEARS, MSR_CLEARS, 0xfc0000000000000fULL, "V4 390H"},
	{0x390, 1, 1, NO_GP, MSR_CLEARS, MSR_CLEARS, 0xfc00000300000000ULL, "V4 390H"},
	{0x391, 1, 1, V2 | V3, MSR_FAULTS, MSR_FAULTS, 0, "V4 391H: CPUID.0AH:EAX[7:0] > 3"},
	{0x391, 1, 1, V4 | V5, MSR_SETS, MSR_SETS, 0x7c0000030000000fULL,
	 "IA32_PERF_GLOBAL_STATUS_RESET and IA32_PERF_GLOBAL_STATUS_SET MSRs: no CondChgd"},
	{0x391, 1, 1, NO_FIXED, MSR_SETS, MSR_SETS, 0x7c0000000000000fULL, "V4 391H"},
	{0x391, 1, 1, NO_GP, MSR_SETS, MSR_SETS, 0x7c00000300000000ULL, "V4 391H"},
	{0x392, 1, 1, V2 | V3, MSR_FAULTS, MSR_FAULTS, 0, "V4 392H: CPUID.0AH:EAX[7:0] > 3"},
	{0x392, 1, 1, MODERN, MSR_RO, MSR_RO, 0, "IA32_PERF_GLOBAL_INUSE MSR (RO)"},
	{0x4c1, 4, 1, HAS_GP, MSR_RW, MSR_RW, COUNTER_BITS,
	 "Full-Width Writes to Performance Counter Registers: beyond the width reserved"},
	{0x4c5, 4, 1, HAS_GP, MSR_FAULTS, MSR_FAULTS, 0, "V4 4C1H: CPUID.0AH:EAX[15:8] > n"},
	{0x4c1, 8, 1, NO_GP, MSR_FAULTS, MSR_FAULTS, 0, "V4 4C1H: CPUID.0AH:EAX[15:8] > n"},
};

static void every_msr_and_every_bit_is_as_the_manual_says(void **state)
{
	(void)state;
	msr_table_check(rows, HVP_ARRAY_SIZE(rows), pmus, HVP_ARRAY_SIZE(pmus), true);
}

static void every_other_msr_is_none_of_the_pmus(void **state)
{
	(void)state;
	msr_table_check_unknown(rows, HVP_ARRAY_SIZE(rows), pmus, HVP_ARRAY_SIZE(pmus));
}

static void a_legacy_write_extends_the_sign_of_32_bits(void **state)
{
	static const struct {
		unsigned int width;
		u64 written, read;
	} cases[] = {
		{48, 0x7fffffff, 0x7fffffff},
		{48, 0x80000000, 0xffff80000000},
		{48, 0xffffffff, 0xffffffffffff},
		{48, 0x1234567800000005, 5},
		{48, 0xffff000080000001, 0xffff80000001},
		{40, 0x80000000, 0xff80000000},
		{40, 0x7fffffff, 0x7fffffff},
		{32, 0x80000000, 0x80000000},
		{64, 0x80000000, 0xffffffff80000000},
	};
	struct machine_model model = pmu_intel[5];
	struct pmu pmu;

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(cases); i++) {
		model.gp_width = cases[i].width;
		pmu_set_up(&pmu, &model, 4, 2);
		pmu_write(&pmu, 0xc1, cases[i].written);
		assert_int_equal(pmu_read(&pmu, 0xc1), cases[i].read);
		assert_int_equal(pmu_read(&pmu, 0x4c1), cases[i].read);
	}
}

static void a_guest_without_full_width_writes_has_no_aliases(void **state)
{
	struct pmu pmu;
	u64 value;

	(void)state;
	pmu_set_up(&pmu, &pmu_intel[5], 4, 2);
	pmu_load_all(&pmu);
	assert_int_equal(pmu_read(&pmu, 0x345), 0x2000);
	assert_int_equal(hvpmu_wrmsr(pmu.vcpu, &pmu.env, 0x345, 0, true), HVPMU_OK);
	assert_int_equal(pmu_read(&pmu, 0x345), 0);
	for (u32 msr = 0x4c1; msr <= 0x4c8; msr++) {
		assert_int_equal(hvpmu_rdmsr(pmu.vcpu, &pmu.env, msr, &value, false), HVPMU_GP);
		assert_int_equal(hvpmu_wrmsr(pmu.vcpu, &pmu.env, msr, 0, false), HVPMU_GP);
	}
	assert_true(rig_enter(&pmu.rig, 0));
	assert_int_equal(rig_guest_wrmsr(&pmu.rig, 0, 0x4c1, 5), HVPMU_GP);
	assert_int_equal(rig_guest_wrmsr(&pmu.rig, 0, 0x0c1, 0x80000000), HVPMU_OK);
	assert_int_equal(rig_guest_rdmsr(&pmu.rig, 0, 0x0c1, &value), HVPMU_OK);
	assert_int_equal(value, 0xffff80000000);
}

static void a_guest_without_a_pmu_faults_on_every_register(void **state)
{
	static const u32 zeros[4];
	struct hvpmu_part none;
	struct pmu pmu;
	u64 value;

	(void)state;
	pmu_set_up(&pmu, &pmu_intel[5], 4, 2);
	assert_int_equal(hvpmu_part_narrow(&pmu.rig.part, zeros, &none), HVPMU_OK);
	hvpmu_vcpu_init(pmu.vcpu, &none);
	for (size_t i = 0; i < HVP_ARRAY_SIZE(rows); i++) {
		u32 msr = rows[i].first;

		assert_int_equal(hvpmu_rdmsr(pmu.vcpu, &pmu.env, msr, &value, false), HVPMU_GP);
		assert_int_equal(hvpmu_wrmsr(pmu.vcpu, &pmu.env, msr, 0, false), HVPMU_GP);
	}
	for (u32 i = 0; i < 2; i++)
		assert_int_equal(hvpmu_rdpmc(pmu.vcpu, &pmu.env, i << 30, &value), HVPMU_GP);
	assert_int_equal(hvpmu_enter(pmu.vcpu, &pmu.env), 0);
	assert_int_equal(pmu.vcpu->state, HVPMU_INACTIVE);
}

/* "IA32_PERF_GLOBAL_INUSE MSR". */
static void inuse_reflects_the_controls(void **state)
{
	static const struct {
		u32 msr;
		u64 value, inuse;
	} cases[] = {
		{0x186, 0x000001, 1},
		{0x187, 0x0000c0, 2},
		{0x189, 0x000080, 8},
		{0x186, 0x40ff00, 0}, /* bits 7:0 alone decide, not EN */
		{0x188, 0x100000, 1ULL << 63},
		{0x188, 0x1000ff, 1ULL << 63 | 4},
		{0x38d, 0x01, 1ULL << 32},
		{0x38d, 0x20, 1ULL << 33},
		{0x38d, 0x33, 3ULL << 32},
		{0x38d, 0x80, 1ULL << 63},
		{0x38d, 0x0b, 1ULL << 63 | 1ULL << 32},
		{0x38f, 0x30000000f, 0},
	};
	struct pmu pmu;

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(cases); i++) {
		pmu_set_up(&pmu, &pmu_intel[4], 4, 2);
		pmu_write(&pmu, cases[i].msr, cases[i].value);
		assert_int_equal(pmu_read(&pmu, 0x392), cases[i].inuse);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_msr_and_every_bit_is_as_the_manual_says),
		cmocka_unit_test(every_other_msr_is_none_of_the_pmus),
		cmocka_unit_test(a_legacy_write_extends_the_sign_of_32_bits),
		cmocka_unit_test(a_guest_without_full_width_writes_has_no_aliases),
		cmocka_unit_test(a_guest_without_a_pmu_faults_on_every_register),
		cmocka_unit_test(inuse_reflects_the_controls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
