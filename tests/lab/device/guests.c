/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guests.h"

#include <err.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "traps.h"
#include "vm.h"

#define MAX_VCPUS 16

struct vcpu {
	struct vm vm;
	const char *from;
	struct kvm_regs regs;
	pthread_t thread;
};

static void *run(void *argument)
{
	struct vcpu *vcpu = argument;

	errx(1, "a guest has left its loop: %u", vm_step(&vcpu->vm, vcpu->from, &vcpu->regs));
}

static void make(struct vcpu *vcpus, unsigned int i, const uint64_t *frame_pointers)
{
	struct vcpu *vcpu = &vcpus[i];

	*vcpu = (struct vcpu){.from = guest_framed};
	if (i)
		vm_add_vcpu(&vcpus[0].vm, i, &vcpu->vm);
	else
		vm_create(&vcpu->vm, VM_PMU);
	if (i & 1)
		vm_go_to_user(&vcpu->vm);
	if (frame_pointers) {
		traps_set(&vcpu->vm);
		vcpu->from = guest_spin;
		vcpu->regs.rbp = frame_pointers[i];
	}
	if (pthread_create(&vcpu->thread, NULL, run, vcpu))
		errx(1, "no thread");
}

static void run_all(unsigned int num_vcpus, const uint64_t *frame_pointers, int ready)
{
	static struct vcpu vcpus[MAX_VCPUS];

	prctl(PR_SET_NAME, GUESTS_NAME);
	/* Whoever waits for it may die first. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (unsigned int i = 0; i < num_vcpus; i++)
		make(vcpus, i, frame_pointers);
	if (write(ready, "", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

pid_t guests_start(unsigned int num_vcpus, const uint64_t *frame_pointers)
{
	int pipes[2];
	pid_t pid;
	char byte;

	if (num_vcpus > MAX_VCPUS || pipe(pipes))
		err(1, "guests");
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (!pid)
		run_all(num_vcpus, frame_pointers, pipes[1]);
	close(pipes[1]);
	if (read(pipes[0], &byte, 1) != 1)
		errx(1, "no guests");
	close(pipes[0]);
	/* All vCPUs are past the calls that make their frames. */
	wait_ms(50);
	return pid;
}

void guests_stop(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	check_is("the signal that ended the guests", SIGKILL,
		 WIFSIGNALED(status) ? (uint64_t)WTERMSIG(status) : 0);
}

static void check_chain(const struct hvpmu_record_sample *sample)
{
	const uint64_t want[VM_FRAMES] = {vm_address(guest_frame3), vm_address(guest_frame2),
					  vm_address(guest_frame1)};

	/* It has no more than its address when another event's chain was not yet written. */
	if (sample->header.flags & HVPMU_SAMPLE_CHAIN_CUT) {
		check_is("the frames of a chain that is cut", 0, sample->num_chain);
		return;
	}
	check_is("frames of a guest", VM_FRAMES, sample->num_chain);
	if (sample->num_chain == VM_FRAMES)
		check_is("whether its chain is that of its calls", 0,
			 (uint64_t)memcmp(sample + 1, want, sizeof(want)));
}

void guests_look(const struct session *s, const struct hvpmu_record_sample *sample)
{
	if (!(sample->header.flags & HVPMU_SAMPLE_GUEST))
		return;
	check_is("a guest's CR3", vm_cr3(sample->vcpu), sample->cr3);
	check_is("a guest's CPL", sample->vcpu & 1 ? 3 : 0, sample->cpl);
	if (sample->ip < vm_address(guest_spin) || sample->ip >= vm_address(guest_end))
		check_is("a guest's address, which is not in its loop", vm_address(guest_spin),
			 sample->ip);
	check_is("whether a guest's thread has a process", 1, sample->pid && sample->tid);
	if (s->is_chained)
		check_chain(sample);
}
