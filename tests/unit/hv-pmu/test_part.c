/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Partitions, what CPUID tells of them, who owns the counters. SDM volume 2, CPUID; APM volume 3, E.4. */
#include "tests/unit/check.h"

#include "common/base/array.h"
#include "hv-pmu/core/layout.h"
#include "hvpmu/hvpmu.h"

#define WIDE(v, gp, fixed, gp_bits, fixed_bits, is_full)                                           \
	.vendor = HVPMU_INTEL, .version = v, .num_gp = gp, .num_fixed = fixed,                     \
	.gp_width = gp_bits, .fixed_width = fixed_bits, .num_events = 7,                           \
	.events_unavailable = 0x40, .has_full_width = is_full
#define INTEL(v, gp, fixed) WIDE(v, gp, fixed, 48, 48, true)
#define AMD(v, gp) .vendor = HVPMU_AMD, .version = v, .num_gp = gp, .gp_width = 48

static void a_partition_is_refused_that_cannot_be(void **state)
{
	static const struct {
		const char *why;
		struct hvpmu_caps caps;
		unsigned int gp, fixed;
	} cases[] = {
		{"no counter at all", {INTEL(5, 8, 4)}, 0, 0},
		{"more general counters than there are", {INTEL(5, 8, 4)}, 9, 0},
		{"more fixed counters than there are", {INTEL(5, 8, 4)}, 4, 5},
		{"counts that overflow when added", {INTEL(5, 8, 4)}, ~0U, 1},
		{"version 0", {INTEL(0, 8, 0)}, 4, 0},
		{"version 1: no GLOBAL_CTRL", {INTEL(1, 8, 0)}, 4, 0},
		{"more general counters than MSRs", {INTEL(5, 9, 4)}, 4, 2},
		{"more fixed counters than the core knows", {INTEL(5, 8, 9)}, 4, 2},
		{"fixed counters without a width", {WIDE(5, 8, 4, 48, 0, true)}, 4, 2},
		{"general counters without a width", {WIDE(5, 8, 4, 0, 48, true)}, 4, 2},
		{"wider than a register", {WIDE(5, 8, 4, 65, 48, true)}, 4, 2},
		{"fixed ones wider than a register", {WIDE(5, 8, 4, 48, 65, true)}, 4, 2},
		{"no full-width writes", {WIDE(5, 8, 4, 48, 48, false)}, 4, 2},
		{"AMD with fixed counters", {AMD(2, 6), .num_fixed = 1}, 4, 0},
		{"K7 counters that a guest cannot be told of", {AMD(0, 4)}, 3, 0},
		{"K7: six", {AMD(0, 6)}, 6, 0},
		{"PerfCtrExtCore: five", {AMD(1, 6)}, 5, 0},
		{"PerfMonV2: four bits of CPUID", {AMD(2, 16)}, 16, 0},
		{"more than the core knows", {AMD(2, 17)}, 4, 0},
		{"AMD: none", {AMD(2, 6)}, 0, 0},
		{"another vendor",
		 {.vendor = HVPMU_VENDORS, .version = 2, .num_gp = 6, .gp_width = 48},
		 4,
		 0},
	};
	struct hvpmu_part part;

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(cases); i++) {
		if (hvpmu_part_init(&cases[i].caps, cases[i].gp, cases[i].fixed, &part) !=
		    HVPMU_INVALID)
			fail_msg("accepted: %s", cases[i].why);
	}
}

