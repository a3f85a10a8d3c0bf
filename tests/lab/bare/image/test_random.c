/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loops of random length that overflow somewhere, from a seed. */
#include "apic.h"
#include "check.h"
#include "pmu.h"
#include "tests.h"
#include "trap.h"

#define ROUNDS 40
#define MAX_SPINS 20000
/* Of block_spin's loop. */
#define DEC_BYTES 3
#define JNZ_BYTES 2

static u64 state;

/* xorshift64*, S. Vigna */
static u64 random_below(u64 limit)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (state * 0x2545f4914f6cdd1dULL >> 33) % limit;
}

/* Where the loop is after n instructions: the CALL, the MOV, then DEC and JNZ in turn. */
static u64 place_of_instruction(u64 n, u64 spins)
{
	u64 loop = (u64)block_spin_loop;

	if (n < 2)
		return (u64)block_spin;
	if (n >= 2 + 2 * spins)
		return loop + DEC_BYTES + JNZ_BYTES;
	return loop + (n & 1 ? DEC_BYTES : 0);
}

/* And after n branches: the CALL, then each JNZ. */
static u64 place_of_branch(u64 n, u64 spins)
{
	u64 loop = (u64)block_spin_loop;

	if (n < 2)
		return (u64)block_spin;
	return n == 1 + spins ? loop + DEC_BYTES + JNZ_BYTES : loop;
}

static void check_round(u32 round)
{
	bool is_branches = random_below(2);
	u32 counter = (u32)random_below(pmu.shape.num_gp);
	u64 spins = 1 + random_below(MAX_SPINS);
	u64 n = 1 + random_below(1 + (is_branches ? spins : 1 + 2 * spins));
	u64 total = is_branches ? spins + MEASURE_USER_ADDS_BRANCHES
				: 1 + 2 * spins + MEASURE_USER_ADDS;
	struct measure_toggle toggle;

	pmu_clear();
	apic_set_lvtpc(LVTPC_NMI);
	measure_spin_count = spins;
	toggle = pmu_prepare(counter, is_branches ? PMU_BRANCHES : PMU_INSTRUCTIONS,
			     PMU_USR | PMU_INT, pmu_before_overflow(counter, n));
	measure_as_user(&toggle, block_spin);
	check_begin();
	check_step(trap_taken.num, 1, "interrupts with spins", spins);
	check_step(trap_taken.at[0].rip,
		   is_branches ? place_of_branch(n, spins) : place_of_instruction(n, spins),
		   "taken at, with n", n);
	check_step(pmu_read(counter), total - n, "counter", counter);
	check_end("round %u: overflow at %s %lu of %lu", round,
		  is_branches ? "branch" : "instruction", n, total);
}

void test_random(u64 seed)
{
	state = seed * 2 + 1;
	for (u32 round = 0; round < ROUNDS; round++)
		check_round(round);
	pmu_clear();
}
