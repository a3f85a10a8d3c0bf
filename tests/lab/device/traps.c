/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "traps.h"

#define LOOP_FRAME 0x20000u
#define PAIR_FRAME 0x21000u
#define EDGE (VM_MEMORY_SIZE - 8)
#define GIB 0x40000000ull
/* What an entry of the PML4 maps. */
#define PML4_SPAN (1ull << 39)

const struct trap traps[TRAPS_COUNT] = {
	{"an address that is not canonical", 1ull << 63, 0},
	{"an address that is not mapped", 2 * GIB, 0},
	{"a huge page where no memory is", VM_MMIO, 0},
	{"page tables within themselves", PML4_SPAN, 0},
	{"page tables where no memory is", 2 * PML4_SPAN, 0},
	{"page tables with reserved bits", 3 * PML4_SPAN, 0},
	/* Circles are followed until they are known for what they are. */
	{"a frame whose next one is itself", LOOP_FRAME, 2},
	{"two frames, each the other's next one", PAIR_FRAME, 4},
	{"an address that is not aligned", LOOP_FRAME + 1, 0},
	{"a frame whose second half is where nothing is mapped", EDGE, 0},
};

void traps_set(struct vm *vm)
{
	uint64_t *loop = (uint64_t *)(vm->memory + LOOP_FRAME);
	uint64_t *pair = (uint64_t *)(vm->memory + PAIR_FRAME);
	uint64_t *pml4 = (uint64_t *)(vm->memory + vm_cr3(vm->id));

	pml4[1] = vm_cr3(vm->id) | 7;
	pml4[2] = VM_MMIO | 7;
	pml4[3] = ~0ull;
	loop[0] = LOOP_FRAME;
	loop[1] = vm_address(guest_spin);
	pair[0] = PAIR_FRAME + 16;
	pair[1] = vm_address(guest_spin);
	pair[2] = PAIR_FRAME;
	pair[3] = vm_address(guest_spin);
}
