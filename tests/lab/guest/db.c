/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * db - a store that hashes its pages.
 *
 * User space: hot_db_hash(). Kernel: Whirlpool through AF_ALG, which runs in the module wp512, so
 * that a function of a guest's kernel *module* leads the list.
 */
#include "hash.h"
#include "workload.h"

#include <stdint.h>
#include <string.h>

#define PAGE_WORDS 512

static __thread uint64_t page[PAGE_WORDS];

__attribute__((noinline, noclone)) static uint64_t hot_db_hash(const uint64_t *words,
							       unsigned int n)
{
	uint64_t hash = 14695981039346656037ull;

	for (unsigned int i = 0; i < n; i++) {
		hash ^= words[i];
		hash *= 1099511628211ull;
		hash ^= hash >> 29;
	}
	return hash;
}

static void db_user_step(void)
{
	for (int i = 0; i < 80; i++)
		page[i] = hot_db_hash(page, PAGE_WORDS);
}

static void db_init(void)
{
	hash_open("wp512");
	memset(page, 0x5a, sizeof(page));
}

const struct workload workload = {
	.name = "db",
	.init = db_init,
	.user_step = db_user_step,
	.kernel_step = hash_step,
};
