/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VM entries and exits of the model machine: SDM volume 3, "VM Entries", "VM Exits". */
#include "tests/unit/check.h"

#include "common/base/array.h"
#include "tests/hv-pmu/machine/machine.h"

static const struct machine_model model = {.vendor = MACHINE_INTEL,
					   .version = 5,
					   .num_gp = 4,
					   .num_fixed = 2,
					   .gp_width = 48,
					   .fixed_width = 48,
					   .has_full_width = true};

#define CTRL 0x38f
#define BEFORE 0x5ULL

struct fixture {
	struct machine_cpu cpu;
	struct machine_vmcs vmcs;
	int reason;
};

static void set_up(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	machine_init(&f->cpu, &model);
	f->cpu.global_ctrl = BEFORE;
	f->vmcs.guest_ctrl = 0x3;
	f->vmcs.host_ctrl = 0xc;
}

/* "Loading Guest Control Registers, Debug Registers, and MSRs", "Loading Host Control Registers ...". */
static void each_control_switches_its_own_direction(void **state)
{
	struct fixture f;

	(void)state;
	for (unsigned int controls = 0; controls < 4; controls++) {
		uint64_t in_guest, after;

		set_up(&f);
		f.vmcs.entry_loads_ctrl = controls & 1;
		f.vmcs.exit_loads_ctrl = controls & 2;
		in_guest = controls & 1 ? 0x3 : BEFORE;
		after = controls & 2 ? 0xc : in_guest;
		assert_true(machine_vmentry(&f.cpu, &f.vmcs, &f.reason));
		assert_int_equal(f.reason, 0);
		assert_true(f.cpu.in_guest);
		assert_int_equal(f.cpu.global_ctrl, in_guest);
		assert_true(machine_vmexit(&f.cpu, &f.vmcs));
		assert_false(f.cpu.in_guest);
		assert_int_equal(f.cpu.global_ctrl, after);
	}
}

static void counters_count_by_the_control_of_the_mode(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	f.vmcs.entry_loads_ctrl = true;
	f.vmcs.exit_loads_ctrl = true;
	f.cpu.gp_select[0] = 0x4200c0;
	f.cpu.gp_select[2] = 0x4200c0;
	assert_true(machine_vmentry(&f.cpu, &f.vmcs, &f.reason));
	machine_count(&f.cpu, MACHINE_INSTRUCTIONS, 0, 10);
	assert_true(machine_vmexit(&f.cpu, &f.vmcs));
	machine_count(&f.cpu, MACHINE_INSTRUCTIONS, 0, 100);
	assert_int_equal(f.cpu.gp_counter[0], 10);
	assert_int_equal(f.cpu.gp_counter[2], 100);
}

/* "Checks on Host Control Registers, MSRs, and SSP", "Checks on Guest Control Registers ...". */
static void reserved_bits_of_a_field_count_only_with_its_control(void **state)
{
	struct fixture f;

	(void)state;
	for (unsigned int bit = 0; bit < 64; bit++) {
		bool is_reserved = bit > 33 || (bit > 3 && bit < 32);

		for (unsigned int i = 0; i < 4; i++) {
			bool is_host = i & 1, is_used = i & 2;
			int reason = is_host ? MACHINE_ENTRY_HOST_CTRL : MACHINE_ENTRY_GUEST_CTRL;

			set_up(&f);
			*(is_host ? &f.vmcs.host_ctrl : &f.vmcs.guest_ctrl) = 1ULL << bit;
			f.vmcs.exit_loads_ctrl = is_host && is_used;
			f.vmcs.entry_loads_ctrl = !is_host && is_used;
			assert_int_equal(machine_vmentry(&f.cpu, &f.vmcs, &f.reason),
					 !(is_reserved && is_used));
			assert_int_equal(f.reason, is_reserved && is_used ? reason : 0);
		}
	}
}

/* A bad host field is VMfail: nothing is loaded. A bad guest field is an exit with reason 33. */
static void a_failed_entry_loads_the_hosts_state_only_after_the_hosts_checks(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	f.vmcs.entry_loads_ctrl = true;
	f.vmcs.exit_loads_ctrl = true;
	f.vmcs.host_ctrl = 1ULL << 63;
	f.vmcs.guest_ctrl = 1ULL << 63;
	assert_false(machine_vmentry(&f.cpu, &f.vmcs, &f.reason));
	assert_int_equal(f.reason, MACHINE_ENTRY_HOST_CTRL);
	assert_int_equal(f.cpu.global_ctrl, BEFORE);

	f.vmcs.host_ctrl = 0xc;
	f.vmcs.exit_load[0] = (struct machine_area_entry){.msr = 0x4c1, .value = 77};
	f.vmcs.num_exit_load = 1;
	assert_false(machine_vmentry(&f.cpu, &f.vmcs, &f.reason));
	assert_int_equal(f.reason, MACHINE_ENTRY_GUEST_CTRL);
	assert_int_equal(f.cpu.global_ctrl, 0xc);
	assert_int_equal(f.cpu.gp_counter[0], 77);
	assert_false(f.cpu.in_guest);
}

/* "Loading MSRs": in order, after the control; the control is no exception to WRMSR's rules. */
static void the_entry_area_loads_in_order(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	f.vmcs.entry_loads_ctrl = true;
	f.vmcs.num_entry_load = 4;
	f.vmcs.entry_load[0] = (struct machine_area_entry){.msr = 0x4c1, .value = 1};
	f.vmcs.entry_load[1] = (struct machine_area_entry){.msr = 0x4c1, .value = 2};
	f.vmcs.entry_load[2] = (struct machine_area_entry){.msr = 0x186, .value = 0x4200c0};
	f.vmcs.entry_load[3] = (struct machine_area_entry){.msr = CTRL, .value = 0x1};
	assert_true(machine_vmentry(&f.cpu, &f.vmcs, &f.reason));
	assert_int_equal(f.cpu.gp_counter[0], 2);
	assert_int_equal(f.cpu.gp_select[0], 0x4200c0);
	assert_int_equal(f.cpu.global_ctrl, 0x1);
	assert_int_equal(f.cpu.num_area, 4);
	assert_int_equal(f.cpu.num_wrmsr, 0);
}

