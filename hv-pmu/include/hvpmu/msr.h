/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Numbers and bits of the PMU's registers. Intel: SDM volume 4, table "IA-32 architectural MSRs",
 * and volume 3, "Performance Monitoring". AMD: APM volume 2, 13.2 and appendix A.
 */
#ifndef HVPMU_MSR_H
#define HVPMU_MSR_H

#define HVPMU_MSR_PMC0 0x0c1	    /* IA32_PMC0: 32 bits written, sign-extended */
#define HVPMU_MSR_PERFEVTSEL0 0x186 /* IA32_PERFEVTSEL0 */
#define HVPMU_MSR_DEBUGCTL 0x1d9    /* IA32_DEBUGCTL */
#define HVPMU_MSR_FIXED_CTR0 0x309  /* IA32_FIXED_CTR0 */
#define HVPMU_MSR_PERF_CAPABILITIES 0x345
#define HVPMU_MSR_FIXED_CTR_CTRL 0x38d /* IA32_FIXED_CTR_CTRL */
#define HVPMU_MSR_GLOBAL_STATUS 0x38e  /* read-only */
#define HVPMU_MSR_GLOBAL_CTRL 0x38f
#define HVPMU_MSR_GLOBAL_OVF_CTRL 0x390	  /* from version 4 on named GLOBAL_STATUS_RESET */
#define HVPMU_MSR_GLOBAL_STATUS_SET 0x391 /* version 4 */
#define HVPMU_MSR_GLOBAL_INUSE 0x392	  /* version 4, read-only */
#define HVPMU_INTEL_MSR_GLOBAL 6	  /* from FIXED_CTR_CTRL to GLOBAL_INUSE */
#define HVPMU_MSR_A_PMC0 0x4c1		  /* IA32_A_PMC0: full-width writes */

#define HVPMU_MSR_K7_PERFEVTSEL0 0xc0010000   /* PerfEvtSel0..3 */
#define HVPMU_MSR_K7_PERFCTR0 0xc0010004      /* PerfCtr0..3 */
#define HVPMU_MSR_CORE_PERFEVTSEL0 0xc0010200 /* PERF_CTL0, then PERF_CTR0, PERF_CTL1, ... */
#define HVPMU_MSR_CORE_PERFCTR0 0xc0010201
#define HVPMU_MSR_AMD_GLOBAL_STATUS 0xc0000300 /* PerfCntrGlobalStatus, read-only */
#define HVPMU_MSR_AMD_GLOBAL_CTL 0xc0000301
#define HVPMU_MSR_AMD_GLOBAL_STATUS_CLR 0xc0000302
#define HVPMU_MSR_AMD_GLOBAL_STATUS_SET 0xc0000303

#define HVPMU_AMD_MSR_GLOBAL 4 /* from GLOBAL_STATUS to GLOBAL_STATUS_SET */

#define HVPMU_K7_COUNTERS 4
#define HVPMU_CORE_COUNTERS 6
/* MSR ranges that Intel reserves for counters, whether this PMU has them or not. */
#define HVPMU_INTEL_MSR_GP 8
#define HVPMU_INTEL_MSR_FIXED 8

/* Event selectors. */
#define HVPMU_SEL_EVENT 0xffULL
#define HVPMU_SEL_UMASK (0xffULL << 8)
#define HVPMU_SEL_USR (1ULL << 16)
#define HVPMU_SEL_OS (1ULL << 17)
#define HVPMU_SEL_EDGE (1ULL << 18)
#define HVPMU_SEL_PIN (1ULL << 19) /* Intel: toggles a pin of the package */
#define HVPMU_SEL_INT (1ULL << 20)
#define HVPMU_SEL_ANY (1ULL << 21) /* Intel: AnyThread */
#define HVPMU_SEL_EN (1ULL << 22)
#define HVPMU_SEL_INV (1ULL << 23)
#define HVPMU_SEL_CMASK (0xffULL << 24)
#define HVPMU_SEL_AMD_EVENT_HIGH (0xfULL << 32)
#define HVPMU_SEL_AMD_GUEST (1ULL << 40) /* GuestOnly */
#define HVPMU_SEL_AMD_HOST (1ULL << 41)	 /* HostOnly */

/* A fixed counter's four bits in IA32_FIXED_CTR_CTRL. */
#define HVPMU_FIXED_OS 1ULL
#define HVPMU_FIXED_USR 2ULL
#define HVPMU_FIXED_ANY 4ULL
#define HVPMU_FIXED_PMI 8ULL
#define HVPMU_FIXED_BITS 4

/* IA32_PERF_GLOBAL_STATUS and its reset and set registers. */
#define HVPMU_STATUS_LBR_FRZ (1ULL << 58) /* version 4 */
#define HVPMU_STATUS_CTR_FRZ (1ULL << 59) /* version 4 */
#define HVPMU_STATUS_ASCI (1ULL << 60)	  /* version 4 */
#define HVPMU_STATUS_UNCORE (1ULL << 61)  /* version 3 */
#define HVPMU_STATUS_DS_BUFFER (1ULL << 62)
#define HVPMU_STATUS_COND_CHGD (1ULL << 63)
#define HVPMU_INUSE_PMI (1ULL << 63) /* IA32_PERF_GLOBAL_INUSE */

#define HVPMU_CAP_FW_WRITE (1ULL << 13) /* IA32_PERF_CAPABILITIES */
#define HVPMU_RDPMC_FIXED (1U << 30)	/* Intel: ECX of RDPMC names a fixed counter */

/* Architectural and K7 events that hvpmu_retired() knows, as event | umask << 8. */
#define HVPMU_EVENT_INTEL_INSTRUCTIONS 0x00c0
#define HVPMU_EVENT_INTEL_BRANCHES 0x00c4
#define HVPMU_EVENT_AMD_INSTRUCTIONS 0x00c0
#define HVPMU_EVENT_AMD_BRANCHES 0x00c2

/* APIC: the local vector table entry of performance counters (SDM volume 3, "Local Vector Table"). */
#define HVPMU_LVT_MASKED (1U << 16)
#define HVPMU_LVT_MODE (7U << 8)
#define HVPMU_LVT_FIXED (0U << 8)
#define HVPMU_LVT_SMI (2U << 8)
#define HVPMU_LVT_NMI (4U << 8)
#define HVPMU_LVT_EXTINT (7U << 8)
#define HVPMU_LVT_VECTOR 0xffU

#endif
