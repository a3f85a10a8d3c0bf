/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine's own bits: not the core's header, so that one slip cannot hide in both. */
#ifndef HVP_TESTS_MACHINE_INTERNAL_H
#define HVP_TESTS_MACHINE_INTERNAL_H

#include "machine.h"

#define MACHINE_SEL_USR (1ULL << 16)
#define MACHINE_SEL_OS (1ULL << 17)
#define MACHINE_SEL_INT (1ULL << 20)
#define MACHINE_SEL_EN (1ULL << 22)
#define MACHINE_SEL_CMASK (0xffULL << 24)
#define MACHINE_SEL_GUEST (1ULL << 40)
#define MACHINE_SEL_HOST (1ULL << 41)
#define MACHINE_STATUS_CTR_FRZ (1ULL << 59)
#define MACHINE_DEBUGCTL_FREEZE (1ULL << 12)
#define MACHINE_LVT_MASKED (1U << 16)
#define MACHINE_LVT_MODE (7U << 8)
#define MACHINE_LVT_NMI (4U << 8)

static inline uint64_t machine_ones(unsigned int count)
{
	return count >= 64 ? ~0ULL : (1ULL << count) - 1;
}

/* Whether overflows show in a status register: all but AMD before PerfMonV2. */
bool machine_has_status(const struct machine_cpu *cpu);

/* Bits that GLOBAL_CTRL has: the counters'. */
uint64_t machine_ctrl_bits(const struct machine_model *model);

#endif
