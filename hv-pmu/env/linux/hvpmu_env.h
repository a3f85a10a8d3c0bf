/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The surroundings of the core in KVM (Linux 6.12): see hv-pmu/env/README.md for what each function
 * has to do. What only KVM can know is declared here as hvpmu_kvm_*() and has to be defined by the
 * code that embeds the core; those functions are called with interrupts off and, where it says so,
 * in NMIs.
 */
#ifndef HVPMU_ENV_H
#define HVPMU_ENV_H

#include <linux/compiler.h>
#include <linux/nospec.h>
#include <linux/string.h>
#include <linux/types.h>
#include <asm/barrier.h>
#include <asm/cmpxchg.h>
#include <asm/local64.h>
#include <asm/msr.h>

struct hvpmu_cpu;
struct kvm_vcpu;

struct hvpmu_env {
	struct hvpmu_cpu *cpu;	   /* this CPU's */
	struct kvm_vcpu *kvm_vcpu; /* that is on this CPU, or that the caller works for */
};

/*
 * The vCPU's MSR bitmap (VMX) or MSR permission map (SVM): reads of these counters' MSRs, by all
 * their names that the guest has, do not exit for `reads`, nor writes for `writes`. All others of
 * the PMU exit, and RDPMC does. Both sets are masks as hvpmu.h has them.
 */
void hvpmu_kvm_pass_through(struct kvm_vcpu *kvm_vcpu, u64 reads, u64 writes);

/*
 * The vCPU does not enter the guest again without hvpmu_take_pmi(): a KVM_REQ_PMI, and no kick, as
 * the vCPU is on this CPU and its VM entry is still to come or has been left. Called in NMIs.
 */
void hvpmu_kvm_request_pmi(struct kvm_vcpu *kvm_vcpu);

/*
 * What KVM_SET_PMU_EVENT_FILTER lets the VM count. `counter` is a number in masks, `select` the
 * selector as the guest wrote it, 0 for a fixed counter. It takes kvm->srcu itself.
 */
bool hvpmu_kvm_is_allowed(struct kvm_vcpu *kvm_vcpu, unsigned int counter, u64 select);

/* This CPU's cycles and instructions since boot, in both modes, by counters of the host. */
void hvpmu_kvm_read_account(u64 ret[]);

/*
 * The bare instructions: neither the traced ones, which an NMI does better without, nor those of
 * paravirt, as a partition is of a PMU that is really there.
 */
static inline u64 hvpmu_env_rdmsr(struct hvpmu_env *env, u32 msr)
{
	return __rdmsr(msr);
}

static inline void hvpmu_env_wrmsr(struct hvpmu_env *env, u32 msr, u64 value)
{
	native_wrmsrl(msr, value);
}

static inline u64 hvpmu_env_rdpmc(struct hvpmu_env *env, u32 index)
{
	u32 low, high;

	asm volatile("rdpmc" : "=a"(low), "=d"(high) : "c"(index));
	return (u64)high << 32 | low;
}

/* perf_event_nmi_handler() does, in each NMI, when both have acknowledged. */
static inline void hvpmu_env_rearm_lvtpc(struct hvpmu_env *env)
{
}

static inline u32 hvpmu_env_nospec(u32 index, u32 size)
{
	return array_index_nospec(index, size);
}

static inline void hvpmu_env_pass_through(struct hvpmu_env *env, u64 reads, u64 writes)
{
	hvpmu_kvm_pass_through(env->kvm_vcpu, reads, writes);
}

static inline void hvpmu_env_request_pmi(struct hvpmu_env *env)
{
	hvpmu_kvm_request_pmi(env->kvm_vcpu);
}

static inline bool hvpmu_env_is_allowed(struct hvpmu_env *env, unsigned int counter, u64 select)
{
	return hvpmu_kvm_is_allowed(env->kvm_vcpu, counter, select);
}

static inline void hvpmu_env_read_account(struct hvpmu_env *env, u64 ret[])
{
	hvpmu_kvm_read_account(ret);
}

static inline u64 hvpmu_env_load_acquire(const u64 *p)
{
	return smp_load_acquire(p);
}

static inline void hvpmu_env_store_release(u64 *p, u64 value)
{
	smp_store_release(p, value);
}

/* Against NMIs of this CPU only: one instruction, without a lock prefix. */
static inline void hvpmu_env_add(u64 *p, u64 value)
{
	local64_add(value, (local64_t *)p);
}

static inline bool hvpmu_env_cmpxchg(u64 *p, u64 before, u64 after)
{
	return cmpxchg_local(p, before, after) == before;
}

static inline void hvpmu_env_barrier(void)
{
	barrier();
}

#endif
