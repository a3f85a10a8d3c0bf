/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the registers are and what an access names: the modelled designs' own work, and part of their cost. */
#ifndef HVP_TESTS_PMU_REGISTERS_H
#define HVP_TESTS_PMU_REGISTERS_H

#include <hvpmu/msr.h>

#include "design.h"

/* MSRs; 0: there is none. */
struct registers {
	u32 counter;
	u32 select;
	u32 stride;
	u32 fixed_counter;
	u32 fixed_ctrl;
	u32 global_ctrl;
	u32 status;
	u32 status_clear;
	u32 status_set;
};

const struct registers *registers_of(const struct scenario *scenario);

/* What a guest's access names. Counters by their numbers in masks (hvpmu.h). */
enum access_kind {
	ACCESS_COUNTER,
	ACCESS_SELECT,
	ACCESS_FIXED_CTRL,
	ACCESS_GLOBAL_CTRL,
	ACCESS_STATUS,
	ACCESS_STATUS_CLEAR,
};
struct access {
	enum access_kind kind;
	unsigned int counter;
};
struct access registers_decode(const struct registers *regs, u32 msr);
unsigned int registers_rdpmc_counter(u32 index);

static inline bool registers_is_fixed(unsigned int counter)
{
	return counter >= HVPMU_FIXED(0);
}

static inline u32 registers_counter(const struct registers *regs, unsigned int counter)
{
	return registers_is_fixed(counter) ? regs->fixed_counter + counter - HVPMU_FIXED(0)
					   : regs->counter + regs->stride * counter;
}

static inline u32 registers_select(const struct registers *regs, unsigned int counter)
{
	return regs->select + regs->stride * counter;
}

/* ECX of RDPMC. */
static inline u32 registers_rdpmc(unsigned int counter)
{
	return registers_is_fixed(counter) ? HVPMU_RDPMC_FIXED | (counter - HVPMU_FIXED(0))
					   : counter;
}

#endif
