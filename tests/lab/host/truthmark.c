/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * truthmark - usage: truthmark 0|1. Stops or starts the emulated machine's histogram of instructions
 * (its device isa-truth) and prints the time of it, in nanoseconds of CLOCK_MONOTONIC, taken inside
 * of the period.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <time.h>

#define PORT 0x503

static unsigned long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

int main(int argc, char **argv)
{
	const int is_start = argc == 2 && !strcmp(argv[1], "1");
	unsigned long long time;

	if (ioperm(PORT, 1, 1)) {
		fprintf(stderr, "truthmark: ioperm: %s\n", strerror(errno));
		return EXIT_FAILURE;
	}
	if (inb(PORT) > 1) {
		fprintf(stderr, "truthmark: the machine has no device isa-truth\n");
		return EXIT_FAILURE;
	}
	time = now_ns();
	outb(is_start, PORT);
	if (is_start)
		time = now_ns();
	printf("%s %llu\n", is_start ? "start" : "stop", time);
	return EXIT_SUCCESS;
}
