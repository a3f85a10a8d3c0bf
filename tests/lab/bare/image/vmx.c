/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmx.h"

#include "console.h"

enum {
	MSR_VMX_BASIC = 0x480,
	MSR_VMX_PIN = 0x48d, /* the TRUE ones */
	MSR_VMX_CPU = 0x48e,
	MSR_VMX_EXIT = 0x48f,
	MSR_VMX_ENTRY = 0x490,
	MSR_VMX_CPU2 = 0x48b,
};

#define CPU_SECONDARY (1U << 31)
#define CPU2_EPT (1U << 1)
#define EXIT_HOST_64 (1U << 9)
#define ENTRY_IA32E (1U << 9)
#define EPT_LARGE_WRITE_BACK 0xb7

#define PAGE __attribute__((aligned(4096)))
static u64 vmxon_region[512] PAGE, vmcs[512] PAGE;
static u64 ept4[512] PAGE, ept3[512] PAGE;
static u8 msr_bitmap[4096] PAGE;
static u8 guest_stack[4096] PAGE;
static bool is_launched;

extern const u8 vmx_exit_point[], gdt[], tss[];
extern u64 vmx_enter(struct vm_run *run,
		     bool is_launched); /* RFLAGS when the entry failed, else 0 */
extern void vm_unblock_nmi(void);

bool vmx_is_there(void)
{
	return cpuid(1, 0).ecx & 1 << 5;
}

u64 vmx_read(u32 field)
{
	u64 ret;

	__asm__ volatile("vmread %1, %0" : "=r"(ret) : "r"((u64)field) : "cc");
	return ret;
}

void vmx_write(u32 field, u64 value)
{
	u8 failed;

	__asm__ volatile("vmwrite %2, %1\n\tsetbe %0"
			 : "=r"(failed)
			 : "r"((u64)field), "r"(value)
			 : "cc");
	if (!failed)
		return;
	console_print("Bail out! VMWRITE of field %#x failed\n", field);
	console_exit(false);
}

void vmx_control(u32 field, u32 bits, bool is_set)
{
	u64 value = vmx_read(field);

	vmx_write(field, is_set ? value | bits : value & ~(u64)bits);
}

bool vmx_may_exit_with(u32 bits)
{
	return !(bits & ~(rdmsr(MSR_VMX_EXIT) >> 32));
}

void vmx_init(void)
{
	u32 revision = (u32)rdmsr(MSR_VMX_BASIC);
	u64 region = (u64)vmxon_region;

	if (!(rdmsr(MSR_FEATURE_CONTROL) & 1))
		wrmsr(MSR_FEATURE_CONTROL, 5);
	write_cr4(read_cr4() | CR4_VMXE);
	vmxon_region[0] = revision;
	vmcs[0] = revision;
	__asm__ volatile("vmxon %0" : : "m"(region) : "cc", "memory");
	ept4[0] = (u64)ept3 | 7;
	for (u64 i = 0; i < 4; i++)
		ept3[i] = i << 30 | EPT_LARGE_WRITE_BACK;
}

/* What must be set, what may. */
static void write_controls(u32 field, u32 msr, u32 wanted)
{
	u64 allowed = rdmsr(msr);
	u32 may = (u32)(allowed >> 32);

	if (wanted & ~may) {
		console_print("Bail out! MSR %#x does not allow %#x\n", msr, wanted & ~may);
		console_exit(false);
	}
	vmx_write(field, wanted | (u32)allowed);
}

struct segment {
	u32 selector, rights, limit;
	u64 base;
};

/* ES CS SS DS FS GS LDTR TR, as the fields are numbered. */
static void write_segments(void)
{
	const struct segment segments[] = {
		{0x10, 0xc093, ~0U, 0}, {0x08, 0xa09b, ~0U, 0},	      {0x10, 0xc093, ~0U, 0},
		{0x10, 0xc093, ~0U, 0}, {0, 0x10000, 0, 0},	      {0, 0x10000, 0, 0},
		{0, 0x10000, 0, 0},	{0x30, 0x8b, 0x67, (u64)tss},
	};

	for (u32 i = 0; i < ARRAY_SIZE(segments); i++) {
		vmx_write(0x800 + 2 * i, segments[i].selector);
		vmx_write(0x4800 + 2 * i, segments[i].limit);
		vmx_write(0x4814 + 2 * i, segments[i].rights);
		vmx_write(0x6806 + 2 * i, segments[i].base);
	}
	for (u32 i = 0; i < 4; i++)
		vmx_write(0xc00 + 2 * i, segments[i].selector);
	vmx_write(0xc08, 0);
	vmx_write(0xc0a, 0);
	vmx_write(0xc0c, 0x30);
}

