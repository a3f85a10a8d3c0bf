/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the guest's half of the PMU comes and goes: VMCS controls, MSR areas, plans. */
#include "tests/unit/check.h"

#include "common/base/array.h"
#include "tests/unit/hv-pmu/pmu.h"

static void the_controls_are_used_where_they_work(void **state)
{
	(void)state;
	for (unsigned int bits = 0; bits < 8; bits++) {
		struct hvpmu_caps caps = {
			.vendor = HVPMU_INTEL,
			.has_entry_ctrl = bits & 1,
			.has_exit_ctrl = bits & 2,
			.has_ctrl_erratum = bits & 4,
		};

		assert_int_equal(hvpmu_ctrl_switch(&caps),
				 bits == 3 ? HVPMU_SWITCH_CONTROLS : HVPMU_SWITCH_AREAS);
		caps.vendor = HVPMU_AMD;
		assert_int_equal(hvpmu_ctrl_switch(&caps), HVPMU_SWITCH_GUEST_ONLY);
	}
}

/* Specification updates: AAK155, AAP115, AAT100, BC86 (AAY89, BD102), BA97. */
static void the_errata_are_those_of_five_models(void **state)
{
	static const unsigned int models[] = {26, 30, 37, 44, 46};

	(void)state;
	for (unsigned int family = 0; family < 32; family++) {
		for (unsigned int model = 0; model < 512; model++) {
			bool is_listed = false;

			for (size_t i = 0; i < HVP_ARRAY_SIZE(models); i++)
				is_listed |= family == 6 && model == models[i];
			assert_int_equal(hvpmu_has_ctrl_erratum(family, model), is_listed);
		}
	}
}

/* SDM volume 3, "VM-Exit Controls for MSRs": 16 bytes an entry, its address a multiple of 16. */
static void a_plan_has_the_layout_of_an_msr_area(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct hvpmu_plan_entry), 16);
	assert_int_equal(offsetof(struct hvpmu_plan_entry, msr), 0);
	assert_int_equal(offsetof(struct hvpmu_plan_entry, reserved), 4);
	assert_int_equal(offsetof(struct hvpmu_plan_entry, value), 8);
	assert_int_equal(_Alignof(struct hvpmu_plan), 16);
	assert_int_equal(offsetof(struct hvpmu_plan, entry) % 16, 0);
}

static void the_areas_switch_global_ctrl(void **state)
{
	struct hvpmu_plan_entry entry, exit;

	(void)state;
	memset(&entry, 0xee, sizeof(entry));
	memset(&exit, 0xee, sizeof(exit));
	hvpmu_ctrl_areas(0x30000000fULL, 0xf0, &entry, &exit);
	assert_int_equal(entry.msr, 0x38f);
	assert_int_equal(entry.reserved, 0);
	assert_int_equal(entry.value, 0x30000000f);
	assert_int_equal(exit.msr, 0x38f);
	assert_int_equal(exit.reserved, 0);
	assert_int_equal(exit.value, 0xf0);
}

struct expected {
	u32 msr;
	u64 value;
};

static void assert_plan(const struct hvpmu_plan *plan, const struct expected *expected,
			size_t count)
{
	assert_int_equal(plan->count, count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(plan->entry[i].msr, expected[i].msr);
		assert_int_equal(plan->entry[i].reserved, 0);
		if (plan->entry[i].value != expected[i].value)
			fail_msg("entry %zu, MSR %#x: %#llx", i, expected[i].msr,
				 (unsigned long long)plan->entry[i].value);
	}
}

#define ASSERT_PLAN(plan, ...)                                                                     \
	assert_plan((plan), (const struct expected[]){__VA_ARGS__},                                \
		    HVP_ARRAY_SIZE(((const struct expected[]){__VA_ARGS__})))

#define FIXED0 (1ULL << 32)
#define FIXED1 (1ULL << 33)

