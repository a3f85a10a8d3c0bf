/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "smp.h"

#include "apic.h"
#include "trap.h"

#define SECOND 1
#define PAGE 0x8000

extern const u8 smp_trampoline[], smp_trampoline_end[];

static void (*volatile the_job)(void);
static volatile bool is_up;

void smp_second_main(void);

void smp_second_main(void)
{
	trap_load();
	apic_init();
	is_up = true;
	for (;;) {
		while (!the_job)
			__asm__ volatile("pause");
		the_job();
		the_job = NULL;
	}
}

void smp_start(void)
{
	u8 *page = (u8 *)PAGE;

	for (const u8 *from = smp_trampoline; from < smp_trampoline_end; from++)
		*page++ = *from;
	is_up = false;
	apic_start(SECOND, PAGE);
	while (!is_up)
		__asm__ volatile("pause");
}

void smp_run(void (*job)(void))
{
	the_job = job;
	while (the_job)
		__asm__ volatile("pause");
}
