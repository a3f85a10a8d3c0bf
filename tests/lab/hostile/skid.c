/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PMIs that come some instructions after the overflow, as on the machine with pmu-skid: a guest's comes while its vCPU is on the way
 * out, in the host or on the way in, and the guest is interrupted no later than its processor was.
 */
#include <err.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "pmu.h"
#include "runner.h"
#include "tests.h"

#define AS_NMI 0x400u
#define ROUNDS 400u
/* Of two instructions each; the counter overflows by the last ones before the guest leaves. */
#define LOOPS_AWAY 50u
#define PLACES 8u
/* The instruction that leaves, behind DEC and JNZ, and where the guest goes on. */
#define LEAVES_AT 5u
#define GOES_ON_AT 7u
#define GOES_ON_AFTER_HALT 6u
/* A guest that halts for ever is one whose PMI was lost. */
#define HALT_SECONDS 2u
/* What goes around the loops. */
#define AROUND 8u

struct way {
	const char *name, *code;
	/* Of what is counted; KVM counts instructions that it emulates, and looks for overflows then. */
	bool is_branches;
	/* The VMM is asked. */
	bool is_users;
	/* An access to the PMU, done between two entries: on AMD with GIF clear, and an NMI waits. */
	bool is_between;
	/* Nothing else wakes the guest. */
	bool is_halt;
};

static const struct way ways[] = {
	{"PMIs that come late around a CPUID", guest_away_by_cpuid, .is_branches = true},
	{"PMIs that come late around an RDMSR", guest_away_by_rdmsr, .is_branches = true,
	 .is_between = true},
	{"PMIs that come late around an exit to the VMM", guest_away_by_out, .is_branches = true,
	 .is_users = true},
	{"PMIs that come late around a CPUID that is counted", guest_away_by_cpuid,
	 .is_branches = false},
	{"PMIs that come late around an RDMSR that is counted", guest_away_by_rdmsr,
	 .is_between = true},
	{"PMIs that come late when the guest halts", guest_away_by_halt, .is_branches = true,
	 .is_halt = true},
};

/* The machine's pmu-skid, from the environment. */
static unsigned int skid;

/* Of two instructions each: more than any PMI is late. */
static uint64_t loops_back(void)
{
	return 5ull * skid;
}

/* By its next entry the overflow is the guest's, whether its PMI has come or not. */
static bool is_seen(const struct way *way)
{
	return way->is_users || way->is_halt || !way->is_branches;
}

/* Where the PMIs of a way came. */
struct places {
	unsigned int before, at_entry, behind;
};

/* Interrupts of a CPU by itself, here for nothing but to make an entry an exit. */
static uint64_t count_kicks(void)
{
	FILE *file = fopen("/proc/interrupts", "re");
	uint64_t first, second = 0;
	char line[400];

	if (!file)
		err(1, "/proc/interrupts");
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, " IWI: %" SCNu64 " %" SCNu64, &first, &second) >= 1) {
			fclose(file);
			return first + second;
		}
	}
	errx(1, "/proc/interrupts has no IWI");
}

/* The counter overflows so many loops before the guest leaves. */
static void arm(const struct way *way, struct vm *vm, unsigned int before)
{
	uint64_t loops = LOOPS_AWAY - before;

	if (pmu.clear)
		vm_set(vm, pmu.clear, pmu_all_bits());
	vm_set_lvtpc(vm, AS_NMI);
	pmu_program(vm, 0, (way->is_branches ? pmu.branches : pmu.instructions) | PMU_OS | PMU_INT,
		    PMU_WIDTH_MASK + 1 - (way->is_branches ? loops : 2 * loops));
}

static void note(const struct way *way, uint64_t at, const struct kvm_regs *regs, bool has_left,
		 struct places *places)
{
	bool is_before = way->is_users ? !has_left : at <= vm_offset(way->code) + LEAVES_AT;
	unsigned int length = way->is_halt ? GOES_ON_AFTER_HALT : GOES_ON_AT;
	uint64_t entry = vm_offset(way->is_users ? guest_back : way->code + length);
	uint64_t late = 2 * (loops_back() - regs->rdi);

	if (is_before) {
		places->before++;
	} else if (at == entry && !late) {
		places->at_entry++;
	} else {
		places->behind++;
		check_is("whether it is late", 0, late > skid + AROUND);
		check_is("whether it was seen before", 0, is_seen(way));
	}
}

static void do_nothing(int signal)
{
	(void)signal;
}

/* Whether the guest had its PMI. */
static bool go(const struct way *way, unsigned int round, struct vm *vm, struct places *places)
{
	struct kvm_regs regs = {.rcx = pmu_select(0), .rsi = LOOPS_AWAY, .rdi = loops_back()};
	bool has_left = false;
	enum vm_end end;

	arm(way, vm, round % PLACES);
	alarm(way->is_halt ? HALT_SECONDS : 0);
	end = vm_step(vm, way->code, &regs);
	alarm(0);
	if (way->is_users && end == VM_DONE) {
		has_left = true;
		regs = (struct kvm_regs){.rdi = loops_back()};
		end = vm_step(vm, guest_back, &regs);
	}
	check_is("how it ended", VM_NMI, end);
	if (end == VM_NMI)
		note(way, vm_interrupted_at(vm, &regs), &regs, has_left, places);
	return end == VM_NMI;
}

static void go_and_come(const struct way *way)
{
	struct places places = {0};
	uint64_t kicks = count_kicks();
	struct vm vm;

	check_begin(way->name);
	vm_create(&vm, VM_PMU);
	for (unsigned int round = 0; round < ROUNDS && go(way, round, &vm, &places); round++)
		;
	kicks = count_kicks() - kicks;
	printf("# %s: %u before the guest left, %u at its entry, %u after it; %" PRIu64
	       " entries were made exits\n",
	       way->name, places.before, places.at_entry, places.behind, kicks);
	check_is("whether PMIs came in the host", 1, places.at_entry > 0);
	check_is("whether they came in the guest, too", 1, is_seen(way) || places.behind > 0);
	check_is("whether some came when KVM had looked for the last time", 1,
		 is_seen(way) || (way->is_between && !pmu.is_intel) || kicks > 0);
	vm_destroy(&vm);
	check_end();
}

void test_skid(void)
{
	const struct sigaction action = {.sa_handler = do_nothing};
	const char *setting = getenv("PMU_SKID");

	skid = setting ? (unsigned int)strtoul(setting, NULL, 10) : 0;
	if (!skid)
		errx(2, "PMU_SKID has to be set to the machine's pmu-skid");
	sigaction(SIGALRM, &action, NULL);
	runner_pin(0);
	for (unsigned int i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		go_and_come(&ways[i]);
	runner_pin(RUNNER_ANY_CPU);
}
