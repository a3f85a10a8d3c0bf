// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Instructions that the hypervisor emulates retire for the guest all the same. */
#include "counters.h"
#include "hardware.h"
#include "layout.h"
#include "overflow.h"

/* Intel's fixed counter 0 counts retired instructions (SDM volume 3, table of fixed counters). */
#define FIXED_INSTRUCTIONS HVPMU_FIXED(0)

/* A branch is an instruction, too. */
#define ALL_KINDS (1U << HVPMU_RETIRED_INSTRUCTION | 1U << HVPMU_RETIRED_BRANCH)

unsigned int hvpmu_retired_kinds(const struct hvpmu_vcpu *vcpu, unsigned int counter)
{
	const struct hvpmu_layout *layout = hvpmu_layout(&vcpu->part);
	u64 select;
	u64 event;

	if (hvpmu_is_fixed(counter))
		return counter == FIXED_INSTRUCTIONS ? ALL_KINDS : 0;
	select = vcpu->gp_select[counter];
	/* A threshold or an edge needs the hardware's cycles: not emulated. INV inverts thresholds. */
	if (select & (HVPMU_SEL_CMASK | HVPMU_SEL_EDGE))
		return 0;
	event = select & (HVPMU_SEL_EVENT | HVPMU_SEL_UMASK | HVPMU_SEL_AMD_EVENT_HIGH);
	if (event == layout->instructions)
		return ALL_KINDS;
	return event == layout->branches ? 1U << HVPMU_RETIRED_BRANCH : 0;
}

static bool counts_at(const struct hvpmu_vcpu *vcpu, unsigned int counter, unsigned int cpl)
{
	if (hvpmu_is_fixed(counter))
		return hvpmu_fixed_field(vcpu->fixed_ctrl, counter) &
		       (cpl ? HVPMU_FIXED_USR : HVPMU_FIXED_OS);
	return vcpu->gp_select[counter] & (cpl ? HVPMU_SEL_USR : HVPMU_SEL_OS);
}

static u64 counting(const struct hvpmu_vcpu *vcpu, enum hvpmu_retired kind)
{
	return hvpmu_is_frozen(vcpu) ? 0 : hvpmu_in_use(vcpu) & vcpu->of_retired[kind];
}

void hvpmu_retired(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, enum hvpmu_retired kind,
		   unsigned int cpl)
{
	u64 set = counting(vcpu, kind);
	u64 overflowed = 0;
	u64 counted = 0;

	if (!set)
		return;
	hvpmu_begin(vcpu, env);
	/* Again: what begin() harvested may have frozen the counters. */
	set = counting(vcpu, kind);
	while (set) {
		unsigned int counter = hvpmu_pop(&set);
		u64 value;

		if (!counts_at(vcpu, counter, cpl))
			continue;
		counted |= hvpmu_bit(counter);
		value = hvpmu_read_counter(vcpu, env, counter) + 1;
		value &= hvpmu_counter_mask(&vcpu->part, counter);
		if (!value)
			overflowed |= hvpmu_bit(counter);
		hvpmu_write_counter(vcpu, env, counter, value);
	}
	vcpu->account.emulated += counted != 0;
	if (overflowed)
		hvpmu_overflowed(vcpu, env, overflowed);
	hvpmu_end(env);
}
