/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RDPMC: its indices, what it reads, who may use it; SDM volume 2, APM volume 3. */
#include "check.h"
#include "pmu.h"
#include "tests.h"

static u64 value_for(u32 counter)
{
	return 0xabc000000100 + counter;
}

static void check_index(u32 index, u64 want, bool is_there)
{
	u64 value = 0;

	check_begin();
	check_step(rdpmc_safe(index, &value), is_there ? 0 : VECTOR_GP, "vector for index", index);
	if (is_there)
		check_step(value, want, "value for index", index);
	check_end("RDPMC of index %#x", index);
}

static void check_indices(void)
{
	pmu_clear();
	for (u32 i = 0; i < pmu.num; i++)
		wrmsr(pmu_counter_msr(i), value_for(i) & msr_mask(pmu_width(i)));
	for (u32 i = 0; i < pmu.num; i++)
		check_index(pmu_rdpmc_index(i), value_for(i) & msr_mask(pmu_width(i)), true);
	check_index(pmu.shape.num_gp, 0, false);
	check_index(1U << 30 | pmu.shape.num_fixed, 0, false);
	check_index(1U << 31, 0, false);
	check_index(3U << 30, 0, false);
	check_index(1U << 29, 0, false);
}

static u32 user_vector;
static u64 user_value;

static void read_in_user(void)
{
	user_vector = rdpmc_safe(0, &user_value);
}

static void check_ring3(bool has_pce)
{
	struct measure_toggle nothing = {.msr = pmu_counter_msr(0), .on = 77, .off = 0};

	pmu_clear();
	write_cr4(has_pce ? read_cr4() | CR4_PCE : read_cr4() & ~CR4_PCE);
	user_value = 0;
	measure_as_user(&nothing, read_in_user);
	check_begin();
	check_step(user_vector, has_pce ? 0 : VECTOR_GP, "vector with CR4.PCE", has_pce);
	check_step(user_value, has_pce ? 77 : 0, "value with CR4.PCE", has_pce);
	check_end("RDPMC in ring 3 with CR4.PCE %u", has_pce);
	write_cr4(read_cr4() & ~CR4_PCE);
}

void test_rdpmc(void)
{
	check_indices();
	check_ring3(false);
	check_ring3(true);
	pmu_clear();
}
