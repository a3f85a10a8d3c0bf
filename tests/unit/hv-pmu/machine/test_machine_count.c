/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the model machine counts, when it overflows and what that raises. */
#include "tests/unit/check.h"

#include "common/base/array.h"
#include "tests/hv-pmu/machine/machine.h"

static const struct machine_model intel[] = {
	[2] = {.vendor = MACHINE_INTEL,
	       .version = 2,
	       .num_gp = 4,
	       .num_fixed = 3,
	       .gp_width = 48,
	       .fixed_width = 40,
	       .has_full_width = true},
	[3] = {.vendor = MACHINE_INTEL,
	       .version = 3,
	       .num_gp = 4,
	       .num_fixed = 3,
	       .gp_width = 48,
	       .fixed_width = 40,
	       .has_full_width = true},
	[4] = {.vendor = MACHINE_INTEL,
	       .version = 4,
	       .num_gp = 4,
	       .num_fixed = 3,
	       .gp_width = 48,
	       .fixed_width = 40,
	       .has_full_width = true},
	[5] = {.vendor = MACHINE_INTEL,
	       .version = 5,
	       .num_gp = 4,
	       .num_fixed = 3,
	       .gp_width = 48,
	       .fixed_width = 40,
	       .has_full_width = true},
};
static const struct machine_model amd[] = {
	{.vendor = MACHINE_AMD, .version = 0, .num_gp = 4, .gp_width = 48, .has_svm = true},
	{.vendor = MACHINE_AMD, .version = 1, .num_gp = 6, .gp_width = 48, .has_svm = true},
	{.vendor = MACHINE_AMD, .version = 2, .num_gp = 6, .gp_width = 48, .has_svm = true},
};

#define MAX_VALUE 0xffffffffffffULL
#define NMI 0x400u
#define MASKED 0x10000u

static void a_general_counter_counts_its_event_at_its_privilege(void **state)
{
	static const struct {
		const struct machine_model *model;
		uint64_t select;
		enum machine_event event;
		unsigned int cpl;
		bool counts;
	} cases[] = {
		{&intel[5], 0x4200c0, MACHINE_INSTRUCTIONS, 0, true},
		{&intel[5], 0x4200c0, MACHINE_INSTRUCTIONS, 1, false},
		{&intel[5], 0x4100c0, MACHINE_INSTRUCTIONS, 0, false},
		{&intel[5], 0x4100c0, MACHINE_INSTRUCTIONS, 1, true},
		{&intel[5], 0x4100c0, MACHINE_INSTRUCTIONS, 2, true},
		{&intel[5], 0x4100c0, MACHINE_INSTRUCTIONS, 3, true},
		{&intel[5], 0x4300c0, MACHINE_INSTRUCTIONS, 0, true},
		{&intel[5], 0x4000c0, MACHINE_INSTRUCTIONS, 0, false},
		{&intel[5], 0x0300c0, MACHINE_INSTRUCTIONS, 0, false}, /* EN */
		{&intel[5], 0x4300c0, MACHINE_CYCLES, 0, false},
		{&intel[5], 0x43003c, MACHINE_CYCLES, 0, true},
		{&intel[5], 0x4300c4, MACHINE_BRANCHES, 0, true},
		{&intel[5], 0x4301c4, MACHINE_BRANCHES, 0, false},	/* another unit mask */
		{&intel[5], 0x24300c0, MACHINE_INSTRUCTIONS, 0, false}, /* CMASK 2 */
		{&intel[5], 0xc300c0, MACHINE_INSTRUCTIONS, 0, true},	/* INV without CMASK */
		{&amd[0], 0x4300c0, MACHINE_INSTRUCTIONS, 3, true},
		{&amd[0], 0x430076, MACHINE_CYCLES, 0, true},
		{&amd[0], 0x43003c, MACHINE_CYCLES, 0, false},
		{&amd[0], 0x4300c2, MACHINE_BRANCHES, 0, true},
		{&amd[2], 0x1004300c0ULL, MACHINE_INSTRUCTIONS, 0, false}, /* event 1C0H */
	};
	struct machine_cpu cpu;

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(cases); i++) {
		machine_init(&cpu, cases[i].model);
		cpu.gp_select[2] = cases[i].select;
		assert_int_equal(machine_counting(&cpu, cases[i].event, cases[i].cpl),
				 cases[i].counts ? 4 : 0);
		machine_count(&cpu, cases[i].event, cases[i].cpl, 5);
		assert_int_equal(cpu.gp_counter[2], cases[i].counts ? 5 : 0);
	}
}

