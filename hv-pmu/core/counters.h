/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sets of counters, and where a vCPU keeps a counter's registers in memory. */
#ifndef HVPMU_COUNTERS_H
#define HVPMU_COUNTERS_H

#include <hvpmu/hvpmu.h>
#include <hvpmu/msr.h>

static inline u64 hvpmu_bit(unsigned int counter)
{
	return 1ULL << counter;
}

/* The lowest `count` bits, count up to 64. */
static inline u64 hvpmu_low_bits(unsigned int count)
{
	return count >= 64 ? ~0ULL : (1ULL << count) - 1;
}

static inline u64 hvpmu_counters(unsigned int num_gp, unsigned int num_fixed)
{
	return hvpmu_low_bits(num_gp) | hvpmu_low_bits(num_fixed) << HVPMU_FIXED(0);
}

static inline bool hvpmu_is_fixed(unsigned int counter)
{
	return counter >= HVPMU_FIXED(0);
}

/* Takes the lowest counter out of a set that is not empty. */
static inline unsigned int hvpmu_pop(u64 *set)
{
	unsigned int counter = (unsigned int)__builtin_ctzll(*set);

	*set &= *set - 1;
	return counter;
}

static inline u64 *hvpmu_counter(struct hvpmu_vcpu *vcpu, unsigned int counter)
{
	return hvpmu_is_fixed(counter) ? &vcpu->fixed_counter[counter - HVPMU_FIXED(0)]
				       : &vcpu->gp_counter[counter];
}

/* The bits of a counter of this width, 1 to 64. */
static inline u64 hvpmu_width_mask(unsigned int width)
{
	return ~0ULL >> (64 - width);
}

static inline u64 hvpmu_counter_mask(const struct hvpmu_part *part, unsigned int counter)
{
	return hvpmu_width_mask(hvpmu_is_fixed(counter) ? part->fixed_width : part->gp_width);
}

/* A fixed counter's four bits of a FIXED_CTR_CTRL value. */
static inline u64 hvpmu_fixed_field(u64 fixed_ctrl, unsigned int counter)
{
	return fixed_ctrl >> (HVPMU_FIXED_BITS * (counter - HVPMU_FIXED(0))) & 0xf;
}

/* The bits of FIXED_CTR_CTRL that belong to the fixed counters in a set: each of eight bits to four. */
static inline u64 hvpmu_fixed_bits(u64 set)
{
	u64 bits = set >> HVPMU_FIXED(0) & hvpmu_low_bits(HVPMU_MAX_FIXED);

	bits = (bits | bits << 12) & 0x000f000f;
	bits = (bits | bits << 6) & 0x03030303;
	bits = (bits | bits << 3) & 0x11111111;
	return bits * 0xf;
}

/* Whether the guest has GLOBAL_CTRL: Intel from version 2 on, AMD with PerfMonV2. */
static inline bool hvpmu_has_global(const struct hvpmu_part *part)
{
	return part->version >= 2;
}

static inline bool hvpmu_is_loaded(const struct hvpmu_vcpu *vcpu)
{
	return vcpu->state == HVPMU_LOADED;
}

/* Intel's streamlined freeze: GLOBAL_STATUS.CTR_FRZ stops all counters (SDM, version 4). */
static inline bool hvpmu_is_frozen(const struct hvpmu_vcpu *vcpu)
{
	return vcpu->status & HVPMU_STATUS_CTR_FRZ;
}

/* Whether the counter's own control has it on, whatever GLOBAL_CTRL says. */
static inline bool hvpmu_is_selected(const struct hvpmu_vcpu *vcpu, unsigned int counter)
{
	if (hvpmu_is_fixed(counter))
		return hvpmu_fixed_field(vcpu->fixed_ctrl, counter) &
		       (HVPMU_FIXED_OS | HVPMU_FIXED_USR);
	return vcpu->gp_select[counter] & HVPMU_SEL_EN;
}

/* Whether an overflow of the counter raises a PMI. */
static inline bool hvpmu_wants_pmi(const struct hvpmu_vcpu *vcpu, unsigned int counter)
{
	if (hvpmu_is_fixed(counter))
		return hvpmu_fixed_field(vcpu->fixed_ctrl, counter) & HVPMU_FIXED_PMI;
	return vcpu->gp_select[counter] & HVPMU_SEL_INT;
}

/* The kinds of instructions that the counter counts, at whatever CPL: a bit for each of them. */
unsigned int hvpmu_retired_kinds(const struct hvpmu_vcpu *vcpu, unsigned int counter);

/* The controls of these counters were written: `selected`, `with_pmi`, `of_retired` follow. */
void hvpmu_note_controls(struct hvpmu_vcpu *vcpu, u64 set);

/* The counters that count while the guest runs: selected, enabled globally and not denied. */
static inline u64 hvpmu_in_use(const struct hvpmu_vcpu *vcpu)
{
	u64 set = vcpu->selected & ~vcpu->denied;

	return hvpmu_has_global(&vcpu->part) ? set & vcpu->global_ctrl : set;
}

/* The counters that ought to be in hardware while these are in use. */
static inline u64 hvpmu_wanted(const struct hvpmu_vcpu *vcpu, u64 in_use)
{
	return in_use && vcpu->part.loads_all ? vcpu->part.guest_mask & ~vcpu->denied : in_use;
}

/* Those of them that are not. */
static inline u64 hvpmu_missing(const struct hvpmu_vcpu *vcpu, u64 in_use)
{
	return hvpmu_wanted(vcpu, in_use) & ~vcpu->hw;
}

#endif