static void plans_of_intel_are_in_order(void **state)
{
	struct hvpmu_plan plan = {.count = 99};
	struct hvpmu_cpu *cpu;
	struct pmu pmu;

	(void)state;
	pmu_set_up(&pmu, &pmu_intel[5], 4, 2);
	cpu = &pmu.rig.cpu[0].core;
	/* The host may not set the guest's fields: of 0xbbbb the upper two are its own. */
	assert_int_equal(hvpmu_merge_fixed_ctrl(cpu, 0xbbbb), 0xbb00);
	pmu_write(&pmu, 0x4c1, 0x800000000001);
	pmu_write(&pmu, 0x4c3, 0x3333);
	pmu_write(&pmu, 0x186, 0xff9f02c0); /* all of it but AnyThread and EN */
	pmu_write(&pmu, 0x188, 0x5300c4);
	pmu_write(&pmu, 0x309, 0x9999);
	pmu_write(&pmu, 0x30a, 0xaaaa);
	pmu_write(&pmu, 0x38d, 0xb1);

	hvpmu_plan_load(pmu.vcpu, cpu, 5 | FIXED0 | FIXED1, &plan);
	/* Without pin control, bit 19. GLOBAL_CTRL gates: EN is as the guest wrote it. */
	ASSERT_PLAN(&plan, {0x4c1, 0x800000000001}, {0x186, 0xff9702c0}, {0x4c3, 0x3333},
		    {0x188, 0x5300c4}, {0x309, 0x9999}, {0x30a, 0xaaaa}, {0x38d, 0xbbb1});
	hvpmu_plan_load(pmu.vcpu, cpu, FIXED1, &plan);
	ASSERT_PLAN(&plan, {0x30a, 0xaaaa}, {0x38d, 0xbbb0});
	hvpmu_plan_load(pmu.vcpu, cpu, 4, &plan);
	ASSERT_PLAN(&plan, {0x4c3, 0x3333}, {0x188, 0x5300c4});

	hvpmu_plan_store(pmu.vcpu, 5 | FIXED0 | FIXED1, &plan);
	ASSERT_PLAN(&plan, {0x4c1, 0}, {0x4c3, 0}, {0x309, 0}, {0x30a, 0});

	/* What counts is off before it is cleared. */
	hvpmu_plan_clear(pmu.vcpu, cpu, 5 | FIXED0 | FIXED1, &plan);
	ASSERT_PLAN(&plan, {0x38d, 0xbb00}, {0x186, 0}, {0x4c1, 0}, {0x188, 0}, {0x4c3, 0},
		    {0x309, 0}, {0x30a, 0});
	hvpmu_plan_clear(pmu.vcpu, cpu, 4, &plan);
	ASSERT_PLAN(&plan, {0x188, 0}, {0x4c3, 0});
	hvpmu_plan_load(pmu.vcpu, cpu, 0, &plan);
	assert_int_equal(plan.count, 0);
}

/* Fields of fixed counters that stay in hardware stay in the control. */
static void a_plan_leaves_other_fixed_counters_on(void **state)
{
	struct hvpmu_plan plan;
	struct pmu pmu;

	(void)state;
	pmu_set_up(&pmu, &pmu_intel[5], 4, 2);
	pmu_write(&pmu, 0x38d, 0x01);
	pmu_write(&pmu, 0x38f, FIXED0 | FIXED1);
	pmu_run(&pmu, 0);
	assert_int_equal(pmu.vcpu->hw, FIXED0);
	hvpmu_plan_clear(pmu.vcpu, &pmu.rig.cpu[0].core, FIXED1, &plan);
	ASSERT_PLAN(&plan, {0x38d, 0x01}, {0x30a, 0});
	hvpmu_plan_load(pmu.vcpu, &pmu.rig.cpu[0].core, FIXED1, &plan);
	ASSERT_PLAN(&plan, {0x30a, 0}, {0x38d, 0x01});
}

#define GUEST_ONLY (1ULL << 40)
#define EN 0x400000ULL