/* Table "Association of Fixed-Function Performance Counters with Architectural Performance Events". */
static void fixed_counters_count_instructions_and_cycles(void **state)
{
	static const struct {
		uint64_t ctrl;
		enum machine_event event;
		unsigned int cpl;
		uint64_t counts;
	} cases[] = {
		{0x111, MACHINE_INSTRUCTIONS, 0, 1}, {0x111, MACHINE_CYCLES, 0, 6},
		{0x111, MACHINE_CYCLES, 3, 0},	     {0x222, MACHINE_CYCLES, 3, 6},
		{0x222, MACHINE_CYCLES, 0, 0},	     {0x030, MACHINE_CYCLES, 1, 2},
		{0x003, MACHINE_INSTRUCTIONS, 2, 1}, {0x333, MACHINE_BRANCHES, 0, 0},
		{0x888, MACHINE_CYCLES, 0, 0},
	};
	struct machine_cpu cpu;

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(cases); i++) {
		machine_init(&cpu, &intel[5]);
		cpu.global_ctrl = 0x70000000fULL;
		cpu.fixed_ctrl = cases[i].ctrl;
		assert_int_equal(machine_counting(&cpu, cases[i].event, cases[i].cpl),
				 cases[i].counts << 32);
	}
}

/* APM volume 2, 13.2.1, HG_ONLY; SVM is on. */
static void host_only_and_guest_only_choose_the_mode(void **state)
{
	static const bool counts[4][2] = {
		/* in the host, in the guest */
		[0] = {true, true},
		[1] = {false, true}, /* GuestOnly, bit 40 */
		[2] = {true, false}, /* HostOnly, bit 41 */
		[3] = {true, true},
	};
	struct machine_cpu cpu;

	(void)state;
	for (uint64_t i = 0; i < 8; i++) {
		bool in_guest = i & 1;

		machine_init(&cpu, &amd[i < 4 ? 0 : 2]);
		cpu.gp_select[0] = 0x4200c0 | (i / 2) << 40;
		if (in_guest)
			machine_vmrun(&cpu);
		assert_int_equal(cpu.in_guest, in_guest);
		machine_count(&cpu, MACHINE_INSTRUCTIONS, 0, 3);
		assert_int_equal(cpu.gp_counter[0], counts[i / 2][in_guest] ? 3 : 0);
		machine_vmexit_svm(&cpu);
		assert_false(cpu.in_guest);
	}
}

static void global_ctrl_gates_where_there_is_one(void **state)
{
	static const struct {
		const struct machine_model *model;
		bool is_gated;
	} cases[] = {
		{&intel[2], true}, {&intel[3], true}, {&intel[4], true}, {&intel[5], true},
		{&amd[0], false},  {&amd[1], false},  {&amd[2], true},
	};
	struct machine_cpu cpu;

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(cases); i++) {
		machine_init(&cpu, cases[i].model);
		cpu.gp_select[0] = 0x4200c0;
		cpu.gp_select[1] = 0x4200c0;
		cpu.fixed_ctrl = cases[i].model->num_fixed ? 1 : 0;
		cpu.global_ctrl = 2;
		machine_count(&cpu, MACHINE_INSTRUCTIONS, 0, 1);
		assert_int_equal(cpu.gp_counter[0], cases[i].is_gated ? 0 : 1);
		assert_int_equal(cpu.gp_counter[1], 1);
		assert_int_equal(cpu.fixed_counter[0], 0);
	}
}

