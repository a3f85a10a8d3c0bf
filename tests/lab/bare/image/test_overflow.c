/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Overflows: where the interrupt is taken, what the status and the LVTPC are then. */
#include "apic.h"
#include "check.h"
#include "pmu.h"
#include "tests.h"
#include "trap.h"

static const u32 places[] = {1, 2, 3, 4, 7, 8, 16, 63, 64, 65, 100, 255, 256, 500, 999, 1000};

/* The n-th event counted by measure() is the CALL for n == 1, then one byte, or two, each. */
static u64 place(measure_block *sled, u32 size, u32 n)
{
	return (u64)sled + (u64)size * (n - 1);
}

static void check_taken(u32 vector, u32 ring, u64 rip)
{
	check_step(trap_taken.num, 1, "interrupts", 0);
	if (!trap_taken.num)
		return;
	check_step(trap_taken.at[0].vector, vector, "vector", 0);
	check_step(trap_taken.at[0].ring, ring, "ring", 0);
	check_step(trap_taken.at[0].rip, rip, "taken at", 0);
}

static void check_places(u32 counter, enum pmu_event event, bool as_user, bool is_nmi)
{
	bool is_jumps = event == PMU_BRANCHES;
	measure_block *sled = is_jumps ? block_jumps : block_nops;
	/* From ring 0 IRETQ comes before the CALL. */
	u32 before = as_user ? 1 : 0;

	check_begin();
	for (u32 i = 0; i < ARRAY_SIZE(places); i++) {
		struct measure_toggle toggle;
		u32 n = places[i];

		if (is_jumps && n > MEASURE_JUMPS)
			break;
		pmu_clear();
		apic_set_lvtpc(is_nmi ? LVTPC_NMI : VECTOR_PMI);
		toggle = pmu_prepare(counter, event, PMU_USR | PMU_OS | PMU_INT,
				     pmu_before_overflow(counter, n + before));
		if (!is_nmi)
			cpu_enable_interrupts();
		if (as_user)
			measure_as_user(&toggle, sled);
		else
			measure(&toggle, sled);
		cpu_disable_interrupts();
		check_taken(is_nmi ? VECTOR_NMI : VECTOR_PMI, as_user ? 3 : 0,
			    place(sled, is_jumps ? 2 : 1, n));
		check_step(pmu_status(), pmu.has_global ? pmu_status_bit(counter) : 0, "status", n);
		check_step(apic_lvtpc() & LVTPC_MASKED, pmu.is_intel ? LVTPC_MASKED : 0,
			   "LVTPC masked", n);
	}
	check_end("counter %u overflows at the programmed %s in ring %u, by %s", counter,
		  is_jumps ? "branch" : "instruction", as_user ? 3U : 0U,
		  is_nmi ? "NMI" : "vector");
}

/* An overflow with the LVTPC as it is; returns the interrupts taken. */
static u32 overflow(u32 counter, u64 how)
{
	struct measure_toggle toggle;

	trap_forget();
	toggle = pmu_prepare(counter, PMU_INSTRUCTIONS, how, pmu_before_overflow(counter, 10));
	measure(&toggle, block_nops);
	return trap_taken.num;
}

static void check_silent(u32 counter)
{
	pmu_clear();
	apic_set_lvtpc(LVTPC_NMI);
	check_begin();
	check_step(overflow(counter, PMU_OS), 0, "interrupts of counter", counter);
	check_step(pmu_status(), pmu.has_global ? pmu_status_bit(counter) : 0, "status", counter);
	check_step(apic_lvtpc(), LVTPC_NMI, "LVTPC", counter);
	check_end("counter %u overflows without INT", counter);

	pmu_clear();
	check_begin();
	check_step(overflow(counter, PMU_OS | PMU_INT), 0, "interrupts of counter", counter);
	check_step(pmu_status(), pmu.has_global ? pmu_status_bit(counter) : 0, "status", counter);
	apic_set_lvtpc(LVTPC_NMI);
	check_step(trap_taken.num, 0, "interrupts after the mask is gone", counter);
	check_end("counter %u overflows with the LVTPC masked", counter);
}

/* SDM volume 3, "Local Vector Table": the mask is set by a delivery, software clears it. */
static void check_mask(void)
{
	pmu_clear();
	apic_set_lvtpc(LVTPC_NMI);
	check_begin();
	check_step(overflow(0, PMU_OS | PMU_INT), 1, "interrupts of the first overflow", 1);
	check_step(overflow(0, PMU_OS | PMU_INT), pmu.is_intel ? 0 : 1,
		   "interrupts of the second overflow", 2);
	apic_set_lvtpc(LVTPC_NMI);
	check_step(overflow(0, PMU_OS | PMU_INT), 1, "interrupts of the third overflow", 3);
	check_end("LVTPC is masked by a delivery");
}

