/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the two modelled designs share and what is no part of their cost: accesses that must
 * succeed, VM entry and exit.
 */
#ifndef HVP_TESTS_PMU_HARDWARE_H
#define HVP_TESTS_PMU_HARDWARE_H

#include "design.h"
#include "registers.h"

struct hardware {
	const struct scenario *scenario;
	const struct registers *regs;
	struct machine_cpu cpu;
	struct machine_vmcs vmcs; /* Intel: GLOBAL_CTRL by the load controls */
};

void hardware_init(struct hardware *hw, const struct scenario *scenario);

u64 hardware_rdmsr(struct hardware *hw, u32 msr);
void hardware_wrmsr(struct hardware *hw, u32 msr, u64 value);
u64 hardware_rdpmc(struct hardware *hw, u32 index);

void hardware_enter(struct hardware *hw, u64 guest_ctrl, u64 host_ctrl);
void hardware_exit(struct hardware *hw);
/* Whether an MSR bitmap that lets counters through lets this MSR through: costs nobody anything. */
bool hardware_is_counter(const struct hardware *hw, u32 msr);
/* Takes a PMI that is pending, and re-arms the LVTPC; false: there is none. */
bool hardware_take_pmi(struct hardware *hw);

/* The guest's counters, and the machine's. */
u64 hardware_guest_mask(const struct scenario *scenario);
u64 hardware_all_mask(const struct scenario *scenario);

#endif