static void an_overflow_wraps_and_shows_in_the_status(void **state)
{
	static const struct {
		const struct machine_model *model;
		uint64_t status;
	} cases[] = {
		{&intel[2], 0x100000002ULL},
		{&intel[5], 0x100000002ULL},
		{&amd[0], 0},
		{&amd[1], 0},
		{&amd[2], 2},
	};
	struct machine_cpu cpu;

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(cases); i++) {
		bool has_fixed = cases[i].model->num_fixed;

		machine_init(&cpu, cases[i].model);
		cpu.lvtpc = NMI;
		cpu.gp_select[1] = 0x4200c0;
		cpu.gp_counter[1] = MAX_VALUE - 2;
		if (has_fixed) {
			cpu.global_ctrl = 0x10000000fULL;
			cpu.fixed_ctrl = 1;
			cpu.fixed_counter[0] = 0xffffffffffULL - 2; /* 40 bits */
		}
		machine_count(&cpu, MACHINE_INSTRUCTIONS, 0, 2);
		assert_int_equal(cpu.gp_counter[1], MAX_VALUE);
		assert_int_equal(cpu.status, 0);
		machine_count(&cpu, MACHINE_INSTRUCTIONS, 0, 5);
		assert_int_equal(cpu.gp_counter[1], 4);
		assert_int_equal(cpu.fixed_counter[0], has_fixed ? 4 : 0);
		assert_int_equal(cpu.status, cases[i].status);
		/* INT is not set. */
		assert_false(cpu.nmi_pending);
		assert_int_equal(cpu.lvtpc, NMI);
	}
}

/* SDM volume 3, "Local Vector Table": delivery sets the mask; AMD's LVT has no such rule. */
static void a_pmi_goes_through_the_lvtpc(void **state)
{
	static const struct {
		const struct machine_model *model;
		uint32_t before, after;
		bool is_nmi;
	} cases[] = {
		{&intel[2], NMI, NMI | MASKED, true},
		{&intel[5], NMI, NMI | MASKED, true},
		{&intel[5], NMI | MASKED, NMI | MASKED, false},
		{&intel[5], 0xec, 0xec | MASKED, false},
		{&intel[5], 0x200, 0x200 | MASKED, false},
		{&amd[0], NMI, NMI, true},
		{&amd[2], NMI, NMI, true},
		{&amd[2], NMI | MASKED, NMI | MASKED, false},
	};
	struct machine_cpu cpu;

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(cases); i++) {
		machine_init(&cpu, cases[i].model);
		cpu.lvtpc = cases[i].before;
		cpu.gp_select[0] = 0x5200c0;
		cpu.gp_counter[0] = MAX_VALUE;
		machine_count(&cpu, MACHINE_INSTRUCTIONS, 0, 1);
		assert_int_equal(cpu.nmi_pending, cases[i].is_nmi);
		assert_int_equal(cpu.lvtpc, cases[i].after);
	}
}

static void a_fixed_counters_pmi_is_its_own_bit(void **state)
{
	struct machine_cpu cpu;

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		machine_init(&cpu, &intel[5]);
		cpu.lvtpc = NMI;
		cpu.global_ctrl = 1ULL << (32 + i);
		cpu.fixed_ctrl = 0x333 | 8ULL << (4 * i);
		cpu.fixed_counter[i] = 0xffffffffffULL;
		machine_count(&cpu, i ? MACHINE_CYCLES : MACHINE_INSTRUCTIONS, 3, 1);
		assert_int_equal(cpu.status, 1ULL << (32 + i));
		assert_true(cpu.nmi_pending);
	}
}

