/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the manuals say of each MSR of a processor's PMU: SDM volume 4, table "IA-32 Architectural
 * MSRs", and volume 3, "Performance Monitoring"; APM volume 2, 13.2; the PPRs of family 19H. The model
 * machine and the emulated machine of the lab are both held against this table. It stands alone:
 * the lab's image is freestanding.
 */
#ifndef HVP_TESTS_MSR_FACTS_H
#define HVP_TESTS_MSR_FACTS_H

#include <stdbool.h>
#include <stdint.h>

/* The PMUs there are, one bit each. */
enum msr_pmu {
	MSR_V2 = 1, /* Intel's architectural versions */
	MSR_V3 = 2,
	MSR_V4 = 4,
	MSR_V5 = 8,
	MSR_K7 = 16,   /* AMD's four legacy counters */
	MSR_CORE = 32, /* PerfCtrExtCore */
	MSR_MON2 = 64, /* PerfMonV2 */
	MSR_NO_SVM = 128,
	MSR_INTEL = MSR_V2 | MSR_V3 | MSR_V4 | MSR_V5,
	MSR_AMD = MSR_K7 | MSR_CORE | MSR_MON2 | MSR_NO_SVM,
};

enum msr_kind {
	MSR_KIND_RW,	 /* takes `bits` */
	MSR_KIND_RO,	 /* reads as `bits` */
	MSR_KIND_SIGNED, /* takes 32 bits and extends the sign to `bits` */
	MSR_KIND_FAULTS, /* no such register: #GP */
	MSR_KIND_CLEARS, /* a 1 in `bits` clears the bit in the status register; reads as 0 */
	MSR_KIND_SETS,	 /* or sets it */
};

/* What of a row depends on the size of the PMU. */
enum msr_extent {
	MSR_EACH_GP = 1,    /* one register for each general counter */
	MSR_EACH_FIXED = 2, /* or fixed counter */
	MSR_BEHIND_GP = 4,  /* those of `count` that no counter has */
	MSR_BEHIND_FIXED = 8,
	MSR_GP_WIDE = 16, /* `bits` and the width of a general counter */
	MSR_FIXED_WIDE = 32,
	MSR_COUNTERS = 64,	/* `bits` and one for each counter, fixed ones from 32 on */
	MSR_FIXED_FIELDS = 128, /* four bits for each fixed counter, the third is AnyThread */
	MSR_ANY_THREAD = 256,	/* `bits` and 21 where there is AnyThread */
	MSR_OF_OTHERS = 512,	/* a register of other PMUs, or of none */
};

struct msr_shape {
	uint32_t pmu; /* enum msr_pmu */
	uint32_t num_gp, num_fixed;
	uint32_t gp_width, fixed_width;
	bool has_any_thread;
};

struct msr_fact {
	uint32_t first, count, stride;
	uint32_t pmus;
	enum msr_kind kind;
	uint32_t extent;
	uint64_t bits;
	const char *section;
};

#define MSR_SELECT_SVM 0x30fffd7ffffULL /* HostOnly 41, GuestOnly 40, EventSelect[11:8] at 35:32 */
#define MSR_SELECT_AMD 0xfffd7ffffULL

