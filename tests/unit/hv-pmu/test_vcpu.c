/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A vCPU's states: reset, loaded, put, filtered, and what hvpmu_check() says of states that cannot be. */
#include "tests/unit/check.h"

#include "common/base/array.h"
#include "hvpmu/saved.h"
#include "tests/unit/hv-pmu/pmu.h"

/* SDM volume 3, "Processor State After Reset": GLOBAL_CTRL[n-1:0] is 1, all else 0; the PPRs too. */
static void after_reset_only_global_ctrl_is_set(void **state)
{
	static const struct {
		const struct machine_model *model;
		unsigned int gp, fixed;
		u64 global_ctrl;
	} cases[] = {
		{&pmu_intel[2], 4, 2, 0xf}, {&pmu_intel[5], 8, 4, 0xff}, {&pmu_intel[5], 0, 2, 0},
		{&pmu_amd[0], 4, 0, 0},	    {&pmu_amd[1], 6, 0, 0},	 {&pmu_amd[2], 4, 0, 0xf},
	};

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(cases); i++) {
		struct hvpmu_saved saved;
		struct pmu pmu;

		pmu_set_up(&pmu, cases[i].model, cases[i].gp, cases[i].fixed);
		hvpmu_save(pmu.vcpu, &pmu.env, &saved);
		assert_int_equal(saved.global_ctrl, cases[i].global_ctrl);
		assert_int_equal(saved.status | saved.fixed_ctrl, 0);
		for (size_t n = 0; n < HVPMU_MAX_GP; n++)
			assert_int_equal(saved.gp_counter[n] | saved.gp_select[n], 0);
		for (size_t n = 0; n < HVPMU_MAX_FIXED; n++)
			assert_int_equal(saved.fixed_counter[n], 0);
	}
}

static void a_reset_takes_all_from_hardware_and_keeps_the_account(void **state)
{
	struct hvpmu_saved fresh, after;
	struct pmu pmu;

	(void)state;
	pmu_set_up(&pmu, &pmu_intel[5], 4, 2);
	hvpmu_save(pmu.vcpu, &pmu.env, &fresh);
	pmu_write(&pmu, 0x186, PMU_INSTRUCTIONS | PMU_INT);
	pmu_write(&pmu, 0x38d, 0xb);
	pmu_write(&pmu, 0x391, 7);
	hvpmu_set_freeze_on_pmi(pmu.vcpu, &pmu.env, true);
	pmu_write(&pmu, 0x4c1, 0xffffffffffffULL);
	pmu_run(&pmu, 1);
	assert_int_equal(pmu.vcpu->state, HVPMU_LOADED);
	hvpmu_vcpu_reset(pmu.vcpu, &pmu.env);
	assert_int_equal(pmu.vcpu->state, HVPMU_INACTIVE);
	assert_int_equal(pmu.machine->gp_select[0] | pmu.machine->gp_counter[0], 0);
	hvpmu_save(pmu.vcpu, &pmu.env, &after);
	assert_memory_equal(&after, &fresh, sizeof(after));
	assert_int_equal(pmu.vcpu->account.pmis, 1);
	assert_int_equal(pmu.vcpu->account.loads, 1);
}

static void a_put_leaves_nothing_of_the_guest_in_hardware(void **state)
{
	const struct machine_model *const models[] = {&pmu_intel[2], &pmu_intel[5], &pmu_amd[0],
						      &pmu_amd[1], &pmu_amd[2]};

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(models); i++) {
		struct pmu pmu;

		pmu_set_up(&pmu, models[i], 4, models[i]->num_fixed / 2);
		pmu_load_all(&pmu);
		pmu_run(&pmu, 77);
		rig_put(&pmu.rig, 0);
		for (unsigned int n = 0; n < models[i]->num_gp; n++)
			assert_int_equal(pmu.machine->gp_counter[n] | pmu.machine->gp_select[n], 0);
		assert_int_equal(pmu.machine->fixed_ctrl | pmu.machine->fixed_counter[0], 0);
		assert_int_equal(pmu.rig.cpu[0].reads | pmu.rig.cpu[0].writes, 0);
		rig_load(&pmu.rig, 0, 0);
		assert_int_equal(pmu_read(&pmu, pmu_counter_msr(&pmu, 3)), 77);
		pmu_run(&pmu, 3);
		assert_int_equal(pmu_read(&pmu, pmu_counter_msr(&pmu, 3)), 80);
	}
}

