/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "runner.h"

#include <err.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CHUNK 20000u

void runner_pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (int i = 0; i < 2; i++) {
		if (cpu == RUNNER_ANY_CPU || cpu == i)
			CPU_SET(i, &set);
	}
	if (sched_setaffinity(0, sizeof(set), &set))
		err(1, "cannot go to CPU %d", cpu);
}

static void *run(void *argument)
{
	struct runner *runner = argument;

	runner_pin(runner->cpu);
	runner->tid = (unsigned int)syscall(SYS_gettid);
	while (!runner->stops) {
		if (vm_loop(runner->vm, CHUNK) != VM_DONE)
			errx(1, "the guest has left its loop");
		runner->loops += CHUNK;
	}
	return NULL;
}

void runner_start(struct runner *runner, struct vm *vm, int cpu)
{
	runner->vm = vm;
	runner->cpu = cpu;
	runner->stops = false;
	runner->loops = 0;
	if (pthread_create(&runner->thread, NULL, run, runner))
		errx(1, "no thread");
	while (!runner->loops)
		usleep(1000);
}

void runner_stop(struct runner *runner)
{
	runner->stops = true;
	pthread_join(runner->thread, NULL);
}
