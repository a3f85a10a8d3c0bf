/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What both VT-x and SVM do: counting in guest and host, intercepts, interrupts while a guest runs. */
#include "apic.h"
#include "check.h"
#include "pmu.h"
#include "tests.h"
#include "trap.h"
#include "vm.h"

static const struct {
	const char *name;
	bool in_guest, in_host;
} shares[] = {
	{"the guest only", true, false},
	{"the host only", false, true},
	{"guest and host", true, true},
};

static bool is_in_guest_whole(const struct measure_known *known)
{
	/* CPUID exits. */
	return !known->for_users_only && !known->exits;
}

static u64 expected(const struct measure_known *known, enum pmu_event event, u32 share)
{
	u64 in_guest = known->instructions + GUEST_CALL_ADDS;
	u64 in_host = vm_path()->num_before + vm_path()->num_after;

	if (event == PMU_BRANCHES) {
		in_guest = known->branches + GUEST_CALL_ADDS;
		in_host = 0;
	}
	return (shares[share].in_guest ? in_guest : 0) + (shares[share].in_host ? in_host : 0);
}

static u64 count_call(const struct measure_known *known, u32 counter, enum pmu_event event,
		      u32 share)
{
	struct vm_run run = {.rcx = (u64)known->block};

	pmu_clear();
	vm_reset(GUEST(call));
	run.toggle = vm_prepare(counter, event, PMU_OS, 0, shares[share].in_guest,
				shares[share].in_host);
	vm_run(&run);
	check_step(run.exit, VM_EXIT_CALL, "exit of reason", run.reason);
	return pmu_read(counter);
}

static void check_block(const struct measure_known *known, enum pmu_event event, const char *what)
{
	for (u32 share = 0; share < ARRAY_SIZE(shares); share++) {
		check_begin();
		for (u32 i = 0; i < pmu.num; i++) {
			if (pmu_can_count(i, event))
				check_step(count_call(known, i, event, share),
					   expected(known, event, share), "counter", i);
		}
		check_end("%s of %s in a guest, counting %s", what, known->name,
			  shares[share].name);
	}
}

/* The counter's own values: what the guest writes is there afterwards, and the host's is there before. */
static void check_passed_through(u32 msr, u64 host_value, u64 guest_value)
{
	struct vm_run run = {.rcx = msr};
	struct vm_run write = {.rcx = msr, .rax = (u32)guest_value, .rdx = guest_value >> 32};

	pmu_clear();
	wrmsr(msr, host_value);
	check_begin();
	vm_reset(GUEST(rdmsr));
	run.toggle.msr = write.toggle.msr = MSR_KERNEL_GS_BASE;
	vm_run(&run);
	check_step(run.exit, VM_EXIT_CALL, "exit of RDMSR, reason", run.reason);
	check_step((u32)run.rax | run.rdx << 32, host_value, "read by the guest from", msr);
	vm_reset(GUEST(wrmsr));
	vm_run(&write);
	check_step(write.exit, VM_EXIT_CALL, "exit of WRMSR, reason", write.reason);
	check_step(rdmsr(msr), guest_value, "read by the host from", msr);
	check_end("MSR %#x passes through", msr);
}

static void check_intercepted(u32 msr, bool is_write)
{
	u64 entry = is_write ? GUEST(wrmsr) : GUEST(rdmsr);
	struct vm_run run = {.rcx = msr, .rax = 5, .toggle.msr = MSR_KERNEL_GS_BASE};
	u64 before;

	pmu_clear();
	before = rdmsr(msr);
	check_begin();
	vm_reset(entry);
	vm_exit_on_msr(msr, !is_write, is_write);
	vm_run(&run);
	check_step(run.exit, is_write ? VM_EXIT_WRMSR : VM_EXIT_RDMSR, "exit of reason",
		   run.reason);
	check_step(run.rip, entry, "guest's RIP", 0);
	check_step(rdmsr(msr), before, "value of", msr);

	/* The other direction alone is let through. */
	run.rax = 0;
	run.rdx = 0;
	vm_reset(entry);
	vm_exit_on_msr(msr, is_write, !is_write);
	vm_run(&run);
	check_step(run.exit, VM_EXIT_CALL, "exit with the other bit, reason", run.reason);
	check_end("%s of MSR %#x is intercepted by its bit alone", is_write ? "WRMSR" : "RDMSR",
		  msr);
}

static bool is_plain(const struct msr_fact *fact)
{
	return fact->kind == MSR_KIND_RW || fact->kind == MSR_KIND_SIGNED;
}

static void check_msrs(void)
{
	for (size_t at = 0; at < ARRAY_SIZE(msr_facts); at++) {
		struct msr_fact fact = msr_fact_on(&msr_facts[at], &pmu.shape);

		for (u32 i = 0; i < fact.count && fact.kind != MSR_KIND_FAULTS; i++) {
			u32 msr = fact.first + i * fact.stride;

			check_intercepted(msr, false);
			if (fact.kind != MSR_KIND_RO)
				check_intercepted(msr, true);
			if (is_plain(&fact))
				check_passed_through(msr, fact.bits & 0x11, fact.bits & 0x22);
		}
	}
}

