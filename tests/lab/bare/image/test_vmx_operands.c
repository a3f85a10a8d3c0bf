/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VT-x: what a hypervisor learns of the operands of its guest's VMX instructions, to emulate them. */
#include "check.h"
#include "pmu.h"
#include "tests.h"
#include "vmx.h"

enum {
	VMCS_EXIT_INFORMATION = 0x440e,
	VMCS_GUEST_CS_RIGHTS = 0x4816,
	VMCS_GUEST_CR0 = 0x6800,
};

#define CPU2_UNRESTRICTED (1U << 7)
#define ENTRY_IA32E (1U << 9)
#define CR0_PG (1ULL << 31)
#define CS_LONG (1U << 13)
#define CS_32_BITS (1U << 14)

/* vmx_operands.S has a table of them. */
struct operand_form {
	const char *instruction;
	u64 rip;
	u32 length;
	u32 mode; /* 64, 32 or 16 */
	u32 reason;
	u32 information; /* 0 where the manual leaves it undefined, as the machine has it */
	u64 displacement;
};

extern const struct operand_form operand_forms[], operand_forms_end[];

/* Protected mode, without paging; all of the image is below 4 GiB. */
static void leave_long_mode(bool has_32_bits)
{
	vmx_control(VMCS_CPU_CONTROLS2, CPU2_UNRESTRICTED, true);
	vmx_control(VMCS_ENTRY_CONTROLS, ENTRY_IA32E, false);
	vmx_write(VMCS_GUEST_CR0, vmx_read(VMCS_GUEST_CR0) & ~CR0_PG);
	vmx_control(VMCS_GUEST_CS_RIGHTS, CS_LONG, false);
	vmx_control(VMCS_GUEST_CS_RIGHTS, CS_32_BITS, has_32_bits);
}

/* SDM volume 3, 28.2.1, 28.2.5 and tables 28-13 to 28-15. */
static void check_form(const struct operand_form *form)
{
	struct vm_run run = {.toggle = {.msr = MSR_KERNEL_GS_BASE}};

	vmx_reset(form->rip);
	if (form->mode != 64)
		leave_long_mode(form->mode == 32);
	check_begin();
	vmx_run(&run);
	check_step(run.reason, form->reason, "reason", 0);
	check_step(run.rip, form->rip, "RIP", 0);
	check_step(vmx_read(VMCS_EXIT_LENGTH), form->length, "length", 0);
	check_step(vmx_read(VMCS_EXIT_INFORMATION), form->information, "information", 0);
	check_step(vmx_read(VMCS_EXIT_QUALIFICATION), form->displacement, "displacement", 0);
	check_end("operands of %s, %u-bit code", form->instruction, form->mode);
}

/* Those that have none, and what an exit before them has left. */
static void check_no_operands(void)
{
	struct vm_run run = {.toggle = {.msr = MSR_KERNEL_GS_BASE}};

	vmx_reset(operand_forms[0].rip);
	check_begin();
	vmx_run(&run);
	check_step(vmx_read(VMCS_EXIT_INFORMATION), operand_forms[0].information, "information", 0);
	vmx_write(VMCS_GUEST_RIP, GUEST(nops));
	vmx_run(&run);
	check_step(run.exit, VM_EXIT_CALL, "exit of reason", run.reason);
	check_step(vmx_read(VMCS_EXIT_INFORMATION), 0, "information", 1);
	check_step(vmx_read(VMCS_EXIT_QUALIFICATION), 0, "displacement", 1);
	check_end("VMCALL has no operands");
}

void test_vmx_operands(void)
{
	if (!vmx_is_there())
		return;
	for (const struct operand_form *form = operand_forms; form < operand_forms_end; form++)
		check_form(form);
	check_no_operands();
}
