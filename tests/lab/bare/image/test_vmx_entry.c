/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VT-x: what VM entry refuses, which fields there are, the exits that are due between two instructions. */
#include "check.h"
#include "pmu.h"
#include "tests.h"
#include "vmx.h"

enum {
	VMCS_VIRTUAL_APIC = 0x2012,
	VMCS_TPR_THRESHOLD = 0x401c,
	VMCS_TIMER = 0x482e,
	MSR_VMX_MISC = 0x485,
};

#define PIN_TIMER (1U << 6)
#define CPU_TPR_SHADOW (1U << 21)
#define EXIT_SAVE_TIMER (1U << 22)
#define REASON_TPR_BELOW 43
#define REASON_TIMER 52
#define VAPIC_TPR 0x80

#define CONTROLS (VMX_REASON_INSTRUCTION | 7)
#define HOST_STATE (VMX_REASON_INSTRUCTION | 8)
#define GUEST_STATE (VMX_REASON_ENTRY_FAILED | VMX_REASON_GUEST_STATE)

/* SDM volume 3, 27.2 and 27.3.1. `qualification` counts for GUEST_STATE. */
static const struct refusal {
	const char *what;
	u32 field;
	u32 reason;
	u64 value;
	u64 qualification;
} refusals[] = {
	{"five CR3 targets", 0x400a, CONTROLS, 5, 0},
	{"a reserved bit in the pin-based controls", VMCS_PIN_CONTROLS, CONTROLS, 0x80000016, 0},
	{"virtual NMIs without NMI exiting", VMCS_PIN_CONTROLS, CONTROLS, 0x36, 0},
	{"an MSR bitmap off its page", VMCS_MSR_BITMAP, CONTROLS, 0x1008, 0},
	{"an EPT pointer with three levels", VMCS_EPT_POINTER, CONTROLS, 0x1016, 0},
	{"an event of type 1", 0x4016, CONTROLS, 0x80000120, 0},
	{"an NMI with vector 3", 0x4016, CONTROLS, 0x80000203, 0},
	{"an exception with vector 32", 0x4016, CONTROLS, 0x80000320, 0},
	{"#UD with an error code", 0x4016, CONTROLS, 0x80000b06, 0},
	{"#GP without an error code", 0x4016, CONTROLS, 0x8000030d, 0},
	{"INT n of no length", 0x4016, CONTROLS, 0x80000480, 0},
	{"host CR0 without NE", 0x6c00, HOST_STATE, 0x80000011, 0},
	{"host CR4 without VMXE", 0x6c04, HOST_STATE, 0x20, 0},
	{"host CR3 beyond the physical addresses", 0x6c02, HOST_STATE, 1ULL << 52, 0},
	{"host CS with RPL 3", 0xc02, HOST_STATE, 0xb, 0},
	{"no host TR", 0xc0c, HOST_STATE, 0, 0},
	{"host GS base that is not canonical", 0x6c08, HOST_STATE, 1ULL << 56, 0},
	{"host RIP that is not canonical", 0x6c16, HOST_STATE, 1ULL << 47, 0},
	{"guest CR0 without NE", 0x6800, GUEST_STATE, 0x80000011, 0},
	{"guest CR4 without VMXE", 0x6804, GUEST_STATE, 0x20, 0},
	{"RFLAGS without bit 1", VMCS_GUEST_RFLAGS, GUEST_STATE, 0x200, 0},
	{"RFLAGS with bit 3", VMCS_GUEST_RFLAGS, GUEST_STATE, 0x20a, 0},
	{"an interrupt with RFLAGS.IF clear", VMCS_GUEST_RFLAGS, GUEST_STATE, 2, 0},
	{"CS with L and D", 0x4816, GUEST_STATE, 0xe09b, 0},
	{"CS of a data segment's type", 0x4816, GUEST_STATE, 0xa093, 0},
	{"DS that was not accessed", 0x481a, GUEST_STATE, 0xc092, 0},
	{"a limit that its granularity cannot have", 0x481a, GUEST_STATE, 0x4093, 0},
	{"TR that is not busy", 0x4822, GUEST_STATE, 0x89, 0},
	{"an unusable TR", 0x4822, GUEST_STATE, 0x1008b, 0},
	{"RIP that is not canonical", VMCS_GUEST_RIP, GUEST_STATE, 1ULL << 47, 0},
	{"blocking by STI and by MOV SS", 0x4824, GUEST_STATE, 3, 0},
	{"blocking by SMI", 0x4824, GUEST_STATE, 4, 0},
	{"the activity state HLT", 0x4826, GUEST_STATE, 1, 0},
	{"reserved pending debug exceptions", 0x6822, GUEST_STATE, 0x10, 0},
	{"a VMCS link pointer", VMCS_LINK, GUEST_STATE, 0x1000, 4},
};

