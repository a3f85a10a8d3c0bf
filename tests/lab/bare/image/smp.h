/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A second processor, which does what it is told and then waits. It has no TSS: ring 0 only. */
#ifndef HVP_BARE_SMP_H
#define HVP_BARE_SMP_H

#include "cpu.h"

/* Starts it, or after an INIT starts it anew. */
void smp_start(void);
/* Runs a function there and waits until it returns. */
void smp_run(void (*job)(void));

#endif