static const struct {
	struct hvpmu_caps caps;
	unsigned int gp, fixed;
	u8 version;
	const struct hvpmu_layout *layout;
	u64 guest, host;
	u32 leaf_0a[4], leaf_80000022[4];
	bool has_core_ext;
} partitions[] = {
	{{INTEL(2, 8, 3)},
	 4,
	 0,
	 2,
	 &hvpmu_layout_intel,
	 0xf,
	 0x7000000f0,
	 {0x07300402, 0x40, 0, 0x8000},
	 {0},
	 false},
	{{INTEL(3, 4, 3)},
	 2,
	 3,
	 3,
	 &hvpmu_layout_intel,
	 0x700000003,
	 0xc,
	 {0x07300203, 0x40, 0, 0x8603},
	 {0},
	 false},
	{{INTEL(4, 8, 3)},
	 8,
	 3,
	 4,
	 &hvpmu_layout_intel,
	 0x7000000ff,
	 0,
	 {0x07300804, 0x40, 0, 0x8603},
	 {0},
	 false},
	{{INTEL(5, 8, 4)},
	 4,
	 2,
	 5,
	 &hvpmu_layout_intel,
	 0x30000000f,
	 0xc000000f0,
	 {0x07300405, 0x40, 3, 0x8602},
	 {0},
	 false},
	{{INTEL(5, 8, 4)},
	 0,
	 4,
	 5,
	 &hvpmu_layout_intel,
	 0xf00000000,
	 0xff,
	 {0x07300005, 0x40, 0xf, 0x8604},
	 {0},
	 false},
	{{INTEL(6, 8, 4)},
	 4,
	 2,
	 5,
	 &hvpmu_layout_intel,
	 0x30000000f,
	 0xc000000f0,
	 {0x07300405, 0x40, 3, 0x8602},
	 {0},
	 false},
	{{AMD(0, 4)}, 4, 0, 0, &hvpmu_layout_amd_k7, 0xf, 0, {0}, {0}, false},
	{{AMD(1, 6)}, 4, 0, 0, &hvpmu_layout_amd_core, 0xf, 0x30, {0}, {0}, false},
	{{AMD(1, 6)}, 6, 0, 1, &hvpmu_layout_amd_core, 0x3f, 0, {0}, {0}, true},
	{{AMD(2, 6)}, 1, 0, 2, &hvpmu_layout_amd_v2, 0x1, 0x3e, {0}, {1, 1}, true},
	{{AMD(2, 6)}, 4, 0, 2, &hvpmu_layout_amd_v2, 0xf, 0x30, {0}, {1, 4}, true},
	{{AMD(2, 16)}, 15, 0, 2, &hvpmu_layout_amd_v2, 0x7fff, 0x8000, {0}, {1, 15}, true},
	{{AMD(3, 6)}, 4, 0, 2, &hvpmu_layout_amd_v2, 0xf, 0x30, {0}, {1, 4}, true},
};

static void a_partition_gives_the_guest_the_lowest_counters(void **state)
{
	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(partitions); i++) {
		struct hvpmu_part part;
		u32 regs[4];

		assert_int_equal(hvpmu_part_init(&partitions[i].caps, partitions[i].gp,
						 partitions[i].fixed, &part),
				 0);
		assert_int_equal(part.version, partitions[i].version);
		assert_ptr_equal(hvpmu_layout(&part), partitions[i].layout);
		assert_int_equal(part.guest_mask, partitions[i].guest);
		assert_int_equal(part.host_mask, partitions[i].host);
		hvpmu_cpuid_0a(&part, regs);
		assert_memory_equal(regs, partitions[i].leaf_0a, sizeof(regs));
		hvpmu_cpuid_80000022(&part, regs);
		assert_memory_equal(regs, partitions[i].leaf_80000022, sizeof(regs));
		assert_int_equal(hvpmu_has_core_ext(&part), partitions[i].has_core_ext);
		assert_int_equal(hvpmu_perf_capabilities(&part),
				 partitions[i].caps.vendor == HVPMU_INTEL ? 0x2000 : 0);
	}
}

/* IA32_PERF_CAPABILITIES is Intel's, whatever the hypervisor says of an AMD. */
static void an_amd_guest_has_no_full_width_writes(void **state)
{
	const struct hvpmu_caps caps = {AMD(2, 6), .has_full_width = true};
	struct hvpmu_part part;

	(void)state;
	assert_int_equal(hvpmu_part_init(&caps, 4, 0, &part), 0);
	assert_false(part.has_full_width);
}

