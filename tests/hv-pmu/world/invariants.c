/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The invariants of docs/hv-pmu.md, as far as a state shows them. */
#include "tests/hv-pmu/world/world.h"

#include "hvpmu/msr.h"

static u64 bit(unsigned int counter)
{
	return 1ULL << counter;
}

/* Overflows of the vCPU that hardware shows and the core has not taken yet. */
static u64 unseen(const struct world *world, int vcpu)
{
	const struct rig_vcpu *rig = &world->rig.vcpu[vcpu];

	return rig->cpu >= 0 ? world->rig.cpu[rig->cpu].machine.status & rig->core.hw : 0;
}

static bool has_pmi(const struct machine_cpu *guest, unsigned int counter)
{
	return counter >= HVPMU_FIXED(0)
		       ? guest->fixed_ctrl >> (4 * (counter - HVPMU_FIXED(0))) & HVPMU_FIXED_PMI
		       : guest->gp_select[counter] & HVPMU_SEL_INT;
}

/* Without a status register: a counter that went down since the core looked. */
static u64 unseen_by_value(const struct world *world, int vcpu)
{
	const struct hvpmu_vcpu *core = &world->rig.vcpu[vcpu].core;
	u64 set = 0;

	for (unsigned int i = 0; i < world->rig.model->num_gp; i++) {
		if ((core->hw & bit(i)) &&
		    rig_peek_counter(&world->rig, vcpu, i) < core->gp_counter[i])
			set |= bit(i);
	}
	return set;
}

static bool is_pmi_on_its_way(const struct world *world, const struct scope *scope, int vcpu)
{
	const struct rig_vcpu *rig = &world->rig.vcpu[vcpu];
	u64 set = scope->machine.version >= 2 ? unseen(world, vcpu) : unseen_by_value(world, vcpu);

	for (unsigned int i = 0; i < 64; i++) {
		if ((set & bit(i)) && has_pmi(&world->guest[vcpu], i))
			return true;
	}
	return rig->core.pmi_pending;
}

static const char *check_counters(const struct world *world, int vcpu)
{
	const struct machine_cpu *guest = &world->guest[vcpu];

	for (unsigned int i = 0; i < guest->model->num_gp; i++) {
		if (rig_peek_counter(&world->rig, vcpu, i) != guest->gp_counter[i])
			return "1: a general counter differs from the private one";
	}
	for (unsigned int i = 0; i < guest->model->num_fixed; i++) {
		if (rig_peek_counter(&world->rig, vcpu, HVPMU_FIXED(i)) != guest->fixed_counter[i])
			return "1: a fixed counter differs from the private one";
	}
	return NULL;
}

static const char *check_guest(const struct world *world, const struct scope *scope, int vcpu)
{
	const struct rig_vcpu *rig = &world->rig.vcpu[vcpu];
	const struct machine_cpu *guest = &world->guest[vcpu];
	const char *violation = check_counters(world, vcpu);
	bool on_its_way = is_pmi_on_its_way(world, scope, vcpu);
	u64 status = rig_peek_status(&world->rig, vcpu);

	if (violation)
		return violation;
	/* The freeze follows the harvest: on its way as long as the PMI is. */
	if (on_its_way)
		status |= guest->status & HVPMU_STATUS_CTR_FRZ;
	if (status != guest->status)
		return "2: the status differs from the private one's";
	if (!on_its_way && rig->core.global_ctrl != guest->global_ctrl)
		return "1: GLOBAL_CTRL differs from the private one";
	if (guest->nmi_pending && !on_its_way)
		return "3: a PMI is lost";
	if (on_its_way && !(rig->lvtpc & HVPMU_LVT_MASKED) && !guest->nmi_pending)
		return "3: a PMI is on its way that no overflow raised";
	return NULL;
}

