/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hostburn - a program of the host with a known hot function; works and sleeps by turns. */
#include <time.h>

#define ROUNDS 200000u

__attribute__((noinline, noclone)) static unsigned long hot_host_burn(unsigned long x)
{
	for (unsigned int i = 0; i < ROUNDS; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
	}
	return x;
}

int main(void)
{
	const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
	unsigned long x = 88172645463325252ul;

	for (;;) {
		for (int i = 0; i < 10; i++) {
			x = hot_host_burn(x);
			__asm__ volatile("" : : "r"(x));
		}
		nanosleep(&pause, NULL);
	}
}
