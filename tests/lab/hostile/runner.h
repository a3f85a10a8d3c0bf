/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A vCPU that runs in a thread of its own, for as long as is wanted. */
#ifndef HOSTILE_RUNNER_H
#define HOSTILE_RUNNER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "vm.h"

#define RUNNER_ANY_CPU -1

struct runner {
	struct vm *vm;
	int cpu;
	pthread_t thread;
	atomic_bool stops;
	atomic_uint tid;
	atomic_ulong loops; /* of the guest, in all */
};

/* This thread's CPU from now on. */
void runner_pin(int cpu);
/* Returns when the guest has run. */
void runner_start(struct runner *runner, struct vm *vm, int cpu);
void runner_stop(struct runner *runner);

#endif