static void plans_of_amd_are_in_order(void **state)
{
	static const struct {
		unsigned int version, gp;
		u32 counter, select, stride;
	} cases[] = {
		{0, 4, 0xc0010004, 0xc0010000, 1},
		/* The hardware's addresses, also for a guest that knows only the legacy ones. */
		{1, 4, 0xc0010201, 0xc0010200, 2},
		{1, 6, 0xc0010201, 0xc0010200, 2},
		{2, 4, 0xc0010201, 0xc0010200, 2},
	};
	struct hvpmu_plan plan;
	struct hvpmu_cpu *cpu;
	struct pmu pmu;

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(cases); i++) {
		u32 counter = cases[i].counter, select = cases[i].select, stride = cases[i].stride;

		pmu_set_up(&pmu, &pmu_amd[cases[i].version], cases[i].gp, 0);
		cpu = &pmu.rig.cpu[0].core;
		pmu_write(&pmu, pmu_counter_msr(&pmu, 0), 0x1111);
		pmu_write(&pmu, pmu_select_msr(&pmu, 0), 0x3005300c0ULL);
		pmu_write(&pmu, pmu_select_msr(&pmu, 2), 0x1300c2);
		hvpmu_plan_load(pmu.vcpu, cpu, 5, &plan);
		ASSERT_PLAN(&plan, {counter, 0x1111}, {select, 0x3005300c0ULL | GUEST_ONLY},
			    {counter + 2 * stride, 0},
			    {select + 2 * stride, 0x1300c2 | GUEST_ONLY});
		hvpmu_plan_store(pmu.vcpu, 5, &plan);
		ASSERT_PLAN(&plan, {counter, 0}, {counter + 2 * stride, 0});
		hvpmu_plan_clear(pmu.vcpu, cpu, 5, &plan);
		ASSERT_PLAN(&plan, {select, 0}, {counter, 0}, {select + 2 * stride, 0},
			    {counter + 2 * stride, 0});

		/* The guest's GLOBAL_CTL is not the hardware's: the selectors' EN stands for it. */
		if (cases[i].version < 2)
			continue;
		pmu_write(&pmu, 0xc0000301, 0xe);
		hvpmu_plan_load(pmu.vcpu, cpu, 1, &plan);
		ASSERT_PLAN(&plan, {counter, 0x1111},
			    {select, (0x3005300c0ULL & ~EN) | GUEST_ONLY});
	}
}

static void the_largest_plan_fits(void **state)
{
	struct hvpmu_plan plan;
	struct machine_model amd = pmu_amd[2];
	struct pmu pmu;

	(void)state;
	pmu_set_up(&pmu, &pmu_intel[5], 8, 4);
	hvpmu_plan_load(pmu.vcpu, pmu.env.cpu, pmu.rig.part.guest_mask, &plan);
	assert_int_equal(plan.count, 2 * 8 + 4 + 1);
	hvpmu_plan_clear(pmu.vcpu, pmu.env.cpu, pmu.rig.part.guest_mask, &plan);
	assert_int_equal(plan.count, 2 * 8 + 4 + 1);
	amd.num_gp = 16;
	pmu_set_up(&pmu, &amd, 15, 0);
	hvpmu_plan_load(pmu.vcpu, pmu.env.cpu, pmu.rig.part.guest_mask, &plan);
	assert_int_equal(plan.count, 2 * 15);
	assert_true(plan.count <= HVPMU_PLAN_MAX);
}

static uint32_t fill_area(struct machine_area_entry *area, const struct hvpmu_plan *plan)
{
	memcpy(area, plan->entry, plan->count * sizeof(plan->entry[0]));
	return plan->count;
}