static void cpuid_as_the_partition_says_it_narrows_nothing(void **state)
{
	static const struct {
		struct hvpmu_caps caps;
		unsigned int gp, fixed;
	} cases[] = {
		{{INTEL(2, 8, 3)}, 4, 2}, {{INTEL(3, 8, 3)}, 4, 0}, {{INTEL(4, 8, 3)}, 8, 3},
		{{INTEL(6, 8, 4)}, 0, 4}, {{AMD(0, 4)}, 4, 0},	    {{AMD(1, 6)}, 4, 0},
		{{AMD(1, 6)}, 6, 0},	  {{AMD(2, 6)}, 4, 0},
	};

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(cases); i++) {
		struct hvpmu_part part, narrowed;
		u32 regs[4];

		assert_int_equal(
			hvpmu_part_init(&cases[i].caps, cases[i].gp, cases[i].fixed, &part), 0);
		if (cases[i].caps.vendor == HVPMU_INTEL)
			hvpmu_cpuid_0a(&part, regs);
		else
			hvpmu_cpuid_80000022(&part, regs);
		assert_int_equal(hvpmu_part_narrow(&part, regs, &narrowed), 0);
		assert_memory_equal(&narrowed, &part, sizeof(part));
	}
}

/* Of {0x07300405, 0x40, 3, 0x8602}: version 5, 4 + 2 of 48 bits, 7 events without the last. */
static void a_guest_can_be_told_of_less_but_not_of_more_on_intel(void **state)
{
	static const struct {
		const char *what;
		u32 leaf[4];
		int result;
		u64 guest;
	} cases[] = {
		{"all", {0x07300405, 0x40, 3, 0x8602}, HVPMU_OK, 0x30000000f},
		{"nothing", {0, 0, 0, 0}, HVPMU_OK, 0},
		{"fewer general", {0x07300205, 0x40, 3, 0x8602}, HVPMU_OK, 0x300000003},
		{"no general", {0x07300005, 0x40, 3, 0x8602}, HVPMU_OK, 0x300000000},
		{"fewer fixed", {0x07300405, 0x40, 1, 0x8601}, HVPMU_OK, 0x10000000f},
		{"no fixed", {0x07300405, 0x40, 0, 0x8000}, HVPMU_OK, 0xf},
		{"version 2", {0x07300402, 0x40, 0, 0x8602}, HVPMU_OK, 0x30000000f},
		{"version 2 knows no AnyThread",
		 {0x07300402, 0x40, 0, 0x0602},
		 HVPMU_OK,
		 0x30000000f},
		{"fewer events", {0x05300405, 0x1f, 3, 0x8602}, HVPMU_OK, 0x30000000f},
		{"events that are there, off",
		 {0x07300405, 0x7f, 3, 0x8602},
		 HVPMU_OK,
		 0x30000000f},
		{"the event that is not there, beyond the list",
		 {0x06300405, 0, 3, 0x8602},
		 HVPMU_OK,
		 0x30000000f},
		{"version 0 with counters", {0x07300400, 0x40, 0, 0x8602}, HVPMU_INVALID, 0},
		{"version 1", {0x07300401, 0x40, 0, 0x8602}, HVPMU_INVALID, 0},
		{"version 6", {0x07300406, 0x40, 3, 0x8602}, HVPMU_INVALID, 0},
		{"more general", {0x07300505, 0x40, 3, 0x8602}, HVPMU_INVALID, 0},
		{"more fixed", {0x07300405, 0x40, 7, 0x8603}, HVPMU_INVALID, 0},
		{"fixed ones out of order", {0x07300405, 0x40, 5, 0x8602}, HVPMU_INVALID, 0},
		{"wider", {0x07310405, 0x40, 3, 0x8602}, HVPMU_INVALID, 0},
		{"narrower", {0x07280405, 0x40, 3, 0x8602}, HVPMU_INVALID, 0},
		{"wider fixed ones", {0x07300405, 0x40, 3, 0x8622}, HVPMU_INVALID, 0},
		{"more events", {0x08300405, 0x40, 3, 0x8602}, HVPMU_INVALID, 0},
		{"the event that is not there", {0x07300405, 0, 3, 0x8602}, HVPMU_INVALID, 0},
		{"AnyThread in version 3", {0x07300403, 0x40, 0, 0x0602}, HVPMU_INVALID, 0},
		{"AnyThread in version 5", {0x07300405, 0x40, 3, 0x0602}, HVPMU_INVALID, 0},
	};
	const struct hvpmu_caps caps = {INTEL(5, 8, 4)};
	struct hvpmu_part part, narrowed;

	(void)state;
	assert_int_equal(hvpmu_part_init(&caps, 4, 2, &part), 0);
	for (size_t i = 0; i < HVP_ARRAY_SIZE(cases); i++) {
		memset(&narrowed, 0xee, sizeof(narrowed));
		if (hvpmu_part_narrow(&part, cases[i].leaf, &narrowed) != cases[i].result)
			fail_msg("%s is not %d", cases[i].what, cases[i].result);
		if (cases[i].result)
			continue;
		assert_int_equal(narrowed.guest_mask, cases[i].guest);
		assert_int_equal(narrowed.host_mask, part.host_mask);
		assert_int_equal(narrowed.version, cases[i].leaf[0] & 0xff);
		assert_ptr_equal(hvpmu_layout(&narrowed), &hvpmu_layout_intel);
	}
}