/* The guest writes what hardware has without an exit; before PerfMonV2 writes have to be seen. */
static void the_msr_bitmap_follows_what_is_in_hardware(void **state)
{
	static const struct {
		const struct machine_model *model;
		u64 reads, writes;
	} cases[] = {
		{&pmu_intel[5], 5, 5},
		{&pmu_amd[0], 5, 0},
		{&pmu_amd[1], 5, 0},
		{&pmu_amd[2], 5, 5},
	};
	struct pmu pmu;

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(cases); i++) {
		pmu_set_up(&pmu, cases[i].model, 4, 0);
		pmu_write(&pmu, pmu_select_msr(&pmu, 0), PMU_INSTRUCTIONS);
		pmu_write(&pmu, pmu_select_msr(&pmu, 2), PMU_INSTRUCTIONS);
		assert_int_equal(pmu.rig.cpu[0].reads, 0);
		pmu_run(&pmu, 0);
		assert_int_equal(pmu.rig.cpu[0].reads, cases[i].reads);
		assert_int_equal(pmu.rig.cpu[0].writes, cases[i].writes);
		/* One that comes into use while others are loaded follows at once. */
		pmu_write(&pmu, pmu_select_msr(&pmu, 3), PMU_INSTRUCTIONS);
		assert_int_equal(pmu.rig.cpu[0].reads, cases[i].reads | 8);
	}
}

static void what_the_filter_denies_does_not_count_nor_stay_in_hardware(void **state)
{
	const struct machine_model *const models[] = {&pmu_intel[2], &pmu_intel[5], &pmu_amd[0],
						      &pmu_amd[1], &pmu_amd[2]};

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(models); i++) {
		struct pmu pmu;

		pmu_set_up(&pmu, models[i], 4, 0);
		pmu_load_all(&pmu);
		pmu_run(&pmu, 10);
		pmu.rig.denied = 2;
		hvpmu_filter(pmu.vcpu, &pmu.env);
		assert_int_equal(pmu.vcpu->hw, 0xd);
		assert_int_equal(pmu.machine->gp_select[1] | pmu.machine->gp_counter[1], 0);
		pmu_run(&pmu, 10);
		assert_int_equal(pmu_read(&pmu, pmu_counter_msr(&pmu, 0)), 20);
		assert_int_equal(pmu_read(&pmu, pmu_counter_msr(&pmu, 1)), 10);
		/* The guest still reads its own selector. */
		assert_int_equal(pmu_read(&pmu, pmu_select_msr(&pmu, 1)), PMU_INSTRUCTIONS);
		pmu.rig.denied = 0;
		hvpmu_filter(pmu.vcpu, &pmu.env);
		pmu_run(&pmu, 10);
		assert_int_equal(pmu_read(&pmu, pmu_counter_msr(&pmu, 1)), 20);
		pmu.rig.denied = 0xf;
		hvpmu_filter(pmu.vcpu, &pmu.env);
		assert_int_equal(pmu.vcpu->state, HVPMU_INACTIVE);
	}
}

static void the_filter_is_asked_when_a_selector_is_written(void **state)
{
	struct pmu pmu;

	(void)state;
	pmu_set_up(&pmu, &pmu_intel[5], 4, 2);
	pmu.rig.denied = 1 | 1ULL << 33;
	hvpmu_filter(pmu.vcpu, &pmu.env);
	pmu_write(&pmu, 0x186, PMU_INSTRUCTIONS);
	pmu_write(&pmu, 0x187, PMU_INSTRUCTIONS);
	pmu_write(&pmu, 0x38d, 0x11);
	pmu_write(&pmu, 0x38f, 0x30000000fULL);
	pmu_run(&pmu, 4);
	assert_int_equal(pmu.vcpu->hw, 2 | 1ULL << 32);
	assert_int_equal(pmu_read(&pmu, 0x4c1), 0);
	assert_int_equal(pmu_read(&pmu, 0x4c2), 4);
	pmu.rig.denied = 0;
	pmu_write(&pmu, 0x186, PMU_INSTRUCTIONS);
	pmu_run(&pmu, 4);
	assert_int_equal(pmu_read(&pmu, 0x4c1), 4);
}

