/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the blocks of measure.S come to. */
#include "measure.h"

#define BLOCKS(X)                                                                                  \
	X("nothing", nothing, 0, 0, false, false)                                                  \
	X("1000 NOPs", nops, MEASURE_SLED, 0, false, false)                                        \
	X("64 jumps", jumps, MEASURE_JUMPS, MEASURE_JUMPS, false, false)                           \
	X("a loop", loop, 201, 100, false, false)                                                  \
	X("LOOP", loop_instruction, 11, 10, false, false)                                          \
	X("branches not taken", not_taken, 101, 50, false, false)                                  \
	X("calls and returns", calls, 20, 20, false, false)                                        \
	X("indirect branches", indirect, 5, 3, false, false)                                       \
	X("REP STOS", rep_stos, 3, 0, false, false)                                                \
	X("REP MOVS", rep_movs, 4, 0, false, false)                                                \
	X("REP of none", rep_of_none, 3, 0, false, false)                                          \
	X("REPNE SCAS", repne_scas, 4, 0, false, false)                                            \
	X("REPE CMPS", repe_cmps, 4, 0, false, false)                                              \
	X("STOS without REP", strings, 11, 0, false, false)                                        \
	X("device registers", mmio, 11, 0, false, false)                                           \
	X("CPUID", serializing, 8, 0, false, true)                                                 \
	X("RDTSC", rdtsc, 10, 0, false, false)                                                     \
	X("PAUSE", pause, 5, 0, false, false)                                                      \
	X("two pages", two_pages, 100, 0, false, false)                                            \
	X("a fault", fault, 20, 0, true, false)

#define DECLARE(name, symbol, instructions, branches, for_users_only, exits)                       \
	measure_block block_##symbol;
#define ROW(name, symbol, instructions, branches, for_users_only, exits)                           \
	{name, block_##symbol, instructions, branches, for_users_only, exits},

BLOCKS(DECLARE)

const struct measure_known measure_known[] = {BLOCKS(ROW)};
const u32 measure_num_known = ARRAY_SIZE(measure_known);