static void check_refusal(const struct refusal *refusal)
{
	struct vm_run run = {.toggle = {.msr = MSR_KERNEL_GS_BASE}};

	pmu_clear();
	vmx_reset(GUEST(nops));
	/* For the row of RFLAGS.IF; harmless where the entry is refused for another reason. */
	if (refusal->field == VMCS_GUEST_RFLAGS)
		vmx_write(0x4016, 0x80000080);
	check_begin();
	vmx_write(refusal->field, refusal->value);
	vmx_run(&run);
	check_step(run.reason, refusal->reason, "reason", 0);
	if (refusal->reason == GUEST_STATE)
		check_step(vmx_read(VMCS_EXIT_QUALIFICATION), refusal->qualification,
			   "qualification", 0);
	vmx_reset(GUEST(nops));
	vmx_run(&run);
	check_step(run.exit, VM_EXIT_CALL, "entry after it, exit of reason", run.reason);
	check_end("no entry with %s", refusal->what);
}

/* Whether VMREAD knows a field; what it read goes to `value`, which it leaves alone if not. */
static bool knows_field(u64 field, u64 *value)
{
	bool failed;

	__asm__ volatile("vmread %2, %0" : "+r"(*value), "=@ccz"(failed) : "r"(field) : "memory");
	return !failed;
}

/* SDM volume 3, appendix B, and error 12. */
static void check_fields(void)
{
	static const u64 unknown[] = {
		0x10,	0x816,	0xc0e,	0x200e, 0x2014, 0x2402, 0x2812, 0x2c06, 0x4001, 0x4020,
		0x4410, 0x482c, 0x4830, 0x4c02, 0x6010, 0x640c, 0x6828, 0x6c18, 0x8000, 1ULL << 32,
	};
	u64 value = 0x5eed;

	vmx_reset(GUEST(nops));
	check_begin();
	for (u32 i = 0; i < ARRAY_SIZE(unknown); i++) {
		check_step(knows_field(unknown[i], &value), false, "knows field", unknown[i]);
		check_step(value, 0x5eed, "destination for field", unknown[i]);
		check_step(vmx_read(VMCS_INSTRUCTION_ERROR), 12, "error for field", unknown[i]);
	}
	check_step(knows_field(VMCS_GUEST_RIP, &value), true, "knows field", VMCS_GUEST_RIP);
	check_step(value, GUEST(nops), "value of field", VMCS_GUEST_RIP);
	check_end("VMREAD knows which fields there are");
}

static u32 read_tsc(void)
{
	u32 low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return low;
}

/* Reads the TSC until it is interrupted. */
void guest_read_tsc(void);
__asm__("guest_read_tsc:\n"
	"1:	rdtsc\n"
	"	jmp	1b\n");

/*
 * The timer ends when bit VMX_MISC[4:0] of the TSC has changed so often, so with a TSC that counts
 * instructions, at a multiple of 32 of it: SDM volume 3, 26.5.1.
 */
static void check_timer(u32 value)
{
	struct vm_run run = {.rcx = (u64)guest_read_tsc, .toggle = {.msr = MSR_KERNEL_GS_BASE}};
	u32 shift = (u32)rdmsr(MSR_VMX_MISC) & 0x1f;
	u32 mask = (1U << shift) - 1;
	u32 start, end;

	pmu_clear();
	vmx_reset(GUEST(call));
	vmx_control(VMCS_PIN_CONTROLS, PIN_TIMER, true);
	vmx_control(VMCS_EXIT_CONTROLS, EXIT_SAVE_TIMER, true);
	vmx_write(VMCS_TIMER, value);
	check_begin();
	start = read_tsc();
	vmx_run(&run);
	end = (u32)run.rax - 1; /* RDTSC counts itself */
	check_step(run.reason, REASON_TIMER, "reason", 0);
	check_step(vmx_read(VMCS_TIMER), 0, "timer that is saved", 0);
	if (value) {
		/* The guest's last RDTSC is one of the last instructions before the end. */
		check_step((end & mask) + 2 > mask, true, "near the end, TSC", end);
		check_step((end >> shift) - (start >> shift) + 1 - value <= 8, true, "ticks from",
			   start);
	} else {
		check_step(run.rip, GUEST(call), "RIP", 0);
	}
	check_end("the preemption timer ends a guest after %u ticks", value);
}