static void a_filtered_fixed_counter_does_not_count(void **state)
{
	struct pmu pmu;

	(void)state;
	pmu_set_up(&pmu, &pmu_intel[5], 4, 2);
	pmu_load_all(&pmu);
	pmu_run(&pmu, 10);
	pmu.rig.denied = 1ULL << 32;
	hvpmu_filter(pmu.vcpu, &pmu.env);
	assert_int_equal(pmu.machine->fixed_ctrl, 0x10);
	pmu_run(&pmu, 10);
	assert_int_equal(pmu_read(&pmu, 0x309), 10);
}

static void a_narrowed_guest_leaves_the_rest_of_its_half_alone(void **state)
{
	static const u32 two[4] = {0x07300202, 0, 0, 0x8601};
	struct hvpmu_part narrow;
	struct pmu pmu;

	(void)state;
	pmu_set_up(&pmu, &pmu_intel[5], 4, 2);
	assert_int_equal(hvpmu_part_narrow(&pmu.rig.part, two, &narrow), 0);
	hvpmu_vcpu_init(pmu.vcpu, &narrow);
	assert_int_equal(pmu_read(&pmu, 0x38f), 3);
	pmu_write(&pmu, 0x187, PMU_INSTRUCTIONS);
	pmu_write(&pmu, 0x38f, 0x100000003ULL);
	pmu_run(&pmu, 6);
	assert_int_equal(pmu_read(&pmu, 0x4c2), 6);
	assert_int_equal(pmu.rig.cpu[0].reads, 2);
}

enum wrong {
	NO_SUCH_STATE,
	FOREIGN_COUNTER,
	TOO_WIDE,
	TOO_WIDE_FIXED,
	LOADED_EMPTY,
	LOADED_ELSEWHERE,
	DENIED_IN_HARDWARE,
	IN_USE_NOT_IN_HARDWARE,
	WRONG_GATE,
	INACTIVE_WITH_HARDWARE,
	INACTIVE_BUT_KNOWN,
	NUM_WRONG,
};

static void make_wrong(struct pmu *pmu, enum wrong wrong)
{
	struct hvpmu_vcpu *vcpu = pmu->vcpu;

	switch (wrong) {
	case NO_SUCH_STATE: vcpu->state = 2; break;
	case FOREIGN_COUNTER: vcpu->hw |= 0x10; break;
	case TOO_WIDE: vcpu->gp_counter[3] = 1ULL << 48; break;
	case TOO_WIDE_FIXED: vcpu->fixed_counter[1] = 1ULL << 48; break;
	case LOADED_EMPTY: vcpu->hw = 0; break;
	case LOADED_ELSEWHERE: pmu->env.cpu->loaded = &pmu->rig.vcpu[1].core; break;
	case DENIED_IN_HARDWARE: vcpu->denied = 1; break;
	case IN_USE_NOT_IN_HARDWARE: vcpu->hw &= ~1ULL; break;
	case WRONG_GATE: vcpu->guest_ctrl &= ~1ULL; break;
	case INACTIVE_WITH_HARDWARE: vcpu->state = HVPMU_INACTIVE; break;
	case INACTIVE_BUT_KNOWN:
		vcpu->state = HVPMU_INACTIVE;
		vcpu->hw = 0;
		break;
	case NUM_WRONG: break;
	}
}

