// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "hardware.h"

#include "counters.h"
#include "layout.h"
#include "overflow.h"

static u32 counter_msr(const struct hvpmu_layout *layout, unsigned int counter)
{
	if (hvpmu_is_fixed(counter))
		return layout->fixed_counter + (counter - HVPMU_FIXED(0));
	return layout->gp[counter].counter;
}

void hvpmu_write_counter(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, unsigned int counter,
			 u64 value)
{
	*hvpmu_counter(vcpu, counter) = value;
	if (hvpmu_is_in_hardware(vcpu, counter))
		hvpmu_env_wrmsr(env, counter_msr(hvpmu_layout(&vcpu->part), counter), value);
}

/*
 * The counters whose EN may be set in hardware: all of them where GLOBAL_CTRL decides what counts,
 * elsewhere those in use. Nothing else freezes counters there: hvpmu_set_freeze_on_pmi().
 */
static u64 may_enable(const struct hvpmu_layout *layout, u64 in_use)
{
	return layout->gates_by_ctrl ? ~0ULL : in_use;
}

/* What the hardware's selector holds for this counter of the guest. */
static inline u64 hardware_select(const struct hvpmu_vcpu *vcpu, const struct hvpmu_layout *layout,
				  u64 i, u64 enabled)
{
	u64 select = (vcpu->gp_select[i] & layout->select_keep) | layout->select_force;

	return enabled & hvpmu_bit(i) ? select : select & ~HVPMU_SEL_EN;
}

/* The guest's half of FIXED_CTR_CTRL with these counters in hardware. */
static u64 hardware_fixed_ctrl(const struct hvpmu_vcpu *vcpu, u64 set)
{
	return vcpu->fixed_ctrl & hvpmu_fixed_bits(set);
}

static void add_entry(struct hvpmu_plan *plan, u32 msr, u64 value)
{
	plan->entry[plan->count++] =
		(struct hvpmu_plan_entry){.msr = msr, .reserved = 0, .value = value};
}

/* One write: into the plan, or into hardware if there is none. */
static inline void emit(struct hvpmu_plan *plan, struct hvpmu_env *env, u32 msr, u64 value)
{
	if (plan)
		add_entry(plan, msr, value);
	else
		hvpmu_env_wrmsr(env, msr, value);
}

static u64 gp_of(u64 set)
{
	return set & hvpmu_low_bits(HVPMU_MAX_GP);
}

static u64 fixed_of(u64 set)
{
	return set >> HVPMU_FIXED(0);
}

/* What puts these general counters into hardware, with the selectors of those in `enabled` on. */
static inline void emit_load_gp(const struct hvpmu_vcpu *vcpu, const struct hvpmu_layout *layout,
				u64 set, u64 enabled, struct hvpmu_plan *plan,
				struct hvpmu_env *env)
{
	while (set) {
		u64 i = hvpmu_pop(&set);

		emit(plan, env, layout->gp[i].counter, vcpu->gp_counter[i]);
		emit(plan, env, layout->gp[i].select, hardware_select(vcpu, layout, i, enabled));
	}
}

/* What puts these into hardware, numbered from fixed counter 0; their control comes after. */
static inline void emit_load_fixed(const struct hvpmu_vcpu *vcpu, const struct hvpmu_layout *layout,
				   u64 set, struct hvpmu_plan *plan, struct hvpmu_env *env)
{
	while (set) {
		u64 i = hvpmu_pop(&set);

		emit(plan, env, layout->fixed_counter + i, vcpu->fixed_counter[i]);
	}
}

void hvpmu_plan_load(const struct hvpmu_vcpu *vcpu, const struct hvpmu_cpu *cpu, u64 mask,
		     struct hvpmu_plan *ret)
{
	const struct hvpmu_layout *layout = hvpmu_layout(&vcpu->part);

	ret->count = 0;
	emit_load_gp(vcpu, layout, gp_of(mask), may_enable(layout, hvpmu_in_use(vcpu)), ret, NULL);
	emit_load_fixed(vcpu, layout, fixed_of(mask), ret, NULL);
	if (fixed_of(mask))
		add_entry(ret, layout->fixed_ctrl,
			  cpu->host_fixed_ctrl | hardware_fixed_ctrl(vcpu, vcpu->hw | mask));
}

void hvpmu_plan_store(const struct hvpmu_vcpu *vcpu, u64 mask, struct hvpmu_plan *ret)
{
	const struct hvpmu_layout *layout = hvpmu_layout(&vcpu->part);

	ret->count = 0;
	while (mask)
		add_entry(ret, counter_msr(layout, hvpmu_pop(&mask)), 0);
}

void hvpmu_plan_clear(const struct hvpmu_vcpu *vcpu, const struct hvpmu_cpu *cpu, u64 mask,
		      struct hvpmu_plan *ret)
{
	const struct hvpmu_layout *layout = hvpmu_layout(&vcpu->part);

	ret->count = 0;
	if (fixed_of(mask))
		add_entry(ret, layout->fixed_ctrl,
			  cpu->host_fixed_ctrl | hardware_fixed_ctrl(vcpu, vcpu->hw & ~mask));
	while (mask) {
		unsigned int counter = hvpmu_pop(&mask);

		if (!hvpmu_is_fixed(counter))
			add_entry(ret, layout->gp[counter].select, 0);
		add_entry(ret, counter_msr(layout, counter), 0);
	}
}

u64 hvpmu_merge_fixed_ctrl(struct hvpmu_cpu *cpu, u64 host_value)
{
	cpu->host_fixed_ctrl = host_value & hvpmu_fixed_bits(cpu->part->host_mask);
	return cpu->host_fixed_ctrl | cpu->guest_fixed_ctrl;
}

