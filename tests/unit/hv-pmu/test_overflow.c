/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Overflows, freezes, PMIs and NMIs. SDM volume 3, "Counter Overflow", "Freezing ... on PMI", "Local Vector Table". */
#include "tests/unit/check.h"

#include "common/base/array.h"
#include "tests/unit/hv-pmu/pmu.h"

#define MAX_VALUE 0xffffffffffffULL
#define FIXED0 (1ULL << 32)
#define CTR_FRZ (1ULL << 59)
#define HOST_LVTPC 0x400u
#define LVTPC_MASKED 0x10000u

/* A PMI is pending that hvpmu_take_pmi() has not been asked for. */
static void make_pending(struct pmu *pmu)
{
	pmu_write(pmu, pmu_select_msr(pmu, 0), PMU_INSTRUCTIONS | PMU_INT);
	pmu_write(pmu, pmu_counter_msr(pmu, 0), MAX_VALUE);
	hvpmu_retired(pmu->vcpu, &pmu->env, HVPMU_RETIRED_INSTRUCTION, 0);
}

static void a_pmi_goes_through_the_guests_lvtpc(void **state)
{
	static const struct {
		const char *what;
		bool is_amd;
		u32 lvtpc;
		bool is_taken;
		u32 interrupt, after;
	} cases[] = {
		{"a vector", false, 0xec, true, 0xec, 0x100ec},
		{"NMI", false, 0x400, true, 0x400, 0x10400},
		{"SMI", false, 0x200, true, 0x200, 0x10200},
		{"ExtINT: not supported", false, 0x700, false, 0, 0x700},
		{"INIT: not supported", false, 0x500, false, 0, 0x500},
		{"reserved 1", false, 0x1ec, false, 0, 0x1ec},
		{"reserved 3", false, 0x3ec, false, 0, 0x3ec},
		{"reserved 6", false, 0x6ec, false, 0, 0x6ec},
		{"delivery status is no part of it", false, 0x10ec, true, 0xec, 0x110ec},
		{"masked vector", false, 0x100ec, false, 0, 0x100ec},
		{"masked NMI", false, 0x10400, false, 0, 0x10400},
		{"AMD: a vector", true, 0xec, true, 0xec, 0xec},
		{"AMD: NMI", true, 0x400, true, 0x400, 0x400},
		{"AMD: ExtINT", true, 0x700, true, 0x700, 0x700},
		{"AMD: INIT", true, 0x500, false, 0, 0x500},
		{"AMD: masked", true, 0x10400, false, 0, 0x10400},
	};
	struct pmu pmu;

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(cases); i++) {
		u32 lvtpc = cases[i].lvtpc, interrupt = 0;

		pmu_set_up(&pmu, cases[i].is_amd ? &pmu_amd[2] : &pmu_intel[5], 4, 0);
		assert_false(hvpmu_take_pmi(pmu.vcpu, &lvtpc, &interrupt));
		assert_int_equal(lvtpc, cases[i].lvtpc);
		make_pending(&pmu);
		if (hvpmu_take_pmi(pmu.vcpu, &lvtpc, &interrupt) != cases[i].is_taken ||
		    interrupt != cases[i].interrupt || lvtpc != cases[i].after)
			fail_msg("%s: interrupt %#x, then %#x", cases[i].what, interrupt, lvtpc);
		/* Taken or lost: it is gone. */
		lvtpc = 0xec;
		assert_false(hvpmu_take_pmi(pmu.vcpu, &lvtpc, &interrupt));
	}
}

