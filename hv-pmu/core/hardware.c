/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "hardware.h"

#include "counters.h"
#include "layout.h"
#include "overflow.h"

void hvpmu_note_controls(struct hvpmu_vcpu *vcpu, u64 set)
{
	vcpu->selected &= ~set;
	vcpu->with_pmi &= ~set;
	while (set) {
		unsigned int counter = hvpmu_pop(&set);

		if (hvpmu_is_selected(vcpu, counter))
			vcpu->selected |= hvpmu_bit(counter);
		if (hvpmu_wants_pmi(vcpu, counter))
			vcpu->with_pmi |= hvpmu_bit(counter);
	}
}

static bool is_loaded(const struct hvpmu_vcpu *vcpu)
{
	return vcpu->state == HVPMU_LOADED;
}

static bool is_in_hardware(const struct hvpmu_vcpu *vcpu, unsigned int counter)
{
	return vcpu->hw & hvpmu_bit(counter);
}

void hvpmu_begin(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env)
{
	if (!is_loaded(vcpu))
		return;
	env->cpu->is_busy = true;
	hvpmu_env_barrier();
	hvpmu_harvest(vcpu, env, HVPMU_FOUND_EARLY);
}

void hvpmu_end(struct hvpmu_env *env)
{
	hvpmu_env_barrier();
	env->cpu->nmi_claimed = 0;
	env->cpu->is_busy = false;
	hvpmu_env_barrier();
}

static inline u64 read_hardware(const struct hvpmu_vcpu *vcpu, struct hvpmu_env *env,
				unsigned int counter)
{
	u32 index = counter;

	if (hvpmu_is_fixed(counter))
		index = HVPMU_RDPMC_FIXED | (counter - HVPMU_FIXED(0));
	return hvpmu_env_rdpmc(env, index) & hvpmu_counter_mask(&vcpu->part, counter);
}

u64 hvpmu_read_counter(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, unsigned int counter)
{
	return is_in_hardware(vcpu, counter) ? read_hardware(vcpu, env, counter)
					     : *hvpmu_counter(vcpu, counter);
}

static u32 counter_msr(const struct hvpmu_layout *layout, unsigned int counter)
{
	if (hvpmu_is_fixed(counter))
		return layout->fixed_counter + (counter - HVPMU_FIXED(0));
	return layout->counter + layout->stride * counter;
}

static u32 select_msr(const struct hvpmu_layout *layout, unsigned int counter)
{
	return layout->select + layout->stride * counter;
}

void hvpmu_write_counter(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, unsigned int counter,
			 u64 value)
{
	*hvpmu_counter(vcpu, counter) = value;
	if (is_in_hardware(vcpu, counter))
		hvpmu_env_wrmsr(env, counter_msr(hvpmu_layout(&vcpu->part), counter), value);
}

/* The counters whose EN may be set in hardware; all of them where GLOBAL_CTRL decides what counts. */
static u64 may_enable(const struct hvpmu_vcpu *vcpu, const struct hvpmu_layout *layout)
{
	if (layout->gates_by_ctrl)
		return ~0ULL;
	return hvpmu_is_frozen(vcpu) ? 0 : hvpmu_in_use(vcpu);
}