/*
 * The fixed counters in `set` are the guest's in hardware. The host's NMI handler may write its own
 * half meanwhile: then write again, with the new half.
 */
static inline void write_fixed_ctrl(const struct hvpmu_vcpu *vcpu, struct hvpmu_env *env,
				    const struct hvpmu_layout *layout, u64 set)
{
	volatile u64 *host_half = &env->cpu->host_fixed_ctrl;
	u64 guest_half = hardware_fixed_ctrl(vcpu, set);
	u64 written;

	env->cpu->guest_fixed_ctrl = guest_half;
	do {
		written = *host_half;
		hvpmu_env_wrmsr(env, layout->fixed_ctrl, written | guest_half);
	} while (written != *host_half);
}

/* The hardware and the hypervisor's MSR bitmap after `hw` or a control changed. */
static void set_in_hardware(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env,
			    const struct hvpmu_layout *layout, u64 set)
{
	vcpu->hw = set;
	/* Without a status register writes have to be seen: hvpmu_compare_counters(). */
	hvpmu_env_pass_through(env, set, layout->status ? set : 0);
}

/* With `set`, all counters in use are in hardware. */
static void load(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, const struct hvpmu_layout *layout,
		 u64 set, u64 in_use)
{
	u64 all = vcpu->hw | set;

	/* Unless all are loaded, what is loaded is in use. */
	if (vcpu->part.loads_all)
		emit_load_gp(vcpu, layout, gp_of(set), may_enable(layout, in_use), NULL, env);
	else
		emit_load_gp(vcpu, layout, gp_of(set), ~0ULL, NULL, env);
	if (fixed_of(set)) {
		emit_load_fixed(vcpu, layout, fixed_of(set), NULL, env);
		write_fixed_ctrl(vcpu, env, layout, all);
	}
	set_in_hardware(vcpu, env, layout, all);
	if (hvpmu_is_loaded(vcpu))
		return;
	hvpmu_set_guest_ctrl(vcpu, layout, in_use);
	/* Last: from here on NMIs know of it. */
	vcpu->state = HVPMU_LOADED;
	vcpu->account.loads++;
	env->cpu->loaded = vcpu;
}

/* What was counted comes back to memory, and nothing of it stays. */
static inline void unload_gp(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env,
			     const struct hvpmu_layout *layout, u64 set)
{
	u64 mask = hvpmu_width_mask(vcpu->part.gp_width);

	while (set) {
		u64 i = hvpmu_pop(&set);

		vcpu->gp_counter[i] = hvpmu_env_rdpmc(env, i) & mask;
		hvpmu_env_wrmsr(env, layout->gp[i].select, 0);
		hvpmu_env_wrmsr(env, layout->gp[i].counter, 0);
	}
}

/* The same; `set` counts from fixed counter 0. Their control comes before. */
static inline void unload_fixed(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env,
				const struct hvpmu_layout *layout, u64 set)
{
	u64 mask = hvpmu_width_mask(vcpu->part.fixed_width);

	while (set) {
		u64 i = hvpmu_pop(&set);

		vcpu->fixed_counter[i] = hvpmu_env_rdpmc(env, HVPMU_RDPMC_FIXED | i) & mask;
		hvpmu_env_wrmsr(env, layout->fixed_counter + i, 0);
	}
}

void hvpmu_unload(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, u64 set)
{
	const struct hvpmu_layout *layout = hvpmu_layout(&vcpu->part);
	u64 left = vcpu->hw & ~set;

	unload_gp(vcpu, env, layout, gp_of(set));
	if (fixed_of(set)) {
		write_fixed_ctrl(vcpu, env, layout, left);
		unload_fixed(vcpu, env, layout, fixed_of(set));
	}
	set_in_hardware(vcpu, env, layout, left);
	vcpu->guest_ctrl &= left;
	if (!left) {
		vcpu->state = HVPMU_INACTIVE;
		vcpu->account.puts++;
		env->cpu->loaded = NULL;
	}
}

void hvpmu_rewrite_controls(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, u64 set, u64 in_use)
{
	const struct hvpmu_layout *layout = hvpmu_layout(&vcpu->part);
	u64 enabled = may_enable(layout, in_use);
	u64 gp = gp_of(set);

	if (fixed_of(set))
		write_fixed_ctrl(vcpu, env, layout, vcpu->hw);
	while (gp) {
		u64 i = hvpmu_pop(&gp);

		hvpmu_env_wrmsr(env, layout->gp[i].select,
				hardware_select(vcpu, layout, i, enabled));
	}
}

void hvpmu_reload(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, u64 in_use)
{
	u64 missing = hvpmu_missing(vcpu, in_use);
	u64 denied = vcpu->hw & vcpu->denied;

	if (missing)
		load(vcpu, env, hvpmu_layout(&vcpu->part), missing, in_use);
	if (denied)
		hvpmu_unload(vcpu, env, denied);
}

u64 hvpmu_enter(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env)
{
	u64 in_use;

	if (hvpmu_is_loaded(vcpu))
		return vcpu->guest_ctrl;
	in_use = hvpmu_in_use(vcpu);
	/* Counters stand still in host mode: no NMI finds anything to do to these. */
	if (in_use)
		load(vcpu, env, hvpmu_layout(&vcpu->part), hvpmu_wanted(vcpu, in_use), in_use);
	return vcpu->guest_ctrl;
}

void hvpmu_put(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env)
{
	if (!hvpmu_is_loaded(vcpu))
		return;
	hvpmu_begin(vcpu, env);
	hvpmu_unload(vcpu, env, vcpu->hw);
	hvpmu_end(env);
}
