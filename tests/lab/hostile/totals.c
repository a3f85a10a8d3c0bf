/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guests of known length, for what KVM counts of each vCPU (kvm.hvpmu_account): each VM in a process of its own, one after the other,
 * which prints what is true of its vCPUs. labkit/totals.py compares it with what `hvprof stat` says.
 */
#include <err.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#include "check.h"
#include "pmu.h"
#include "tests.h"

#define AS_NMI 0x400u
#define LOOPS 4000000u
#define CPUIDS 5000u
#define OVERFLOWS 40u
#define OVERFLOW_LOOPS 5000u
#define IDLE_SECONDS 1
/* `hvprof stat` looks every quarter of a second, and a VM's figures go with it. */
#define SEEN_AFTER_SECONDS 1
#define MAX_VCPUS 2

/* What is true of a vCPU. */
struct truth {
	uint64_t instructions; /* that the guest executed by itself */
	uint64_t emulated;     /* that KVM did and counted in its stead */
	uint64_t pmis;
};

struct vcpu {
	struct vm vm;
	unsigned int id;
	struct truth truth;
	uint64_t
		clock; /* that passed meanwhile: all processors have one, which counts their cycles */
	pthread_t thread;
	const struct kind *kind;
};

struct kind {
	const char *name;
	unsigned int num_vcpus;
	enum vm_pmu pmu;
	void (*run)(struct vcpu *vcpu);
};

/* The guest counts itself, meanwhile. */
static void begin_to_count(struct vm *vm)
{
	pmu_program(vm, 0, pmu.instructions | PMU_OS, 0);
}

static void check_count(struct vcpu *vcpu)
{
	if (pmu_value(&vcpu->vm, 0) != vcpu->truth.instructions + vcpu->truth.emulated)
		errx(1, "the guest has counted otherwise");
}

/* The second goes half as far. */
static void run_loops(struct vcpu *vcpu)
{
	uint64_t loops = LOOPS >> vcpu->id;

	begin_to_count(&vcpu->vm);
	if (vm_loop(&vcpu->vm, loops) != VM_DONE)
		errx(1, "the guest has left its loop");
	vcpu->truth.instructions = 2 * loops;
	check_count(vcpu);
}

/* A guest without a PMU has its totals, too. */
static void run_uncounted(struct vcpu *vcpu)
{
	if (vm_loop(&vcpu->vm, LOOPS) != VM_DONE)
		errx(1, "the guest has left its loop");
	vcpu->truth.instructions = 2 * (uint64_t)LOOPS;
}

static void run_cpuids(struct vcpu *vcpu)
{
	struct kvm_regs regs = {.rsi = CPUIDS};

	begin_to_count(&vcpu->vm);
	if (vm_step(&vcpu->vm, guest_cpuids, &regs) != VM_DONE)
		errx(1, "the guest has left its loop");
	vcpu->truth.instructions = 3 * CPUIDS;
	vcpu->truth.emulated = CPUIDS;
	check_count(vcpu);
}

static void run_overflows(struct vcpu *vcpu)
{
	for (unsigned int i = 0; i < OVERFLOWS; i++) {
		struct kvm_regs regs = {.rcx = OVERFLOW_LOOPS};

		if (pmu.clear)
			vm_set(&vcpu->vm, pmu.clear, pmu_all_bits());
		vm_set_lvtpc(&vcpu->vm, AS_NMI);
		pmu_program(&vcpu->vm, 0, pmu.instructions | PMU_OS | PMU_INT,
			    PMU_WIDTH_MASK + 1 - OVERFLOW_LOOPS);
		if (vm_step(&vcpu->vm, guest_loop, &regs) != VM_NMI)
			errx(1, "no PMI");
		vcpu->truth.instructions += OVERFLOW_LOOPS;
		vcpu->truth.pmis++;
	}
}

static void wake(int signal)
{
	(void)signal;
}

static void run_idle(struct vcpu *vcpu)
{
	const struct sigaction action = {.sa_handler = wake};
	struct kvm_regs regs = {.rflags = 0x202};

	sigaction(SIGALRM, &action, NULL);
	alarm(IDLE_SECONDS);
	if (vm_step(&vcpu->vm, guest_halt, &regs) != VM_SIGNAL)
		errx(1, "the guest did not wait");
	vcpu->truth.instructions = 0;
}

static const struct kind kinds[] = {
	{"loops", 2, VM_PMU, run_loops},
	{"cpuids", 1, VM_PMU, run_cpuids},
	{"overflows", 1, VM_PMU, run_overflows},
	{"idle", 1, VM_PMU, run_idle},
	{"uncounted", 1, VM_PMU_OFF, run_uncounted},
};

static void *run(void *argument)
{
	struct vcpu *vcpu = argument;
	uint64_t begin = __rdtsc();

	vcpu->kind->run(vcpu);
	vcpu->clock = __rdtsc() - begin;
	return NULL;
}

static void print_truth(const struct vcpu *vcpu)
{
	printf("# %s pid %d vcpu %u: instructions %" PRIu64 " emulated %" PRIu64 " pmis %" PRIu64
	       " clock %" PRIu64 "\n",
	       vcpu->kind->name, (int)getpid(), vcpu->id, vcpu->truth.instructions,
	       vcpu->truth.emulated, vcpu->truth.pmis, vcpu->clock);
}

static void run_vm(const struct kind *kind)
{
	static struct vcpu vcpus[MAX_VCPUS];

	vm_create(&vcpus[0].vm, kind->pmu);
	for (unsigned int i = 0; i < kind->num_vcpus; i++) {
		vcpus[i].kind = kind;
		vcpus[i].id = i;
		if (i)
			vm_add_vcpu(&vcpus[0].vm, i, &vcpus[i].vm);
		if (i && pthread_create(&vcpus[i].thread, NULL, run, &vcpus[i]))
			errx(1, "no thread");
	}
	run(&vcpus[0]);
	for (unsigned int i = 1; i < kind->num_vcpus; i++)
		pthread_join(vcpus[i].thread, NULL);
	for (unsigned int i = 0; i < kind->num_vcpus; i++)
		print_truth(&vcpus[i]);
	fflush(stdout);
	sleep(SEEN_AFTER_SECONDS);
}

void test_totals(void)
{
	int status;

	check_begin("guests of known length run to their end");
	for (unsigned int i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		pid_t pid;

		fflush(stdout);
		pid = fork();
		if (pid < 0)
			err(1, "fork");
		if (!pid) {
			run_vm(&kinds[i]);
			_exit(0);
		}
		if (waitpid(pid, &status, 0) != pid)
			err(1, "waitpid");
		check_is(kinds[i].name, 0, (uint64_t)(unsigned int)status);
	}
	check_end();
}
