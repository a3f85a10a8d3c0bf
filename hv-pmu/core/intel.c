// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Intel's architectural PerfMon, versions 2 to 5. SDM volume 3, "Architectural Performance
 * Monitoring"; volume 4 for the registers' reserved bits.
 */
#include "counters.h"
#include "layout.h"

static bool is_within(u32 msr, u32 first, u32 count)
{
	return msr - first < count;
}

static struct hvpmu_reg reg(enum hvpmu_reg_kind kind)
{
	return (struct hvpmu_reg){.kind = kind};
}

static struct hvpmu_reg absent_unless(bool exists, enum hvpmu_reg_kind kind)
{
	return reg(exists ? kind : HVPMU_REG_ABSENT);
}

static struct hvpmu_reg gp(const struct hvpmu_part *part, enum hvpmu_reg_kind kind, u32 index)
{
	if (index >= part->num_gp)
		return reg(HVPMU_REG_ABSENT);
	return (struct hvpmu_reg){.kind = kind, .counter = hvpmu_env_nospec(index, part->num_gp)};
}

static struct hvpmu_reg decode_global(const struct hvpmu_part *part, u32 msr)
{
	switch (msr) {
	case HVPMU_MSR_FIXED_CTR_CTRL:
		return absent_unless(part->version >= 2, HVPMU_REG_FIXED_CTRL);
	case HVPMU_MSR_GLOBAL_STATUS: return absent_unless(part->version >= 2, HVPMU_REG_STATUS);
	case HVPMU_MSR_GLOBAL_CTRL: return absent_unless(part->version >= 2, HVPMU_REG_GLOBAL_CTRL);
	case HVPMU_MSR_GLOBAL_OVF_CTRL:
		return absent_unless(part->version >= 2, HVPMU_REG_STATUS_CLEAR);
	case HVPMU_MSR_GLOBAL_STATUS_SET:
		return absent_unless(part->version >= 4, HVPMU_REG_STATUS_SET);
	default: return absent_unless(part->version >= 4, HVPMU_REG_INUSE);
	}
}

static struct hvpmu_reg decode(const struct hvpmu_part *part, u32 msr)
{
	/* First what a PMI handler accesses most. */
	if (is_within(msr, HVPMU_MSR_FIXED_CTR_CTRL, HVPMU_INTEL_MSR_GLOBAL))
		return decode_global(part, msr);
	if (is_within(msr, HVPMU_MSR_PMC0, HVPMU_INTEL_MSR_GP))
		return gp(part, HVPMU_REG_LEGACY_COUNTER, msr - HVPMU_MSR_PMC0);
	if (is_within(msr, HVPMU_MSR_PERFEVTSEL0, HVPMU_INTEL_MSR_GP))
		return gp(part, HVPMU_REG_SELECT, msr - HVPMU_MSR_PERFEVTSEL0);
	if (is_within(msr, HVPMU_MSR_A_PMC0, HVPMU_INTEL_MSR_GP)) {
		if (!part->has_full_width)
			return reg(HVPMU_REG_ABSENT);
		return gp(part, HVPMU_REG_COUNTER, msr - HVPMU_MSR_A_PMC0);
	}
	if (is_within(msr, HVPMU_MSR_FIXED_CTR0, HVPMU_INTEL_MSR_FIXED)) {
		u32 index = msr - HVPMU_MSR_FIXED_CTR0;

		if (index >= part->num_fixed)
			return reg(HVPMU_REG_ABSENT);
		index = hvpmu_env_nospec(index, part->num_fixed);
		return (struct hvpmu_reg){.kind = HVPMU_REG_COUNTER, .counter = HVPMU_FIXED(index)};
	}
	if (msr == HVPMU_MSR_PERF_CAPABILITIES)
		return absent_unless(part->version, HVPMU_REG_CAPABILITIES);
	return reg(HVPMU_REG_UNKNOWN);
}

/* IA32_PERFEVTSELx: bits 63:32 and AnyThread, which CPUID.0AH:EDX[15] says is gone. */
static bool is_select_valid(u64 value)
{
	return !(value & (~0xffffffffULL | HVPMU_SEL_ANY));
}