/* SDM volume 3, "Freezing LBR and Performance Counters on PMI": legacy, and streamlined from 4 on. */
static void a_pmi_freezes_as_the_version_does(void **state)
{
	struct machine_cpu cpu;

	(void)state;
	for (unsigned int version = 2; version <= 5; version++) {
		for (unsigned int is_masked = 0; is_masked < 2; is_masked++) {
			machine_init(&cpu, &intel[version]);
			/* On the request, whether or not the LVTPC delivers it. */
			cpu.lvtpc = NMI | (is_masked ? MASKED : 0);
			assert_true(machine_wrmsr(&cpu, 0x1d9, 0x1000));
			cpu.gp_select[0] = 0x5200c0;
			cpu.gp_select[1] = 0x4200c0;
			cpu.gp_counter[0] = MAX_VALUE;
			machine_count(&cpu, MACHINE_INSTRUCTIONS, 0, 1);
			assert_int_equal(cpu.global_ctrl, version >= 4 ? 0xf : 0);
			assert_int_equal(cpu.status, version >= 4 ? 1ULL << 59 | 1 : 1);
			machine_count(&cpu, MACHINE_INSTRUCTIONS, 0, 1);
			assert_int_equal(cpu.gp_counter[1], 1);
			if (version >= 4)
				assert_true(machine_wrmsr(&cpu, 0x390, 1ULL << 59));
			else
				assert_true(machine_wrmsr(&cpu, 0x38f, 0xf));
			machine_count(&cpu, MACHINE_INSTRUCTIONS, 0, 1);
			assert_int_equal(cpu.gp_counter[1], 2);
		}
	}
}

static void an_overflow_without_int_or_without_the_bit_freezes_nothing(void **state)
{
	struct machine_cpu cpu;

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		machine_init(&cpu, &intel[4]);
		cpu.debugctl = i ? 0x1000 : 0;
		cpu.gp_select[0] = i ? 0x4200c0 : 0x5200c0;
		cpu.gp_counter[0] = MAX_VALUE;
		machine_count(&cpu, MACHINE_INSTRUCTIONS, 0, 3);
		machine_count(&cpu, MACHINE_INSTRUCTIONS, 0, 3);
		assert_int_equal(cpu.gp_counter[0], 5);
		assert_int_equal(cpu.status, 1);
	}
}

/* SDM volume 3, "Handling Multiple NMIs": blocked until IRET, one more is kept. */
static void an_nmi_is_latched_once_and_blocked_until_iret(void **state)
{
	struct machine_cpu cpu;

	(void)state;
	machine_init(&cpu, &amd[0]);
	assert_false(machine_take_nmi(&cpu));
	cpu.lvtpc = NMI;
	cpu.gp_select[0] = 0x5200c0;
	for (int i = 0; i < 3; i++) {
		cpu.gp_counter[0] = MAX_VALUE;
		machine_count(&cpu, MACHINE_INSTRUCTIONS, 0, 1);
	}
	assert_true(machine_take_nmi(&cpu));
	assert_false(machine_take_nmi(&cpu));
	cpu.gp_counter[0] = MAX_VALUE;
	machine_count(&cpu, MACHINE_INSTRUCTIONS, 0, 1);
	assert_true(cpu.nmi_pending);
	assert_false(machine_take_nmi(&cpu));
	machine_iret(&cpu);
	assert_true(machine_take_nmi(&cpu));
	machine_iret(&cpu);
	assert_false(machine_take_nmi(&cpu));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_general_counter_counts_its_event_at_its_privilege),
		cmocka_unit_test(fixed_counters_count_instructions_and_cycles),
		cmocka_unit_test(host_only_and_guest_only_choose_the_mode),
		cmocka_unit_test(global_ctrl_gates_where_there_is_one),
		cmocka_unit_test(an_overflow_wraps_and_shows_in_the_status),
		cmocka_unit_test(a_pmi_goes_through_the_lvtpc),
		cmocka_unit_test(a_fixed_counters_pmi_is_its_own_bit),
		cmocka_unit_test(a_pmi_freezes_as_the_version_does),
		cmocka_unit_test(an_overflow_without_int_or_without_the_bit_freezes_nothing),
		cmocka_unit_test(an_nmi_is_latched_once_and_blocked_until_iret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