static void an_overflow_sets_its_bit_and_interrupts_if_asked(void **state)
{
	static const struct {
		unsigned int version;
		bool is_amd;
		u32 msr;
		unsigned int counter; /* the last one before it wraps */
		u64 control;
		u64 status;
		u32 pmis;
	} cases[] = {
		{2, false, 0x186, 0, PMU_INSTRUCTIONS, 1, 0},
		{2, false, 0x186, 0, PMU_INSTRUCTIONS | PMU_INT, 1, 1},
		{3, false, 0x189, 3, PMU_INSTRUCTIONS | PMU_INT, 8, 1},
		{5, false, 0x38d, 32, 0x1, FIXED0, 0},
		{5, false, 0x38d, 32, 0x9, FIXED0, 1},
		{0, true, 0xc0010001, 1, PMU_INSTRUCTIONS, 0, 0},
		{0, true, 0xc0010001, 1, PMU_INSTRUCTIONS | PMU_INT, 0, 1},
		{1, true, 0xc0010206, 3, PMU_INSTRUCTIONS | PMU_INT, 0, 1},
		{2, true, 0xc0010206, 3, PMU_INSTRUCTIONS, 8, 0},
		{2, true, 0xc0010206, 3, PMU_INSTRUCTIONS | PMU_INT, 8, 1},
	};
	struct pmu pmu;

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(cases); i++) {
		bool is_amd = cases[i].is_amd;

		pmu_set_up(&pmu, is_amd ? &pmu_amd[cases[i].version] : &pmu_intel[cases[i].version],
			   is_amd && cases[i].version == 1 ? 6 : 4, is_amd ? 0 : 2);
		pmu_write(&pmu, cases[i].msr, cases[i].control);
		if (cases[i].counter >= 32)
			pmu_write(&pmu, 0x38f, pmu.rig.part.guest_mask);
		pmu_write(&pmu, pmu_counter_msr(&pmu, cases[i].counter), MAX_VALUE - 4);
		pmu_run(&pmu, 4);
		assert_int_equal(pmu.rig.vcpu[0].requests, 0);
		pmu_run(&pmu, 3);
		assert_int_equal(pmu_read(&pmu, pmu_counter_msr(&pmu, cases[i].counter)), 2);
		if (pmu.rig.part.version >= 2)
			assert_int_equal(pmu_read(&pmu, is_amd ? 0xc0000300 : 0x38e),
					 cases[i].status);
		assert_int_equal(pmu.rig.vcpu[0].requests, cases[i].pmis);
		assert_int_equal(pmu.rig.vcpu[0].injected, cases[i].pmis);
		assert_int_equal(pmu.vcpu->account.pmis, cases[i].pmis);
		assert_int_equal(pmu.rig.cpu[0].num_unknown, 0);
	}
}

static void overflows_at_once_make_one_pmi(void **state)
{
	struct pmu pmu;

	(void)state;
	pmu_set_up(&pmu, &pmu_intel[5], 4, 2);
	pmu_write(&pmu, 0x186, PMU_INSTRUCTIONS | PMU_INT);
	pmu_write(&pmu, 0x187, PMU_INSTRUCTIONS | PMU_INT);
	pmu_write(&pmu, 0x38d, 0x9);
	pmu_write(&pmu, 0x38f, 3 | FIXED0);
	pmu_write(&pmu, 0x4c1, MAX_VALUE);
	pmu_write(&pmu, 0x4c2, MAX_VALUE);
	pmu_write(&pmu, 0x309, MAX_VALUE);
	pmu_run(&pmu, 1);
	assert_int_equal(pmu_read(&pmu, 0x38e), 3 | FIXED0);
	assert_int_equal(pmu.rig.vcpu[0].injected, 1);
	pmu_write(&pmu, 0x390, 2 | FIXED0);
	assert_int_equal(pmu_read(&pmu, 0x38e), 1);
	assert_int_equal(pmu.machine->status, 0);
}

