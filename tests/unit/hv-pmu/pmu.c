/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/check.h"

#include "tests/unit/hv-pmu/pmu.h"

#define INTEL(v)                                                                                   \
	{                                                                                          \
		.vendor = MACHINE_INTEL, .version = v, .num_gp = 8, .num_fixed = 4,                \
		.gp_width = 48, .fixed_width = 48, .has_full_width = true                          \
	}
#define AMD(v, gp)                                                                                 \
	{                                                                                          \
		.vendor = MACHINE_AMD, .version = v, .num_gp = gp, .gp_width = 48, .has_svm = true \
	}

const struct machine_model pmu_intel[6] = {
	[2] = INTEL(2), [3] = INTEL(3), [4] = INTEL(4), [5] = INTEL(5)};
const struct machine_model pmu_amd[3] = {AMD(0, 4), AMD(1, 6), AMD(2, 6)};

void pmu_set_up(struct pmu *pmu, const struct machine_model *model, unsigned int guest_gp,
		unsigned int guest_fixed)
{
	memset(pmu, 0, sizeof(*pmu));
	assert_true(rig_init(&pmu->rig, model, guest_gp, guest_fixed, 1, 2));
	rig_load(&pmu->rig, 0, 0);
	pmu->env = rig_env(&pmu->rig, 0, &pmu->place);
	pmu->vcpu = &pmu->rig.vcpu[0].core;
	pmu->machine = &pmu->rig.cpu[0].machine;
}

void pmu_write(struct pmu *pmu, u32 msr, u64 value)
{
	assert_int_equal(hvpmu_wrmsr(pmu->vcpu, &pmu->env, msr, value, false), HVPMU_OK);
}

u64 pmu_read(struct pmu *pmu, u32 msr)
{
	u64 value = 0;

	assert_int_equal(hvpmu_rdmsr(pmu->vcpu, &pmu->env, msr, &value, false), HVPMU_OK);
	return value;
}

u32 pmu_select_msr(const struct pmu *pmu, unsigned int counter)
{
	if (pmu->rig.part.vendor == HVPMU_INTEL)
		return 0x186 + counter;
	return pmu->rig.part.version ? 0xc0010200 + 2 * counter : 0xc0010000 + counter;
}

u32 pmu_counter_msr(const struct pmu *pmu, unsigned int counter)
{
	if (counter >= 32)
		return 0x309 + counter - 32;
	if (pmu->rig.part.vendor == HVPMU_INTEL)
		return 0x4c1 + counter;
	return pmu->rig.part.version ? 0xc0010201 + 2 * counter : 0xc0010004 + counter;
}

u32 pmu_ctrl_msr(const struct pmu *pmu)
{
	return pmu->rig.part.vendor == HVPMU_INTEL ? 0x38f : 0xc0000301;
}

void pmu_load_all(struct pmu *pmu)
{
	const struct hvpmu_part *part = &pmu->rig.part;

	for (unsigned int i = 0; i < part->num_gp; i++)
		pmu_write(pmu, pmu_select_msr(pmu, i), PMU_INSTRUCTIONS);
	if (part->num_fixed)
		pmu_write(pmu, 0x38d, 0x1111ULL & ((1ULL << (4 * part->num_fixed)) - 1));
	if (part->version >= 2)
		pmu_write(pmu, pmu_ctrl_msr(pmu), part->guest_mask);
	pmu_run(pmu, 0);
	assert_int_equal(pmu->vcpu->hw, part->guest_mask);
}

void pmu_run(struct pmu *pmu, u64 instructions)
{
	assert_true(rig_enter(&pmu->rig, 0));
	if (instructions)
		rig_guest_count(&pmu->rig, 0, MACHINE_INSTRUCTIONS, 0, instructions);
	rig_exit(&pmu->rig, 0);
}
