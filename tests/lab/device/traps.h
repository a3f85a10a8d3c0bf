/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frame pointers that lead a reader of call chains astray. */
#ifndef DEVICE_TRAPS_H
#define DEVICE_TRAPS_H

#include <stdint.h>

#include "vm.h"

struct trap {
	const char *name;
	uint64_t frame_pointer;
	unsigned int most; /* frames that can be followed */
};

#define TRAPS_COUNT 10
extern const struct trap traps[TRAPS_COUNT];

/* What the pointers lead to: memory, and page tables of this vCPU. */
void traps_set(struct vm *vm);

#endif