static void a_freeze_on_pmi_is_the_versions(void **state)
{
	struct pmu pmu;

	(void)state;
	for (unsigned int version = 2; version <= 5; version++) {
		bool is_streamlined = version >= 4;

		pmu_set_up(&pmu, &pmu_intel[version], 4, 2);
		hvpmu_set_freeze_on_pmi(pmu.vcpu, &pmu.env, true);
		pmu_write(&pmu, 0x186, PMU_INSTRUCTIONS | PMU_INT);
		pmu_write(&pmu, 0x187, PMU_INSTRUCTIONS);
		pmu_write(&pmu, 0x38d, 1);
		pmu_write(&pmu, 0x38f, 0x30000000fULL);
		pmu_write(&pmu, 0x4c1, MAX_VALUE - 9);
		pmu_run(&pmu, 10);
		assert_int_equal(pmu.rig.vcpu[0].injected, 1);
		assert_int_equal(pmu_read(&pmu, 0x38f), is_streamlined ? 0x30000000fULL : 0);
		assert_int_equal(pmu_read(&pmu, 0x38e), is_streamlined ? CTR_FRZ | 1 : 1);
		pmu_run(&pmu, 100);
		assert_int_equal(pmu_read(&pmu, 0x4c1), 0);
		assert_int_equal(pmu_read(&pmu, 0x4c2), 10);
		assert_int_equal(pmu_read(&pmu, 0x309), 10);
		/* The handler's end: acknowledge, and on the old ones enable. */
		if (is_streamlined) {
			pmu_write(&pmu, 0x390, CTR_FRZ | 1);
		} else {
			pmu_write(&pmu, 0x390, 1);
			pmu_write(&pmu, 0x38f, 0x30000000fULL);
		}
		pmu_run(&pmu, 5);
		assert_int_equal(pmu_read(&pmu, 0x4c1), 5);
		assert_int_equal(pmu_read(&pmu, 0x4c2), 15);
		assert_int_equal(pmu_read(&pmu, 0x309), 15);
	}
}

static void nothing_freezes_without_a_pmi_or_without_the_bit_or_on_amd(void **state)
{
	static const struct {
		bool is_amd, is_on;
		u64 control;
	} cases[] = {
		{false, true, PMU_INSTRUCTIONS},
		{false, false, PMU_INSTRUCTIONS | PMU_INT},
		{true, true, PMU_INSTRUCTIONS | PMU_INT},
	};
	struct pmu pmu;

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(cases); i++) {
		pmu_set_up(&pmu, cases[i].is_amd ? &pmu_amd[2] : &pmu_intel[4], 4, 0);
		hvpmu_set_freeze_on_pmi(pmu.vcpu, &pmu.env, cases[i].is_on);
		pmu_write(&pmu, pmu_select_msr(&pmu, 0), cases[i].control);
		pmu_write(&pmu, pmu_counter_msr(&pmu, 0), MAX_VALUE);
		pmu_run(&pmu, 5);
		pmu_run(&pmu, 5);
		assert_int_equal(pmu_read(&pmu, pmu_counter_msr(&pmu, 0)), 9);
		assert_int_equal(pmu_read(&pmu, pmu_ctrl_msr(&pmu)), 0xf);
	}
}

/* "IA32_PERF_GLOBAL_STATUS_SET": a guest that sets CTR_Frz itself stops its counters. */
static void setting_the_freeze_bit_stops_counters_without_a_pmi(void **state)
{
	struct pmu pmu;

	(void)state;
	pmu_set_up(&pmu, &pmu_intel[4], 4, 0);
	pmu_write(&pmu, 0x186, PMU_INSTRUCTIONS | PMU_INT);
	pmu_run(&pmu, 3);
	pmu_write(&pmu, 0x391, CTR_FRZ | 1);
	pmu_run(&pmu, 3);
	assert_int_equal(pmu_read(&pmu, 0x4c1), 3);
	assert_int_equal(pmu_read(&pmu, 0x38e), CTR_FRZ | 1);
	assert_int_equal(pmu.rig.vcpu[0].injected, 0);
	pmu_write(&pmu, 0x390, CTR_FRZ);
	pmu_run(&pmu, 3);
	assert_int_equal(pmu_read(&pmu, 0x4c1), 6);
}

/* The guest's counter 0 overflows; the NMI is latched and the CPU back in host mode. */
static void overflow_without_delivery(struct pmu *pmu)
{
	pmu_write(pmu, pmu_select_msr(pmu, 0), PMU_INSTRUCTIONS | PMU_INT);
	pmu_write(pmu, pmu_counter_msr(pmu, 0), MAX_VALUE);
	assert_true(rig_enter(&pmu->rig, 0));
	machine_count(pmu->machine, MACHINE_INSTRUCTIONS, 0, 1);
	rig_exit(&pmu->rig, 0);
	assert_true(pmu->machine->nmi_pending);
}

