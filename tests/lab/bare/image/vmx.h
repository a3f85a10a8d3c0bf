/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VT-x: what vm.h stands on, and what the tests of VT-x alone need. SDM volume 3, appendix B. */
#ifndef HVP_BARE_VMX_H
#define HVP_BARE_VMX_H

#include "vm.h"

enum {
	VMCS_MSR_BITMAP = 0x2004,
	VMCS_EXIT_MSR_STORE = 0x2006,
	VMCS_EXIT_MSR_LOAD = 0x2008,
	VMCS_ENTRY_MSR_LOAD = 0x200a,
	VMCS_EPT_POINTER = 0x201a,
	VMCS_LINK = 0x2800,
	VMCS_GUEST_PERF_GLOBAL_CTRL = 0x2808,
	VMCS_HOST_PERF_GLOBAL_CTRL = 0x2c04,
	VMCS_PIN_CONTROLS = 0x4000,
	VMCS_CPU_CONTROLS = 0x4002,
	VMCS_EXIT_CONTROLS = 0x400c,
	VMCS_EXIT_MSR_STORE_COUNT = 0x400e,
	VMCS_EXIT_MSR_LOAD_COUNT = 0x4010,
	VMCS_ENTRY_CONTROLS = 0x4012,
	VMCS_ENTRY_MSR_LOAD_COUNT = 0x4014,
	VMCS_CPU_CONTROLS2 = 0x401e,
	VMCS_INSTRUCTION_ERROR = 0x4400,
	VMCS_EXIT_REASON = 0x4402,
	VMCS_EXIT_INTERRUPTION = 0x4404,
	VMCS_EXIT_LENGTH = 0x440c,
	VMCS_EXIT_QUALIFICATION = 0x6400,
	VMCS_GUEST_RIP = 0x681e,
	VMCS_GUEST_RFLAGS = 0x6820,
};

#define VMX_PIN_INTERRUPTS (1U << 0)
#define VMX_PIN_NMI (1U << 3)
#define VMX_CPU_RDPMC (1U << 11)
#define VMX_CPU_MSR_BITMAPS (1U << 28)
#define VMX_EXIT_LOAD_PERF_GLOBAL_CTRL (1U << 12)
#define VMX_EXIT_SAVE_PERF_GLOBAL_CTRL (1U << 30)
#define VMX_ENTRY_LOAD_PERF_GLOBAL_CTRL (1U << 13)

#define VMX_REASON_ENTRY_FAILED (1U << 31)
#define VMX_REASON_GUEST_STATE 33
#define VMX_REASON_MSR_LOAD 34
/* VMfailValid: added to the VM-instruction error number in vm_run.reason. */
#define VMX_REASON_INSTRUCTION 0x1000

bool vmx_is_there(void);
void vmx_init(void);
void vmx_reset(u64 rip);
void vmx_exit_on_msr(u32 msr, bool on_read, bool on_write);
void vmx_run(struct vm_run *run);

u64 vmx_read(u32 field);
void vmx_write(u32 field, u64 value);
/* Sets or clears bits of a field of controls. */
void vmx_control(u32 field, u32 bits, bool is_set);
/* Whether the processor has these VM-exit controls. */
bool vmx_may_exit_with(u32 bits);

extern const struct vm_path vmx_path;

#endif
