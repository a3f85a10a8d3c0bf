/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The surroundings of the core in a user-space program: a model of the hardware stands behind
 * these calls. See hv-pmu/env/README.md for what each function has to do.
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
	struct hvpmu_cpu *cpu; /* the core's state of the CPU that runs this */
	void *machine;	       /* belongs to whoever implements the functions below */
};

u64 hvpmu_env_rdmsr(struct hvpmu_env *env, u32 msr);
void hvpmu_env_wrmsr(struct hvpmu_env *env, u32 msr, u64 value);
u64 hvpmu_env_rdpmc(struct hvpmu_env *env, u32 index);
void hvpmu_env_rearm_lvtpc(struct hvpmu_env *env);
void hvpmu_env_pass_through(struct hvpmu_env *env, u64 reads, u64 writes);
void hvpmu_env_request_pmi(struct hvpmu_env *env);
bool hvpmu_env_is_allowed(struct hvpmu_env *env, unsigned int counter, u64 select);
void hvpmu_env_read_account(struct hvpmu_env *env, u64 ret[]);

/* A model has no speculation. */
static inline u32 hvpmu_env_nospec(u32 index, u32 size)
{
	(void)size;
	return index;
}

/* The ring shares memory with NMIs of its own CPU and with a consumer on another. */
static inline u64 hvpmu_env_load_acquire(const u64 *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static inline void hvpmu_env_store_release(u64 *p, u64 value)
{
	__atomic_store_n(p, value, __ATOMIC_RELEASE);
}

static inline void hvpmu_env_add(u64 *p, u64 value)
{
	__atomic_fetch_add(p, value, __ATOMIC_RELAXED);
}

/* Returns whether *p was `before` and is `after` now. */
static inline bool hvpmu_env_cmpxchg(u64 *p, u64 before, u64 after)
{
	return __atomic_compare_exchange_n(p, &before, after, false, __ATOMIC_RELAXED,
					   __ATOMIC_RELAXED);
}

/* The compiler may not move accesses to memory across this; NMIs run on the same CPU. */
static inline void hvpmu_env_barrier(void)
{
	__asm__ __volatile__("" ::: "memory");
}

#endif
