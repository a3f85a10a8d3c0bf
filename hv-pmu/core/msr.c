// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a guest's RDMSR, WRMSR and RDPMC do. Which and whether: intel.c, amd.c. */
#include "counters.h"
#include "hardware.h"
#include "layout.h"

/* Puts the counter into a set, or takes it out. */
static inline void include(u64 *set, u64 counter, u64 is_in)
{
	*set = (*set & ~counter) | (counter & -is_in);
}

static inline void note_control(struct hvpmu_vcpu *vcpu, unsigned int counter)
{
	u64 bit = hvpmu_bit(counter);
	bool is_selected = hvpmu_is_selected(vcpu, counter);
	unsigned int kinds = is_selected ? hvpmu_retired_kinds(vcpu, counter) : 0;

	include(&vcpu->selected, bit, is_selected);
	include(&vcpu->with_pmi, bit, hvpmu_wants_pmi(vcpu, counter));
	for (unsigned int kind = 0; kind <= HVPMU_RETIRED_BRANCH; kind++)
		include(&vcpu->of_retired[kind], bit, kinds >> kind & 1);
}

void hvpmu_note_controls(struct hvpmu_vcpu *vcpu, u64 set)
{
	while (set)
		note_control(vcpu, hvpmu_pop(&set));
}

/* Whether the filter forbids the counter's present event. */
static void ask_filter(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, unsigned int counter)
{
	u64 select = hvpmu_is_fixed(counter) ? 0 : vcpu->gp_select[counter];

	if (hvpmu_env_is_allowed(env, counter, select))
		vcpu->denied &= ~hvpmu_bit(counter);
	else
		vcpu->denied |= hvpmu_bit(counter);
}

void hvpmu_filter(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env)
{
	u64 set = vcpu->part.guest_mask;

	hvpmu_begin(vcpu, env);
	while (set)
		ask_filter(vcpu, env, hvpmu_pop(&set));
	hvpmu_follow(vcpu, env, 0);
	hvpmu_end(env);
}

void hvpmu_set_freeze_on_pmi(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, bool enabled)
{
	hvpmu_begin(vcpu, env);
	vcpu->freezes_on_pmi = enabled && vcpu->part.vendor == HVPMU_INTEL;
	hvpmu_end(env);
}

/* SDM volume 3, "IA32_PERF_GLOBAL_INUSE MSR". */
static u64 in_use_bits(const struct hvpmu_vcpu *vcpu)
{
	u64 bits = 0;
	u64 set = vcpu->part.guest_mask;

	while (set) {
		unsigned int counter = hvpmu_pop(&set);

		if (hvpmu_is_fixed(counter) ? hvpmu_is_selected(vcpu, counter)
					    : vcpu->gp_select[counter] & HVPMU_SEL_EVENT)
			bits |= hvpmu_bit(counter);
	}
	if (vcpu->with_pmi)
		bits |= HVPMU_INUSE_PMI;
	return bits;
}

/* Fixed counters whose fields of FIXED_CTR_CTRL differ, as a set. */
static u64 changed_fixed(const struct hvpmu_part *part, u64 before, u64 after)
{
	u64 set = 0;

	for (unsigned int i = 0; i < part->num_fixed; i++) {
		if (hvpmu_fixed_field(before ^ after, HVPMU_FIXED(i)))
			set |= hvpmu_bit(HVPMU_FIXED(i));
	}
	return set;
}

/* The write itself, already checked. Returns the counters whose hardware controls it changes. */
static u64 assign(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, struct hvpmu_reg reg, u64 value)
{
	u64 before, changed;

	switch (reg.kind) {
	case HVPMU_REG_COUNTER:
	case HVPMU_REG_LEGACY_COUNTER: hvpmu_write_counter(vcpu, env, reg.counter, value); return 0;
	case HVPMU_REG_SELECT:
		before = vcpu->gp_select[reg.counter];
		vcpu->gp_select[reg.counter] = value;
		note_control(vcpu, reg.counter);
		ask_filter(vcpu, env, reg.counter);
		return before == value ? 0 : hvpmu_bit(reg.counter);
	case HVPMU_REG_FIXED_CTRL:
		before = vcpu->fixed_ctrl;
		vcpu->fixed_ctrl = value;
		changed = changed_fixed(&vcpu->part, before, value);
		hvpmu_note_controls(vcpu, changed);
		return changed;
	case HVPMU_REG_GLOBAL_CTRL:
		before = vcpu->global_ctrl;
		vcpu->global_ctrl = value;
		return hvpmu_layout(&vcpu->part)->gates_by_ctrl ? 0 : before ^ value;
	case HVPMU_REG_STATUS: vcpu->status = value; return 0;
	case HVPMU_REG_STATUS_CLEAR: vcpu->status &= ~value; return 0;
	case HVPMU_REG_STATUS_SET: vcpu->status |= value; return 0;
	case HVPMU_REG_CAPABILITIES:
		vcpu->part.has_full_width = value & HVPMU_CAP_FW_WRITE;
		return 0;
	default: return 0;
	}
}

/* A write by the hypervisor's user: the value that the guest would be able to read. */
static int check_from_host(const struct hvpmu_vcpu *vcpu, const struct hvpmu_layout *layout,
			   struct hvpmu_reg reg, u64 value, u64 *ret_value)
{
	struct hvpmu_reg as_guest = reg;

