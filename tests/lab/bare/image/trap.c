/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "trap.h"

#include "apic.h"
#include "console.h"
#include "measure.h"

#define GATE_INTERRUPT 0x8e00
#define GATE_FOR_USERS 0x6000

struct gate {
	u16 offset_low, selector, flags, offset_middle;
	u32 offset_high, reserved;
};

struct fixup {
	u64 at, resume;
};

extern const char trap_stubs[256][16];
extern const struct fixup fixups[], fixups_end[];

volatile struct trap_taken trap_taken;

static struct gate idt[256] __attribute__((aligned(16)));

static void set_gate(u32 vector, u64 handler, u16 flags)
{
	idt[vector] = (struct gate){
		.offset_low = (u16)handler,
		.selector = 0x08,
		.flags = flags,
		.offset_middle = (u16)(handler >> 16),
		.offset_high = (u32)(handler >> 32),
	};
}

void trap_load(void)
{
	struct __attribute__((packed)) {
		u16 limit;
		u64 base;
	} pointer = {sizeof(idt) - 1, (u64)idt};

	__asm__ volatile("lidt %0" : : "m"(pointer));
}

void trap_init(void)
{
	for (u32 vector = 0; vector < 256; vector++)
		set_gate(vector, (u64)trap_stubs[vector], GATE_INTERRUPT);
	set_gate(VECTOR_USER_RETURN, (u64)measure_user_return, GATE_INTERRUPT | GATE_FOR_USERS);
	trap_load();
}

void trap_forget(void)
{
	trap_taken.num = 0;
}

static bool find_fixup(struct trap_frame *frame)
{
	for (const struct fixup *fixup = fixups; fixup < fixups_end; fixup++) {
		if (fixup->at != frame->rip)
			continue;
		frame->rip = fixup->resume;
		frame->r11 = frame->vector;
		return true;
	}
	return false;
}

static void record(const struct trap_frame *frame)
{
	u32 num = trap_taken.num++;

	if (num >= TRAP_MAX_TAKEN)
		return;
	trap_taken.at[num].vector = (u32)frame->vector;
	trap_taken.at[num].ring = frame->cs & 3;
	trap_taken.at[num].processor = apic_processor();
	trap_taken.at[num].rip = frame->rip;
}

void trap_handle(struct trap_frame *frame);

void trap_handle(struct trap_frame *frame)
{
	if (frame->vector == VECTOR_NMI || frame->vector == VECTOR_PMI) {
		record(frame);
		if (frame->vector == VECTOR_PMI)
			apic_end_interrupt();
		return;
	}
	if (find_fixup(frame))
		return;
	console_print("Bail out! vector %lu, error code %#lx, at %#lx\n", frame->vector,
		      frame->error, frame->rip);
	console_exit(false);
}
