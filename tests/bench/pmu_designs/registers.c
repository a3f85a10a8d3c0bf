/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "registers.h"

#include <stdio.h>
#include <stdlib.h>

static const struct registers intel = {
	.counter = HVPMU_MSR_A_PMC0,
	.select = HVPMU_MSR_PERFEVTSEL0,
	.stride = 1,
	.fixed_counter = HVPMU_MSR_FIXED_CTR0,
	.fixed_ctrl = HVPMU_MSR_FIXED_CTR_CTRL,
	.global_ctrl = HVPMU_MSR_GLOBAL_CTRL,
	.status = HVPMU_MSR_GLOBAL_STATUS,
	.status_clear = HVPMU_MSR_GLOBAL_OVF_CTRL,
	.status_set = HVPMU_MSR_GLOBAL_STATUS_SET,
};

static const struct registers amd = {
	.counter = HVPMU_MSR_CORE_PERFCTR0,
	.select = HVPMU_MSR_CORE_PERFEVTSEL0,
	.stride = 2,
	.global_ctrl = HVPMU_MSR_AMD_GLOBAL_CTL,
	.status = HVPMU_MSR_AMD_GLOBAL_STATUS,
	.status_clear = HVPMU_MSR_AMD_GLOBAL_STATUS_CLR,
	.status_set = HVPMU_MSR_AMD_GLOBAL_STATUS_SET,
};

const struct registers *registers_of(const struct scenario *scenario)
{
	return scenario->model.vendor == MACHINE_INTEL ? &intel : &amd;
}

struct access registers_decode(const struct registers *regs, u32 msr)
{
	const unsigned int span = regs->stride * MACHINE_MAX_GP;

	if (msr == regs->global_ctrl)
		return (struct access){.kind = ACCESS_GLOBAL_CTRL};
	if (msr == regs->status)
		return (struct access){.kind = ACCESS_STATUS};
	if (msr == regs->status_clear)
		return (struct access){.kind = ACCESS_STATUS_CLEAR};
	if (regs->fixed_ctrl && msr == regs->fixed_ctrl)
		return (struct access){.kind = ACCESS_FIXED_CTRL};
	if (regs->fixed_counter && msr - regs->fixed_counter < MACHINE_MAX_FIXED)
		return (struct access){ACCESS_COUNTER, HVPMU_FIXED(0) + msr - regs->fixed_counter};
	if (msr - regs->counter < span && (msr - regs->counter) % regs->stride == 0)
		return (struct access){ACCESS_COUNTER, (msr - regs->counter) / regs->stride};
	if (msr - regs->select >= span) {
		fprintf(stderr, "pmu_designs: MSR %#x is none of the workload's\n", msr);
		abort();
	}
	return (struct access){ACCESS_SELECT, (msr - regs->select) / regs->stride};
}

unsigned int registers_rdpmc_counter(u32 index)
{
	return index & HVPMU_RDPMC_FIXED ? HVPMU_FIXED(index & ~HVPMU_RDPMC_FIXED) : index;
}