/* What a hypervisor may do instead of hvpmu_enter() and hvpmu_put(). */
static void plans_work_as_msr_areas(void **state)
{
	struct machine_vmcs vmcs = {.entry_loads_ctrl = true, .exit_loads_ctrl = true};
	u64 set = 1 | FIXED0;
	struct hvpmu_plan plan;
	struct pmu pmu;
	int reason;

	(void)state;
	pmu_set_up(&pmu, &pmu_intel[5], 4, 2);
	pmu_write(&pmu, 0x4c1, 1000);
	pmu_write(&pmu, 0x186, PMU_INSTRUCTIONS);
	pmu_write(&pmu, 0x309, 2000);
	pmu_write(&pmu, 0x38d, 1);
	hvpmu_plan_load(pmu.vcpu, pmu.env.cpu, set, &plan);
	vmcs.num_entry_load = fill_area(vmcs.entry_load, &plan);
	hvpmu_plan_store(pmu.vcpu, set, &plan);
	vmcs.num_exit_store = fill_area(vmcs.exit_store, &plan);
	hvpmu_plan_clear(pmu.vcpu, pmu.env.cpu, set, &plan);
	vmcs.num_exit_load = fill_area(vmcs.exit_load, &plan);
	vmcs.guest_ctrl = set;

	assert_true(machine_vmentry(pmu.machine, &vmcs, &reason));
	machine_count(pmu.machine, MACHINE_INSTRUCTIONS, 0, 7);
	assert_true(machine_vmexit(pmu.machine, &vmcs));
	assert_int_equal(vmcs.exit_store[0].value, 1007);
	assert_int_equal(vmcs.exit_store[1].value, 2007);
	assert_int_equal(pmu.machine->gp_counter[0] | pmu.machine->gp_select[0] |
				 pmu.machine->fixed_counter[0] | pmu.machine->fixed_ctrl |
				 pmu.machine->global_ctrl,
			 0);
}

static u64 num_accesses(const struct machine_cpu *machine)
{
	return machine->num_rdmsr + machine->num_wrmsr + machine->num_rdpmc + machine->num_area;
}

static void an_entry_and_an_exit_with_nothing_changed_access_no_msr(void **state)
{
	const struct machine_model *const models[] = {&pmu_intel[2], &pmu_intel[5], &pmu_amd[0],
						      &pmu_amd[1], &pmu_amd[2]};
	struct pmu pmu;
	u64 before;

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(models); i++) {
		pmu_set_up(&pmu, models[i], 4, models[i]->num_fixed / 2);
		before = num_accesses(pmu.machine);
		pmu_run(&pmu, 10); /* nothing in use: nothing to load */
		assert_int_equal(num_accesses(pmu.machine), before);
		pmu_load_all(&pmu);
		before = num_accesses(pmu.machine);
		for (int run = 0; run < 5; run++)
			pmu_run(&pmu, 10);
		assert_int_equal(num_accesses(pmu.machine), before);
		assert_int_equal(pmu_read(&pmu, pmu_counter_msr(&pmu, 3)), 50);
	}
}

/* Only the counters that are used: a counter and a selector each in, a read and the two out. */
static void load_and_put_touch_only_what_is_used(void **state)
{
	struct pmu pmu;
	u64 before;

	(void)state;
	for (unsigned int used = 1; used <= 4; used++) {
		pmu_set_up(&pmu, &pmu_intel[5], 4, 2);
		for (unsigned int i = 0; i < used; i++)
			pmu_write(&pmu, pmu_select_msr(&pmu, i), PMU_INSTRUCTIONS);
		before = pmu.machine->num_wrmsr;
		pmu_run(&pmu, 10);
		assert_int_equal(pmu.machine->num_wrmsr - before, 2 * used);
		before = pmu.machine->num_wrmsr;
		rig_put(&pmu.rig, 0);
		assert_int_equal(pmu.machine->num_wrmsr - before, 2 * used);
		assert_int_equal(pmu.machine->num_rdpmc, used);
	}
}