static void assert_nmi(struct pmu *pmu, u64 guest, u64 host, bool is_expected)
{
	struct hvpmu_nmi nmi = hvpmu_nmi(&pmu->env);

	assert_int_equal(nmi.guest, guest);
	assert_int_equal(nmi.host, host);
	assert_int_equal(nmi.is_expected, is_expected);
}

static void an_nmi_with_nothing_of_ours_is_none_of_ours(void **state)
{
	struct pmu pmu;

	(void)state;
	pmu_set_up(&pmu, &pmu_intel[5], 4, 2);
	pmu.machine->lvtpc |= LVTPC_MASKED;
	pmu.machine->status = 0x10;
	assert_nmi(&pmu, 0, 0x10, false);
	assert_int_equal(pmu.machine->status, 0x10);
	/* The host's handler opens it. */
	assert_true(pmu.machine->lvtpc & LVTPC_MASKED);
}

/* Whoever had them has gone: what is left in the status would raise the next NMI, and the next. */
static void an_overflow_that_nobody_has_is_acknowledged(void **state)
{
	struct pmu pmu;

	(void)state;
	pmu_set_up(&pmu, &pmu_intel[5], 4, 2);
	pmu.machine->status = 0x13;
	assert_nmi(&pmu, 3, 0x10, false);
	assert_int_equal(pmu.machine->status, 0x10);
	/* Nor has the loaded vCPU those of counters that it does not use. */
	pmu.machine->status = 0;
	overflow_without_delivery(&pmu);
	pmu.machine->status |= 2;
	assert_nmi(&pmu, 3, 0, false);
	assert_int_equal(pmu.machine->status, 0);
	assert_int_equal(pmu.vcpu->status, 1);
}

/* One of another origin was sooner, and took its overflow. */
static void an_nmi_that_comes_late_opens_the_lvtpc(void **state)
{
	struct pmu pmu;

	(void)state;
	pmu_set_up(&pmu, &pmu_intel[5], 4, 2);
	overflow_without_delivery(&pmu);
	assert_nmi(&pmu, 1, 0, false);
	for (int is_loaded = 1; is_loaded >= 0; is_loaded--) {
		pmu.machine->lvtpc |= LVTPC_MASKED;
		assert_nmi(&pmu, 0, 0, false);
		assert_false(pmu.machine->lvtpc & LVTPC_MASKED);
		if (is_loaded)
			rig_put(&pmu.rig, 0);
	}
}

static void an_nmi_of_the_loaded_guest_is_taken_care_of(void **state)
{
	struct pmu pmu;

	(void)state;
	for (size_t version = 0; version < 3; version++) {
		pmu_set_up(&pmu, &pmu_amd[version], 4, 0);
		overflow_without_delivery(&pmu);
		assert_nmi(&pmu, 1, 0, false);
		assert_int_equal(pmu.rig.vcpu[0].requests, 1);
		assert_int_equal(pmu.machine->status, 0);
		assert_nmi(&pmu, 0, 0, false);
	}
	pmu_set_up(&pmu, &pmu_intel[5], 4, 2);
	overflow_without_delivery(&pmu);
	assert_int_equal(pmu.machine->lvtpc, HOST_LVTPC | 0x10000);
	assert_nmi(&pmu, 1, 0, false);
	assert_int_equal(pmu.machine->lvtpc, HOST_LVTPC);
	assert_int_equal(pmu.machine->status, 0);
	assert_int_equal(pmu.rig.vcpu[0].requests, 1);
}

static void an_nmi_of_the_host_is_left_to_the_host(void **state)
{
	struct pmu pmu;

	(void)state;
	for (int is_both = 0; is_both < 2; is_both++) {
		pmu_set_up(&pmu, &pmu_intel[5], 4, 2);
		if (is_both)
			overflow_without_delivery(&pmu);
		else
			pmu_load_all(&pmu);
		rig_host_program(&pmu.rig, 0, 5, PMU_INSTRUCTIONS | PMU_INT, MAX_VALUE);
		machine_count(pmu.machine, MACHINE_INSTRUCTIONS, 0, 1);
		pmu.machine->lvtpc = HOST_LVTPC | LVTPC_MASKED;
		assert_nmi(&pmu, is_both ? 1 : 0, 0x20, false);
		assert_int_equal(pmu.machine->status, 0x20);
		/* The host's handler re-arms, when it has acknowledged its own. */
		assert_int_equal(pmu.machine->lvtpc, HOST_LVTPC | LVTPC_MASKED);
	}
}