static const char *check_hardware(const struct world *world, int number)
{
	const struct rig_cpu *cpu = &world->rig.cpu[number];
	const struct machine_cpu *machine = &cpu->machine;
	const struct hvpmu_vcpu *loaded = cpu->core.loaded;
	u64 left = world->rig.part.guest_mask & ~(loaded ? loaded->hw : 0);
	bool is_amd = world->rig.model->vendor == MACHINE_AMD;

	for (unsigned int i = 0; i < world->rig.model->num_gp; i++) {
		u64 select = machine->gp_select[i];

		if ((left & bit(i)) && (machine->gp_counter[i] | select))
			return "6: a guest's counter or selector stays in hardware";
		if (!(world->rig.part.guest_mask & bit(i)) || !select)
			continue;
		if (is_amd &&
		    (select & (HVPMU_SEL_AMD_GUEST | HVPMU_SEL_AMD_HOST)) != HVPMU_SEL_AMD_GUEST)
			return "9: a guest's selector in hardware is not GuestOnly";
		if (!is_amd && (select & (HVPMU_SEL_ANY | HVPMU_SEL_PIN)))
			return "9: a guest's selector in hardware has AnyThread or pin control";
	}
	for (unsigned int i = 0; i < world->rig.model->num_fixed; i++) {
		if ((left & bit(HVPMU_FIXED(i))) &&
		    (machine->fixed_counter[i] | (machine->fixed_ctrl >> (4 * i) & 0xf)))
			return "6: a guest's fixed counter or its control stays in hardware";
	}
	if (cpu->reads & left)
		return "6: the MSR bitmap passes counters that are not loaded";
	if (!machine->in_guest &&
	    machine_counting(machine, MACHINE_INSTRUCTIONS, 0) & world->rig.part.guest_mask)
		return "5: a guest's counter counts in host mode";
	return NULL;
}

static const char *check_host(const struct world *world, const struct scope *scope, int number)
{
	const struct rig_cpu *cpu = &world->rig.cpu[number];
	unsigned int counter = scope->guest_gp;

	if (cpu->num_unknown)
		return "3: an NMI that nobody knows";
	if (cpu->num_early)
		return "3: the LVTPC is opened over an overflow, and its NMI may come again";
	if (!cpu->machine.nmi_pending && cpu->machine.lvtpc & HVPMU_LVT_MASKED)
		return "3: the LVTPC stays masked, and no other NMI will come";
	if (cpu->core.is_pmi_expected && !cpu->machine.nmi_pending)
		return "3: an NMI is expected that will not come, and would hide an unknown one";
	if (!scope->has_host_events)
		return NULL;
	if (cpu->machine.gp_counter[counter] != world->host[number].gp_counter[counter])
		return "4: a counter of the host differs from one of its own PMU";
	if (cpu->machine.gp_select[counter] != world->host[number].gp_select[counter])
		return "4: a selector of the host changed";
	if ((cpu->machine.status & bit(counter)) != world->host[number].status)
		return "4: an overflow of the host is lost";
	if (world->host[number].status && !cpu->machine.nmi_pending)
		return "4: an overflow of the host, and no NMI";
	return NULL;
}

/* What the CPU takes for loaded is on it, and is. */
static const char *check_loaded(const struct world *world, int number)
{
	const struct rig_cpu *cpu = &world->rig.cpu[number];
	const struct hvpmu_vcpu *loaded = cpu->core.loaded;

	if (loaded && (cpu->vcpu < 0 || loaded != &world->rig.vcpu[cpu->vcpu].core))
		return "7: a CPU believes that a vCPU is loaded which is not there";
	if (!loaded && cpu->vcpu >= 0 && world->rig.vcpu[cpu->vcpu].core.state == HVPMU_LOADED)
		return "7: a vCPU is loaded on a CPU that does not know of it";
	if (cpu->core.is_busy)
		return "7: the core is done, and the CPU is still busy";
	return NULL;
}

static const char *check_cpu(const struct world *world, const struct scope *scope, int number)
{
	const char *violation = check_loaded(world, number);

	if (!violation)
		violation = check_hardware(world, number);

	return violation ? violation : check_host(world, scope, number);
}

static const char *check_vcpu(const struct world *world, const struct scope *scope, int vcpu)
{
	const struct rig_vcpu *rig = &world->rig.vcpu[vcpu];
	const char *violation =
		hvpmu_check(&rig->core, rig->cpu >= 0 ? &world->rig.cpu[rig->cpu].core : NULL);

	return violation ? violation : check_guest(world, scope, vcpu);
}

const char *world_check(const struct world *world, const struct scope *scope)
{
	const char *violation = world->violation;

	for (int i = 0; !violation && i < world->rig.num_cpus; i++)
		violation = check_cpu(world, scope, i);
	for (int i = 0; !violation && i < world->rig.num_vcpus; i++)
		violation = check_vcpu(world, scope, i);
	return violation;
}