/* AnyThread again, and the fields of counters that are not there. */
static bool is_fixed_ctrl_valid(const struct hvpmu_part *part, u64 value)
{
	for (unsigned int i = 0; i < part->num_fixed; i++) {
		if (hvpmu_fixed_field(value, HVPMU_FIXED(i)) & HVPMU_FIXED_ANY)
			return false;
	}
	return part->num_fixed >= 16 || !(value >> (HVPMU_FIXED_BITS * part->num_fixed));
}

/* Bits of the status registers besides the counters', by version. */
static u64 status_flags(const struct hvpmu_part *part)
{
	u64 flags = HVPMU_STATUS_DS_BUFFER | HVPMU_STATUS_COND_CHGD;

	if (part->version >= 3)
		flags |= HVPMU_STATUS_UNCORE;
	if (part->version >= 4)
		flags |= HVPMU_STATUS_LBR_FRZ | HVPMU_STATUS_CTR_FRZ | HVPMU_STATUS_ASCI;
	return flags;
}

/* STATUS_SET has no CondChgd: bit 63 is reserved there. */
static u64 settable_flags(const struct hvpmu_part *part)
{
	return status_flags(part) & ~HVPMU_STATUS_COND_CHGD;
}

static bool is_valid(const struct hvpmu_part *part, struct hvpmu_reg r, u64 value)
{
	switch (r.kind) {
	case HVPMU_REG_COUNTER: return !(value & ~hvpmu_counter_mask(part, r.counter));
	case HVPMU_REG_LEGACY_COUNTER: return true;
	case HVPMU_REG_SELECT: return is_select_valid(value);
	case HVPMU_REG_FIXED_CTRL: return is_fixed_ctrl_valid(part, value);
	case HVPMU_REG_GLOBAL_CTRL: return !(value & ~part->guest_mask);
	case HVPMU_REG_STATUS_CLEAR: return !(value & ~(part->guest_mask | status_flags(part)));
	case HVPMU_REG_STATUS_SET: return !(value & ~(part->guest_mask | settable_flags(part)));
	default: return false; /* read-only, or not there */
	}
}

static int check(const struct hvpmu_part *part, struct hvpmu_reg r, u64 value, u64 *ret_value)
{
	if (!is_valid(part, r, value))
		return HVPMU_GP;
	*ret_value = value;
	/* "Full-Width Writes": IA32_PMCi takes 32 bits and extends the sign. */
	if (r.kind == HVPMU_REG_LEGACY_COUNTER) {
		value = (value & 0xffffffffULL) | (value & 0x80000000ULL ? ~0xffffffffULL : 0);
		*ret_value = value & hvpmu_counter_mask(part, r.counter);
	}
	return HVPMU_OK;
}

#define GP_MSRS(i)                                                                                 \
	.gp[i].counter = HVPMU_MSR_A_PMC0 + (i), .gp[i].select = HVPMU_MSR_PERFEVTSEL0 + (i)

const struct hvpmu_layout hvpmu_layout_intel = {
	GP_MSRS(0),
	GP_MSRS(1),
	GP_MSRS(2),
	GP_MSRS(3),
	GP_MSRS(4),
	GP_MSRS(5),
	GP_MSRS(6),
	GP_MSRS(7),
	.fixed_counter = HVPMU_MSR_FIXED_CTR0,
	.fixed_ctrl = HVPMU_MSR_FIXED_CTR_CTRL,
	.status = HVPMU_MSR_GLOBAL_STATUS,
	.status_clear = HVPMU_MSR_GLOBAL_OVF_CTRL,
	.gates_by_ctrl = true,
	.select_keep = 0xffffffffULL & ~(HVPMU_SEL_ANY | HVPMU_SEL_PIN),
	.instructions = HVPMU_EVENT_INTEL_INSTRUCTIONS,
	.branches = HVPMU_EVENT_INTEL_BRANCHES,
	.decode = decode,
	.check = check,
};