static void an_nmi_that_comes_after_the_trap_that_saw_it_is_expected_once(void **state)
{
	struct pmu pmu;

	(void)state;
	for (int is_put = 0; is_put < 2; is_put++) {
		pmu_set_up(&pmu, &pmu_intel[5], 4, 2);
		overflow_without_delivery(&pmu);
		if (is_put)
			rig_put(&pmu.rig, 0);
		else
			assert_int_equal(pmu_read(&pmu, 0x38e), 1);
		assert_int_equal(pmu.rig.vcpu[0].requests, 1);
		assert_nmi(&pmu, 0, 0, true);
		assert_int_equal(pmu.machine->lvtpc, HOST_LVTPC);
		assert_nmi(&pmu, 0, 0, false);
		assert_int_equal(pmu.rig.vcpu[0].requests, 1);
	}
}

static void an_overflow_without_a_pmi_makes_no_nmi_expected(void **state)
{
	struct pmu pmu;

	(void)state;
	pmu_set_up(&pmu, &pmu_intel[5], 4, 2);
	pmu_write(&pmu, 0x186, PMU_INSTRUCTIONS);
	pmu_write(&pmu, 0x4c1, MAX_VALUE);
	pmu_run(&pmu, 1);
	assert_int_equal(pmu_read(&pmu, 0x38e), 1);
	assert_nmi(&pmu, 0, 0, false);
}

struct interruption {
	unsigned int at;
	unsigned int accesses;
};

static void deliver(struct rig *rig, int cpu, void *context)
{
	struct interruption *interruption = context;

	if (interruption->accesses++ == interruption->at)
		rig_deliver_nmi(rig, cpu);
}

/* Before each access of the put in turn: known, one PMI, and no NMI expected that has come. */
static void an_nmi_within_a_put_is_known_and_makes_one_pmi(void **state)
{
	const struct machine_model *const models[] = {&pmu_intel[2], &pmu_intel[5], &pmu_amd[0],
						      &pmu_amd[1], &pmu_amd[2]};

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(models); i++) {
		struct interruption interruption = {.at = 0, .accesses = 1};

		for (; interruption.at < interruption.accesses; interruption.at++) {
			struct pmu pmu;

			interruption.accesses = 0;
			pmu_set_up(&pmu, models[i], 4, 0);
			overflow_without_delivery(&pmu);
			pmu.rig.hook = deliver;
			pmu.rig.context = &interruption;
			rig_put(&pmu.rig, 0);
			pmu.rig.hook = NULL;
			assert_int_equal(pmu.rig.cpu[0].num_unknown, 0);
			assert_int_equal(pmu.rig.vcpu[0].requests, 1);
			assert_false(pmu.machine->nmi_pending);
			assert_nmi(&pmu, 0, 0, false);
			assert_int_equal(pmu.machine->lvtpc, HOST_LVTPC);
		}
		assert_true(interruption.accesses >= 4);
	}
}

/* What an NMI claimed while the core was busy says nothing of the overflows after it. */
static void a_claim_ends_with_what_it_was_made_in(void **state)
{
	struct interruption interruption = {.at = 0};
	struct pmu pmu;

	(void)state;
	pmu_set_up(&pmu, &pmu_intel[5], 4, 2);
	overflow_without_delivery(&pmu);
	pmu.rig.hook = deliver;
	pmu.rig.context = &interruption;
	assert_int_equal(pmu_read(&pmu, 0x38e), 1);
	pmu.rig.hook = NULL;
	assert_false(pmu.env.cpu->is_pmi_expected);
	pmu.rig.vcpu[0].lvtpc = 0xec;
	overflow_without_delivery(&pmu);
	assert_int_equal(pmu_read(&pmu, 0x38e), 1);
	assert_nmi(&pmu, 0, 0, true);
}