/* What the hardware's selector holds for this counter of the guest. */
static u64 hardware_select(const struct hvpmu_vcpu *vcpu, const struct hvpmu_layout *layout,
			   unsigned int counter, u64 enabled)
{
	u64 select = (vcpu->gp_select[counter] & layout->select_keep) | layout->select_force;

	return enabled & hvpmu_bit(counter) ? select : select & ~HVPMU_SEL_EN;
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

static bool has_fixed(u64 set)
{
	return set >> HVPMU_FIXED(0);
}

/* What puts these counters and selectors into hardware; the fixed counters' control comes after. */
static inline void emit_load(const struct hvpmu_vcpu *vcpu, u64 set, struct hvpmu_plan *plan,
			     struct hvpmu_env *env)
{
	const struct hvpmu_layout *layout = hvpmu_layout(&vcpu->part);
	u64 enabled = may_enable(vcpu, layout);

	u64 gp = set & hvpmu_low_bits(HVPMU_MAX_GP);
	u64 fixed = set >> HVPMU_FIXED(0);

	while (gp) {
		unsigned int i = hvpmu_pop(&gp);

		emit(plan, env, layout->counter + layout->stride * i, vcpu->gp_counter[i]);
		emit(plan, env, select_msr(layout, i), hardware_select(vcpu, layout, i, enabled));
	}
	while (fixed) {
		unsigned int i = hvpmu_pop(&fixed);

		emit(plan, env, layout->fixed_counter + i, vcpu->fixed_counter[i]);
	}
}

/* What leaves nothing of them there; the fixed counters' control comes before. */
static inline void emit_clear(const struct hvpmu_layout *layout, u64 set, struct hvpmu_plan *plan,
			      struct hvpmu_env *env)
{
	u64 gp = set & hvpmu_low_bits(HVPMU_MAX_GP);
	u64 fixed = set >> HVPMU_FIXED(0);

	while (gp) {
		unsigned int i = hvpmu_pop(&gp);

		emit(plan, env, select_msr(layout, i), 0);
		emit(plan, env, layout->counter + layout->stride * i, 0);
	}
	while (fixed)
		emit(plan, env, layout->fixed_counter + hvpmu_pop(&fixed), 0);
}

void hvpmu_plan_load(const struct hvpmu_vcpu *vcpu, const struct hvpmu_cpu *cpu, u64 mask,
		     struct hvpmu_plan *ret)
{
	ret->count = 0;
	emit_load(vcpu, mask, ret, NULL);
	if (has_fixed(mask))
		add_entry(ret, hvpmu_layout(&vcpu->part)->fixed_ctrl,
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
	if (has_fixed(mask))
		add_entry(ret, layout->fixed_ctrl,
			  cpu->host_fixed_ctrl | hardware_fixed_ctrl(vcpu, vcpu->hw & ~mask));
	emit_clear(layout, mask, ret, NULL);
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
static void write_fixed_ctrl(const struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, u64 set)
{
	volatile u64 *host_half = &env->cpu->host_fixed_ctrl;
	u64 guest_half = hardware_fixed_ctrl(vcpu, set);
	u64 written;

	env->cpu->guest_fixed_ctrl = guest_half;
	do {
		written = *host_half;
		hvpmu_env_wrmsr(env, hvpmu_layout(&vcpu->part)->fixed_ctrl, written | guest_half);
	} while (written != *host_half);
}

/* The hardware and the hypervisor's MSR bitmap after `hw` or a control changed. */
static void set_in_hardware(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, u64 set)
{
	const struct hvpmu_layout *layout = hvpmu_layout(&vcpu->part);

	vcpu->hw = set;
	/* Without a status register writes have to be seen: compare_counters(). */
	hvpmu_env_pass_through(env, set, layout->status ? set : 0);
}

/* All counters in use are in hardware. */
static void set_guest_ctrl(struct hvpmu_vcpu *vcpu, u64 in_use)
{
	const struct hvpmu_layout *layout = hvpmu_layout(&vcpu->part);

	vcpu->guest_ctrl = layout->gates_by_ctrl && !hvpmu_is_frozen(vcpu) ? in_use : 0;
}

static void load(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, u64 set)
{
	emit_load(vcpu, set, NULL, env);
	if (has_fixed(set))
		write_fixed_ctrl(vcpu, env, vcpu->hw | set);
	set_in_hardware(vcpu, env, vcpu->hw | set);
	if (is_loaded(vcpu))
		return;
	/* Last: from here on NMIs know of it. */
	vcpu->state = HVPMU_LOADED;
	vcpu->account.loads++;
	env->cpu->loaded = vcpu;
}

/* What was counted comes back to memory. */
static void read_all(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, u64 set)
{
	u64 gp_mask = hvpmu_low_bits(vcpu->part.gp_width);
	u64 fixed_mask = hvpmu_low_bits(vcpu->part.fixed_width);
	u64 gp = set & hvpmu_low_bits(HVPMU_MAX_GP);
	u64 fixed = set >> HVPMU_FIXED(0);

	while (gp) {
		unsigned int i = hvpmu_pop(&gp);

		vcpu->gp_counter[i] = hvpmu_env_rdpmc(env, i) & gp_mask;
	}
	while (fixed) {
		unsigned int i = hvpmu_pop(&fixed);

		vcpu->fixed_counter[i] = hvpmu_env_rdpmc(env, HVPMU_RDPMC_FIXED | i) & fixed_mask;
	}
}

void hvpmu_unload(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, u64 set)
{
	read_all(vcpu, env, set);
	if (has_fixed(set))
		write_fixed_ctrl(vcpu, env, vcpu->hw & ~set);
	emit_clear(hvpmu_layout(&vcpu->part), set, NULL, env);
	set_in_hardware(vcpu, env, vcpu->hw & ~set);
	if (!vcpu->hw) {
		vcpu->state = HVPMU_INACTIVE;
		vcpu->account.puts++;
		env->cpu->loaded = NULL;
	}
	vcpu->guest_ctrl &= vcpu->hw;
}

/* Selectors in hardware that no longer are what they should be. */
static void rewrite_controls(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, u64 set)
{
	const struct hvpmu_layout *layout = hvpmu_layout(&vcpu->part);
	u64 enabled = may_enable(vcpu, layout);

	if (has_fixed(set))
		write_fixed_ctrl(vcpu, env, vcpu->hw);
	set &= hvpmu_low_bits(HVPMU_MAX_GP);
	while (set) {
		unsigned int counter = hvpmu_pop(&set);

		hvpmu_env_wrmsr(env, select_msr(layout, counter),
				hardware_select(vcpu, layout, counter, enabled));
	}
}

void hvpmu_follow(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, u64 changed)
{
	u64 denied = vcpu->hw & vcpu->denied;
	u64 in_use;

	if (!is_loaded(vcpu))
		return;
	in_use = hvpmu_in_use(vcpu);
	if (changed & vcpu->hw & ~denied)
		rewrite_controls(vcpu, env, changed & vcpu->hw & ~denied);
	if (in_use & ~vcpu->hw)
		load(vcpu, env, in_use & ~vcpu->hw);
	if (denied)
		hvpmu_unload(vcpu, env, denied);
	set_guest_ctrl(vcpu, in_use);
}

u64 hvpmu_enter(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env)
{
	if (!is_loaded(vcpu)) {
		u64 set = hvpmu_in_use(vcpu);

		if (!set)
			return 0;
		/* Counters stand still in host mode: no NMI finds anything to do to these. */
		load(vcpu, env, set);
		set_guest_ctrl(vcpu, set);
	}
	return vcpu->guest_ctrl;
}

void hvpmu_put(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env)
{
	if (!is_loaded(vcpu))
		return;
	hvpmu_begin(vcpu, env);
	hvpmu_unload(vcpu, env, vcpu->hw);
	hvpmu_end(env);
}
