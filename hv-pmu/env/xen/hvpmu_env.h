/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The surroundings of the core in Xen (4.17): see hv-pmu/env/README.md for what each function has
 * to do. What only Xen's vPMU can know is declared here as hvpmu_xen_*() and has to be defined by
 * the code that embeds the core; those functions are called with interrupts off.
 */
#ifndef HVPMU_ENV_H
#define HVPMU_ENV_H

#include <xen/compiler.h>
#include <xen/nospec.h>
#include <xen/string.h>
#include <xen/types.h>
#include <asm/apic.h>
#include <asm/atomic.h>
#include <asm/msr.h>
#include <asm/system.h>

struct hvpmu_cpu;
struct vcpu;

struct hvpmu_env {
	struct hvpmu_cpu *cpu; /* this CPU's */
	struct vcpu *vcpu;     /* that is on this CPU, or that the caller works for */
};

/*
 * The vCPU's MSR bitmap (VMX) or MSR permission map (SVM): reads of these counters' MSRs, by all
 * their names that the guest has, do not exit for `reads`, nor writes for `writes`. All others of
 * the PMU exit, and RDPMC does. Both sets are masks as hvpmu.h has them.
 */
void hvpmu_xen_pass_through(struct vcpu *vcpu, u64 reads, u64 writes);

/*
 * The vCPU does not enter the guest again without hvpmu_take_pmi(). Called in NMIs, where Xen must
 * not raise softirqs or send events: a flag that the VM entry path tests.
 */
void hvpmu_xen_request_pmi(struct vcpu *vcpu);

/*
 * What the domain may count. `counter` is a number in masks, `select` the selector as the guest
 * wrote it, 0 for a fixed counter.
 */
bool hvpmu_xen_is_allowed(struct vcpu *vcpu, unsigned int counter, u64 select);

/* This CPU's cycles and instructions since boot, in both modes, by counters of Xen's own. */
void hvpmu_xen_read_account(u64 ret[]);

static inline u64 hvpmu_env_rdmsr(struct hvpmu_env *env, u32 msr)
{
	u64 value;

	rdmsrl(msr, value);
	return value;
}

/* wrmsrl() does not say that memory matters: the core does not write behind an NMI's back. */
static inline void hvpmu_env_wrmsr(struct hvpmu_env *env, u32 msr, u64 value)
{
	barrier();
	wrmsrl(msr, value);
	barrier();
}

static inline u64 hvpmu_env_rdpmc(struct hvpmu_env *env, u32 index)
{
	u32 low, high;

	rdpmc(index, low, high);
	return (u64)high << 32 | low;
}

/* The host's PMI as an NMI, as the watchdog has it; not masked. */
static inline void hvpmu_env_rearm_lvtpc(struct hvpmu_env *env)
{
	apic_write(APIC_LVTPC, APIC_DM_NMI);
}

static inline u32 hvpmu_env_nospec(u32 index, u32 size)
{
	return array_index_nospec(index, size);
}

static inline void hvpmu_env_pass_through(struct hvpmu_env *env, u64 reads, u64 writes)
{
	hvpmu_xen_pass_through(env->vcpu, reads, writes);
}

static inline void hvpmu_env_request_pmi(struct hvpmu_env *env)
{
	hvpmu_xen_request_pmi(env->vcpu);
}

static inline bool hvpmu_env_is_allowed(struct hvpmu_env *env, unsigned int counter, u64 select)
{
	return hvpmu_xen_is_allowed(env->vcpu, counter, select);
}

static inline void hvpmu_env_read_account(struct hvpmu_env *env, u64 ret[])
{
	hvpmu_xen_read_account(ret);
}

/* x86 moves no load before a load and no store before a load or store: the compiler must not. */
static inline u64 hvpmu_env_load_acquire(const u64 *p)
{
	u64 value = read_u64_atomic(p);

	barrier();
	return value;
}

static inline void hvpmu_env_store_release(u64 *p, u64 value)
{
	barrier();
	write_u64_atomic(p, value);
}

/*
 * Against NMIs of this CPU only: one instruction, without a lock prefix. add_sized() is one too, but
 * names *p as an output only, so that the compiler may drop what was stored there before.
 */
static inline void hvpmu_env_add(u64 *p, u64 value)
{
	asm volatile("addq %1, %0" : "+m"(*p) : "re"(value));
}

static inline bool hvpmu_env_cmpxchg(u64 *p, u64 before, u64 after)
{
	return cmpxchg_local_(p, before, after, sizeof(*p)) == before;
}

static inline void hvpmu_env_barrier(void)
{
	barrier();
}

#endif