	switch (reg.kind) {
	case HVPMU_REG_STATUS:
		/* What the guest could clear is what can have been set. */
		as_guest.kind = HVPMU_REG_STATUS_CLEAR;
		break;
	case HVPMU_REG_CAPABILITIES:
		*ret_value = value;
		return value & ~hvpmu_perf_capabilities(&vcpu->part) & ~HVPMU_CAP_FW_WRITE
			       ? HVPMU_GP
			       : HVPMU_OK;
	case HVPMU_REG_LEGACY_COUNTER: as_guest.kind = HVPMU_REG_COUNTER; break;
	default: break;
	}
	return layout->check(&vcpu->part, as_guest, value, ret_value);
}

static __attribute__((__noinline__)) int
write_register(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, u32 msr, u64 value, bool from_host)
{
	const struct hvpmu_layout *layout = hvpmu_layout(&vcpu->part);
	struct hvpmu_reg reg = layout->decode(&vcpu->part, msr);
	int result;

	if (reg.kind == HVPMU_REG_UNKNOWN)
		return HVPMU_UNKNOWN;
	result = from_host ? check_from_host(vcpu, layout, reg, value, &value)
			   : layout->check(&vcpu->part, reg, value, &value);
	if (result)
		return result == HVPMU_UNKNOWN ? HVPMU_OK : result; /* ignored, as by hardware */
	hvpmu_begin(vcpu, env);
	hvpmu_follow(vcpu, env, assign(vcpu, env, reg, value));
	hvpmu_end(env);
	return HVPMU_OK;
}

/*
 * What guests write most: perf turns the PMU off and on around whatever it does. It is the next
 * entry that carries the write out, and nothing changes here that an NMI looks at: it is not kept
 * out, nor has what has overflowed to be seen first. Not so if a PMI freezes the counters. Nor is
 * this for a counter that ought to be in hardware and is not: hvpmu_missing(), but quicker.
 */
static inline bool write_global_ctrl(struct hvpmu_vcpu *vcpu, u64 value)
{
	const struct hvpmu_part *part = &vcpu->part;
	u64 in_use = vcpu->selected & ~vcpu->denied & value;

	if (part->vendor != HVPMU_INTEL || !hvpmu_has_global(part) || value & ~part->guest_mask ||
	    vcpu->freezes_on_pmi)
		return false;
	if (in_use & ~vcpu->hw || (part->loads_all && vcpu->hw != part->guest_mask))
		return false;
	vcpu->global_ctrl = value;
	vcpu->guest_ctrl = hvpmu_is_frozen(vcpu) ? 0 : in_use;
	return true;
}

int hvpmu_wrmsr(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, u32 msr, u64 value, bool from_host)
{
	if (msr == HVPMU_MSR_GLOBAL_CTRL && write_global_ctrl(vcpu, value))
		return HVPMU_OK;
	return write_register(vcpu, env, msr, value, from_host);
}

static u64 value_of(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, struct hvpmu_reg reg)
{
	switch (reg.kind) {
	case HVPMU_REG_COUNTER:
	case HVPMU_REG_LEGACY_COUNTER: return hvpmu_read_counter(vcpu, env, reg.counter);
	case HVPMU_REG_SELECT: return vcpu->gp_select[reg.counter];
	case HVPMU_REG_FIXED_CTRL: return vcpu->fixed_ctrl;
	case HVPMU_REG_GLOBAL_CTRL: return vcpu->global_ctrl;
	case HVPMU_REG_STATUS: return vcpu->status;
	case HVPMU_REG_INUSE: return in_use_bits(vcpu);
	case HVPMU_REG_CAPABILITIES: return hvpmu_perf_capabilities(&vcpu->part);
	default: return 0; /* write-only ones, and AMD's that are not there */
	}
}

/* Whether an overflow that nobody has seen yet changes what the register reads as. */
static bool shows_overflows(const struct hvpmu_vcpu *vcpu, struct hvpmu_reg reg)
{
	return reg.kind == HVPMU_REG_STATUS ||
	       (reg.kind == HVPMU_REG_GLOBAL_CTRL && vcpu->freezes_on_pmi);
}

int hvpmu_rdmsr(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, u32 msr, u64 *ret_value,
		bool from_host)
{
	struct hvpmu_reg reg = hvpmu_layout(&vcpu->part)->decode(&vcpu->part, msr);

	(void)from_host; /* nothing of a PMU is hidden from the guest but readable to the host */
	if (reg.kind == HVPMU_REG_UNKNOWN)
		return HVPMU_UNKNOWN;
	if (reg.kind == HVPMU_REG_ABSENT && vcpu->part.vendor == HVPMU_INTEL)
		return HVPMU_GP;
	if (shows_overflows(vcpu, reg)) {
		hvpmu_begin(vcpu, env);
		hvpmu_end(env);
	}
	*ret_value = value_of(vcpu, env, reg);
	return HVPMU_OK;
}

/* The counter that RDPMC's ECX names, or HVPMU_GP; where there are no fixed ones it names none. */
static int decode_rdpmc(const struct hvpmu_part *part, u32 index)
{
	if (index & HVPMU_RDPMC_FIXED) {
		index &= ~HVPMU_RDPMC_FIXED;
		if (index >= part->num_fixed)
			return HVPMU_GP;
		return (int)HVPMU_FIXED(hvpmu_env_nospec(index, part->num_fixed));
	}
	return index < part->num_gp ? (int)hvpmu_env_nospec(index, part->num_gp) : HVPMU_GP;
}

int hvpmu_rdpmc(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, u32 index, u64 *ret_value)
{
	int counter = decode_rdpmc(&vcpu->part, index);

	if (counter < 0)
		return HVPMU_GP;
	*ret_value = hvpmu_read_counter(vcpu, env, counter);
	return HVPMU_OK;
}
