/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Overflows: from the hardware's status to the owner's, and the PMI that goes with them. */
#ifndef HVPMU_OVERFLOW_H
#define HVPMU_OVERFLOW_H

#include "counters.h"
#include "layout.h"

/* Where an overflow was found, which tells whether an NMI for it may still arrive. */
enum hvpmu_found {
	HVPMU_FOUND_BY_NMI,
	HVPMU_FOUND_EARLY,    /* before the NMI, if there is one */
	HVPMU_FOUND_EMULATED, /* no hardware was involved */
};

/* Without a status register: the counters of the loaded vCPU that have gone down. */
u64 hvpmu_compare_counters(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env);

/* Hardware forgets these overflows, and the guest gets them. */
void hvpmu_take_overflows(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, u64 set,
			  enum hvpmu_found found);

/* With what an NMI acknowledged since hvpmu_begin(): first the register, which it may change. */
static inline u64 hvpmu_read_status(struct hvpmu_env *env, const struct hvpmu_layout *layout,
				    enum hvpmu_found found)
{
	u64 status = hvpmu_env_rdmsr(env, layout->status);

	hvpmu_env_barrier();
	return found == HVPMU_FOUND_EARLY ? status | env->cpu->nmi_claimed : status;
}

/*
 * Overflows of the loaded vCPU that hardware shows now; acknowledged there. Returns them. Here, as
 * what comes with most traps and puts is a look at the status register that finds nothing.
 */
static inline u64 hvpmu_harvest(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env,
				enum hvpmu_found found)
{
	const struct hvpmu_layout *layout = hvpmu_layout(&vcpu->part);
	u64 set = layout->status ? hvpmu_read_status(env, layout, found) & vcpu->hw
				 : hvpmu_compare_counters(vcpu, env);

	if (set)
		hvpmu_take_overflows(vcpu, env, set, found);
	return set;
}

/* Overflows become the guest's: its status, its freeze, its PMI. */
void hvpmu_overflowed(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, u64 set);

#endif
