/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a manual says of a range of MSRs, as a row, and the check of the core against it: every MSR of
 * the row, every bit alone and some together, with the counters in memory and in hardware, by the guest
 * and by the hypervisor's user.
 */
#ifndef HVP_TESTS_UNIT_MSR_TABLE_H
#define HVP_TESTS_UNIT_MSR_TABLE_H

#include "tests/unit/hv-pmu/pmu.h"

enum msr_access {
	MSR_FAULTS,  /* no such register: #GP */
	MSR_IGNORED, /* reads as 0, takes nothing */
	MSR_RW,	     /* takes `bits` */
	MSR_SIGNED,  /* takes 32 bits and extends the sign to `bits` */
	MSR_RO,
	MSR_CLEARS, /* a 1 in `bits` clears the bit in the status register; reads as 0 */
	MSR_SETS,   /* or sets it */
};

struct msr_row {
	u32 first;
	u32 count;
	u32 stride;
	u32 pmus; /* which of the test's PMUs it is about: bit i, pmus[i] */
	enum msr_access guest;
	enum msr_access host;
	u64 bits;
	const char *section; /* of the manual */
};

/* What a row is checked on. */
struct msr_pmu {
	const char *name;
	const struct machine_model *model;
	unsigned int guest_gp;
	unsigned int guest_fixed;
	u32 status; /* the status register, or 0 */
	u64 status_bits;
};

/* `faults`: what a register does not take makes #GP, and nothing is written; else it is ignored. */
void msr_table_check(const struct msr_row *rows, size_t num_rows, const struct msr_pmu *pmus,
		     size_t num_pmus, bool faults);

/* All MSRs but those of the rows are HVPMU_UNKNOWN, whoever accesses them. */
void msr_table_check_unknown(const struct msr_row *rows, size_t num_rows,
			     const struct msr_pmu *pmus, size_t num_pmus);

#endif
