/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The registers of the model machine, held against the manuals: SDM volume 4, table "IA-32
 * Architectural MSRs", and volume 3, "Performance Monitoring"; APM volume 2, 13.2, and the PPRs.
 */
#include "tests/unit/check.h"

#include "common/base/array.h"
#include "tests/hv-pmu/machine/machine.h"

#define INTEL(v, any)                                                                              \
	{                                                                                          \
		.vendor = MACHINE_INTEL, .version = v, .num_gp = 8, .num_fixed = 4,                \
		.gp_width = 48, .fixed_width = 40, .has_full_width = true, .has_any_thread = any   \
	}

enum {
	V2 = 1,
	V3 = 2,
	V4 = 4,
	V5 = 8,
	K7 = 16,
	CORE = 32,
	MON2 = 64,
	NO_SVM = 128,
	INTEL_ALL = V2 | V3 | V4 | V5,
	AMD_ALL = K7 | CORE | MON2 | NO_SVM,
};

static const struct machine_model models[] = {
	INTEL(2, false),
	INTEL(3, true),
	INTEL(4, true),
	INTEL(5, false),
	{.vendor = MACHINE_AMD, .version = 0, .num_gp = 4, .gp_width = 48, .has_svm = true},
	{.vendor = MACHINE_AMD, .version = 1, .num_gp = 6, .gp_width = 48, .has_svm = true},
	{.vendor = MACHINE_AMD, .version = 2, .num_gp = 6, .gp_width = 48, .has_svm = true},
	{.vendor = MACHINE_AMD, .version = 2, .num_gp = 6, .gp_width = 48},
};

enum kind {
	RW,
	RO,
	SIGNED,
	FAULTS,
	IGNORED,
	CLEARS,
	SETS,
};

struct row {
	uint32_t first, count, stride;
	unsigned int models;
	enum kind kind;
	uint64_t bits;
};

#define WIDE 0xffffffffffffULL
#define SELECT_SVM 0x30fffd7ffffULL /* HostOnly 41, GuestOnly 40, EventSelect[11:8] at 35:32 */
#define SELECT_AMD 0xfffd7ffffULL

static const struct row rows[] = {
	{0x0c1, 8, 1, INTEL_ALL, SIGNED, WIDE},
	{0x186, 8, 1, V2 | V5, RW, 0xffdfffff},
	{0x186, 8, 1, V3 | V4, RW, 0xffffffff}, /* AnyThread, bit 21 */
	{0x1d9, 1, 1, INTEL_ALL, RW, 0x1000},	/* of DEBUGCTL only FREEZE_PERFMON_ON_PMI */
	{0x309, 4, 1, INTEL_ALL, RW, 0xffffffffffULL},
	{0x30d, 4, 1, INTEL_ALL, FAULTS, 0},
	{0x345, 1, 1, INTEL_ALL, RO, 0x2000},
	{0x38d, 1, 1, V2 | V5, RW, 0xbbbb},
	{0x38d, 1, 1, V3 | V4, RW, 0xffff},
	{0x38e, 1, 1, INTEL_ALL, RO, 0},
	{0x38f, 1, 1, INTEL_ALL, RW, 0xf000000ffULL},
	{0x390, 1, 1, V2, CLEARS, 0xc000000f000000ffULL},
	{0x390, 1, 1, V3, CLEARS, 0xe000000f000000ffULL},
	{0x390, 1, 1, V4 | V5, CLEARS, 0xfc00000f000000ffULL},
	{0x391, 1, 1, V2 | V3, FAULTS, 0},
	{0x391, 1, 1, V4 | V5, SETS, 0x7c00000f000000ffULL},
	{0x392, 1, 1, V2 | V3, FAULTS, 0},
	{0x392, 1, 1, V4 | V5, RO, 0},
	{0x393, 1, 1, INTEL_ALL, FAULTS, 0},
	{0x4c1, 8, 1, INTEL_ALL, RW, WIDE},
	{0xc0010000, 8, 1, INTEL_ALL, FAULTS, 0},

	{0xc0010000, 4, 1, K7 | CORE | MON2, RW, SELECT_SVM},
	{0xc0010000, 4, 1, NO_SVM, RW, SELECT_AMD},
	{0xc0010004, 4, 1, AMD_ALL, RW, WIDE},
	{0xc0010200, 32, 1, K7, FAULTS, 0},
	{0xc0010200, 6, 2, CORE | MON2, RW, SELECT_SVM},
	{0xc0010201, 6, 2, CORE | MON2 | NO_SVM, RW, WIDE},
	{0xc001020c, 20, 1, CORE | MON2 | NO_SVM, FAULTS, 0},
	{0xc0000300, 4, 1, K7 | CORE, FAULTS, 0},
	{0xc0000300, 1, 1, MON2 | NO_SVM, RO, 0},
	{0xc0000301, 1, 1, MON2 | NO_SVM, RW, 0x3f},
	{0xc0000302, 1, 1, MON2 | NO_SVM, CLEARS, 0x3f},
	{0xc0000303, 1, 1, MON2 | NO_SVM, SETS, 0x3f},
	{0x186, 8, 1, AMD_ALL, FAULTS, 0},
	{0x38d, 5, 1, AMD_ALL, FAULTS, 0},
};