static void check_timer_saved(void)
{
	struct vm_run run = {.toggle = {.msr = MSR_KERNEL_GS_BASE}};

	vmx_reset(GUEST(nops));
	vmx_control(VMCS_PIN_CONTROLS, PIN_TIMER, true);
	vmx_write(VMCS_TIMER, 1000);
	check_begin();
	vmx_run(&run);
	check_step(run.exit, VM_EXIT_CALL, "exit of reason", run.reason);
	check_step(vmx_read(VMCS_TIMER), 1000, "timer that is not saved", 0);
	vmx_reset(GUEST(nops));
	vmx_control(VMCS_PIN_CONTROLS, PIN_TIMER, true);
	vmx_control(VMCS_EXIT_CONTROLS, EXIT_SAVE_TIMER, true);
	vmx_write(VMCS_TIMER, 1000);
	vmx_run(&run);
	/* 24 instructions of 32 a tick */
	check_step(1000 - vmx_read(VMCS_TIMER) <= 1, true, "ticks that are gone",
		   vmx_read(VMCS_TIMER));
	check_end("the preemption timer is saved if asked for");
}

static u8 virtual_apic[4096] __attribute__((aligned(4096)));

/* Writes 9 to CR8, reads it back into RDX, writes 3. */
void guest_write_cr8(void);
extern const char guest_cr8_written[];
__asm__("guest_write_cr8:\n"
	"	mov	$9, %eax\n"
	"	mov	%rax, %cr8\n"
	"	mov	%cr8, %rdx\n"
	"	mov	$3, %eax\n"
	"	mov	%rax, %cr8\n"
	"guest_cr8_written:\n"
	"	ret\n");

/* SDM volume 3, 30.1 and 30.3: the exit comes after the instruction. */
static void check_tpr_shadow(u32 threshold, u32 tpr, u32 reason)
{
	struct vm_run run = {.rcx = (u64)guest_write_cr8, .toggle = {.msr = MSR_KERNEL_GS_BASE}};

	vmx_reset(GUEST(call));
	vmx_control(VMCS_CPU_CONTROLS, CPU_TPR_SHADOW, true);
	vmx_write(VMCS_VIRTUAL_APIC, (u64)virtual_apic);
	vmx_write(VMCS_TPR_THRESHOLD, threshold);
	virtual_apic[VAPIC_TPR] = (u8)(tpr << 4);
	check_begin();
	vmx_run(&run);
	check_step(run.reason, reason, "reason", 0);
	if (reason == REASON_TPR_BELOW)
		check_step(run.rip, (u64)guest_cr8_written, "RIP", 0);
	if (run.exit != VM_EXIT_FAILED) {
		check_step(run.rdx, 9, "CR8 in the guest", 0);
		check_step(virtual_apic[VAPIC_TPR], 0x30, "virtual TPR", 0);
	}
	check_end("TPR shadow, threshold %u, first TPR %u", threshold, tpr);
}

void test_vmx_entry(void)
{
	if (!vmx_is_there())
		return;
	for (u32 i = 0; i < ARRAY_SIZE(refusals); i++)
		check_refusal(&refusals[i]);
	check_fields();
	check_timer(0);
	check_timer(10);
	check_timer(11);
	check_timer(1000);
	check_timer_saved();
	check_tpr_shadow(0, 0, 18);
	check_tpr_shadow(3, 4, 18);
	check_tpr_shadow(4, 4, REASON_TPR_BELOW);
	check_tpr_shadow(5, 4, CONTROLS);
	check_tpr_shadow(16, 15, CONTROLS);
	pmu_clear();
}
