/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Instructions of the processor that C has no words for. */
#ifndef HVP_BARE_CPU_H
#define HVP_BARE_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

enum {
	VECTOR_GP = 13,
	VECTOR_NMI = 2,
	VECTOR_PMI = 0x40,
	VECTOR_USER_RETURN = 0x80,
};

enum {
	MSR_FEATURE_CONTROL = 0x3a,
	MSR_DEBUGCTL = 0x1d9,
	MSR_EFER = 0xc0000080,
	MSR_KERNEL_GS_BASE = 0xc0000102, /* of no use here: written where nothing is to change */
};

#define CR4_PCE (1ULL << 8)
#define CR4_VMXE (1ULL << 13)

struct cpuid {
	u32 eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid(u32 leaf, u32 subleaf)
{
	struct cpuid ret;

	__asm__ volatile("cpuid"
			 : "=a"(ret.eax), "=b"(ret.ebx), "=c"(ret.ecx), "=d"(ret.edx)
			 : "a"(leaf), "c"(subleaf));
	return ret;
}

static inline void outb(u16 port, u8 value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "d"(port));
}

static inline u8 inb(u16 port)
{
	u8 ret;

	__asm__ volatile("inb %1, %0" : "=a"(ret) : "d"(port));
	return ret;
}

/* An instruction that may fault: the trap handler resumes behind it with the vector in R11. */
#define SAFELY(instruction)                                                                        \
	"xorl %%r11d, %%r11d\n1:\t" instruction "\n2:\tmovl %%r11d, %[vector]\n"                   \
	".pushsection .fixups, \"a\"\n.quad 1b, 2b\n.popsection"

/* These return 0, or the vector of the exception. */
static inline u32 rdmsr_safe(u32 msr, u64 *ret_value)
{
	u32 low = 0, high = 0, vector;

	__asm__ volatile(SAFELY("rdmsr")
			 : "+a"(low), "+d"(high), [vector] "=r"(vector)
			 : "c"(msr)
			 : "r11", "memory");
	*ret_value = (u64)high << 32 | low;
	return vector;
}

static inline u32 wrmsr_safe(u32 msr, u64 value)
{
	u32 vector;

	__asm__ volatile(SAFELY("wrmsr")
			 : [vector] "=r"(vector)
			 : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32))
			 : "r11", "memory");
	return vector;
}

static inline u32 rdpmc_safe(u32 index, u64 *ret_value)
{
	u32 low = 0, high = 0, vector;

	__asm__ volatile(SAFELY("rdpmc")
			 : "+a"(low), "+d"(high), [vector] "=r"(vector)
			 : "c"(index)
			 : "r11", "memory");
	*ret_value = (u64)high << 32 | low;
	return vector;
}

static inline u64 rdmsr(u32 msr)
{
	u32 low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr) : "memory");
	return (u64)high << 32 | low;
}

static inline void wrmsr(u32 msr, u64 value)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
}

#define READ_REGISTER(name)                                                                        \
	static inline u64 read_##name(void)                                                        \
	{                                                                                          \
		u64 ret;                                                                           \
		__asm__ volatile("movq %%" #name ", %0" : "=r"(ret) : : "memory");                 \
		return ret;                                                                        \
	}

READ_REGISTER(cr0)
READ_REGISTER(cr3)
READ_REGISTER(cr4)

static inline void write_cr4(u64 value)
{
	__asm__ volatile("movq %0, %%cr4" : : "r"(value) : "memory");
}

static inline void cpu_enable_interrupts(void)
{
	__asm__ volatile("sti; nop" : : : "memory");
}

static inline void cpu_disable_interrupts(void)
{
	__asm__ volatile("cli" : : : "memory");
}

#endif