/* Whether the write succeeds, and what is in the register, or in the status, afterwards. */
static bool expected(const struct row *row, bool is_intel, uint64_t value, uint64_t before,
		     uint64_t *ret_after)
{
	bool has_reserved = value & ~row->bits;

	*ret_after = before;
	if (row->kind == SIGNED) {
		*ret_after = (uint64_t)(int64_t)(int32_t)(uint32_t)value & row->bits;
		return true;
	}
	if (row->kind == FAULTS || (is_intel && (row->kind == RO || has_reserved)))
		return false;
	value &= row->bits;
	if (row->kind == RW)
		*ret_after = value;
	else if (row->kind == CLEARS)
		*ret_after = before & ~value;
	else if (row->kind == SETS)
		*ret_after = before | value;
	return true;
}

static void check_write(const struct machine_model *model, const struct row *row, uint32_t msr,
			uint64_t value)
{
	bool is_status = row->kind == CLEARS || row->kind == SETS;
	bool is_intel = model->vendor == MACHINE_INTEL;
	uint32_t shown = is_status ? (is_intel ? 0x38e : 0xc0000300) : msr;
	uint64_t before = 0, after, is = 0;
	struct machine_cpu cpu;
	bool ok;

	machine_init(&cpu, model);
	if (row->kind == CLEARS)
		cpu.status = row->bits;
	assert_int_equal(machine_rdmsr(&cpu, shown, &before), row->kind != FAULTS);
	if (row->kind == RO)
		assert_int_equal(before, row->bits);
	ok = expected(row, is_intel, value, before, &after);
	if (machine_wrmsr(&cpu, msr, value) != ok)
		fail_msg("version %u, MSR %#x: writes %#llx", model->version, msr,
			 (unsigned long long)value);
	if (row->kind == FAULTS)
		return;
	assert_true(machine_rdmsr(&cpu, shown, &is));
	if (is != after)
		fail_msg("version %u, MSR %#x: %#llx becomes %#llx", model->version, msr,
			 (unsigned long long)value, (unsigned long long)is);
	if (is_status) {
		assert_true(machine_rdmsr(&cpu, msr, &is));
		assert_int_equal(is, 0);
	}
}

static void every_register_and_bit_is_as_the_manual_says(void **state)
{
	(void)state;
	for (size_t r = 0; r < HVP_ARRAY_SIZE(rows); r++) {
		for (size_t at = 0; at < rows[r].count * HVP_ARRAY_SIZE(models); at++) {
			size_t m = at % HVP_ARRAY_SIZE(models);
			uint32_t i = (uint32_t)(at / HVP_ARRAY_SIZE(models));
			uint32_t msr = rows[r].first + i * rows[r].stride;

			if (!(rows[r].models >> m & 1))
				continue;
			for (unsigned int bit = 0; bit < 64; bit++)
				check_write(&models[m], &rows[r], msr, 1ULL << bit);
			check_write(&models[m], &rows[r], msr, rows[r].bits);
			check_write(&models[m], &rows[r], msr, ~0ULL);
		}
	}
}

static void registers_of_a_smaller_pmu_fault(void **state)
{
	static const uint32_t msrs[] = {0xc3, 0x188, 0x4c3, 0x30a, 0x4c1};
	const struct machine_model small = {.vendor = MACHINE_INTEL,
					    .version = 2,
					    .num_gp = 2,
					    .num_fixed = 1,
					    .gp_width = 40,
					    .fixed_width = 40};
	struct machine_cpu cpu;
	uint64_t value;

	(void)state;
	machine_init(&cpu, &small);
	for (size_t i = 0; i < HVP_ARRAY_SIZE(msrs); i++) {
		assert_false(machine_rdmsr(&cpu, msrs[i], &value));
		assert_false(machine_wrmsr(&cpu, msrs[i], 0));
	}
	assert_true(machine_wrmsr(&cpu, 0xc2, 0xffffffff));
	assert_true(machine_rdmsr(&cpu, 0xc2, &value));
	assert_int_equal(value, 0xffffffffffULL);
	assert_true(machine_rdmsr(&cpu, 0x345, &value));
	assert_int_equal(value, 0);
}