static void write_tables(void)
{
	struct __attribute__((packed)) {
		u16 limit;
		u64 base;
	} idt;

	__asm__ volatile("sidt %0" : "=m"(idt));
	vmx_write(0x4810, 0x3f);
	vmx_write(0x6816, (u64)gdt);
	vmx_write(0x4812, idt.limit);
	vmx_write(0x6818, idt.base);
	vmx_write(0x6c06, 0);
	vmx_write(0x6c08, 0);
	vmx_write(0x6c0a, (u64)tss);
	vmx_write(0x6c0c, (u64)gdt);
	vmx_write(0x6c0e, idt.base);
}

/* CR0, CR3, CR4 of guest and host. */
static void write_registers(u64 rip)
{
	static const u32 first[] = {0x6800, 0x6c00};

	for (u32 i = 0; i < ARRAY_SIZE(first); i++) {
		vmx_write(first[i], read_cr0());
		vmx_write(first[i] + 2, read_cr3());
		vmx_write(first[i] + 4, read_cr4());
	}
	vmx_write(0x681a, 0x400);
	vmx_write(0x681c, (u64)(guest_stack + sizeof(guest_stack)));
	vmx_write(VMCS_GUEST_RIP, rip);
	vmx_write(VMCS_GUEST_RFLAGS, 0x202);
	vmx_write(0x6c16, (u64)vmx_exit_point);
	vmx_write(VMCS_LINK, ~0ULL);
}

void vmx_reset(u64 rip)
{
	u64 region = (u64)vmcs;

	__asm__ volatile("vmclear %0" : : "m"(region) : "cc", "memory");
	for (u32 i = 1; i < ARRAY_SIZE(vmcs); i++)
		vmcs[i] = 0;
	__asm__ volatile("vmclear %0\n\tvmptrld %0" : : "m"(region) : "cc", "memory");
	is_launched = false;
	for (u32 i = 0; i < sizeof(msr_bitmap); i++)
		msr_bitmap[i] = 0;
	write_controls(VMCS_PIN_CONTROLS, MSR_VMX_PIN, VMX_PIN_INTERRUPTS | VMX_PIN_NMI);
	write_controls(VMCS_CPU_CONTROLS, MSR_VMX_CPU, VMX_CPU_MSR_BITMAPS | CPU_SECONDARY);
	write_controls(VMCS_CPU_CONTROLS2, MSR_VMX_CPU2, CPU2_EPT);
	write_controls(VMCS_EXIT_CONTROLS, MSR_VMX_EXIT, EXIT_HOST_64);
	write_controls(VMCS_ENTRY_CONTROLS, MSR_VMX_ENTRY, ENTRY_IA32E);
	vmx_write(VMCS_MSR_BITMAP, (u64)msr_bitmap);
	vmx_write(VMCS_EPT_POINTER, (u64)ept4 | 3 << 3 | 6);
	vmx_write(0x4004, ~0ULL & 0xffffffff & ~(1U << 2)); /* exceptions, all */
	write_segments();
	write_tables();
	write_registers(rip);
}

static void set_bit(u32 bit, bool is_set)
{
	u8 mask = (u8)(1 << bit % 8);

	msr_bitmap[bit / 8] =
		(u8)(is_set ? msr_bitmap[bit / 8] | mask : msr_bitmap[bit / 8] & ~mask);
}

/* SDM volume 3, "MSR-Bitmap Address". */
void vmx_exit_on_msr(u32 msr, bool on_read, bool on_write)
{
	u32 bit = (msr & 0x1fff) + (msr >= 0xc0000000 ? 0x2000 : 0);

	set_bit(bit, on_read);
	set_bit(bit + 0x4000, on_write);
}

static enum vm_exit exit_of(u32 reason)
{
	if (reason & VMX_REASON_ENTRY_FAILED)
		return VM_EXIT_FAILED;
	switch (reason & 0xffff) {
	case 0:
		return (vmx_read(VMCS_EXIT_INTERRUPTION) & 0x7ff) == 0x202 ? VM_EXIT_NMI
									   : VM_EXIT_EXCEPTION;
	case 1: return VM_EXIT_INTERRUPT;
	case 15: return VM_EXIT_RDPMC;
	case 18: return VM_EXIT_CALL;
	case 31: return VM_EXIT_RDMSR;
	case 32: return VM_EXIT_WRMSR;
	default: return VM_EXIT_OTHER;
	}
}

void vmx_run(struct vm_run *run)
{
	if (vmx_enter(run, is_launched)) {
		run->exit = VM_EXIT_FAILED;
		run->reason = VMX_REASON_INSTRUCTION | (u32)vmx_read(VMCS_INSTRUCTION_ERROR);
		return;
	}
	run->reason = (u32)vmx_read(VMCS_EXIT_REASON);
	run->exit = exit_of(run->reason);
	run->rip = vmx_read(VMCS_GUEST_RIP);
	if (run->exit == VM_EXIT_FAILED)
		return;
	is_launched = true;
	if (run->exit == VM_EXIT_NMI)
		vm_unblock_nmi();
}
