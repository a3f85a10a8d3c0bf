// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "overflow.h"

#include "counters.h"
#include "hardware.h"
#include "layout.h"

/* SDM volume 3, "Freeze on PMI": version 4 sets CTR_FRZ, earlier ones clear GLOBAL_CTRL. */
static void freeze(struct hvpmu_vcpu *vcpu)
{
	if (vcpu->part.version >= 4)
		vcpu->status |= HVPMU_STATUS_CTR_FRZ;
	else
		vcpu->global_ctrl = 0;
	vcpu->guest_ctrl = 0;
}

void hvpmu_overflowed(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, u64 set)
{
	if (hvpmu_has_global(&vcpu->part))
		vcpu->status |= set;
	if (!(set & vcpu->with_pmi))
		return;
	if (vcpu->freezes_on_pmi)
		freeze(vcpu);
	vcpu->pmi_pending = true;
	vcpu->account.pmis++;
	hvpmu_env_request_pmi(env);
}

/*
 * Without a status register an overflow is a counter that went down: writes of the guest trap, so
 * the value in memory is the last one that was written or seen.
 */
u64 hvpmu_compare_counters(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env)
{
	u64 set = vcpu->hw;
	u64 overflowed = 0;

	while (set) {
		unsigned int counter = hvpmu_pop(&set);
		u64 *last = hvpmu_counter(vcpu, counter);
		u64 value = hvpmu_env_rdpmc(env, counter);

		if (value < *last)
			overflowed |= hvpmu_bit(counter);
		*last = value;
	}
	return overflowed;
}

void hvpmu_take_overflows(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, u64 set,
			  enum hvpmu_found found)
{
	const struct hvpmu_layout *layout = hvpmu_layout(&vcpu->part);
	struct hvpmu_cpu *cpu = env->cpu;

	/* Before the acknowledgement: an NMI between the two must find one or the other. */
	if (found == HVPMU_FOUND_EARLY && (set & vcpu->with_pmi)) {
		cpu->is_pmi_expected = true;
		hvpmu_env_barrier();
		/* It has come already, before this or just now. */
		if (!(set & vcpu->with_pmi & ~cpu->nmi_claimed))
			cpu->is_pmi_expected = false;
	}
	hvpmu_env_barrier();
	if (layout->status)
		hvpmu_env_wrmsr(env, layout->status_clear, set);
	hvpmu_overflowed(vcpu, env, set);
}

/*
 * The core is at work on this CPU: it has seen or will see the overflows itself. They are acknowledged
 * all the same: an LVTPC that opens over a status that is set may raise the NMI again, and again.
 */
static u64 claim_for_busy(struct hvpmu_env *env)
{
	struct hvpmu_cpu *cpu = env->cpu;
	const struct hvpmu_layout *layout = hvpmu_layout(cpu->part);
	u64 set;

	/* Without a status register the counters tell, and the busy code compares them. */
	set = layout->status ? hvpmu_env_rdmsr(env, layout->status) & cpu->part->guest_mask
			     : cpu->part->guest_mask;
	cpu->nmi_claimed |= set;
	if (layout->status && set)
		hvpmu_env_wrmsr(env, layout->status_clear, set);
	return set;
}

/*
 * What is in the status when the guest's overflows have been taken: the host's are left to its
 * handler. No vCPU has those of guests' counters that are not in use: they are acknowledged, or the
 * LVTPC would open over them.
 */
static void look_at_the_rest(struct hvpmu_env *env, struct hvpmu_nmi *nmi)
{
	const struct hvpmu_cpu *cpu = env->cpu;
	const struct hvpmu_layout *layout = hvpmu_layout(cpu->part);
	u64 status, strays;

	if (!layout->status)
		return;
	status = hvpmu_env_rdmsr(env, layout->status);
	nmi->host = status & cpu->part->host_mask;
	strays = status & cpu->part->guest_mask & ~(cpu->loaded ? cpu->loaded->hw : 0);
	if (!strays)
		return;
	hvpmu_env_wrmsr(env, layout->status_clear, strays);
	nmi->guest |= strays;
}

struct hvpmu_nmi hvpmu_nmi(struct hvpmu_env *env)
{
	struct hvpmu_cpu *cpu = env->cpu;
	struct hvpmu_nmi nmi = {.guest = 0};

	if (cpu->is_busy)
		nmi.guest = claim_for_busy(env);
	else if (cpu->loaded)
		nmi.guest = hvpmu_harvest(cpu->loaded, env, HVPMU_FOUND_BY_NMI);
	look_at_the_rest(env, &nmi);
	nmi.is_expected = !nmi.guest && cpu->is_pmi_expected;
	/* LVTPC masks itself on delivery: whatever was on its way has come with this NMI. */
	cpu->is_pmi_expected = false;
	/*
	 * Even if it found nothing: an NMI of another origin may have taken what this one is for. But not
	 * over an overflow of the host, whose handler acknowledges first.
	 */
	if (!nmi.host)
		hvpmu_env_rearm_lvtpc(env);
	return nmi;
}

/*
 * Delivery modes that an LVTPC has: Intel's neither INIT nor ExtINT (SDM volume 3, "Local Vector
 * Table"), AMD's no INIT (APM volume 2, "Local Interrupts"). What the others do is undefined: here
 * nothing, so that a guest cannot make its hypervisor inject what no hardware would.
 */
static bool can_deliver(const struct hvpmu_part *part, u32 lvtpc)
{
	switch (lvtpc & HVPMU_LVT_MODE) {
	case HVPMU_LVT_FIXED:
	case HVPMU_LVT_SMI:
	case HVPMU_LVT_NMI: return true;
	case HVPMU_LVT_EXTINT: return part->vendor == HVPMU_AMD;
	default: return false;
	}
}

bool hvpmu_take_pmi(struct hvpmu_vcpu *vcpu, u32 *lvtpc, u32 *ret_interrupt)
{
	if (!vcpu->pmi_pending)
		return false;
	/* First: an NMI from here on asks for one more. */
	vcpu->pmi_pending = false;
	hvpmu_env_barrier();
	if (*lvtpc & HVPMU_LVT_MASKED || !can_deliver(&vcpu->part, *lvtpc))
		return false;
	*ret_interrupt = *lvtpc & (HVPMU_LVT_MODE | HVPMU_LVT_VECTOR);
	if (vcpu->part.vendor == HVPMU_INTEL)
		*lvtpc |= HVPMU_LVT_MASKED;
	return true;
}
