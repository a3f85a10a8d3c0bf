/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What VM entries and exits do to the PMU. SDM volume 3, "VM Entries" and "VM Exits". */
#include "machine_internal.h"

/* Loading MSRs: reserved bits 63:32 of the index must be 0, and WRMSR would not fault. */
static int load_area(struct machine_cpu *cpu, const struct machine_area_entry *area, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint64_t accesses = cpu->num_wrmsr;
		bool is_loaded =
			!area[i].reserved && machine_wrmsr(cpu, area[i].msr, area[i].value);

		cpu->num_wrmsr = accesses;
		cpu->num_area++;
		if (!is_loaded)
			return (int)i + 1;
	}
	return 0;
}

bool machine_vmentry(struct machine_cpu *cpu, struct machine_vmcs *vmcs, int *ret_reason)
{
	uint64_t bits = machine_ctrl_bits(cpu->model);

	*ret_reason = 0;
	if (vmcs->exit_loads_ctrl && vmcs->host_ctrl & ~bits)
		*ret_reason = MACHINE_ENTRY_HOST_CTRL;
	else if (vmcs->entry_loads_ctrl && vmcs->guest_ctrl & ~bits)
		*ret_reason = MACHINE_ENTRY_GUEST_CTRL;
	if (*ret_reason)
		return false;
	if (vmcs->entry_loads_ctrl)
		cpu->global_ctrl = vmcs->guest_ctrl;
	*ret_reason = load_area(cpu, vmcs->entry_load, vmcs->num_entry_load);
	if (*ret_reason)
		return false;
	cpu->in_guest = true;
	return true;
}

bool machine_vmexit(struct machine_cpu *cpu, struct machine_vmcs *vmcs)
{
	cpu->in_guest = false;
	for (uint32_t i = 0; i < vmcs->num_exit_store; i++) {
		struct machine_area_entry *entry = &vmcs->exit_store[i];
		uint64_t accesses = cpu->num_rdmsr;
		bool is_read = machine_rdmsr(cpu, entry->msr, &entry->value);

		cpu->num_rdmsr = accesses;
		cpu->num_area++;
		if (!is_read)
			return false;
	}
	if (vmcs->exit_loads_ctrl)
		cpu->global_ctrl = vmcs->host_ctrl;
	return !load_area(cpu, vmcs->exit_load, vmcs->num_exit_load);
}

void machine_vmrun(struct machine_cpu *cpu)
{
	cpu->in_guest = true;
}

void machine_vmexit_svm(struct machine_cpu *cpu)
{
	cpu->in_guest = false;
}
