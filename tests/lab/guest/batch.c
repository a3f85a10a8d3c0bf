/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * batch - a job that sorts, on memory that it maps anew each time.
 *
 * User space: hot_batch_sort(), which does the whole sort itself: with one processor in the emulated
 * host, more than a third of the samples by time were on the return to the caller of a part of it.
 * Kernel: page faults, led by the clearing of the new pages.
 */
#include "workload.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#define HEAP_SIZE 2048
#define MAP_BYTES (256 * 1024)

static uint32_t heap[HEAP_SIZE];

static inline void sift(uint32_t *a, unsigned int root, unsigned int n)
{
	unsigned int child;

	while ((child = 2 * root + 1) < n) {
		uint32_t top = a[root];

		if (child + 1 < n && a[child + 1] > a[child])
			child++;
		if (a[child] <= top)
			return;
		a[root] = a[child];
		a[child] = top;
		root = child;
	}
}

__attribute__((noinline, noclone)) static void hot_batch_sort(uint32_t *a, unsigned int n)
{
	for (unsigned int i = n / 2; i-- > 0;)
		sift(a, i, n);
	while (--n > 0) {
		uint32_t top = a[0];

		a[0] = a[n];
		a[n] = top;
		sift(a, 0, n);
	}
}

static void batch_user_step(void)
{
	static uint32_t seed = 1;

	for (unsigned int i = 0; i < HEAP_SIZE; i++) {
		seed = seed * 1664525 + 1013904223;
		heap[i] = seed;
	}
	hot_batch_sort(heap, HEAP_SIZE);
}

static void batch_kernel_step(void)
{
	void *memory = mmap(NULL, MAP_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (memory == MAP_FAILED)
		workload_die("cannot map memory");
	munmap(memory, MAP_BYTES);
}

const struct workload workload = {
	.name = "batch",
	.user_step = batch_user_step,
	.kernel_step = batch_kernel_step,
};
