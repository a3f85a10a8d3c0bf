/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The PMU of either vendor: general counters first, then the fixed ones. */
#ifndef HVP_BARE_PMU_H
#define HVP_BARE_PMU_H

#include "cpu.h"
#include "measure.h"
#include "tests/hv-pmu/machine/msr_facts.h"

enum {
	PMU_SELECT0 = 0x186,
	PMU_COUNTER0 = 0xc1,
	PMU_FULL_COUNTER0 = 0x4c1,
	PMU_FIXED0 = 0x309,
	PMU_FIXED_CTRL = 0x38d,
	PMU_GLOBAL_STATUS = 0x38e,
	PMU_GLOBAL_CTRL = 0x38f,
	PMU_GLOBAL_CLEAR = 0x390,
	PMU_AMD_SELECT0 = 0xc0010200,
	PMU_AMD_COUNTER0 = 0xc0010201,
	PMU_AMD_GLOBAL_STATUS = 0xc0000300,
	PMU_AMD_GLOBAL_CTRL = 0xc0000301,
	PMU_AMD_GLOBAL_CLEAR = 0xc0000302,
};

/* How a counter counts: bits of its selector. */
#define PMU_USR (1ULL << 16)
#define PMU_OS (1ULL << 17)
#define PMU_INT (1ULL << 20)
#define PMU_EN (1ULL << 22)
#define PMU_GUEST_ONLY (1ULL << 40)
#define PMU_HOST_ONLY (1ULL << 41)

enum pmu_event {
	PMU_INSTRUCTIONS,
	PMU_BRANCHES,
	PMU_CYCLES,
	/* By general counters alone. Those that do both are loads and stores to Intel, and a kind of their own to AMD. */
	PMU_LOADS,
	PMU_STORES,
	PMU_LOAD_STORES, /* AMD's */
	PMU_ACCESSES,	 /* instructions of any of these kinds */
};

struct pmu {
	bool is_intel;
	bool has_global; /* control and status */
	u32 num;	 /* all counters */
	u32 status_msr, clear_msr, control_msr;
	struct msr_shape shape;
};

extern struct pmu pmu;

void pmu_init(void);

u32 pmu_width(u32 counter);
u32 pmu_counter_msr(u32 counter); /* that takes all bits */
u32 pmu_rdpmc_index(u32 counter);
u64 pmu_status_bit(u32 counter);
bool pmu_can_count(u32 counter, enum pmu_event event);
u64 pmu_selector(enum pmu_event event, u64 how);

/* Everything off and zero, the LVTPC masked, no interrupt recorded. */
void pmu_clear(void);

/* Makes a counter ready; the toggle that is returned makes it count. */
struct measure_toggle pmu_prepare(u32 counter, enum pmu_event event, u64 how, u64 value);

/* The value that overflows with the n-th event. */
u64 pmu_before_overflow(u32 counter, u64 n);

u64 pmu_read(u32 counter);
u64 pmu_status(void); /* 0 where there is none */

#endif
