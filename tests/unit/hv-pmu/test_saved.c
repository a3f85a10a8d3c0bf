/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A vCPU's PMU as bytes: what comes out goes in again, and nothing else does. */
#include "tests/unit/check.h"

#include "common/base/array.h"
#include "hvpmu/saved.h"
#include "tests/unit/hv-pmu/pmu.h"

static void set_up_intel(struct pmu *pmu)
{
	pmu_set_up(pmu, &pmu_intel[5], 4, 2);
	for (u32 i = 0; i < 4; i++) {
		pmu_write(pmu, 0x4c1 + i, 0x800000000000ULL + i);
		pmu_write(pmu, 0x186 + i, PMU_INSTRUCTIONS | PMU_INT | i << 8);
	}
	pmu_write(pmu, 0x309, 0x12345);
	pmu_write(pmu, 0x30a, 0x54321);
	pmu_write(pmu, 0x38d, 0xb1);
	pmu_write(pmu, 0x38f, 0x10000000dULL);
	pmu_write(pmu, 0x391, 0x5800000200000002ULL);
}

static void set_up_amd(struct pmu *pmu, unsigned int version)
{
	pmu_set_up(pmu, &pmu_amd[version], 4, 0);
	for (unsigned int i = 0; i < 4; i++) {
		pmu_write(pmu, pmu_counter_msr(pmu, i), 0x800000000000ULL + i);
		pmu_write(pmu, pmu_select_msr(pmu, i), 0x3005200c0ULL + i);
	}
	if (version < 2)
		return;
	pmu_write(pmu, 0xc0000301, 0xd);
	pmu_write(pmu, 0xc0000303, 0x2);
}

static void what_is_saved_is_what_was_written(void **state)
{
	struct hvpmu_saved saved;
	struct pmu pmu;

	(void)state;
	set_up_intel(&pmu);
	hvpmu_set_freeze_on_pmi(pmu.vcpu, &pmu.env, true);
	memset(&saved, 0xee, sizeof(saved));
	hvpmu_save(pmu.vcpu, &pmu.env, &saved);
	assert_int_equal(saved.magic, HVPMU_SAVED_MAGIC);
	assert_int_equal(saved.version, 1);
	assert_int_equal(saved.size, sizeof(saved));
	assert_int_equal(saved.vendor, HVPMU_INTEL);
	assert_int_equal(saved.pmu_version, 5);
	assert_int_equal(saved.num_gp, 4);
	assert_int_equal(saved.num_fixed, 2);
	assert_int_equal(saved.gp_width, 48);
	assert_int_equal(saved.fixed_width, 48);
	assert_int_equal(saved.flags, HVPMU_SAVED_FREEZES_ON_PMI | HVPMU_SAVED_FULL_WIDTH);
	assert_int_equal(saved.reserved, 0);
	assert_int_equal(saved.gp_counter[3], 0x800000000003ULL);
	assert_int_equal(saved.gp_select[3], PMU_INSTRUCTIONS | PMU_INT | 0x300);
	assert_int_equal(saved.gp_counter[4] | saved.gp_select[4], 0);
	assert_int_equal(saved.fixed_counter[1], 0x54321);
	assert_int_equal(saved.fixed_ctrl, 0xb1);
	assert_int_equal(saved.global_ctrl, 0x10000000dULL);
	assert_int_equal(saved.status, 0x5800000200000002ULL);
}

/* Migration: version 1 has these bytes for ever. */
static void the_layout_of_version_1_does_not_change(void **state)
{
	(void)state;
	assert_int_equal(offsetof(struct hvpmu_saved, version), 4);
	assert_int_equal(offsetof(struct hvpmu_saved, size), 6);
	assert_int_equal(offsetof(struct hvpmu_saved, vendor), 8);
	assert_int_equal(offsetof(struct hvpmu_saved, pmu_version), 9);
	assert_int_equal(offsetof(struct hvpmu_saved, num_gp), 10);
	assert_int_equal(offsetof(struct hvpmu_saved, num_fixed), 11);
	assert_int_equal(offsetof(struct hvpmu_saved, gp_width), 12);
	assert_int_equal(offsetof(struct hvpmu_saved, fixed_width), 13);
	assert_int_equal(offsetof(struct hvpmu_saved, flags), 14);
	assert_int_equal(offsetof(struct hvpmu_saved, reserved), 15);
	assert_int_equal(offsetof(struct hvpmu_saved, gp_counter), 16);
	assert_int_equal(offsetof(struct hvpmu_saved, gp_select), 144);
	assert_int_equal(offsetof(struct hvpmu_saved, fixed_counter), 272);
	assert_int_equal(offsetof(struct hvpmu_saved, fixed_ctrl), 336);
	assert_int_equal(offsetof(struct hvpmu_saved, global_ctrl), 344);
	assert_int_equal(offsetof(struct hvpmu_saved, status), 352);
	assert_int_equal(sizeof(struct hvpmu_saved), 360);
}