static void a_state_that_cannot_be_is_named(void **state)
{
	static const char *const says[NUM_WRONG + 1] = {
		[NO_SUCH_STATE] = "7: a state that does not exist",
		[FOREIGN_COUNTER] = "4: a counter of the host in the guest's set",
		[TOO_WIDE] = "8: a counter beyond its width",
		[TOO_WIDE_FIXED] = "8: a counter beyond its width",
		[LOADED_EMPTY] = "7: loaded, but no counter is in hardware",
		[LOADED_ELSEWHERE] = "7: loaded, but its CPU knows of another vCPU",
		[DENIED_IN_HARDWARE] = "9: a counter that the filter denies is in hardware",
		[IN_USE_NOT_IN_HARDWARE] = "1: a counter that belongs in hardware is not there",
		[WRONG_GATE] = "1: the guest half of GLOBAL_CTRL is not what the guest asked for",
		[INACTIVE_WITH_HARDWARE] = "6: inactive, but counters are in hardware",
		[INACTIVE_BUT_KNOWN] = "7: inactive, but a CPU believes it is loaded",
		[NUM_WRONG] = NULL,
	};

	(void)state;
	for (int wrong = 0; wrong <= NUM_WRONG; wrong++) {
		const char *said;
		struct pmu pmu;

		pmu_set_up(&pmu, &pmu_intel[5], 4, 2);
		pmu_load_all(&pmu);
		make_wrong(&pmu, (enum wrong)wrong);
		said = hvpmu_check(pmu.vcpu, pmu.env.cpu);
		if (!said || !says[wrong])
			assert_ptr_equal(said, says[wrong]);
		else
			assert_string_equal(said, says[wrong]);
	}
}

/* A vCPU alone can be checked too; only what its CPU knows of it cannot. */
static void a_state_can_be_checked_without_its_cpu(void **state)
{
	struct pmu pmu;

	(void)state;
	pmu_set_up(&pmu, &pmu_intel[5], 4, 2);
	assert_null(hvpmu_check(pmu.vcpu, NULL));
	pmu_load_all(&pmu);
	pmu.env.cpu->loaded = NULL;
	assert_null(hvpmu_check(pmu.vcpu, NULL));
	assert_non_null(hvpmu_check(pmu.vcpu, pmu.env.cpu));
}

static void a_control_written_while_loaded_reaches_the_hardware(void **state)
{
	const struct machine_model *const models[] = {&pmu_intel[2], &pmu_intel[5], &pmu_amd[0],
						      &pmu_amd[1], &pmu_amd[2]};

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(models); i++) {
		bool has_fixed = models[i]->num_fixed;
		struct pmu pmu;

		pmu_set_up(&pmu, models[i], 4, has_fixed ? 2 : 0);
		pmu_load_all(&pmu);
		pmu_run(&pmu, 10);
		pmu_write(&pmu, pmu_select_msr(&pmu, 1), 0x4100c0); /* user mode only */
		if (has_fixed)
			pmu_write(&pmu, 0x38d, 0x10);
		pmu_run(&pmu, 10);
		assert_int_equal(pmu_read(&pmu, pmu_counter_msr(&pmu, 0)), 20);
		assert_int_equal(pmu_read(&pmu, pmu_counter_msr(&pmu, 1)), 10);
		if (has_fixed)
			assert_int_equal(pmu_read(&pmu, 0x309), 10);
		if (models[i]->version < 2)
			continue;
		pmu_write(&pmu, pmu_ctrl_msr(&pmu), 0xe);
		pmu_run(&pmu, 10);
		assert_int_equal(pmu_read(&pmu, pmu_counter_msr(&pmu, 0)), 20);
		assert_int_equal(pmu_read(&pmu, pmu_counter_msr(&pmu, 2)), 30);
	}
}

/* One register for both: neither side's write may turn off the other's counters. */
static void host_and_guest_share_the_control_of_fixed_counters(void **state)
{
	struct pmu pmu;

	(void)state;
	pmu_set_up(&pmu, &pmu_intel[5], 4, 2);
	assert_int_equal(hvpmu_merge_fixed_ctrl(pmu.env.cpu, 0xb033), 0xb000);
	pmu_load_all(&pmu);
	assert_int_equal(pmu.machine->fixed_ctrl, 0xb011);
	assert_int_equal(hvpmu_merge_fixed_ctrl(pmu.env.cpu, 0x0bff), 0x0b11);
	pmu_write(&pmu, 0x38d, 0x30);
	assert_int_equal(pmu.machine->fixed_ctrl, 0x0b30);
	rig_put(&pmu.rig, 0);
	assert_int_equal(pmu.machine->fixed_ctrl, 0x0b00);
	assert_int_equal(hvpmu_merge_fixed_ctrl(pmu.env.cpu, 0), 0);
}

