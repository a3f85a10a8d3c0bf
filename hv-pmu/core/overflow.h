/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Overflows: from the hardware's status to the owner's, and the PMI that goes with them. */
#ifndef HVPMU_OVERFLOW_H
#define HVPMU_OVERFLOW_H

#include <hvpmu/hvpmu.h>

/* Where an overflow was found, which tells whether an NMI for it may still arrive. */
enum hvpmu_found {
	HVPMU_FOUND_BY_NMI,
	HVPMU_FOUND_EARLY,    /* before the NMI, if there is one */
	HVPMU_FOUND_EMULATED, /* no hardware was involved */
};

/* Overflows of the loaded vCPU that hardware shows now; acknowledged there. Returns them. */
u64 hvpmu_harvest(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, enum hvpmu_found found);

/* Overflows become the guest's: its status, its freeze, its PMI. */
void hvpmu_overflowed(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, u64 set);

#endif
