/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Surroundings for the ring alone, in which everything that the producer does to shared memory is a
 * place where an interrupt or an NMI may arrive, or the consumer look: ring_check.c.
 */
#ifndef HVPMU_ENV_H
#define HVPMU_ENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

struct hvpmu_cpu;
struct hvpmu_env {
	struct hvpmu_cpu *cpu;
};

/* Something else happens here, if it is its turn. */
void ring_check_point(void);

static inline u64 hvpmu_env_load_acquire(const u64 *p)
{
	ring_check_point();
	return *p;
}

static inline void hvpmu_env_store_release(u64 *p, u64 value)
{
	ring_check_point();
	*p = value;
	ring_check_point();
}

static inline void hvpmu_env_add(u64 *p, u64 value)
{
	ring_check_point();
	*p += value;
	ring_check_point();
}

static inline bool hvpmu_env_cmpxchg(u64 *p, u64 before, u64 after)
{
	ring_check_point();
	if (*p != before)
		return false;
	*p = after;
	ring_check_point();
	return true;
}

static inline void hvpmu_env_barrier(void)
{
	ring_check_point();
}

#endif
