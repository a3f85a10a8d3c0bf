/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A vCPU's PMU as bytes, for live migration: little-endian, versioned, 8-byte aligned. */
#ifndef HVPMU_SAVED_H
#define HVPMU_SAVED_H

#include <hvpmu/hvpmu.h>

#define HVPMU_SAVED_MAGIC 0x53564d50u /* "PMVS" */
#define HVPMU_SAVED_VERSION 1

#define HVPMU_SAVED_FREEZES_ON_PMI 1u /* flags */
#define HVPMU_SAVED_PMI_PENDING 2u
#define HVPMU_SAVED_FULL_WIDTH 4u

/*
 * Version 1. A later version appends; `size` tells how much there is. What the guest's CPUID
 * promises is in it, so that a host that cannot keep the promise refuses.
 */
struct hvpmu_saved {
	u32 magic;
	u16 version;
	u16 size;
	u8 vendor;
	u8 pmu_version;
	u8 num_gp;
	u8 num_fixed;
	u8 gp_width;
	u8 fixed_width;
	u8 flags;
	u8 reserved; /* 0 */
	u64 gp_counter[HVPMU_MAX_GP];
	u64 gp_select[HVPMU_MAX_GP];
	u64 fixed_counter[HVPMU_MAX_FIXED];
	u64 fixed_ctrl;
	u64 global_ctrl;
	u64 status;
};

/* The vCPU's whole state; it is put, so that nothing is left in hardware. */
void hvpmu_save(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, struct hvpmu_saved *ret);

/*
 * Makes the vCPU what was saved. `size`: bytes there are at `saved`. HVPMU_INVALID, and nothing
 * has changed: not such a state, of a later layout that this cannot be read as, of another kind of
 * PMU than the vCPU's, or with values that no guest could have written. The filter is asked anew.
 * A PMI that was pending is pending again without a request: ask hvpmu_take_pmi() before the entry.
 */
int hvpmu_restore(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, const struct hvpmu_saved *saved,
		  size_t size);

#endif