static void check_round_trip(struct pmu *pmu)
{
	struct hvpmu_vcpu *other = &pmu->rig.vcpu[1].core;
	struct hvpmu_saved saved, again;

	hvpmu_save(pmu->vcpu, &pmu->env, &saved);
	assert_int_equal(pmu->vcpu->state, HVPMU_INACTIVE);
	hvpmu_vcpu_init(other, &pmu->rig.part);
	assert_int_equal(hvpmu_restore(other, &pmu->env, &saved, sizeof(saved)), 0);
	assert_null(hvpmu_check(other, NULL));
	hvpmu_save(other, &pmu->env, &again);
	assert_memory_equal(&again, &saved, sizeof(saved));
}

static void what_is_saved_comes_back_the_same(void **state)
{
	struct pmu pmu;

	(void)state;
	for (int is_loaded = 0; is_loaded < 2; is_loaded++) {
		for (unsigned int kind = 0; kind < 4; kind++) {
			if (kind < 3)
				set_up_amd(&pmu, kind);
			else
				set_up_intel(&pmu);
			if (is_loaded && kind < 3)
				pmu_run(&pmu, 5);
			else if (is_loaded) {
				pmu_write(&pmu, 0x390, 1ULL << 59); /* thaws */
				pmu_run(&pmu, 5);
			}
			assert_int_equal(pmu.vcpu->state,
					 is_loaded ? HVPMU_LOADED : HVPMU_INACTIVE);
			check_round_trip(&pmu);
		}
	}
}

static void a_pending_pmi_and_the_filter_survive(void **state)
{
	struct hvpmu_saved saved;
	u32 lvtpc = 0xec, interrupt;
	struct pmu pmu;

	(void)state;
	set_up_intel(&pmu);
	pmu_write(&pmu, 0x390, 1ULL << 59);
	pmu_write(&pmu, 0x4c1, 0xffffffffffffULL);
	hvpmu_retired(pmu.vcpu, &pmu.env, HVPMU_RETIRED_INSTRUCTION, 0);
	hvpmu_save(pmu.vcpu, &pmu.env, &saved);
	assert_true(saved.flags & HVPMU_SAVED_PMI_PENDING);
	hvpmu_vcpu_init(pmu.vcpu, &pmu.rig.part);
	pmu.rig.denied = 1;
	assert_int_equal(hvpmu_restore(pmu.vcpu, &pmu.env, &saved, sizeof(saved)), 0);
	assert_true(hvpmu_take_pmi(pmu.vcpu, &lvtpc, &interrupt));
	pmu_run(&pmu, 3);
	assert_int_equal(pmu_read(&pmu, 0x4c1), 0);
	assert_int_equal(pmu.vcpu->hw & 1, 0);
}

/* Refused, and the vCPU is as it was. */
static void assert_refused(struct pmu *pmu, const char *what, const struct hvpmu_saved *saved,
			   size_t size)
{
	struct hvpmu_vcpu before = *pmu->vcpu;

	if (hvpmu_restore(pmu->vcpu, &pmu->env, saved, size) != HVPMU_INVALID)
		fail_msg("accepted: %s", what);
	assert_memory_equal(pmu->vcpu, &before, sizeof(before));
}