static void a_guest_can_be_told_of_less_but_not_of_more_on_amd(void **state)
{
	static const struct {
		const char *what;
		unsigned int version; /* of the hardware; the guest may have 4 */
		u32 leaf[4];
		int result;
		u64 guest;
	} cases[] = {
		{"all", 2, {1, 4, 0, 0}, HVPMU_OK, 0xf},
		{"fewer", 2, {1, 1, 0, 0}, HVPMU_OK, 1},
		{"nothing is K7's four", 2, {0, 0, 0, 0}, HVPMU_OK, 0xf},
		{"nothing is what PerfCtrExtCore is told", 1, {0, 0, 0, 0}, HVPMU_OK, 0xf},
		{"nothing is what K7 is told", 0, {0, 0, 0, 0}, HVPMU_OK, 0xf},
		{"PerfMonV2 on PerfCtrExtCore", 1, {1, 4, 0, 0}, HVPMU_INVALID, 0},
		{"PerfMonV2 on K7", 0, {1, 4, 0, 0}, HVPMU_INVALID, 0},
		{"more", 2, {1, 5, 0, 0}, HVPMU_INVALID, 0},
		{"a count without PerfMonV2", 2, {0, 4, 0, 0}, HVPMU_INVALID, 0},
		{"LbrExtV2", 2, {3, 4, 0, 0}, HVPMU_INVALID, 0},
		{"LbrAndPmcFreeze", 2, {5, 4, 0, 0}, HVPMU_INVALID, 0},
		{"an LBR stack", 2, {1, 0x104, 0, 0}, HVPMU_INVALID, 0},
		{"northbridge counters", 2, {1, 0x1004, 0, 0}, HVPMU_INVALID, 0},
		{"memory counters", 2, {1, 0x40004, 0, 0}, HVPMU_INVALID, 0},
		{"memory controllers", 2, {1, 4, 1, 0}, HVPMU_INVALID, 0},
		{"EDX", 2, {1, 4, 0, 1}, HVPMU_INVALID, 0},
	};
	struct hvpmu_part part, narrowed;

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(cases); i++) {
		const struct hvpmu_caps caps = {AMD((u8)cases[i].version, 6)};

		assert_int_equal(hvpmu_part_init(&caps, 4, 0, &part), 0);
		if (hvpmu_part_narrow(&part, cases[i].leaf, &narrowed) != cases[i].result)
			fail_msg("%s is not %d", cases[i].what, cases[i].result);
		if (!cases[i].result)
			assert_int_equal(narrowed.guest_mask, cases[i].guest);
	}
}

