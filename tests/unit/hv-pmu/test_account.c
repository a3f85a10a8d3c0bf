/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a domain used: in guest mode and in the hypervisor, exact against what happened on the CPU. */
#include "tests/unit/check.h"

#include "common/base/array.h"
#include "tests/unit/hv-pmu/pmu.h"

/* A vCPU's turn on the CPU, and what it must have been charged. */
struct used {
	u64 guest[2];
	u64 hyp[2];
};

static void happen_in_host(struct pmu *pmu, u64 cycles, u64 instructions)
{
	rig_host_count(&pmu->rig, 0, MACHINE_CYCLES, 0, cycles);
	rig_host_count(&pmu->rig, 0, MACHINE_INSTRUCTIONS, 0, instructions);
}

static void charge(u64 to[2], u64 cycles, u64 instructions)
{
	to[HVPMU_ACCOUNT_CYCLES] += cycles;
	to[HVPMU_ACCOUNT_INSTRUCTIONS] += instructions;
}

/* Comes, enters and exits some times, goes; numbers that differ everywhere. */
static void take_a_turn(struct pmu *pmu, int number, unsigned int entries, struct used *used)
{
	struct hvpmu_vcpu *vcpu = &pmu->rig.vcpu[number].core;

	rig_load(&pmu->rig, number, 0);
	hvpmu_account_load(vcpu, &pmu->env);
	for (unsigned int i = 1; i <= entries; i++) {
		happen_in_host(pmu, 100 + i, 10 + i);
		charge(used->hyp, 100 + i, 10 + i);
		assert_true(rig_enter(&pmu->rig, 0));
		hvpmu_account_enter(vcpu, &pmu->env);
		rig_guest_count(&pmu->rig, number, MACHINE_CYCLES, i % 4, 5000 + i);
		rig_guest_count(&pmu->rig, number, MACHINE_INSTRUCTIONS, i % 4, 700 + i);
		charge(used->guest, 5000 + i, 700 + i);
		rig_exit(&pmu->rig, 0);
		hvpmu_account_exit(vcpu, &pmu->env);
	}
	happen_in_host(pmu, 31, 3);
	charge(used->hyp, 31, 3);
	hvpmu_account_put(vcpu, &pmu->env);
	rig_put(&pmu->rig, number);
}

static void time_is_split_exactly_between_guest_and_hypervisor(void **state)
{
	const struct machine_model *const models[] = {&pmu_intel[2], &pmu_intel[5], &pmu_amd[0],
						      &pmu_amd[2]};

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(models); i++) {
		struct used used[2] = {0};
		struct pmu pmu;

		pmu_set_up(&pmu, models[i], 4, 0);
		rig_put(&pmu.rig, 0);
		take_a_turn(&pmu, 0, 3, &used[0]);
		happen_in_host(&pmu, 999999, 88888); /* nobody's */
		take_a_turn(&pmu, 1, 5, &used[1]);
		take_a_turn(&pmu, 0, 0, &used[0]);
		happen_in_host(&pmu, 777777, 66666);
		take_a_turn(&pmu, 0, 7, &used[0]);
		for (int vcpu = 0; vcpu < 2; vcpu++) {
			const struct hvpmu_account *account = &pmu.rig.vcpu[vcpu].core.account;

			assert_memory_equal(account->guest, used[vcpu].guest,
					    sizeof(account->guest));
			assert_memory_equal(account->hyp, used[vcpu].hyp, sizeof(account->hyp));
		}
	}
}

static void a_counter_that_wraps_loses_nothing(void **state)
{
	struct pmu pmu;

	(void)state;
	pmu_set_up(&pmu, &pmu_intel[5], 4, 0);
	pmu.rig.cpu[0].happened[MACHINE_CYCLES] = ~0ULL - 9;
	hvpmu_account_load(pmu.vcpu, &pmu.env);
	pmu.rig.cpu[0].happened[MACHINE_CYCLES] += 25;
	hvpmu_account_enter(pmu.vcpu, &pmu.env);
	assert_int_equal(pmu.vcpu->account.hyp[HVPMU_ACCOUNT_CYCLES], 25);
}

static void a_domains_account_is_the_sum_of_its_vcpus(void **state)
{
	const struct hvpmu_account first = {.guest = {1, 2},
					    .hyp = {3, 4},
					    .loads = 5,
					    .puts = 6,
					    .pmis = 7,
					    .emulated = 8,
					    .since = {9, 10}};
	struct hvpmu_account sum = {0};
	const struct hvpmu_account twice = {.guest = {2, 4},
					    .hyp = {6, 8},
					    .loads = 10,
					    .puts = 12,
					    .pmis = 14,
					    .emulated = 16};

	(void)state;
	hvpmu_account_add(&sum, &first);
	hvpmu_account_add(&sum, &first);
	assert_memory_equal(&sum, &twice, sizeof(sum));
}

static void loads_puts_and_pmis_are_counted(void **state)
{
	struct pmu pmu;

	(void)state;
	pmu_set_up(&pmu, &pmu_intel[5], 4, 0);
	pmu_run(&pmu, 1); /* nothing in use */
	assert_int_equal(pmu.vcpu->account.loads, 0);
	pmu_write(&pmu, 0x186, PMU_INSTRUCTIONS | PMU_INT);
	for (u64 turn = 1; turn <= 3; turn++) {
		pmu_write(&pmu, 0x4c1, 0xffffffffffffULL);
		pmu_run(&pmu, 1);
		pmu_run(&pmu, 1);
		assert_int_equal(pmu.vcpu->account.loads, turn);
		rig_put(&pmu.rig, 0);
		assert_int_equal(pmu.vcpu->account.puts, turn);
		assert_int_equal(pmu.vcpu->account.pmis, turn);
		rig_load(&pmu.rig, 0, 0);
		pmu.rig.vcpu[0].lvtpc = 0xec;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_is_split_exactly_between_guest_and_hypervisor),
		cmocka_unit_test(a_counter_that_wraps_loses_nothing),
		cmocka_unit_test(a_domains_account_is_the_sum_of_its_vcpus),
		cmocka_unit_test(loads_puts_and_pmis_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
