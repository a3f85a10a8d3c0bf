/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The registers of the model machine, held against the manuals, which msr_facts.h has as a table.
 */
#include "tests/unit/check.h"

#include "common/base/array.h"
#include "tests/hv-pmu/machine/machine.h"
#include "tests/hv-pmu/machine/msr_facts.h"

#define INTEL(v, any)                                                                              \
	{                                                                                          \
		.vendor = MACHINE_INTEL, .version = v, .num_gp = 8, .num_fixed = 4,                \
		.gp_width = 48, .fixed_width = 40, .has_full_width = true, .has_any_thread = any   \
	}

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

/* What of struct machine_model the facts go by. */
static struct msr_shape shape_of(const struct machine_model *model)
{
	struct msr_shape shape = {
		.num_gp = model->num_gp,
		.num_fixed = model->num_fixed,
		.gp_width = model->gp_width,
		.fixed_width = model->fixed_width,
		.has_any_thread = model->has_any_thread,
	};

	if (model->vendor == MACHINE_INTEL)
		shape.pmu = MSR_V2 << (model->version - 2);
	else
		shape.pmu = model->has_svm ? MSR_K7 << model->version : MSR_NO_SVM;
	return shape;
}

static void check_write(const struct machine_model *model, const struct msr_fact *fact,
			uint32_t msr, uint64_t value)
{
	bool is_status = fact->kind == MSR_KIND_CLEARS || fact->kind == MSR_KIND_SETS;
	bool is_intel = model->vendor == MACHINE_INTEL;
	uint32_t shown = is_status ? (is_intel ? 0x38e : 0xc0000300) : msr;
	uint64_t before = 0, after, is = 0;
	struct machine_cpu cpu;
	bool ok;

	machine_init(&cpu, model);
	if (fact->kind == MSR_KIND_CLEARS)
		cpu.status = fact->bits;
	assert_int_equal(machine_rdmsr(&cpu, shown, &before), fact->kind != MSR_KIND_FAULTS);
	if (fact->kind == MSR_KIND_RO)
		assert_int_equal(before, fact->bits);
	ok = msr_fact_write(fact, is_intel, value, before, &after);
	if (machine_wrmsr(&cpu, msr, value) != ok)
		fail_msg("version %u, MSR %#x: writes %#llx (%s)", model->version, msr,
			 (unsigned long long)value, fact->section);
	if (fact->kind == MSR_KIND_FAULTS)
		return;
	assert_true(machine_rdmsr(&cpu, shown, &is));
	if (is != after)
		fail_msg("version %u, MSR %#x: %#llx becomes %#llx (%s)", model->version, msr,
			 (unsigned long long)value, (unsigned long long)is, fact->section);
	if (is_status) {
		assert_true(machine_rdmsr(&cpu, msr, &is));
		assert_int_equal(is, 0);
	}
}

static void check_fact(const struct machine_model *model, const struct msr_fact *fact)
{
	for (uint32_t i = 0; i < fact->count; i++) {
		uint32_t msr = fact->first + i * fact->stride;

		for (unsigned int bit = 0; bit < 64; bit++)
			check_write(model, fact, msr, 1ULL << bit);
		check_write(model, fact, msr, fact->bits);
		check_write(model, fact, msr, ~0ULL);
	}
}

static void every_register_and_bit_is_as_the_manual_says(void **state)
{
	/* Of DEBUGCTL only FREEZE_PERFMON_ON_PMI. */
	static const struct msr_fact debugctl = {0x1d9,	      1, 1,	 MSR_INTEL,
						 MSR_KIND_RW, 0, 0x1000, "SDM 3, IA32_DEBUGCTL"};

	(void)state;
	for (size_t m = 0; m < HVP_ARRAY_SIZE(models); m++) {
		struct msr_shape shape = shape_of(&models[m]);
		struct msr_fact fact = msr_fact_on(&debugctl, &shape);

		check_fact(&models[m], &fact);
		for (size_t i = 0; i < HVP_ARRAY_SIZE(msr_facts); i++) {
			fact = msr_fact_on(&msr_facts[i], &shape);
			check_fact(&models[m], &fact);
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