static void a_header_that_lies_is_refused(void **state)
{
	static const struct {
		const char *what;
		size_t offset, size;
		u64 value;
	} cases[] = {
#define FIELD(member, value)                                                                       \
	{#member " = " #value, offsetof(struct hvpmu_saved, member),                               \
	 sizeof(((struct hvpmu_saved *)NULL)->member), value}
		FIELD(magic, 0),
		FIELD(magic, 0x53564d51),
		FIELD(version, 0),
		FIELD(size, 0),
		FIELD(size, sizeof(struct hvpmu_saved) - 1),
		FIELD(size, sizeof(struct hvpmu_saved) + 1),
		FIELD(size, 0xffff),
		FIELD(vendor, HVPMU_AMD),
		FIELD(vendor, 0xff),
		FIELD(pmu_version, 4),
		FIELD(pmu_version, 6),
		FIELD(num_gp, 3),
		FIELD(num_gp, 5),
		FIELD(num_gp, 0xff),
		FIELD(num_fixed, 1),
		FIELD(num_fixed, 3),
		FIELD(num_fixed, 0xff),
		FIELD(gp_width, 47),
		FIELD(gp_width, 49),
		FIELD(fixed_width, 47),
		FIELD(fixed_width, 0),
		FIELD(flags, 8),
		FIELD(flags, 0xff),
		FIELD(reserved, 1),
	};
	struct hvpmu_saved good, bad;
	struct pmu pmu;

	(void)state;
	set_up_intel(&pmu);
	hvpmu_save(pmu.vcpu, &pmu.env, &good);
	assert_int_equal(hvpmu_restore(pmu.vcpu, &pmu.env, &good, sizeof(good)), 0);
	for (size_t i = 0; i < HVP_ARRAY_SIZE(cases); i++) {
		bad = good;
		memcpy((u8 *)&bad + cases[i].offset, &cases[i].value, cases[i].size);
		assert_refused(&pmu, cases[i].what, &bad, sizeof(bad));
	}
	for (size_t size = 0; size < sizeof(good); size++)
		assert_refused(&pmu, "too short", &good, size);
}

/* Each 64-bit word behind the header, and each of its bits: which a guest can have written. */
struct word {
	u32 first, count; /* of u64s from the start of the structure */
	u64 valid;
};

static void check_words(struct pmu *pmu, const struct word *words, size_t num_words)
{
	struct hvpmu_saved good;
	size_t seen = 2;

	hvpmu_save(pmu->vcpu, &pmu->env, &good);
	for (size_t i = 0; i < num_words; i++) {
		assert_int_equal(words[i].first, seen);
		seen += words[i].count;
		for (u32 at = 0; at < words[i].count * 64; at++) {
			struct hvpmu_saved one = good;
			u64 bit = 1ULL << at % 64;
			u64 *word = (u64 *)&one + words[i].first + at / 64;
			char what[64];

			*word = (*word & words[i].valid) | bit;
			snprintf(what, sizeof(what), "bit %u of word %u", at % 64,
				 words[i].first + at / 64);
			if (words[i].valid & bit)
				assert_int_equal(
					hvpmu_restore(pmu->vcpu, &pmu->env, &one, sizeof(one)), 0);
			else
				assert_refused(pmu, what, &one, sizeof(one));
		}
	}
	assert_int_equal(seen * sizeof(u64), sizeof(good));
}

#define WIDTH 0xffffffffffffULL

static void a_register_that_no_guest_can_have_is_refused_on_intel(void **state)
{
	static const struct word words[] = {
		{2, 4, WIDTH},
		{6, 12, 0}, /* counters that are not there */
		{18, 4, 0xffdfffff},
		{22, 12, 0},
		{34, 2, WIDTH},
		{36, 6, 0},
		{42, 1, 0xbb},
		{43, 1, 0x30000000fULL},
		{44, 1, 0xfc0000030000000fULL},
	};
	struct pmu pmu;

	(void)state;
	set_up_intel(&pmu);
	check_words(&pmu, words, HVP_ARRAY_SIZE(words));
}

static void a_register_that_no_guest_can_have_is_refused_on_amd(void **state)
{
	static const struct word k7[] = {
		{2, 4, WIDTH}, {6, 12, 0}, {18, 4, 0xfffd7ffffULL},
		{22, 12, 0},   {34, 8, 0}, {42, 1, 0},
		{43, 1, 0},    {44, 1, 0},
	};
	static const struct word v2[] = {
		{2, 4, WIDTH}, {6, 12, 0},   {18, 4, 0xfffd7ffffULL},
		{22, 12, 0},   {34, 8, 0},   {42, 1, 0},
		{43, 1, 0xf},  {44, 1, 0xf},
	};
	struct pmu pmu;

	(void)state;
	set_up_amd(&pmu, 0);
	check_words(&pmu, k7, HVP_ARRAY_SIZE(k7));
	set_up_amd(&pmu, 1);
	check_words(&pmu, k7, HVP_ARRAY_SIZE(k7));
	set_up_amd(&pmu, 2);
	check_words(&pmu, v2, HVP_ARRAY_SIZE(v2));
}

