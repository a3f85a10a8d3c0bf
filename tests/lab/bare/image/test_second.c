/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two processors: each has a PMU and an LVTPC of its own. */
#include "apic.h"
#include "check.h"
#include "pmu.h"
#include "smp.h"
#include "tests.h"
#include "trap.h"

#define FIRST_VALUE 0x111
#define SECOND_VALUE 0x222

static u64 second_counter;
static u32 second_lvtpc;

static void count_there(void)
{
	struct measure_toggle toggle;

	pmu_clear();
	toggle = pmu_prepare(0, PMU_INSTRUCTIONS, PMU_OS, 0);
	measure(&toggle, block_nops);
	second_counter = pmu_read(0);
}

static void overflow_there(void)
{
	struct measure_toggle toggle;

	pmu_clear();
	apic_set_lvtpc(LVTPC_NMI);
	toggle = pmu_prepare(0, PMU_INSTRUCTIONS, PMU_OS | PMU_INT, pmu_before_overflow(0, 10));
	measure(&toggle, block_nops);
	second_lvtpc = apic_lvtpc();
}

static void write_there(void)
{
	pmu_clear();
	wrmsr(pmu_counter_msr(0), SECOND_VALUE);
}

static void read_there(void)
{
	second_counter = pmu_read(0);
}

static void check_counters(void)
{
	pmu_clear();
	wrmsr(pmu_counter_msr(0), FIRST_VALUE);
	smp_run(count_there);
	check_begin();
	check_step(second_counter, MEASURE_SLED + MEASURE_ADDS, "counter of processor", 1);
	check_step(pmu_read(0), FIRST_VALUE, "counter of processor", 0);
	check_end("a second processor has counters of its own");
}

static void check_overflow(void)
{
	pmu_clear();
	apic_set_lvtpc(LVTPC_NMI);
	smp_run(overflow_there);
	check_begin();
	check_step(trap_taken.num, 1, "interrupts", 0);
	check_step(trap_taken.at[0].processor, 1, "taken by processor", 0);
	check_step(trap_taken.at[0].rip, (u64)block_nops + 9, "taken at", 0);
	check_step(apic_lvtpc(), LVTPC_NMI, "LVTPC of processor", 0);
	check_step(second_lvtpc & LVTPC_MASKED, pmu.is_intel ? LVTPC_MASKED : 0,
		   "LVTPC masked, of processor", 1);
	check_step(pmu_status(), 0, "status of processor", 0);
	check_end("an overflow is its processor's own");
}

/* SDM volume 3, "Processor State After Reset": INIT leaves performance monitoring as it is. */
static void check_init(void)
{
	smp_run(write_there);
	smp_start();
	smp_run(read_there);
	check_u64(second_counter, SECOND_VALUE, "counter of a processor after INIT");
}

void test_second(void)
{
	smp_start();
	check_counters();
	check_overflow();
	check_init();
	pmu_clear();
}