static void k7_is_not_there_where_four_counters_are_not(void **state)
{
	const struct hvpmu_caps caps = {AMD(2, 6)};
	const u32 zeros[4] = {0};
	struct hvpmu_part part, narrowed;

	(void)state;
	assert_int_equal(hvpmu_part_init(&caps, 3, 0, &part), 0);
	assert_int_equal(hvpmu_part_narrow(&part, zeros, &narrowed), HVPMU_OK);
	assert_int_equal(narrowed.guest_mask, 0);
	assert_int_equal(hvpmu_part_init(&caps, 5, 0, &part), 0);
	assert_int_equal(hvpmu_part_narrow(&part, zeros, &narrowed), HVPMU_OK);
	assert_int_equal(narrowed.guest_mask, 0xf);
	assert_int_equal(narrowed.version, 0);
	assert_false(hvpmu_has_core_ext(&narrowed));
}

static void counters_belong_to_the_host_while_no_vm_is_partitioned(void **state)
{
	const struct hvpmu_caps caps = {INTEL(5, 8, 4)};
	struct hvpmu_arbiter arbiter = {0};
	struct hvpmu_part part, other;
	u64 conflict;

	(void)state;
	assert_int_equal(hvpmu_part_init(&caps, 4, 2, &part), 0);
	assert_int_equal(hvpmu_part_init(&caps, 2, 2, &other), 0);
	assert_int_equal(hvpmu_arbiter_host_mask(&arbiter, 0xf000000ffULL), 0xf000000ff);

	assert_int_equal(hvpmu_arbiter_acquire(&arbiter, &part, 0x1000000c1ULL, &conflict),
			 HVPMU_BUSY);
	assert_int_equal(conflict, 0x100000001);
	assert_int_equal(hvpmu_arbiter_host_mask(&arbiter, 0xf000000ffULL), 0xf000000ff);

	assert_int_equal(hvpmu_arbiter_acquire(&arbiter, &part, 0xc000000f0ULL, &conflict), 0);
	assert_int_equal(conflict, 0);
	assert_int_equal(hvpmu_arbiter_host_mask(&arbiter, 0xf000000ffULL), 0xc000000f0);
	/* No host event can be there any more: what is said of it does not matter. */
	assert_int_equal(hvpmu_arbiter_acquire(&arbiter, &part, ~0ULL, &conflict), 0);
	assert_int_equal(hvpmu_arbiter_acquire(&arbiter, &other, 0, &conflict), HVPMU_INVALID);

	assert_int_equal(hvpmu_arbiter_release(&arbiter), 0);
	assert_int_equal(hvpmu_arbiter_host_mask(&arbiter, 0xf000000ffULL), 0xc000000f0);
	assert_int_equal(hvpmu_arbiter_release(&arbiter), 0x30000000f);
	assert_int_equal(hvpmu_arbiter_host_mask(&arbiter, 0xf000000ffULL), 0xf000000ff);
	assert_int_equal(hvpmu_arbiter_release(&arbiter), 0);
	assert_int_equal(hvpmu_arbiter_acquire(&arbiter, &other, 0xc, &conflict), 0);
	assert_int_equal(arbiter.guest_mask, 0x300000003);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_partition_is_refused_that_cannot_be),
		cmocka_unit_test(a_partition_gives_the_guest_the_lowest_counters),
		cmocka_unit_test(an_amd_guest_has_no_full_width_writes),
		cmocka_unit_test(cpuid_as_the_partition_says_it_narrows_nothing),
		cmocka_unit_test(a_guest_can_be_told_of_less_but_not_of_more_on_intel),
		cmocka_unit_test(a_guest_can_be_told_of_less_but_not_of_more_on_amd),
		cmocka_unit_test(k7_is_not_there_where_four_counters_are_not),
		cmocka_unit_test(counters_belong_to_the_host_while_no_vm_is_partitioned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