static void must_be_busy(struct rig *rig, int cpu, void *context)
{
	unsigned int *accesses = context;

	(*accesses)++;
	if (rig->cpu[cpu].core.loaded && !rig->cpu[cpu].core.is_busy)
		fail_msg("access %u while hvpmu_nmi() may change hardware", *accesses);
}

static void hardware_changes_only_while_nmis_are_kept_out(void **state)
{
	unsigned int accesses = 0;
	struct pmu pmu;

	(void)state;
	pmu_set_up(&pmu, &pmu_intel[5], 4, 2);
	pmu.rig.hook = must_be_busy;
	pmu.rig.context = &accesses;
	pmu_load_all(&pmu);
	assert_false(pmu.env.cpu->is_busy);
	pmu_write(&pmu, 0x186, 0x5200c0);
	assert_false(pmu.env.cpu->is_busy);
	hvpmu_retired(pmu.vcpu, &pmu.env, HVPMU_RETIRED_INSTRUCTION, 0);
	hvpmu_set_freeze_on_pmi(pmu.vcpu, &pmu.env, true);
	pmu.rig.denied = 1;
	hvpmu_filter(pmu.vcpu, &pmu.env);
	assert_false(pmu.env.cpu->is_busy);
	rig_put(&pmu.rig, 0);
	assert_true(accesses >= 30);
	assert_false(pmu.env.cpu->is_busy);
}

/* The freeze came with the overflow, though its NMI has not come yet. */
static void an_emulated_instruction_sees_a_freeze_that_is_on_its_way(void **state)
{
	struct pmu pmu;

	(void)state;
	pmu_set_up(&pmu, &pmu_intel[4], 4, 0);
	hvpmu_set_freeze_on_pmi(pmu.vcpu, &pmu.env, true);
	overflow_without_delivery(&pmu);
	hvpmu_retired(pmu.vcpu, &pmu.env, HVPMU_RETIRED_INSTRUCTION, 0);
	assert_int_equal(pmu_read(&pmu, 0x4c1), 0);
	assert_false(pmu.env.cpu->is_busy);
	assert_nmi(&pmu, 0, 0, true);
}

/* What is done to a vCPU that is not in hardware says nothing of the one that is. */
static void an_nmi_while_another_vcpu_is_changed_is_the_loaded_ones(void **state)
{
	const struct machine_model *const models[] = {&pmu_intel[2], &pmu_intel[5], &pmu_amd[0],
						      &pmu_amd[1], &pmu_amd[2]};

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(models); i++) {
		struct interruption interruption = {.at = 0};
		struct hvpmu_vcpu other;
		struct pmu pmu;

		pmu_set_up(&pmu, models[i], 4, 0);
		overflow_without_delivery(&pmu);
		hvpmu_vcpu_init(&other, &pmu.rig.part);
		pmu.rig.hook = deliver;
		pmu.rig.context = &interruption;
		hvpmu_filter(&other, &pmu.env);
		assert_true(interruption.accesses >= 4);
		pmu.rig.hook = NULL;
		assert_int_equal(pmu.rig.vcpu[0].requests, 1);
		assert_int_equal(pmu.machine->status, 0);
		rig_put(&pmu.rig, 0);
		assert_int_equal(pmu.rig.vcpu[0].requests, 1);
		assert_false(pmu.env.cpu->is_pmi_expected);
	}
}

/* By the order in which they happened, not in which they were seen. */
static void an_overflow_before_the_freeze_was_on_freezes_nothing(void **state)
{
	struct pmu pmu;

	(void)state;
	pmu_set_up(&pmu, &pmu_intel[4], 4, 0);
	overflow_without_delivery(&pmu);
	hvpmu_set_freeze_on_pmi(pmu.vcpu, &pmu.env, true);
	assert_false(pmu.env.cpu->is_busy);
	pmu_run(&pmu, 3);
	assert_int_equal(pmu_read(&pmu, 0x4c1), 3);
	assert_int_equal(pmu_read(&pmu, 0x38e), 1);
}