/* APM volume 2, 13.2.1: two addresses, one register. */
static void amds_legacy_addresses_are_aliases(void **state)
{
	struct machine_cpu cpu;
	uint64_t value;

	(void)state;
	machine_init(&cpu, &models[5]);
	for (uint32_t i = 0; i < 4; i++) {
		assert_true(machine_wrmsr(&cpu, 0xc0010000 + i, 0x410076 + i));
		assert_true(machine_rdmsr(&cpu, 0xc0010200 + 2 * i, &value));
		assert_int_equal(value, 0x410076 + i);
		assert_true(machine_wrmsr(&cpu, 0xc0010201 + 2 * i, 99 + i));
		assert_true(machine_rdmsr(&cpu, 0xc0010004 + i, &value));
		assert_int_equal(value, 99 + i);
	}
}

/* SDM volume 3, "Processor State After Reset"; the LVTPC is 10000H. */
static void reset_enables_general_counters_globally_and_masks_the_lvtpc(void **state)
{
	static const uint64_t ctrl[] = {0xff, 0xff, 0xff, 0xff, 0, 0, 0x3f, 0x3f};
	struct machine_cpu cpu;

	(void)state;
	for (size_t m = 0; m < HVP_ARRAY_SIZE(models); m++) {
		machine_init(&cpu, &models[m]);
		assert_int_equal(cpu.global_ctrl, ctrl[m]);
		assert_int_equal(cpu.lvtpc, 0x10000);
		assert_int_equal(cpu.status | cpu.fixed_ctrl | cpu.debugctl, 0);
	}
}

static void inuse_is_made_of_the_controls(void **state)
{
	struct machine_cpu cpu;
	uint64_t value;

	(void)state;
	machine_init(&cpu, &models[2]);
	cpu.gp_select[0] = 0x41ff00; /* event 0 */
	cpu.gp_select[6] = 0x3c;
	cpu.fixed_ctrl = 0x0200;
	assert_true(machine_rdmsr(&cpu, 0x392, &value));
	assert_int_equal(value, 0x400000040ULL);
	cpu.gp_select[1] = 0x100000;
	assert_true(machine_rdmsr(&cpu, 0x392, &value));
	assert_int_equal(value, 0x8000000400000040ULL);
	cpu.gp_select[1] = 0;
	cpu.fixed_ctrl = 0x8000;
	assert_true(machine_rdmsr(&cpu, 0x392, &value));
	assert_int_equal(value, 0x8000000000000040ULL);
}

static void rdpmc_takes_the_indices_of_the_vendor(void **state)
{
	static const struct {
		size_t model;
		uint32_t index;
		uint64_t value; /* 0: #GP */
	} cases[] = {
		{3, 0, 100},
		{3, 7, 107},
		{3, 8, 0},
		{3, 0x40000000, 200},
		{3, 0x40000003, 203},
		{3, 0x40000004, 0},
		{3, 0x80000000, 0},
		{3, 0xc0000000, 0},
		{3, 0x20000000, 0},
		{4, 3, 103},
		{4, 4, 0},
		{6, 5, 105},
		{6, 6, 0},
		{6, 0x40000000, 0},
	};
	struct machine_cpu cpu;

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(cases); i++) {
		uint64_t value = 0;

		machine_init(&cpu, &models[cases[i].model]);
		for (unsigned int n = 0; n < 8; n++)
			cpu.gp_counter[n] = 100 + n;
		for (unsigned int n = 0; n < 4; n++)
			cpu.fixed_counter[n] = 200 + n;
		assert_int_equal(machine_rdpmc(&cpu, cases[i].index, &value), cases[i].value != 0);
		assert_int_equal(value, cases[i].value);
	}
}

/* What the benchmarks compare. */
static void instructions_are_counted(void **state)
{
	struct machine_cpu cpu;
	uint64_t value;

	(void)state;
	for (size_t m = 0; m < HVP_ARRAY_SIZE(models); m++) {
		machine_init(&cpu, &models[m]);
		machine_wrmsr(&cpu, 0xc1, 0);
		machine_wrmsr(&cpu, 0xc0010000, 0);
		machine_rdmsr(&cpu, 0xc1, &value);
		assert_true(machine_rdpmc(&cpu, 0, &value));
		assert_int_equal(cpu.num_wrmsr, 2);
		assert_int_equal(cpu.num_rdmsr, 1);
		assert_int_equal(cpu.num_rdpmc, 1);
		assert_int_equal(cpu.num_area, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_register_and_bit_is_as_the_manual_says),
		cmocka_unit_test(registers_of_a_smaller_pmu_fault),
		cmocka_unit_test(amds_legacy_addresses_are_aliases),
		cmocka_unit_test(reset_enables_general_counters_globally_and_masks_the_lvtpc),
		cmocka_unit_test(inuse_is_made_of_the_controls),
		cmocka_unit_test(rdpmc_takes_the_indices_of_the_vendor),
		cmocka_unit_test(instructions_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
