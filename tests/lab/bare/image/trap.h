/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exceptions and interrupts: those of the PMU are recorded, any other that is not expected ends the image. */
#ifndef HVP_BARE_TRAP_H
#define HVP_BARE_TRAP_H

#include "cpu.h"

#define TRAP_MAX_TAKEN 8

struct trap_frame {
	u64 r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
	u64 vector, error, rip, cs, rflags, rsp, ss;
};

/* The interrupts of the PMU since trap_forget(); `num` also counts those that had no room. */
struct trap_taken {
	u32 num;
	struct {
		u32 vector;
		u32 ring;
		u32 processor;
		u64 rip;
	} at[TRAP_MAX_TAKEN];
};

extern volatile struct trap_taken trap_taken;

void trap_init(void);
void trap_load(void); /* on a further processor */
void trap_forget(void);

#endif
