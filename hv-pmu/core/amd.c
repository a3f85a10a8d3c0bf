// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * AMD: the four K7 counters, PerfCtrExtCore's six, PerfMonV2. APM volume 2, 13.2. Reserved bits and
 * counters that K7 or PerfCtrExtCore promise but the guest has not are ignored, as the PPRs say of
 * them; registers that no bit of its CPUID promises are none of the PMU's.
 */
#include "counters.h"
#include "layout.h"

static struct hvpmu_reg reg(enum hvpmu_reg_kind kind)
{
	return (struct hvpmu_reg){.kind = kind};
}

static struct hvpmu_reg gp(const struct hvpmu_part *part, enum hvpmu_reg_kind kind, u32 index)
{
	if (index >= part->num_gp)
		return reg(HVPMU_REG_ABSENT);
	return (struct hvpmu_reg){.kind = kind, .counter = hvpmu_env_nospec(index, part->num_gp)};
}

static struct hvpmu_reg decode_global(const struct hvpmu_part *part, u32 msr)
{
	if (!hvpmu_has_global(part))
		return reg(HVPMU_REG_UNKNOWN);
	switch (msr) {
	case HVPMU_MSR_AMD_GLOBAL_STATUS: return reg(HVPMU_REG_STATUS);
	case HVPMU_MSR_AMD_GLOBAL_CTL: return reg(HVPMU_REG_GLOBAL_CTRL);
	case HVPMU_MSR_AMD_GLOBAL_STATUS_CLR: return reg(HVPMU_REG_STATUS_CLEAR);
	case HVPMU_MSR_AMD_GLOBAL_STATUS_SET: return reg(HVPMU_REG_STATUS_SET);
	default: return reg(HVPMU_REG_UNKNOWN);
	}
}

/* PerfCtrExtCore stands for six counters, CPUID 80000022H for any number. */
static u32 num_core_addresses(const struct hvpmu_part *part)
{
	if (part->version < 1)
		return 0;
	return part->num_gp > HVPMU_CORE_COUNTERS ? part->num_gp : HVPMU_CORE_COUNTERS;
}

static struct hvpmu_reg decode(const struct hvpmu_part *part, u32 msr)
{
	u32 index;

	/* First what a PMI handler accesses most. */
	if (msr - HVPMU_MSR_AMD_GLOBAL_STATUS < HVPMU_AMD_MSR_GLOBAL)
		return decode_global(part, msr);
	if (msr - HVPMU_MSR_K7_PERFEVTSEL0 < HVPMU_K7_COUNTERS)
		return gp(part, HVPMU_REG_SELECT, msr - HVPMU_MSR_K7_PERFEVTSEL0);
	if (msr - HVPMU_MSR_K7_PERFCTR0 < HVPMU_K7_COUNTERS)
		return gp(part, HVPMU_REG_COUNTER, msr - HVPMU_MSR_K7_PERFCTR0);
	index = msr - HVPMU_MSR_CORE_PERFEVTSEL0;
	if (index < 2 * num_core_addresses(part))
		return gp(part, index & 1 ? HVPMU_REG_COUNTER : HVPMU_REG_SELECT, index / 2);
	return reg(HVPMU_REG_UNKNOWN);
}

#define SELECT_BITS ((0xffffffffULL & ~(HVPMU_SEL_PIN | HVPMU_SEL_ANY)) | HVPMU_SEL_AMD_EVENT_HIGH)

static int check(const struct hvpmu_part *part, struct hvpmu_reg r, u64 value, u64 *ret_value)
{
	switch (r.kind) {
	case HVPMU_REG_COUNTER:
		*ret_value = value & hvpmu_counter_mask(part, r.counter);
		return HVPMU_OK;
	case HVPMU_REG_SELECT:
		/* GuestOnly and HostOnly too: the guest has no SVM that they could mean. */
		*ret_value = value & SELECT_BITS;
		return HVPMU_OK;
	case HVPMU_REG_GLOBAL_CTRL:
	case HVPMU_REG_STATUS_CLEAR:
	case HVPMU_REG_STATUS_SET: *ret_value = value & part->guest_mask; return HVPMU_OK;
	default: return HVPMU_UNKNOWN; /* read-only, or not there: ignored */
	}
}

#define AMD_COMMON                                                                                 \
	.select_keep = SELECT_BITS, .select_force = HVPMU_SEL_AMD_GUEST,                           \
	.instructions = HVPMU_EVENT_AMD_INSTRUCTIONS, .branches = HVPMU_EVENT_AMD_BRANCHES,        \
	.decode = decode, .check = check

#define K7_MSRS(i)                                                                                 \
	.gp[i].counter = HVPMU_MSR_K7_PERFCTR0 + (i), .gp[i].select = HVPMU_MSR_K7_PERFEVTSEL0 + (i)

#define CORE_MSRS(i)                                                                               \
	.gp[i].counter = HVPMU_MSR_CORE_PERFCTR0 + 2 * (i),                                        \
	.gp[i].select = HVPMU_MSR_CORE_PERFEVTSEL0 + 2 * (i)

#define ALL_CORE_MSRS                                                                              \
	CORE_MSRS(0), CORE_MSRS(1), CORE_MSRS(2), CORE_MSRS(3), CORE_MSRS(4), CORE_MSRS(5),        \
		CORE_MSRS(6), CORE_MSRS(7), CORE_MSRS(8), CORE_MSRS(9), CORE_MSRS(10),             \
		CORE_MSRS(11), CORE_MSRS(12), CORE_MSRS(13), CORE_MSRS(14), CORE_MSRS(15)

const struct hvpmu_layout hvpmu_layout_amd_k7 = {
	K7_MSRS(0), K7_MSRS(1), K7_MSRS(2), K7_MSRS(3), AMD_COMMON,
};

const struct hvpmu_layout hvpmu_layout_amd_core = {
	ALL_CORE_MSRS,
	AMD_COMMON,
};

const struct hvpmu_layout hvpmu_layout_amd_v2 = {
	ALL_CORE_MSRS,
	.status = HVPMU_MSR_AMD_GLOBAL_STATUS,
	.status_clear = HVPMU_MSR_AMD_GLOBAL_STATUS_CLR,
	AMD_COMMON,
};