static const struct msr_fact msr_facts[] = {
	{0x0c1, 0, 1, MSR_INTEL, MSR_KIND_SIGNED, MSR_EACH_GP | MSR_GP_WIDE, 0,
	 "SDM 3, Full-Width Writes to Performance Counter Registers: EAX extended"},
	{0x0c1, 8, 1, MSR_INTEL, MSR_KIND_FAULTS, MSR_BEHIND_GP, 0,
	 "SDM 4, C1H: CPUID.0AH:EAX[15:8] > n"},
	{0x186, 0, 1, MSR_INTEL, MSR_KIND_RW, MSR_EACH_GP | MSR_ANY_THREAD, 0xffdfffff,
	 "SDM 3, Architectural Performance Monitoring Version 1 Facilities: 63:32"},
	{0x186, 8, 1, MSR_INTEL, MSR_KIND_FAULTS, MSR_BEHIND_GP, 0,
	 "SDM 4, 186H: CPUID.0AH:EAX[15:8] > n"},
	{0x309, 0, 1, MSR_INTEL, MSR_KIND_RW, MSR_EACH_FIXED | MSR_FIXED_WIDE, 0,
	 "SDM 3, Version 2 Facilities: bits beyond the width are reserved"},
	{0x309, 8, 1, MSR_INTEL, MSR_KIND_FAULTS, MSR_BEHIND_FIXED, 0,
	 "SDM 4, 309H: CPUID.0AH:EDX[4:0] > n"},
	{0x345, 1, 1, MSR_INTEL, MSR_KIND_RO, 0, 0x2000, "SDM 4, 345H (RO), FW_WRITE[13]"},
	{0x38d, 1, 1, MSR_INTEL, MSR_KIND_RW, MSR_FIXED_FIELDS, 0,
	 "SDM 3, Layout of IA32_FIXED_CTR_CTRL"},
	{0x38e, 1, 1, MSR_INTEL, MSR_KIND_RO, 0, 0, "SDM 4, 38EH (RO)"},
	{0x38f, 1, 1, MSR_INTEL, MSR_KIND_RW, MSR_COUNTERS, 0,
	 "SDM 3, Layout of IA32_PERF_GLOBAL_CTRL"},
	{0x390, 1, 1, MSR_V2, MSR_KIND_CLEARS, MSR_COUNTERS, 0xc000000000000000ULL,
	 "SDM 4, 390H IA32_PERF_GLOBAL_OVF_CTRL: ClrCondChgd, ClrOvfBuffer"},
	{0x390, 1, 1, MSR_V3, MSR_KIND_CLEARS, MSR_COUNTERS, 0xe000000000000000ULL,
	 "SDM 3, Version 3 Facilities: Ovf_Uncore"},
	{0x390, 1, 1, MSR_V4 | MSR_V5, MSR_KIND_CLEARS, MSR_COUNTERS, 0xfc00000000000000ULL,
	 "SDM 4, 390H IA32_PERF_GLOBAL_STATUS_RESET, 60:58"},
	{0x391, 1, 1, MSR_V2 | MSR_V3, MSR_KIND_FAULTS, 0, 0,
	 "SDM 4, 391H: CPUID.0AH:EAX[7:0] > 3"},
	{0x391, 1, 1, MSR_V4 | MSR_V5, MSR_KIND_SETS, MSR_COUNTERS, 0x7c00000000000000ULL,
	 "SDM 3, IA32_PERF_GLOBAL_STATUS_SET: no CondChgd"},
	{0x392, 1, 1, MSR_V2 | MSR_V3, MSR_KIND_FAULTS, 0, 0,
	 "SDM 4, 392H: CPUID.0AH:EAX[7:0] > 3"},
	{0x392, 1, 1, MSR_V4 | MSR_V5, MSR_KIND_RO, 0, 0, "SDM 3, IA32_PERF_GLOBAL_INUSE (RO)"},
	{0x393, 1, 1, MSR_INTEL, MSR_KIND_FAULTS, MSR_OF_OTHERS, 0, "SDM 4: no such register"},
	{0x4c1, 0, 1, MSR_INTEL, MSR_KIND_RW, MSR_EACH_GP | MSR_GP_WIDE, 0,
	 "SDM 3, Full-Width Writes to Performance Counter Registers: beyond the width reserved"},
	{0x4c1, 8, 1, MSR_INTEL, MSR_KIND_FAULTS, MSR_BEHIND_GP, 0,
	 "SDM 4, 4C1H: CPUID.0AH:EAX[15:8] > n"},
	{0xc0010000, 8, 1, MSR_INTEL, MSR_KIND_FAULTS, MSR_OF_OTHERS, 0, "AMD's registers"},

	{0xc0010000, 4, 1, MSR_K7 | MSR_CORE | MSR_MON2, MSR_KIND_RW, 0, MSR_SELECT_SVM,
	 "APM 2, 13.2.1, legacy addresses; reserved bits are ignored"},
	{0xc0010000, 4, 1, MSR_NO_SVM, MSR_KIND_RW, 0, MSR_SELECT_AMD,
	 "APM 2, 13.2.1: HG_ONLY only with SVM"},
	{0xc0010004, 4, 1, MSR_AMD, MSR_KIND_RW, MSR_GP_WIDE, 0, "APM 2, 13.2.1, legacy addresses"},
	{0xc0010200, 32, 1, MSR_K7, MSR_KIND_FAULTS, 0, 0, "APM 2, 13.2.1: PerfCtrExtCore"},
	{0xc0010200, 6, 2, MSR_CORE | MSR_MON2, MSR_KIND_RW, 0, MSR_SELECT_SVM,
	 "APM 2, 13.2.1, PERF_CTL0-5"},
	{0xc0010201, 6, 2, MSR_CORE | MSR_MON2 | MSR_NO_SVM, MSR_KIND_RW, MSR_GP_WIDE, 0,
	 "APM 2, 13.2.1, PERF_CTR0-5"},
	{0xc001020c, 4, 1, MSR_CORE | MSR_MON2 | MSR_NO_SVM, MSR_KIND_FAULTS, 0, 0,
	 "APM 3, WRMSR: what no CPUID bit promises is not there"},
	{0xc0010210, 16, 1, MSR_CORE | MSR_MON2 | MSR_NO_SVM, MSR_KIND_FAULTS, MSR_OF_OTHERS, 0,
	 "APM 3, WRMSR: what no CPUID bit promises is not there"},
	{0xc0000300, 4, 1, MSR_K7 | MSR_CORE, MSR_KIND_FAULTS, 0, 0, "PPR: CPUID 80000022H:EAX[0]"},
	{0xc0000300, 1, 1, MSR_MON2 | MSR_NO_SVM, MSR_KIND_RO, 0, 0,
	 "PPR PerfCntrGlobalStatus: read-only, ignored"},
	{0xc0000301, 1, 1, MSR_MON2 | MSR_NO_SVM, MSR_KIND_RW, MSR_COUNTERS, 0,
	 "PPR PerfCntrGlobalCtl"},
	{0xc0000302, 1, 1, MSR_MON2 | MSR_NO_SVM, MSR_KIND_CLEARS, MSR_COUNTERS, 0,
	 "PPR PerfCntrGlobalStatusClr"},
	{0xc0000303, 1, 1, MSR_MON2 | MSR_NO_SVM, MSR_KIND_SETS, MSR_COUNTERS, 0,
	 "PPR PerfCntrGlobalStatusSet"},
	{0x186, 8, 1, MSR_AMD, MSR_KIND_FAULTS, MSR_OF_OTHERS, 0, "Intel's registers"},
	{0x38d, 5, 1, MSR_AMD, MSR_KIND_FAULTS, MSR_OF_OTHERS, 0, "Intel's registers"},
};

