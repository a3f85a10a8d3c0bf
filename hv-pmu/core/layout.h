/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What differs between vendors. Where counters are in hardware is data, used when they are
 * loaded and put; how a guest's accesses are decoded and checked is a pair of functions, used
 * when an access traps. A new vendor is one file and one line in layout.c.
 */
#ifndef HVPMU_LAYOUT_H
#define HVPMU_LAYOUT_H

#include <hvpmu/hvpmu.h>

/* What an MSR of the PMU is. */
enum hvpmu_reg_kind {
	HVPMU_REG_UNKNOWN, /* not the PMU's */
	HVPMU_REG_ABSENT,  /* in the PMU's ranges, but this guest has no such register */
	HVPMU_REG_COUNTER,
	HVPMU_REG_LEGACY_COUNTER, /* Intel's IA32_PMCi: writes sign-extend bit 31 */
	HVPMU_REG_SELECT,
	HVPMU_REG_FIXED_CTRL,
	HVPMU_REG_GLOBAL_CTRL,
	HVPMU_REG_STATUS,
	HVPMU_REG_STATUS_CLEAR,
	HVPMU_REG_STATUS_SET,
	HVPMU_REG_INUSE,
	HVPMU_REG_CAPABILITIES,
};

/* Two words: functions take and return them in registers. */
struct hvpmu_reg {
	u64 kind;    /* enum hvpmu_reg_kind */
	u64 counter; /* its number in masks, for COUNTER, LEGACY_COUNTER and SELECT */
};

/* The MSRs of a general counter. */
struct hvpmu_gp_msrs {
	u32 counter; /* for writes in full width */
	u32 select;
};

struct hvpmu_layout {
	struct hvpmu_gp_msrs gp[HVPMU_MAX_GP]; /* of those that hardware can have */
	u32 fixed_counter;		       /* MSR of fixed counter 0, or 0 */
	u32 fixed_ctrl;
	u32 status; /* MSR of overflows, or 0: an overflow shows in the counter only */
	u32 status_clear;
	bool gates_by_ctrl; /* GLOBAL_CTRL decides what counts; otherwise each selector's EN */
	u64 select_keep;    /* bits of a guest's selector that may reach hardware */
	u64 select_force;   /* bits that are always set there */
	u16 instructions;   /* event | umask << 8 of retired instructions and branches */
	u16 branches;

	struct hvpmu_reg (*decode)(const struct hvpmu_part *part, u32 msr);
	/*
	 * What becomes of a guest's write: HVPMU_OK with the value that the register takes,
	 * HVPMU_GP, or HVPMU_UNKNOWN for one that is ignored.
	 */
	int (*check)(const struct hvpmu_part *part, struct hvpmu_reg reg, u64 value,
		     u64 *ret_value);
};

extern const struct hvpmu_layout hvpmu_layout_intel;
extern const struct hvpmu_layout hvpmu_layout_amd_k7;
extern const struct hvpmu_layout hvpmu_layout_amd_core;
extern const struct hvpmu_layout hvpmu_layout_amd_v2;

/* By vendor and version of the hardware; the last version of a vendor stands for later ones. */
#define HVPMU_LAYOUT_VERSIONS 3
extern const struct hvpmu_layout *const hvpmu_layouts[HVPMU_VENDORS * HVPMU_LAYOUT_VERSIONS];

/* Where in that table the layout of this hardware is. */
u8 hvpmu_layout_index(const struct hvpmu_caps *caps);

/* The layout of the partition's hardware; `part` is the machine's or a vCPU's. */
static inline const struct hvpmu_layout *hvpmu_layout(const struct hvpmu_part *part)
{
	return hvpmu_layouts[part->layout];
}

#endif
