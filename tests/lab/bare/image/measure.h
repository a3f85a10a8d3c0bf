/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a block of known length between a WRMSR that makes a counter count and one that stops it. The
 * first is not counted, all behind it up to and including the second is.
 */
#ifndef HVP_BARE_MEASURE_H
#define HVP_BARE_MEASURE_H

#include "cpu.h"

struct measure_toggle {
	u32 msr, reserved;
	u64 on, off;
};

/* A function without prologue; keeps RSP, R12 and R13. */
typedef void measure_block(void);

void measure(const struct measure_toggle *toggle, measure_block *block);
void measure_as_user(const struct measure_toggle *toggle, measure_block *block);

/* Instructions and branches that these add to the block's, CALL and RET of the block included. */
#define MEASURE_ADDS 6
#define MEASURE_ADDS_BRANCHES 2
/* In ring 3: CALL, RET and the INT back; in ring 0 then: IRETQ, and five behind the INT. */
#define MEASURE_USER_ADDS 3
#define MEASURE_USER_ADDS_IN_KERNEL 6
/* Far branches count too. */
#define MEASURE_USER_ADDS_BRANCHES 3
#define MEASURE_USER_ADDS_BRANCHES_IN_KERNEL 1

/* Of instructions that load and of ones that store: RET and three of the second toggle's; CALL. */
#define MEASURE_ADDS_LOADS 4
#define MEASURE_ADDS_STORES 1

/* Where the two ways lead: behind IRETQ, and behind INT. */
void measure_user_start(void);
void measure_user_return(void);

struct measure_known {
	const char *name;
	measure_block *block;
	u32 instructions, branches; /* without the RET */
	bool for_users_only;
	bool exits; /* from a guest */
};

extern const struct measure_known measure_known[];
extern const u32 measure_num_known;

/* Blocks with an address for each instruction: one byte, two bytes. */
#define MEASURE_SLED 1000
#define MEASURE_JUMPS 64
measure_block block_nops, block_jumps, block_spin, block_spin_loop;
/* Instructions that load, that store, and that do both. */
#define MEASURE_LOADS 5
#define MEASURE_STORES 7
#define MEASURE_LOAD_STORES 11
measure_block block_accesses;
extern u64 measure_spin_count; /* rounds of block_spin: DEC, JNZ; before them one MOV */

#endif
