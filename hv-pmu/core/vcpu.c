// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "counters.h"
#include "layout.h"

void hvpmu_cpu_init(struct hvpmu_cpu *cpu, const struct hvpmu_part *part, u64 host_fixed_ctrl)
{
	memset(cpu, 0, sizeof(*cpu));
	cpu->part = part;
	cpu->host_fixed_ctrl = host_fixed_ctrl & hvpmu_fixed_bits(part->host_mask);
}

/* SDM volume 3, "Processor State After Reset": GLOBAL_CTRL enables all general counters. */
static void set_reset_values(struct hvpmu_vcpu *vcpu)
{
	if (hvpmu_has_global(&vcpu->part))
		vcpu->global_ctrl = hvpmu_low_bits(vcpu->part.num_gp);
}

void hvpmu_vcpu_init(struct hvpmu_vcpu *vcpu, const struct hvpmu_part *part)
{
	memset(vcpu, 0, sizeof(*vcpu));
	vcpu->part = *part;
	set_reset_values(vcpu);
}

void hvpmu_vcpu_reset(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env)
{
	struct hvpmu_account account;
	struct hvpmu_part part;

	hvpmu_put(vcpu, env);
	account = vcpu->account;
	part = vcpu->part;
	hvpmu_vcpu_init(vcpu, &part);
	vcpu->account = account;
	hvpmu_filter(vcpu, env);
}

enum hvpmu_ctrl_switch hvpmu_ctrl_switch(const struct hvpmu_caps *caps)
{
	if (caps->vendor == HVPMU_AMD)
		return HVPMU_SWITCH_GUEST_ONLY;
	if (caps->has_entry_ctrl && caps->has_exit_ctrl && !caps->has_ctrl_erratum)
		return HVPMU_SWITCH_CONTROLS;
	return HVPMU_SWITCH_AREAS;
}

bool hvpmu_has_ctrl_erratum(unsigned int family, unsigned int model)
{
	static const u8 models[] = {26, 30, 37, 44, 46}; /* Nehalem and Westmere */

	if (family != 6)
		return false;
	for (size_t i = 0; i < sizeof(models); i++) {
		if (models[i] == model)
			return true;
	}
	return false;
}

void hvpmu_ctrl_areas(u64 guest_ctrl, u64 host_ctrl, struct hvpmu_plan_entry *ret_entry,
		      struct hvpmu_plan_entry *ret_exit)
{
	*ret_entry = (struct hvpmu_plan_entry){.msr = HVPMU_MSR_GLOBAL_CTRL, .value = guest_ctrl};
	*ret_exit = (struct hvpmu_plan_entry){.msr = HVPMU_MSR_GLOBAL_CTRL, .value = host_ctrl};
}

static const char *check_loaded(const struct hvpmu_vcpu *vcpu, const struct hvpmu_cpu *cpu)
{
	const struct hvpmu_layout *layout = hvpmu_layout(&vcpu->part);
	u64 in_use = hvpmu_in_use(vcpu);

	if (!vcpu->hw)
		return "7: loaded, but no counter is in hardware";
	if (cpu && cpu->loaded != vcpu)
		return "7: loaded, but its CPU knows of another vCPU";
	if (vcpu->hw & vcpu->denied)
		return "9: a counter that the filter denies is in hardware";
	if (hvpmu_wanted(vcpu, in_use) & ~vcpu->hw)
		return "1: a counter that belongs in hardware is not there";
	if (layout->gates_by_ctrl && !hvpmu_is_frozen(vcpu) &&
	    vcpu->guest_ctrl != (in_use & vcpu->hw))
		return "1: the guest half of GLOBAL_CTRL is not what the guest asked for";
	return NULL;
}

const char *hvpmu_check(const struct hvpmu_vcpu *vcpu, const struct hvpmu_cpu *cpu)
{
	u64 set = vcpu->part.guest_mask;

	if (vcpu->state != HVPMU_INACTIVE && vcpu->state != HVPMU_LOADED)
		return "7: a state that does not exist";
	if (vcpu->hw & ~vcpu->part.guest_mask)
		return "4: a counter of the host in the guest's set";
	while (set) {
		unsigned int counter = hvpmu_pop(&set);
		u64 value = *hvpmu_counter((struct hvpmu_vcpu *)vcpu, counter);

		if (value & ~hvpmu_counter_mask(&vcpu->part, counter))
			return "8: a counter beyond its width";
		if (!(vcpu->selected & hvpmu_bit(counter)) == hvpmu_is_selected(vcpu, counter) ||
		    !(vcpu->with_pmi & hvpmu_bit(counter)) == hvpmu_wants_pmi(vcpu, counter))
			return "1: a counter is not taken for what its control says";
	}
	if (vcpu->state == HVPMU_LOADED)
		return check_loaded(vcpu, cpu);
	if (vcpu->hw)
		return "6: inactive, but counters are in hardware";
	if (cpu && cpu->loaded == vcpu)
		return "7: inactive, but a CPU believes it is loaded";
	return NULL;
}