static void check_clear(u32 counter)
{
	u64 all = 0;

	if (!pmu.has_global)
		return;
	pmu_clear();
	for (u32 i = 0; i < pmu.num; i++) {
		if (!pmu_can_count(i, PMU_INSTRUCTIONS))
			continue;
		overflow(i, PMU_OS);
		all |= pmu_status_bit(i);
	}
	check_begin();
	check_step(pmu_status(), all, "status", 0);
	wrmsr(pmu.clear_msr, 0);
	check_step(pmu_status(), all, "status after clearing", 0);
	wrmsr(pmu.clear_msr, pmu_status_bit(counter));
	check_step(pmu_status(), all & ~pmu_status_bit(counter), "status after clearing", counter);
	check_end("status bit of counter %u is cleared alone", counter);
}

/* The counter goes on from 0, and a vector waits for the interrupt flag. */
static void check_wrap(u32 counter)
{
	struct measure_toggle toggle;

	pmu_clear();
	toggle = pmu_prepare(counter, PMU_INSTRUCTIONS, PMU_OS, pmu_before_overflow(counter, 10));
	measure(&toggle, block_nops);
	check_u64(pmu_read(counter), MEASURE_SLED + MEASURE_ADDS - 10,
		  "counter %u of %u bits goes on from 0", counter, pmu_width(counter));
}

static void check_wait(void)
{
	check_begin();
	pmu_clear();
	apic_set_lvtpc(VECTOR_PMI);
	check_step(overflow(0, PMU_OS | PMU_INT), 0, "interrupts with IF 0", 0);
	cpu_enable_interrupts();
	cpu_disable_interrupts();
	check_step(trap_taken.num, 1, "interrupts with IF 1", 1);
	check_end("a vector waits for the interrupt flag");
}

/* SDM volume 3, "Freezing LBR and Performance Counters on PMI". */
static void check_freeze(void)
{
	bool is_streamlined = pmu.shape.pmu >= MSR_V4;
	u64 ctr_frz = is_streamlined ? 1ULL << 59 : 0;
	struct measure_toggle toggle;
	u64 value = 0;

	if (!pmu.is_intel)
		return;
	pmu_clear();
	check_begin();
	check_step(wrmsr_safe(MSR_DEBUGCTL, 1 << 12), 0, "WRMSR of DEBUGCTL", 1 << 12);
	check_step(rdmsr_safe(MSR_DEBUGCTL, &value), 0, "RDMSR of DEBUGCTL", 0);
	check_step(value, 1 << 12, "DEBUGCTL", 0);
	apic_set_lvtpc(LVTPC_NMI);
	toggle = pmu_prepare(0, PMU_INSTRUCTIONS, PMU_OS | PMU_INT, pmu_before_overflow(0, 10));
	measure(&toggle, block_nops);
	check_step(trap_taken.num, 1, "interrupts", 0);
	check_step(pmu_read(0), 0, "counter", 0);
	check_step(pmu_status(), ctr_frz | 1, "status", 0);
	wrmsr(MSR_DEBUGCTL, 0);
	wrmsr(PMU_GLOBAL_CLEAR, ctr_frz | 1);
	check_end("FREEZE_PERFMON_ON_PMI");
}

/* IRETQ is the last that counts for ring 0, INT the last that counts for ring 3. */
static void check_ring_change(u32 counter, bool is_iretq)
{
	u64 n = is_iretq ? 1 : MEASURE_SLED + MEASURE_USER_ADDS;
	struct measure_toggle toggle;

	pmu_clear();
	apic_set_lvtpc(LVTPC_NMI);
	toggle = pmu_prepare(counter, PMU_INSTRUCTIONS, (is_iretq ? PMU_OS : PMU_USR) | PMU_INT,
			     pmu_before_overflow(counter, n));
	measure_as_user(&toggle, block_nops);
	check_begin();
	check_taken(VECTOR_NMI, is_iretq ? 3 : 0,
		    is_iretq ? (u64)measure_user_start : (u64)measure_user_return);
	check_end("counter %u overflows at the %s that changes the ring", counter,
		  is_iretq ? "IRETQ" : "INT");
}

void test_overflow(void)
{
	for (u32 i = 0; i < pmu.num; i++) {
		for (u32 way = 0; way < 4; way++) {
			if (pmu_can_count(i, PMU_INSTRUCTIONS))
				check_places(i, PMU_INSTRUCTIONS, way & 1, way & 2);
			if (pmu_can_count(i, PMU_BRANCHES))
				check_places(i, PMU_BRANCHES, way & 1, way & 2);
		}
		if (!pmu_can_count(i, PMU_INSTRUCTIONS))
			continue;
		check_silent(i);
		check_wrap(i);
		check_clear(i);
		check_ring_change(i, true);
		check_ring_change(i, false);
	}
	check_mask();
	check_wait();
	check_freeze();
	pmu_clear();
}