static void check_rdpmc(void)
{
	for (u32 i = 0; i < pmu.num; i++) {
		struct vm_run run = {.rcx = pmu_rdpmc_index(i), .toggle.msr = MSR_KERNEL_GS_BASE};

		pmu_clear();
		wrmsr(pmu_counter_msr(i), 0x700 + i);
		check_begin();
		vm_reset(GUEST(rdpmc));
		vm_run(&run);
		check_step(run.exit, VM_EXIT_CALL, "exit of reason", run.reason);
		check_step(run.rax, 0x700 + i, "read", 0);
		run.rcx = pmu_rdpmc_index(i);
		vm_reset(GUEST(rdpmc));
		vm_exit_on_rdpmc(true);
		vm_run(&run);
		check_step(run.exit, VM_EXIT_RDPMC, "exit of reason", run.reason);
		check_step(run.rip, GUEST(rdpmc), "guest's RIP", 0);
		check_end("RDPMC of counter %u in a guest, let through and intercepted", i);
	}
}

/* Where the n-th of the instructions that are counted leaves the processor: 1 is the first. */
static u64 place(u32 n, bool *ret_in_guest)
{
	const struct vm_path *path = vm_path();

	*ret_in_guest = n >= path->num_before && n <= path->num_before + GUEST_NOPS;
	if (n < path->num_before)
		return path->before[n];
	if (*ret_in_guest)
		return GUEST(nops) + n - path->num_before;
	return path->after[n - path->num_before - GUEST_NOPS];
}

/* An NMI is taken once, where it is due: in the host, or as an exit, or by the guest. */
static void check_nmi(u32 n, bool is_exiting)
{
	struct vm_run run = {0};
	bool in_guest, is_exit;
	u64 rip = place(n, &in_guest);

	pmu_clear();
	vm_reset(GUEST(nops));
	vm_exit_on_nmi(is_exiting);
	run.toggle = vm_prepare(0, PMU_INSTRUCTIONS, PMU_OS | PMU_INT, pmu_before_overflow(0, n),
				true, true);
	apic_set_lvtpc(LVTPC_NMI);
	vm_run(&run);
	is_exit = in_guest && is_exiting;
	check_step(run.exit, is_exit ? VM_EXIT_NMI : VM_EXIT_CALL, "exit for overflow", n);
	/* SVM keeps an intercepted NMI pending (APM volume 2, 15.21), VT-x consumes it. */
	check_step(trap_taken.num, is_exit && pmu.is_intel ? 0 : 1, "NMIs taken for overflow", n);
	if (is_exit)
		check_step(run.rip, rip, "guest's RIP for overflow", n);
	else if (trap_taken.num)
		check_step(trap_taken.at[0].rip, rip, "taken at, for overflow", n);
	check_step(apic_lvtpc() & LVTPC_MASKED, pmu.is_intel ? LVTPC_MASKED : 0, "LVTPC masked", n);
}

static void check_nmis(bool is_exiting)
{
	const struct vm_path *path = vm_path();
	u32 first_after = path->num_before + GUEST_NOPS + 1;

	check_begin();
	for (u32 n = 1; n < path->num_before; n++)
		check_nmi(n, is_exiting);
	check_end("an NMI due before the entry, NMI exiting %u", is_exiting);
	check_begin();
	check_nmi(path->num_before, is_exiting);
	check_end("an NMI due at the entry, NMI exiting %u", is_exiting);
	check_begin();
	for (u32 n = path->num_before + 1; n < first_after; n++)
		check_nmi(n, is_exiting);
	check_end("an NMI due in the guest, NMI exiting %u", is_exiting);
	check_begin();
	for (u32 n = first_after; n < first_after + path->num_after - 1; n++)
		check_nmi(n, is_exiting);
	check_end("an NMI due after the exit, NMI exiting %u", is_exiting);
}

/* A vector with the host's interrupts off: it waits, and ends the guest at once, or when it is due. */
static void check_interrupts(void)
{
	check_begin();
	for (u32 n = 1; n <= vm_path()->num_before + GUEST_NOPS; n++) {
		bool is_early = n < vm_path()->num_before;
		struct vm_run run = {0};
		bool in_guest;
		u64 rip = is_early ? GUEST(nops) : place(n, &in_guest);

		pmu_clear();
		vm_reset(GUEST(nops));
		run.toggle = vm_prepare(0, PMU_INSTRUCTIONS, PMU_OS | PMU_INT,
					pmu_before_overflow(0, n), true, true);
		apic_set_lvtpc(VECTOR_PMI);
		vm_run(&run);
		check_step(run.exit, VM_EXIT_INTERRUPT, "exit for overflow", n);
		check_step(run.rip, rip, "guest's RIP for overflow", n);
		check_step(trap_taken.num, 0, "taken with IF 0, for overflow", n);
		cpu_enable_interrupts();
		cpu_disable_interrupts();
		check_step(trap_taken.num, 1, "taken with IF 1, for overflow", n);
	}
	check_end("an interrupt due before the entry or in the guest");
}

void test_guests(void)
{
	if (!vm_is_there())
		return;
	vm_init();
	for (u32 i = 0; i < measure_num_known; i++) {
		if (!is_in_guest_whole(&measure_known[i]))
			continue;
		check_block(&measure_known[i], PMU_INSTRUCTIONS, "instructions");
		check_block(&measure_known[i], PMU_BRANCHES, "branches");
	}
	check_msrs();
	check_rdpmc();
	check_nmis(true);
	check_nmis(false);
	check_interrupts();
	pmu_clear();
}