/* With `loads_all` RDPMC needs no exit as soon as a counter is in use, and has nothing to see before and after. */
static void one_counter_in_use_brings_all_with_it(void **state)
{
	const struct machine_model *const models[] = {&pmu_intel[2], &pmu_intel[5], &pmu_amd[0],
						      &pmu_amd[2]};
	struct pmu pmu;
	u64 value;

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(models); i++) {
		pmu_set_up(&pmu, models[i], 4, models[i]->num_fixed / 2);
		pmu.vcpu->part.loads_all = true;
		pmu_write(&pmu, pmu_counter_msr(&pmu, 2), 77);
		pmu_run(&pmu, 10);
		assert_false(rig_is_rdpmc_direct(&pmu.rig, 0));
		assert_int_equal(num_accesses(pmu.machine), 0);
		pmu_write(&pmu, pmu_select_msr(&pmu, 1), PMU_INSTRUCTIONS);
		if (pmu.rig.part.version >= 2)
			pmu_write(&pmu, pmu_ctrl_msr(&pmu), 2);
		pmu_run(&pmu, 10);
		assert_int_equal(pmu.vcpu->hw, pmu.rig.part.guest_mask);
		assert_true(rig_is_rdpmc_direct(&pmu.rig, 0));
		assert_int_equal(rig_guest_rdpmc(&pmu.rig, 0, 1, &value), HVPMU_OK);
		assert_int_equal(value, 10);
		assert_int_equal(rig_guest_rdpmc(&pmu.rig, 0, 2, &value), HVPMU_OK);
		assert_int_equal(value, 77);
		rig_put(&pmu.rig, 0);
		assert_int_equal(pmu.rig.cpu[0].reads | pmu.machine->gp_counter[1] |
					 pmu.machine->gp_counter[2],
				 0);
		assert_int_equal(pmu_read(&pmu, pmu_counter_msr(&pmu, 2)), 77);
	}
}

/* A counter that the filter denies is not in hardware: RDPMC of it would show another value. */
static void a_denied_counter_takes_direct_rdpmc_away(void **state)
{
	struct pmu pmu;

	(void)state;
	pmu_set_up(&pmu, &pmu_intel[2], 4, 1);
	pmu.vcpu->part.loads_all = true;
	pmu_load_all(&pmu);
	assert_true(rig_is_rdpmc_direct(&pmu.rig, 0));
	pmu.rig.denied = 4;
	hvpmu_filter(pmu.vcpu, &pmu.env);
	assert_false(rig_is_rdpmc_direct(&pmu.rig, 0));
	pmu.rig.denied = 0;
	hvpmu_filter(pmu.vcpu, &pmu.env);
	assert_true(rig_is_rdpmc_direct(&pmu.rig, 0));
}

/* What is kept in memory, and a control that keeps its value, write no control. */
static void writes_that_change_no_control_write_none(void **state)
{
	static const struct {
		u32 msr;
		u64 value;
		u64 writes;
	} cases[] = {
		{0x390, 0xf, 0},
		{0x391, 0x2, 0},
		{0x38f, 0x30000000fULL, 0},
		{0x186, PMU_INSTRUCTIONS, 0},
		{0x38d, 0x11, 0},
		{0x38f, 0, 0},
		{0x187, 0x4100c0, 1},
		{0x38d, 0x12, 1},
		{0x4c1, 5, 1},
		{0x309, 5, 1},
	};
	struct pmu pmu;
	u64 before;

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(cases); i++) {
		pmu_set_up(&pmu, &pmu_intel[5], 4, 2);
		pmu_load_all(&pmu);
		before = pmu.machine->num_wrmsr;
		pmu_write(&pmu, cases[i].msr, cases[i].value);
		assert_int_equal(pmu.machine->num_wrmsr - before, cases[i].writes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_controls_are_used_where_they_work),
		cmocka_unit_test(the_errata_are_those_of_five_models),
		cmocka_unit_test(a_plan_has_the_layout_of_an_msr_area),
		cmocka_unit_test(the_areas_switch_global_ctrl),
		cmocka_unit_test(plans_of_intel_are_in_order),
		cmocka_unit_test(a_plan_leaves_other_fixed_counters_on),
		cmocka_unit_test(plans_of_amd_are_in_order),
		cmocka_unit_test(the_largest_plan_fits),
		cmocka_unit_test(plans_work_as_msr_areas),
		cmocka_unit_test(an_entry_and_an_exit_with_nothing_changed_access_no_msr),
		cmocka_unit_test(load_and_put_touch_only_what_is_used),
		cmocka_unit_test(one_counter_in_use_brings_all_with_it),
		cmocka_unit_test(a_denied_counter_takes_direct_rdpmc_away),
		cmocka_unit_test(writes_that_change_no_control_write_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
