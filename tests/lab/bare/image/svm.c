/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "svm.h"

#define MSR_VM_HSAVE_PA 0xc0010117

/* Offsets in the VMCB. */
enum {
	EXCEPTIONS = 0x08,
	INTERCEPTS = 0x0c,
	IO_MAP = 0x40,
	MSR_MAP = 0x48,
	EXIT_INFO1 = 0x78,
	NESTED_PAGING = 0x90,
	NESTED_CR3 = 0xb0,
	SEGMENTS = 0x400, /* ES CS SS DS FS GS GDTR LDTR IDTR TR */
	EFER = 0x4d0,
	CR3 = 0x550,
	CR0 = 0x558,
	DR7 = 0x560,
	DR6 = 0x568,
	RAX = 0x5f8,
	PAT = 0x668,
};

#define PAGE __attribute__((aligned(4096)))
static u8 vmcb[4096] PAGE, host_save[4096] PAGE, msr_map[8192] PAGE, io_map[3 * 4096] PAGE;
static u8 guest_stack[4096] PAGE;

extern const u8 gdt[];
extern void svm_enter(struct vm_run *run);

bool svm_is_there(void)
{
	return cpuid(0x80000001, 0).ecx & 1 << 2;
}

void svm_put(u32 offset, u64 value, u32 size)
{
	for (u32 i = 0; i < size; i++)
		vmcb[offset + i] = (u8)(value >> 8 * i);
}

u64 svm_get(u32 offset)
{
	u64 ret = 0;

	for (u32 i = 0; i < 8; i++)
		ret |= (u64)vmcb[offset + i] << 8 * i;
	return ret;
}

void svm_init(void)
{
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME);
	wrmsr(MSR_VM_HSAVE_PA, (u64)host_save);
}

void svm_put_segment(u32 index, u32 selector, u32 attributes, u32 limit, u64 base)
{
	u32 at = SEGMENTS + 16 * index;

	svm_put(at, selector, 2);
	svm_put(at + 2, attributes, 2);
	svm_put(at + 4, limit, 4);
	svm_put(at + 8, base, 8);
}

static void put_segments(void)
{
	struct __attribute__((packed)) {
		u16 limit;
		u64 base;
	} idt;

	__asm__ volatile("sidt %0" : "=m"(idt));
	svm_put_segment(0, 0x10, 0xc93, ~0U, 0);
	svm_put_segment(1, 0x08, 0xa9b, ~0U, 0);
	svm_put_segment(2, 0x10, 0xc93, ~0U, 0);
	svm_put_segment(3, 0x10, 0xc93, ~0U, 0);
	svm_put_segment(6, 0, 0, 0x3f, (u64)gdt);
	svm_put_segment(8, 0, 0, idt.limit, idt.base);
}

void svm_intercept(u32 bit, bool is_set)
{
	u64 bits = svm_get(INTERCEPTS);

	svm_put(INTERCEPTS, is_set ? bits | 1ULL << bit : bits & ~(1ULL << bit), 8);
}

void svm_reset(u64 rip)
{
	static const u8 intercepts[] = {SVM_INTERCEPT_INTR,  SVM_INTERCEPT_NMI,
					SVM_INTERCEPT_MSR,   SVM_INTERCEPT_SHUTDOWN,
					SVM_INTERCEPT_VMRUN, SVM_INTERCEPT_VMMCALL};

	for (u32 i = 0; i < sizeof(vmcb); i++)
		vmcb[i] = 0;
	for (u32 i = 0; i < sizeof(msr_map); i++)
		msr_map[i] = 0;
	svm_exit_on_io(false);
	for (u32 i = 0; i < sizeof(intercepts); i++)
		svm_intercept(intercepts[i], true);
	svm_put(EXCEPTIONS, ~0U, 4);
	svm_put(IO_MAP, (u64)io_map, 8);
	svm_put(MSR_MAP, (u64)msr_map, 8);
	svm_put(SVM_ASID, 1, 4);
	svm_put(NESTED_PAGING, 1, 8);
	svm_put(NESTED_CR3, read_cr3(), 8);
	put_segments();
	svm_put(EFER, rdmsr(MSR_EFER), 8);
	svm_put(CR0, read_cr0(), 8);
	svm_put(CR3, read_cr3(), 8);
	svm_put(SVM_CR4, read_cr4(), 8);
	svm_put(DR7, 0x400, 8);
	svm_put(DR6, 0xffff0ff0, 8);
	svm_put(SVM_RFLAGS, 0x202, 8);
	svm_put(SVM_RIP, rip, 8);
	svm_put(SVM_RSP, (u64)(guest_stack + sizeof(guest_stack)), 8);
	svm_put(PAT, 0x0007040600070406, 8);
}

/* APM volume 2, 15.11 MSR Intercepts. */
void svm_exit_on_msr(u32 msr, bool on_read, bool on_write)
{
	u32 at = (msr & 0x1fff) + (msr >= 0xc0010000 ? 0x4000 : msr >= 0xc0000000 ? 0x2000 : 0);
	u32 shift = at % 4 * 2;
	u32 bits = on_read + 2U * on_write;

	msr_map[at / 4] = (u8)((msr_map[at / 4] & ~(3U << shift)) | bits << shift);
}

/* APM volume 2, 15.10: all ports, or none. */
void svm_exit_on_io(bool exits)
{
	for (u32 i = 0; i < sizeof(io_map); i++)
		io_map[i] = exits ? 0xff : 0;
	svm_intercept(SVM_INTERCEPT_IO, exits);
}

/* Appendix C: the codes of CR and DR accesses, and of exceptions, are places in the words before. */
void svm_intercept_code(u32 code)
{
	u32 at = code < SVM_EXIT_INTR ? code / 8 : INTERCEPTS + (code - SVM_EXIT_INTR) / 8;

	vmcb[at] = (u8)(vmcb[at] | 1 << code % 8);
}

static enum vm_exit exit_of(u64 code)
{
	switch (code) {
	case SVM_EXIT_INTR: return VM_EXIT_INTERRUPT;
	case 0x61: return VM_EXIT_NMI;
	case 0x6f: return VM_EXIT_RDPMC;
	case 0x7c: return svm_get(EXIT_INFO1) ? VM_EXIT_WRMSR : VM_EXIT_RDMSR;
	case SVM_EXIT_VMMCALL: return VM_EXIT_CALL;
	case ~0ULL: return VM_EXIT_FAILED;
	default: return code >= 0x40 && code < 0x60 ? VM_EXIT_EXCEPTION : VM_EXIT_OTHER;
	}
}

void svm_run(struct vm_run *run)
{
	run->vmcb = (u64)vmcb;
	svm_put(RAX, run->rax, 8);
	svm_enter(run);
	run->rax = svm_get(RAX);
	run->rip = svm_get(SVM_RIP);
	run->reason = (u32)svm_get(SVM_EXIT_CODE);
	run->exit = exit_of(svm_get(SVM_EXIT_CODE));
}
