/* SPDX-License-Identifier: GPL-2.0-or-later */
/* workload - usage: PROGRAM [threads [pause-ms [seconds]]]; runs for ever when seconds is 0. */
#include "workload.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SLICE_NS (4 * 1000 * 1000ull)
#define MAX_THREADS 64

struct settings {
	unsigned long threads;
	unsigned long pause_ms;
	unsigned long seconds;
};

static struct settings settings = {.threads = 1};

_Noreturn void workload_die(const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", workload.name, what, strerror(errno));
	exit(EXIT_FAILURE);
}

static unsigned long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static unsigned long long run_slice(void (*step)(void))
{
	const unsigned long long end = now_ns() + SLICE_NS;
	unsigned long long steps = 0;

	do {
		step();
		steps++;
	} while (now_ns() < end);
	return steps;
}

static void pause_ms(unsigned long ms)
{
	const struct timespec ts = {.tv_nsec = ms * 1000000};

	if (ms)
		nanosleep(&ts, NULL);
}

static void *run_thread(void *arg)
{
	const unsigned long long end = now_ns() + settings.seconds * 1000000000ull;
	unsigned long long user = 0, kernel = 0;

	if (workload.init)
		workload.init();
	do {
		user += run_slice(workload.user_step);
		kernel += run_slice(workload.kernel_step);
		pause_ms(settings.pause_ms);
	} while (!settings.seconds || now_ns() < end);
	printf("%s: %llu user steps, %llu kernel steps\n", workload.name, user, kernel);
	return arg;
}

static unsigned long parse_number(const char *text, unsigned long max)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || value > max) {
		fprintf(stderr, "%s: '%s' is not a number up to %lu\n", workload.name, text, max);
		exit(2);
	}
	return value;
}

int main(int argc, char **argv)
{
	pthread_t threads[MAX_THREADS];

	if (argc > 1)
		settings.threads = parse_number(argv[1], MAX_THREADS);
	if (argc > 2)
		settings.pause_ms = parse_number(argv[2], 999);
	if (argc > 3)
		settings.seconds = parse_number(argv[3], 86400);

	printf("%s: %lu thread(s), user and kernel slices of %llu ms, pause %lu ms\n",
	       workload.name, settings.threads, SLICE_NS / 1000000, settings.pause_ms);
	fflush(stdout);
	for (unsigned long i = 1; i < settings.threads; i++) {
		errno = pthread_create(&threads[i], NULL, run_thread, NULL);
		if (errno)
			workload_die("cannot start a thread");
	}
	run_thread(NULL);
	for (unsigned long i = 1; i < settings.threads; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