static void flags_that_are_intels_are_refused_on_amd(void **state)
{
	struct hvpmu_saved saved;
	struct pmu pmu;

	(void)state;
	set_up_amd(&pmu, 2);
	hvpmu_save(pmu.vcpu, &pmu.env, &saved);
	assert_int_equal(saved.flags, 0);
	saved.flags = HVPMU_SAVED_FREEZES_ON_PMI;
	assert_refused(&pmu, "FREEZE_PERFMON_ON_PMI", &saved, sizeof(saved));
	saved.flags = HVPMU_SAVED_FULL_WIDTH;
	assert_refused(&pmu, "full-width writes", &saved, sizeof(saved));
	saved.flags = HVPMU_SAVED_PMI_PENDING;
	assert_int_equal(hvpmu_restore(pmu.vcpu, &pmu.env, &saved, sizeof(saved)), 0);
}

/* A later version appends: its first part reads as version 1. */
static void a_later_version_is_read_as_far_as_it_is_known(void **state)
{
	struct {
		struct hvpmu_saved saved;
		u64 appended[3];
	} later;
	struct hvpmu_saved good, again;
	struct pmu pmu;

	(void)state;
	set_up_intel(&pmu);
	hvpmu_save(pmu.vcpu, &pmu.env, &good);
	memset(&later, 0xee, sizeof(later));
	later.saved = good;
	later.saved.version = 2;
	later.saved.size = sizeof(later);
	hvpmu_vcpu_init(pmu.vcpu, &pmu.rig.part);
	assert_refused(&pmu, "cut off behind version 1", &later.saved, sizeof(good));
	assert_refused(&pmu, "cut off", &later.saved, sizeof(later) - 1);
	assert_int_equal(hvpmu_restore(pmu.vcpu, &pmu.env, &later.saved, sizeof(later)), 0);
	hvpmu_save(pmu.vcpu, &pmu.env, &again);
	assert_memory_equal(&again, &good, sizeof(good));
	/* More bytes than the state has are somebody else's. */
	assert_int_equal(hvpmu_restore(pmu.vcpu, &pmu.env, &good, sizeof(later)), 0);
}

static void flags_come_back_too(void **state)
{
	struct pmu pmu;

	(void)state;
	for (int i = 0; i < 4; i++) {
		set_up_intel(&pmu);
		hvpmu_set_freeze_on_pmi(pmu.vcpu, &pmu.env, i & 1);
		assert_int_equal(hvpmu_wrmsr(pmu.vcpu, &pmu.env, 0x345, i & 2 ? 0x2000 : 0, true),
				 0);
		check_round_trip(&pmu);
	}
}

/* Nothing of what the vCPU was before stays in hardware. */
static void a_loaded_vcpu_is_put_before_it_becomes_another(void **state)
{
	struct hvpmu_saved saved;
	struct pmu pmu;

	(void)state;
	pmu_set_up(&pmu, &pmu_intel[5], 4, 2);
	hvpmu_save(pmu.vcpu, &pmu.env, &saved);
	pmu_load_all(&pmu);
	assert_int_equal(hvpmu_restore(pmu.vcpu, &pmu.env, &saved, sizeof(saved)), 0);
	assert_int_equal(pmu.vcpu->state, HVPMU_INACTIVE);
	assert_null(hvpmu_check(pmu.vcpu, pmu.env.cpu));
	assert_int_equal(pmu.machine->gp_select[0] | pmu.machine->fixed_ctrl, 0);
	assert_int_equal(pmu_read(&pmu, 0x186), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_saved_is_what_was_written),
		cmocka_unit_test(the_layout_of_version_1_does_not_change),
		cmocka_unit_test(what_is_saved_comes_back_the_same),
		cmocka_unit_test(a_pending_pmi_and_the_filter_survive),
		cmocka_unit_test(a_header_that_lies_is_refused),
		cmocka_unit_test(a_register_that_no_guest_can_have_is_refused_on_intel),
		cmocka_unit_test(a_register_that_no_guest_can_have_is_refused_on_amd),
		cmocka_unit_test(flags_that_are_intels_are_refused_on_amd),
		cmocka_unit_test(a_later_version_is_read_as_far_as_it_is_known),
		cmocka_unit_test(flags_come_back_too),
		cmocka_unit_test(a_loaded_vcpu_is_put_before_it_becomes_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
