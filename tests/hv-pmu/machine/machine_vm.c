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

/* What is left of the guest goes: by the VM-exit controls and the exit-load area. */
static bool load_host_state(struct machine_cpu *cpu, const struct machine_vmcs *vmcs)
{
	cpu->in_guest = false;
	if (vmcs->exit_loads_ctrl)
		cpu->global_ctrl = vmcs->host_ctrl;
	return !load_area(cpu, vmcs->exit_load, vmcs->num_exit_load);
}

/*
 * "VM-Entry Failures During or After Loading Guest State": guest fields and the entry-load area
 * fail after the host's fields were checked, and then the host's state is loaded as by an exit. A
 * bad host field fails the instruction, and nothing is loaded.
 */
bool machine_vmentry(struct machine_cpu *cpu, struct machine_vmcs *vmcs, int *ret_reason)
{
	uint64_t bits = machine_ctrl_bits(cpu->model);

	*ret_reason = 0;
	if (vmcs->exit_loads_ctrl && vmcs->host_ctrl & ~bits) {
		*ret_reason = MACHINE_ENTRY_HOST_CTRL;
		return false;
	}
	if (vmcs->entry_loads_ctrl && vmcs->guest_ctrl & ~bits) {
		*ret_reason = MACHINE_ENTRY_GUEST_CTRL;
	} else {
		if (vmcs->entry_loads_ctrl)
			cpu->global_ctrl = vmcs->guest_ctrl;
		*ret_reason = load_area(cpu, vmcs->entry_load, vmcs->num_entry_load);
	}
	if (*ret_reason) {
		load_host_state(cpu, vmcs);
		return false;
	}
	cpu->in_guest = true;
	return true;
}

bool machine_vmexit(struct machine_cpu *cpu, struct machine_vmcs *vmcs)
{
	for (uint32_t i = 0; i < vmcs->num_exit_store; i++) {
		struct machine_area_entry *entry = &vmcs->exit_store[i];
		uint64_t accesses = cpu->num_rdmsr;
		bool is_read = !entry->reserved && machine_rdmsr(cpu, entry->msr, &entry->value);

		cpu->num_rdmsr = accesses;
		cpu->num_area++;
		if (!is_read)
			return false;
	}
	return load_host_state(cpu, vmcs);
}

void machine_vmrun(struct machine_cpu *cpu)
{
	cpu->in_guest = true;
}

void machine_vmexit_svm(struct machine_cpu *cpu)
{
	cpu->in_guest = false;
}
