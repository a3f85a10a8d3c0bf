/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The surroundings of the core where there is nothing but the CPU: a small hypervisor or a test
 * image that runs in ring 0. A hypervisor starts its own from this one; the few functions that
 * only it can know are declared here and have to be defined by it.
 */
#ifndef HVPMU_ENV_H
#define HVPMU_ENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

struct hvpmu_cpu;

struct hvpmu_env {
	struct hvpmu_cpu *cpu; /* the core's state of the CPU that runs this */
	volatile u32 *lvtpc;   /* the local APIC's LVTPC register, memory-mapped */
	u64 reads;	       /* counters whose registers the MSR bitmap lets the guest read */
	u64 writes;	       /* and write */
	u64 account[2];	       /* the host's cycles and instructions, kept by the hypervisor */
	/*
	 * Events that guests may count, with their bits of a selector (event, umask, AMD's
	 * EventSelect[11:8]), and fixed counters, which count without one. NULL: all of both.
	 */
	const u64 *allowed;
	u32 num_allowed;
	u32 allowed_fixed; /* bit i: fixed counter i */
	bool is_pmi_requested;
};

void *memcpy(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);

static inline u64 hvpmu_env_rdmsr(struct hvpmu_env *env, u32 msr)
{
	u32 low, high;

	(void)env;
	__asm__ __volatile__("rdmsr" : "=a"(low), "=d"(high) : "c"(msr) : "memory");
	return (u64)high << 32 | low;
}

static inline void hvpmu_env_wrmsr(struct hvpmu_env *env, u32 msr, u64 value)
{
	(void)env;
	__asm__ __volatile__("wrmsr" ::"c"(msr), "a"((u32)value), "d"((u32)(value >> 32))
			     : "memory");
}

static inline u64 hvpmu_env_rdpmc(struct hvpmu_env *env, u32 index)
{
	u32 low, high;

	(void)env;
	__asm__ __volatile__("rdpmc" : "=a"(low), "=d"(high) : "c"(index) : "memory");
	return (u64)high << 32 | low;
}

/* NMI delivery, not masked. */
static inline void hvpmu_env_rearm_lvtpc(struct hvpmu_env *env)
{
	*env->lvtpc = 4u << 8;
}

/* Linux's way: the mask is computed, so that nothing is there to be predicted. */
static inline u32 hvpmu_env_nospec(u32 index, u32 size)
{
	u64 mask;

	__asm__("cmp %[size], %[index]\n\tsbb %[mask], %[mask]"
		: [mask] "=r"(mask)
		: [index] "r"(index), [size] "r"(size)
		: "cc");
	return index & (u32)mask;
}

static inline void hvpmu_env_pass_through(struct hvpmu_env *env, u64 reads, u64 writes)
{
	env->reads = reads;
	env->writes = writes;
}

static inline void hvpmu_env_request_pmi(struct hvpmu_env *env)
{
	env->is_pmi_requested = true;
}

static inline bool hvpmu_env_is_allowed(struct hvpmu_env *env, unsigned int counter, u64 select)
{
	if (!env->allowed)
		return true;
	if (counter >= 32)
		return env->allowed_fixed >> (counter - 32) & 1;
	for (u32 i = 0; i < env->num_allowed; i++) {
		if (env->allowed[i] == (select & 0xf0000ffffULL))
			return true;
	}
	return false;
}

static inline void hvpmu_env_read_account(struct hvpmu_env *env, u64 ret[])
{
	ret[0] = env->account[0];
	ret[1] = env->account[1];
}

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

static inline bool hvpmu_env_cmpxchg(u64 *p, u64 before, u64 after)
{
	return __atomic_compare_exchange_n(p, &before, after, false, __ATOMIC_RELAXED,
					   __ATOMIC_RELAXED);
}

static inline void hvpmu_env_barrier(void)
{
	__asm__ __volatile__("" ::: "memory");
}

#endif
