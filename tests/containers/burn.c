/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Burns CPU in one function until it is ended; never for longer than a minute. */
#include <unistd.h>

#ifndef HOT
#define HOT hot
#define FACTOR 7
#endif

void HOT(volatile unsigned long *sum);

__attribute__((noinline)) void HOT(volatile unsigned long *sum)
{
	for (int i = 0; i < 1000; i++)
		*sum += (unsigned long)i * FACTOR;
}

int main(void)
{
	volatile unsigned long sum = 0;

	alarm(60);
	for (;;)
		HOT(&sum);
}
