/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hardware.h"

#include <stdio.h>
#include <stdlib.h>

#define LVTPC_NMI (4u << 8)

static u64 ones(unsigned int count)
{
	return (1ULL << count) - 1;
}

u64 hardware_guest_mask(const struct scenario *scenario)
{
	return ones(scenario->guest_gp) | ones(scenario->guest_fixed) << HVPMU_FIXED(0);
}

u64 hardware_all_mask(const struct scenario *scenario)
{
	return ones(scenario->model.num_gp) | ones(scenario->model.num_fixed) << HVPMU_FIXED(0);
}

void hardware_init(struct hardware *hw, const struct scenario *scenario)
{
	memset(hw, 0, sizeof(*hw));
	hw->scenario = scenario;
	hw->regs = registers_of(scenario);
	machine_init(&hw->cpu, &scenario->model);
	hw->cpu.lvtpc = LVTPC_NMI;
	hw->cpu.global_ctrl =
		scenario->model.vendor == MACHINE_AMD ? hardware_all_mask(scenario) : 0;
	hw->vmcs.entry_loads_ctrl = true;
	hw->vmcs.exit_loads_ctrl = true;
}

static void must(bool ok, const char *what, u32 number)
{
	if (ok)
		return;
	fprintf(stderr, "pmu_designs: a modelled design's %s %#x faults\n", what, number);
	abort();
}

u64 hardware_rdmsr(struct hardware *hw, u32 msr)
{
	u64 value = 0;

	must(machine_rdmsr(&hw->cpu, msr, &value), "RDMSR", msr);
	return value;
}

void hardware_wrmsr(struct hardware *hw, u32 msr, u64 value)
{
	must(machine_wrmsr(&hw->cpu, msr, value), "WRMSR", msr);
}

u64 hardware_rdpmc(struct hardware *hw, u32 index)
{
	u64 value = 0;

	must(machine_rdpmc(&hw->cpu, index, &value), "RDPMC", index);
	return value;
}

bool hardware_is_counter(const struct hardware *hw, u32 msr)
{
	const struct scenario *scenario = hw->scenario;

	for (unsigned int i = 0; i < scenario->guest_gp; i++) {
		if (msr == hw->regs->counter + hw->regs->stride * i)
			return true;
	}
	return scenario->guest_fixed && msr - hw->regs->fixed_counter < scenario->guest_fixed;
}

void hardware_enter(struct hardware *hw, u64 guest_ctrl, u64 host_ctrl)
{
	int reason;

	if (hw->scenario->model.vendor == MACHINE_AMD) {
		machine_vmrun(&hw->cpu);
		return;
	}
	hw->vmcs.guest_ctrl = guest_ctrl;
	hw->vmcs.host_ctrl = host_ctrl;
	must(machine_vmentry(&hw->cpu, &hw->vmcs, &reason), "VM entry", 0);
}

void hardware_exit(struct hardware *hw)
{
	if (hw->scenario->model.vendor == MACHINE_AMD)
		machine_vmexit_svm(&hw->cpu);
	else
		must(machine_vmexit(&hw->cpu, &hw->vmcs), "VM exit", 0);
}

bool hardware_take_pmi(struct hardware *hw)
{
	if (!machine_take_nmi(&hw->cpu))
		return false;
	machine_iret(&hw->cpu);
	hw->cpu.lvtpc = LVTPC_NMI;
	return true;
}
