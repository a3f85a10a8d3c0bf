/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The local APIC, as far as performance monitoring interrupts need it. */
#ifndef HVP_BARE_APIC_H
#define HVP_BARE_APIC_H

#include "cpu.h"

#define LVTPC_NMI 0x400
#define LVTPC_MASKED 0x10000

void apic_init(void);
u32 apic_processor(void); /* which one runs this */
u32 apic_lvtpc(void);
void apic_set_lvtpc(u32 value);
void apic_end_interrupt(void);

/* INIT and SIPI to another processor; the page where it begins is below 1 MiB. */
void apic_start(u32 processor, u32 page);

#endif
