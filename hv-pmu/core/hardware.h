/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The two states of a vCPU and what leads from one to the other; with overflow.h all that
 * touches hardware. What changes a loaded vCPU runs with the CPU marked busy, but for a write of
 * GLOBAL_CTRL that changes nothing that an NMI looks at: write_global_ctrl() in msr.c.
 */
#ifndef HVPMU_HARDWARE_H
#define HVPMU_HARDWARE_H

#include "counters.h"
#include "layout.h"
#include "overflow.h"

/*
 * From begin to end hvpmu_nmi() looks but does not touch. begin() harvests, so that what follows
 * sees every overflow that has happened: without it, clearing a status bit whose PMI is still on
 * its way would lose the PMI. With a vCPU that is inactive there is nothing that an NMI could
 * touch, and begin() leaves the CPU as it is: another vCPU may be loaded there, whose overflows
 * nobody would harvest.
 */
static inline void hvpmu_begin(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env)
{
	if (!hvpmu_is_loaded(vcpu))
		return;
	env->cpu->nmi_claimed = 0;
	hvpmu_env_barrier();
	env->cpu->is_busy = true;
	hvpmu_env_barrier();
	hvpmu_harvest(vcpu, env, HVPMU_FOUND_EARLY);
}

static inline void hvpmu_end(struct hvpmu_env *env)
{
	hvpmu_env_barrier();
	env->cpu->is_busy = false;
	hvpmu_env_barrier();
}

static inline bool hvpmu_is_in_hardware(const struct hvpmu_vcpu *vcpu, unsigned int counter)
{
	return vcpu->hw & hvpmu_bit(counter);
}

/* Reads a counter from where it lives. Here, as RDPMC of guests is little else. */
static inline u64 hvpmu_read_counter(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env,
				     unsigned int counter)
{
	u32 index = counter;

	if (!hvpmu_is_in_hardware(vcpu, counter))
		return *hvpmu_counter(vcpu, counter);
	if (hvpmu_is_fixed(counter))
		index = HVPMU_RDPMC_FIXED | (counter - HVPMU_FIXED(0));
	return hvpmu_env_rdpmc(env, index) & hvpmu_counter_mask(&vcpu->part, counter);
}

/* Writes it there; the value is within its width. */
void hvpmu_write_counter(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, unsigned int counter,
			 u64 value);

/* For when all counters in use are in hardware: what GLOBAL_CTRL is to be while the guest runs. */
static inline void hvpmu_set_guest_ctrl(struct hvpmu_vcpu *vcpu, const struct hvpmu_layout *layout,
					u64 in_use)
{
	vcpu->guest_ctrl = layout->gates_by_ctrl && !hvpmu_is_frozen(vcpu) ? in_use : 0;
}

/* Counters that are in hardware get the controls there that the guest has written. */
void hvpmu_rewrite_controls(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, u64 set, u64 in_use);

/* Loads the counters that are wanted and not in hardware, takes those out that are denied. */
void hvpmu_reload(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, u64 in_use);

/*
 * A control of the guest changed: hardware, if loaded, follows. Counters that came into use are
 * loaded; `changed` are those whose own control was written.
 */
static inline void hvpmu_follow(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, u64 changed)
{
	u64 in_use = hvpmu_in_use(vcpu);

	if (!hvpmu_is_loaded(vcpu))
		return;
	hvpmu_set_guest_ctrl(vcpu, hvpmu_layout(&vcpu->part), in_use);
	changed &= vcpu->hw & ~vcpu->denied;
	if (changed)
		hvpmu_rewrite_controls(vcpu, env, changed, in_use);
	if (hvpmu_missing(vcpu, in_use) | (vcpu->denied & vcpu->hw))
		hvpmu_reload(vcpu, env, in_use);
}

/* Takes these counters out of hardware, all of `hw` makes the vCPU inactive. */
void hvpmu_unload(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, u64 set);

#endif