static inline uint64_t msr_mask(uint32_t num_bits)
{
	return num_bits < 64 ? (1ULL << num_bits) - 1 : ~0ULL;
}

/* A fact as it is on one PMU: `count`, `first` and `bits` are then plain numbers; count 0: no register. */
static inline struct msr_fact msr_fact_on(const struct msr_fact *fact,
					  const struct msr_shape *shape)
{
	struct msr_fact ret = *fact;
	uint64_t field = shape->has_any_thread ? 0xf : 0xb;

	if (fact->extent & (MSR_EACH_GP | MSR_EACH_FIXED))
		ret.count = fact->extent & MSR_EACH_GP ? shape->num_gp : shape->num_fixed;
	if (fact->extent & (MSR_BEHIND_GP | MSR_BEHIND_FIXED)) {
		uint32_t has = fact->extent & MSR_BEHIND_GP ? shape->num_gp : shape->num_fixed;

		ret.count = has < fact->count ? fact->count - has : 0;
		ret.first += has;
	}
	if (fact->extent & MSR_GP_WIDE)
		ret.bits |= msr_mask(shape->gp_width);
	if (fact->extent & MSR_FIXED_WIDE)
		ret.bits |= msr_mask(shape->fixed_width);
	if (fact->extent & MSR_COUNTERS)
		ret.bits |= msr_mask(shape->num_gp) | msr_mask(shape->num_fixed) << 32;
	for (uint32_t i = 0; i < shape->num_fixed && fact->extent & MSR_FIXED_FIELDS; i++)
		ret.bits |= field << 4 * i;
	if (fact->extent & MSR_ANY_THREAD && shape->has_any_thread)
		ret.bits |= 1ULL << 21;
	if (!(fact->pmus & shape->pmu))
		ret.count = 0;
	return ret;
}

/* Whether WRMSR of `value` succeeds, and what the register, or the status, holds then. */
static inline bool msr_fact_write(const struct msr_fact *fact, bool is_intel, uint64_t value,
				  uint64_t before, uint64_t *ret_after)
{
	bool has_reserved = value & ~fact->bits;

	*ret_after = before;
	if (fact->kind == MSR_KIND_SIGNED) {
		*ret_after = (uint64_t)(int64_t)(int32_t)(uint32_t)value & fact->bits;
		return true;
	}
	if (fact->kind == MSR_KIND_FAULTS)
		return false;
	if (is_intel && (fact->kind == MSR_KIND_RO || has_reserved))
		return false;
	value &= fact->bits;
	if (fact->kind == MSR_KIND_RW)
		*ret_after = value;
	else if (fact->kind == MSR_KIND_CLEARS)
		*ret_after = before & ~value;
	else if (fact->kind == MSR_KIND_SETS)
		*ret_after = before | value;
	return true;
}

#endif
