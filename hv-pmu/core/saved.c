// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <hvpmu/saved.h>

#include "counters.h"
#include "layout.h"

void hvpmu_save(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, struct hvpmu_saved *ret)
{
	const struct hvpmu_part *part = &vcpu->part;

	hvpmu_put(vcpu, env);
	memset(ret, 0, sizeof(*ret));
	ret->magic = HVPMU_SAVED_MAGIC;
	ret->version = HVPMU_SAVED_VERSION;
	ret->size = sizeof(*ret);
	ret->vendor = part->vendor;
	ret->pmu_version = part->version;
	ret->num_gp = part->num_gp;
	ret->num_fixed = part->num_fixed;
	ret->gp_width = part->gp_width;
	ret->fixed_width = part->fixed_width;
	ret->flags = (u8)((vcpu->freezes_on_pmi ? HVPMU_SAVED_FREEZES_ON_PMI : 0) |
			  (vcpu->pmi_pending ? HVPMU_SAVED_PMI_PENDING : 0) |
			  (part->has_full_width ? HVPMU_SAVED_FULL_WIDTH : 0));
	memcpy(ret->gp_counter, vcpu->gp_counter, sizeof(ret->gp_counter));
	memcpy(ret->gp_select, vcpu->gp_select, sizeof(ret->gp_select));
	memcpy(ret->fixed_counter, vcpu->fixed_counter, sizeof(ret->fixed_counter));
	ret->fixed_ctrl = vcpu->fixed_ctrl;
	ret->global_ctrl = vcpu->global_ctrl;
	ret->status = vcpu->status;
}

static bool is_same_kind(const struct hvpmu_part *part, const struct hvpmu_saved *saved)
{
	u8 flags = HVPMU_SAVED_PMI_PENDING;

	if (part->vendor == HVPMU_INTEL)
		flags |= HVPMU_SAVED_FREEZES_ON_PMI | HVPMU_SAVED_FULL_WIDTH;
	return saved->vendor == part->vendor && saved->pmu_version == part->version &&
	       saved->num_gp == part->num_gp && saved->num_fixed == part->num_fixed &&
	       saved->gp_width == part->gp_width && saved->fixed_width == part->fixed_width &&
	       !saved->reserved && !(saved->flags & ~flags);
}

/* Whether a register could hold this value: a guest's write of it would not change it. */
static bool could_hold(const struct hvpmu_part *part, enum hvpmu_reg_kind kind,
		       unsigned int counter, u64 value)
{
	struct hvpmu_reg reg = {.kind = kind, .counter = counter};
	u64 taken;

	return !hvpmu_layout(part)->check(part, reg, value, &taken) && taken == value;
}

static bool are_counters_valid(const struct hvpmu_part *part, const struct hvpmu_saved *saved)
{
	for (unsigned int i = 0; i < HVPMU_MAX_GP; i++) {
		u64 counter = saved->gp_counter[i];
		u64 select = saved->gp_select[i];

		if (i >= part->num_gp ? counter | select
				      : !could_hold(part, HVPMU_REG_COUNTER, i, counter) ||
						!could_hold(part, HVPMU_REG_SELECT, i, select))
			return false;
	}
	for (unsigned int i = 0; i < HVPMU_MAX_FIXED; i++) {
		u64 counter = saved->fixed_counter[i];

		if (i >= part->num_fixed
			    ? counter != 0
			    : !could_hold(part, HVPMU_REG_COUNTER, HVPMU_FIXED(i), counter))
			return false;
	}
	return true;
}

static bool are_controls_valid(const struct hvpmu_part *part, const struct hvpmu_saved *saved)
{
	if (part->num_fixed ? !could_hold(part, HVPMU_REG_FIXED_CTRL, 0, saved->fixed_ctrl)
			    : saved->fixed_ctrl != 0)
		return false;
	if (!hvpmu_has_global(part))
		return !saved->global_ctrl && !saved->status;
	return could_hold(part, HVPMU_REG_GLOBAL_CTRL, 0, saved->global_ctrl) &&
	       could_hold(part, HVPMU_REG_STATUS_CLEAR, 0, saved->status);
}

int hvpmu_restore(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, const struct hvpmu_saved *saved,
		  size_t size)
{
	if (size < sizeof(*saved) || saved->magic != HVPMU_SAVED_MAGIC ||
	    saved->version < HVPMU_SAVED_VERSION || saved->size < sizeof(*saved) ||
	    saved->size > size || !is_same_kind(&vcpu->part, saved) ||
	    !are_counters_valid(&vcpu->part, saved) || !are_controls_valid(&vcpu->part, saved))
		return HVPMU_INVALID;
	hvpmu_put(vcpu, env);
	vcpu->part.has_full_width = saved->flags & HVPMU_SAVED_FULL_WIDTH;
	vcpu->freezes_on_pmi = saved->flags & HVPMU_SAVED_FREEZES_ON_PMI;
	vcpu->pmi_pending = saved->flags & HVPMU_SAVED_PMI_PENDING;
	memcpy(vcpu->gp_counter, saved->gp_counter, sizeof(vcpu->gp_counter));
	memcpy(vcpu->gp_select, saved->gp_select, sizeof(vcpu->gp_select));
	memcpy(vcpu->fixed_counter, saved->fixed_counter, sizeof(vcpu->fixed_counter));
	vcpu->fixed_ctrl = saved->fixed_ctrl;
	vcpu->global_ctrl = saved->global_ctrl;
	vcpu->status = saved->status;
	hvpmu_note_controls(vcpu, vcpu->part.guest_mask);
	hvpmu_filter(vcpu, env);
	return HVPMU_OK;
}
