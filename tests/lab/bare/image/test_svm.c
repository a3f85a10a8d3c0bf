/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What SVM alone has: the filters of host and guest, and what becomes of an interrupt without GIF. */
#include "apic.h"
#include "check.h"
#include "pmu.h"
#include "svm.h"
#include "tests.h"
#include "trap.h"

/* APM volume 2, 13.2.1, HG_ONLY: both bits count as none does, and without SVME they are nothing. */
static void check_filter(u64 bits, bool has_svme, u64 want, const char *name)
{
	struct measure_toggle toggle;
	u64 efer = rdmsr(MSR_EFER);

	pmu_clear();
	wrmsr(MSR_EFER, has_svme ? efer | EFER_SVME : efer & ~EFER_SVME);
	toggle = pmu_prepare(0, PMU_INSTRUCTIONS, PMU_OS | bits, 0);
	measure(&toggle, block_nops);
	wrmsr(MSR_EFER, efer);
	check_u64(pmu_read(0), want, "%s in the host, EFER.SVME %u", name, has_svme);
}

static void check_both_bits_in_guest(void)
{
	struct vm_run run = {0};

	pmu_clear();
	svm_reset(GUEST(nops));
	run.toggle = pmu_prepare(0, PMU_INSTRUCTIONS, PMU_OS | PMU_HOST_ONLY | PMU_GUEST_ONLY, 0);
	svm_run(&run);
	check_begin();
	check_step(run.exit, VM_EXIT_CALL, "exit of reason", run.reason);
	check_step(pmu_read(0), svm_path.num_before + svm_path.num_after + GUEST_NOPS, "counter",
		   0);
	check_end("HostOnly and GuestOnly together");
}

/* GIF 0 holds an NMI back until STGI; APM volume 2, 15.17. */
static void check_gif(void)
{
	struct measure_toggle toggle;

	pmu_clear();
	apic_set_lvtpc(LVTPC_NMI);
	toggle = pmu_prepare(0, PMU_INSTRUCTIONS, PMU_OS | PMU_INT, pmu_before_overflow(0, 10));
	__asm__ volatile("clgi" : : : "memory");
	measure(&toggle, block_nops);
	check_begin();
	check_step(trap_taken.num, 0, "NMIs with GIF", 0);
	__asm__ volatile("stgi; nop" : : : "memory");
	check_step(trap_taken.num, 1, "NMIs with GIF", 1);
	check_end("an NMI waits for GIF");
}

void test_svm(void)
{
	const u64 all = MEASURE_SLED + MEASURE_ADDS;

	if (!svm_is_there())
		return;
	check_filter(0, true, all, "neither");
	check_filter(PMU_HOST_ONLY, true, all, "HostOnly");
	check_filter(PMU_GUEST_ONLY, true, 0, "GuestOnly");
	check_filter(PMU_HOST_ONLY | PMU_GUEST_ONLY, true, all, "HostOnly and GuestOnly");
	check_filter(PMU_GUEST_ONLY, false, all, "GuestOnly");
	check_filter(PMU_HOST_ONLY, false, all, "HostOnly");
	check_both_bits_in_guest();
	check_gif();
	pmu_clear();
}