/* The NMI comes later than it would on hardware; what the guest sees must not. */
static void a_trap_comes_after_the_overflow_that_happened_before_it(void **state)
{
	struct pmu pmu;

	(void)state;
	/* Acknowledged before its PMI was delivered: the PMI comes all the same. */
	pmu_set_up(&pmu, &pmu_intel[2], 4, 0);
	overflow_without_delivery(&pmu);
	pmu_write(&pmu, 0x390, 1);
	assert_int_equal(pmu.rig.vcpu[0].requests, 1);
	assert_int_equal(pmu_read(&pmu, 0x38e), 0);
	assert_false(pmu.env.cpu->is_busy);

	/* The legacy freeze shows in GLOBAL_CTRL. */
	pmu_set_up(&pmu, &pmu_intel[2], 4, 0);
	hvpmu_set_freeze_on_pmi(pmu.vcpu, &pmu.env, true);
	overflow_without_delivery(&pmu);
	assert_int_equal(pmu_read(&pmu, 0x38f), 0);
	assert_int_equal(pmu.rig.vcpu[0].requests, 1);
	assert_false(pmu.env.cpu->is_busy);

	/* An enable that the guest writes after the overflow is after the freeze. */
	pmu_set_up(&pmu, &pmu_intel[2], 4, 0);
	hvpmu_set_freeze_on_pmi(pmu.vcpu, &pmu.env, true);
	overflow_without_delivery(&pmu);
	pmu_write(&pmu, 0x38f, 0x3);
	assert_int_equal(pmu_read(&pmu, 0x38f), 0x3);
	pmu_run(&pmu, 2);
	assert_int_equal(pmu_read(&pmu, 0x4c1), 2);
}

/* A selector or a counter reads the same before and after: no access for the status. */
static void reading_a_counter_looks_at_no_status(void **state)
{
	struct pmu pmu;
	u64 value;

	(void)state;
	pmu_set_up(&pmu, &pmu_intel[4], 4, 0);
	hvpmu_set_freeze_on_pmi(pmu.vcpu, &pmu.env, true);
	overflow_without_delivery(&pmu);
	value = pmu.machine->num_rdmsr;
	assert_int_equal(pmu_read(&pmu, 0x4c1), 0);
	assert_int_equal(pmu_read(&pmu, 0x186), PMU_INSTRUCTIONS | PMU_INT);
	assert_int_equal(pmu.machine->num_rdmsr, value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pmi_goes_through_the_guests_lvtpc),
		cmocka_unit_test(an_overflow_sets_its_bit_and_interrupts_if_asked),
		cmocka_unit_test(overflows_at_once_make_one_pmi),
		cmocka_unit_test(a_freeze_on_pmi_is_the_versions),
		cmocka_unit_test(nothing_freezes_without_a_pmi_or_without_the_bit_or_on_amd),
		cmocka_unit_test(setting_the_freeze_bit_stops_counters_without_a_pmi),
		cmocka_unit_test(an_nmi_with_nothing_of_ours_is_none_of_ours),
		cmocka_unit_test(an_nmi_that_comes_late_opens_the_lvtpc),
		cmocka_unit_test(an_overflow_that_nobody_has_is_acknowledged),
		cmocka_unit_test(an_nmi_of_the_loaded_guest_is_taken_care_of),
		cmocka_unit_test(an_nmi_of_the_host_is_left_to_the_host),
		cmocka_unit_test(an_nmi_that_comes_after_the_trap_that_saw_it_is_expected_once),
		cmocka_unit_test(an_overflow_without_a_pmi_makes_no_nmi_expected),
		cmocka_unit_test(an_nmi_within_a_put_is_known_and_makes_one_pmi),
		cmocka_unit_test(a_claim_ends_with_what_it_was_made_in),
		cmocka_unit_test(hardware_changes_only_while_nmis_are_kept_out),
		cmocka_unit_test(an_nmi_while_another_vcpu_is_changed_is_the_loaded_ones),
		cmocka_unit_test(an_emulated_instruction_sees_a_freeze_that_is_on_its_way),
		cmocka_unit_test(an_overflow_before_the_freeze_was_on_freezes_nothing),
		cmocka_unit_test(a_trap_comes_after_the_overflow_that_happened_before_it),
		cmocka_unit_test(reading_a_counter_looks_at_no_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
