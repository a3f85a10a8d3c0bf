/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The two states of a vCPU and what leads from one to the other; the only file besides overflow.c
 * that touches hardware. What changes a loaded vCPU runs with the CPU marked busy.
 */
#ifndef HVPMU_HARDWARE_H
#define HVPMU_HARDWARE_H

#include "counters.h"

/*
 * From begin to end hvpmu_nmi() looks but does not touch. begin() harvests, so that what follows
 * sees every overflow that has happened: without it, clearing a status bit whose PMI is still on
 * its way would lose the PMI. With a vCPU that is inactive there is nothing that an NMI could
 * touch, and begin() leaves the CPU as it is: another vCPU may be loaded there, whose overflows
 * nobody would harvest.
 */
void hvpmu_begin(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env);
void hvpmu_end(struct hvpmu_env *env);

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

/*
 * A control of the guest changed: hardware, if loaded, follows. Counters that came into use are
 * loaded; `changed` are those whose own control was written.
 */
void hvpmu_follow(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, u64 changed);

/* Takes these counters out of hardware, all of `hw` makes the vCPU inactive. */
void hvpmu_unload(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, u64 set);

#endif