static void a_cpu_starts_with_the_hosts_half_and_nothing_loaded(void **state)
{
	static struct hvpmu_cpu cpu;
	struct pmu pmu;

	(void)state;
	pmu_set_up(&pmu, &pmu_intel[5], 4, 2);
	memset(&cpu, 0xee, sizeof(cpu));
	hvpmu_cpu_init(&cpu, &pmu.rig.part, 0xbbbb);
	assert_ptr_equal(cpu.part, &pmu.rig.part);
	assert_null(cpu.loaded);
	assert_int_equal(cpu.host_fixed_ctrl, 0xbb00);
	assert_int_equal(cpu.guest_fixed_ctrl | cpu.nmi_claimed, 0);
	assert_false(cpu.is_busy | cpu.is_pmi_expected);
}

static void a_reset_does_not_lift_the_filter(void **state)
{
	struct pmu pmu;

	(void)state;
	pmu_set_up(&pmu, &pmu_intel[5], 4, 2);
	pmu.rig.denied = 1ULL << 32;
	hvpmu_vcpu_reset(pmu.vcpu, &pmu.env);
	pmu_write(&pmu, 0x38d, 0x11);
	pmu_write(&pmu, 0x38f, 0x300000000ULL);
	pmu_run(&pmu, 5);
	assert_int_equal(pmu.vcpu->hw, 1ULL << 33);
	assert_int_equal(pmu_read(&pmu, 0x309), 0);
}

static void the_filter_knows_general_counters_by_their_event(void **state)
{
	struct pmu pmu;

	(void)state;
	pmu_set_up(&pmu, &pmu_intel[5], 4, 2);
	pmu.rig.denied_event = 0xc0;
	hvpmu_filter(pmu.vcpu, &pmu.env);
	pmu_write(&pmu, 0x186, PMU_INSTRUCTIONS);
	pmu_write(&pmu, 0x187, 0x4200c4);
	pmu_write(&pmu, 0x38d,
		  1); /* instructions too, but fixed counters are asked for by number */
	pmu_write(&pmu, 0x38f, 0x10000000fULL);
	pmu_run(&pmu, 3);
	assert_int_equal(pmu.vcpu->hw, 2 | 1ULL << 32);
	pmu_write(&pmu, 0x186, 0x4200c4);
	pmu_write(&pmu, 0x187, PMU_INSTRUCTIONS);
	pmu_run(&pmu, 3);
	assert_int_equal(pmu.vcpu->hw, 1 | 1ULL << 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(after_reset_only_global_ctrl_is_set),
		cmocka_unit_test(a_reset_takes_all_from_hardware_and_keeps_the_account),
		cmocka_unit_test(a_put_leaves_nothing_of_the_guest_in_hardware),
		cmocka_unit_test(the_msr_bitmap_follows_what_is_in_hardware),
		cmocka_unit_test(what_the_filter_denies_does_not_count_nor_stay_in_hardware),
		cmocka_unit_test(the_filter_is_asked_when_a_selector_is_written),
		cmocka_unit_test(a_filtered_fixed_counter_does_not_count),
		cmocka_unit_test(a_narrowed_guest_leaves_the_rest_of_its_half_alone),
		cmocka_unit_test(a_state_that_cannot_be_is_named),
		cmocka_unit_test(a_state_can_be_checked_without_its_cpu),
		cmocka_unit_test(a_control_written_while_loaded_reaches_the_hardware),
		cmocka_unit_test(host_and_guest_share_the_control_of_fixed_counters),
		cmocka_unit_test(a_cpu_starts_with_the_hosts_half_and_nothing_loaded),
		cmocka_unit_test(a_reset_does_not_lift_the_filter),
		cmocka_unit_test(the_filter_knows_general_counters_by_their_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