static const struct {
	const char *what;
	struct machine_area_entry entry;
} bad_loads[] = {
	{"a reserved bit of the index", {0x4c1, 1, 0}},
	{"the highest reserved bit", {0x4c1, 1U << 31, 0}},
	{"an MSR that is not there", {0x4c5, 0, 0}},
	{"a read-only one", {0x38e, 0, 0}},
	{"reserved bits of the value", {CTRL, 0, 0x10}},
	{"a counter beyond its width", {0x4c1, 0, 1ULL << 48}},
};

/* "VM-Entry Failures During or After Loading Guest State": the entry's number from 1 up. */
static void a_bad_entry_fails_with_its_number_and_loads_the_host(void **state)
{
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(bad_loads); i++) {
		for (uint32_t position = 0; position < 3; position++) {
			set_up(&f);
			f.vmcs.entry_loads_ctrl = true;
			f.vmcs.exit_loads_ctrl = true;
			f.vmcs.num_entry_load = 3;
			for (uint32_t n = 0; n < 3; n++)
				f.vmcs.entry_load[n] =
					(struct machine_area_entry){.msr = 0x309, .value = n + 1};
			f.vmcs.entry_load[position] = bad_loads[i].entry;
			f.vmcs.num_exit_load = 1;
			f.vmcs.exit_load[0] = (struct machine_area_entry){.msr = 0x30a, .value = 9};
			if (machine_vmentry(&f.cpu, &f.vmcs, &f.reason))
				fail_msg("accepted: %s", bad_loads[i].what);
			assert_int_equal(f.reason, position + 1);
			assert_false(f.cpu.in_guest);
			/* What came before it is loaded and stays; the host's state is loaded. */
			assert_int_equal(f.cpu.fixed_counter[0], position);
			assert_int_equal(f.cpu.fixed_counter[1], 9);
			assert_int_equal(f.cpu.global_ctrl, 0xc);
		}
	}
}

/* "Saving MSRs" comes before "Loading Host State", and "Loading MSRs" after it. */
static void an_exit_stores_then_loads_the_control_then_the_area(void **state)
{
	struct fixture f;

	(void)state;
	set_up(&f);
	f.vmcs.entry_loads_ctrl = true;
	f.vmcs.exit_loads_ctrl = true;
	f.vmcs.num_exit_store = 2;
	f.vmcs.exit_store[0].msr = CTRL;
	f.vmcs.exit_store[1].msr = 0x4c1;
	f.vmcs.num_exit_load = 2;
	f.vmcs.exit_load[0] = (struct machine_area_entry){.msr = CTRL, .value = 0x8};
	f.vmcs.exit_load[1] = (struct machine_area_entry){.msr = 0x4c1, .value = 0};
	f.cpu.gp_select[0] = 0x4200c0;
	assert_true(machine_vmentry(&f.cpu, &f.vmcs, &f.reason));
	machine_count(&f.cpu, MACHINE_INSTRUCTIONS, 0, 6);
	assert_true(machine_vmexit(&f.cpu, &f.vmcs));
	assert_int_equal(f.vmcs.exit_store[0].value, 0x3);
	assert_int_equal(f.vmcs.exit_store[1].value, 6);
	assert_int_equal(f.cpu.global_ctrl, 0x8);
	assert_int_equal(f.cpu.gp_counter[0], 0);
	assert_int_equal(f.cpu.num_area, 4);
	assert_int_equal(f.cpu.num_rdmsr + f.cpu.num_wrmsr, 0);
}

/* "VMX Aborts". */
static void an_exit_that_cannot_store_or_load_aborts(void **state)
{
	static const struct machine_area_entry bad_stores[] = {
		{0x4c1, 1, 0}, {0x4c5, 0, 0}, {0x393, 0, 0}};
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(bad_loads); i++) {
		set_up(&f);
		assert_true(machine_vmentry(&f.cpu, &f.vmcs, &f.reason));
		f.vmcs.num_exit_load = 1;
		f.vmcs.exit_load[0] = bad_loads[i].entry;
		assert_false(machine_vmexit(&f.cpu, &f.vmcs));
	}
	for (size_t i = 0; i < HVP_ARRAY_SIZE(bad_stores); i++) {
		set_up(&f);
		assert_true(machine_vmentry(&f.cpu, &f.vmcs, &f.reason));
		f.vmcs.num_exit_store = 1;
		f.vmcs.exit_store[0] = bad_stores[i];
		assert_false(machine_vmexit(&f.cpu, &f.vmcs));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_control_switches_its_own_direction),
		cmocka_unit_test(counters_count_by_the_control_of_the_mode),
		cmocka_unit_test(reserved_bits_of_a_field_count_only_with_its_control),
		cmocka_unit_test(a_failed_entry_loads_the_hosts_state_only_after_the_hosts_checks),
		cmocka_unit_test(the_entry_area_loads_in_order),
		cmocka_unit_test(a_bad_entry_fails_with_its_number_and_loads_the_host),
		cmocka_unit_test(an_exit_stores_then_loads_the_control_then_the_area),
		cmocka_unit_test(an_exit_that_cannot_store_or_load_aborts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
