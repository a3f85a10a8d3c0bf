/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apic.h"

#define BASE 0xfee00000UL
#define ID 0x020
#define EOI 0x0b0
#define SPURIOUS 0x0f0
#define COMMAND 0x300
#define COMMAND_TO 0x310
#define LVTPC 0x340
#define SPURIOUS_ENABLE 0x1ff
#define COMMAND_INIT 0x4500
#define COMMAND_STARTUP 0x4600

static volatile u32 *apic_register(u32 offset)
{
	return (volatile u32 *)(BASE + offset);
}

void apic_init(void)
{
	/* The PC's interrupt controllers stay quiet. */
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
	*apic_register(SPURIOUS) = SPURIOUS_ENABLE;
}

u32 apic_processor(void)
{
	return *apic_register(ID) >> 24;
}

u32 apic_lvtpc(void)
{
	return *apic_register(LVTPC);
}

void apic_set_lvtpc(u32 value)
{
	*apic_register(LVTPC) = value;
}

void apic_end_interrupt(void)
{
	*apic_register(EOI) = 0;
}

void apic_start(u32 processor, u32 page)
{
	*apic_register(COMMAND_TO) = processor << 24;
	*apic_register(COMMAND) = COMMAND_INIT;
	*apic_register(COMMAND_TO) = processor << 24;
	*apic_register(COMMAND) = COMMAND_STARTUP | page >> 12;
}
