/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/hv-pmu/world/world.h"

#include <stdio.h>
#include <string.h>

#include "common/base/array.h"
#include "hvpmu/msr.h"
#include "hvpmu/saved.h"

#define LVT_NMI (4u << 8)
#define ON_INSTRUCTIONS (0xc0ULL | HVPMU_SEL_OS | HVPMU_SEL_EN)

static bool is_amd(const struct scope *scope)
{
	return scope->machine.vendor == MACHINE_AMD;
}

/* A private PMU: what the guest was promised, its PMI latched like an NMI. */
static const struct machine_model *private_model(const struct world *world,
						 const struct scope *scope)
{
	static struct machine_model model;

	model = scope->machine;
	model.version = world->rig.part.version;
	model.num_gp = scope->guest_gp;
	model.num_fixed = scope->guest_fixed;
	model.has_any_thread = false;
	model.has_svm = false;
	return &model;
}

static unsigned int host_counter(const struct scope *scope)
{
	return scope->guest_gp;
}

static void program_host(struct world *world, const struct scope *scope, int cpu)
{
	unsigned int counter = host_counter(scope);
	u64 select = ON_INSTRUCTIONS | HVPMU_SEL_INT;
	struct machine_cpu *ghost = &world->host[cpu];

	rig_host_program(&world->rig, cpu, counter, select, 0);
	ghost->lvtpc = LVT_NMI;
	ghost->gp_select[counter] = select;
	ghost->global_ctrl = 1ULL << counter;
}

bool world_init(struct world *world, const struct scope *scope)
{
	memset(world, 0, sizeof(*world));
	if (!rig_init(&world->rig, &scope->machine, scope->guest_gp, scope->guest_fixed,
		      scope->num_cpus, scope->num_vcpus))
		return false;
	if (scope->uses_areas)
		world->rig.switching = HVPMU_SWITCH_AREAS;
	world->rig.part.loads_all = scope->loads_all;
	for (int i = 0; i < scope->num_vcpus; i++) {
		world->rig.vcpu[i].core.part.loads_all = scope->loads_all;
		machine_init(&world->guest[i], private_model(world, scope));
		world->guest[i].lvtpc = LVT_NMI;
	}
	for (int i = 0; i < scope->num_cpus; i++) {
		machine_init(&world->host[i], &scope->machine);
		if (scope->has_host_events)
			program_host(world, scope, i);
	}
	return true;
}

/* The hook: counts the core's accesses, and lets the latched NMI in before the chosen one. */
struct interruption {
	unsigned int accesses;
	unsigned int nmi_at;
};

static void interrupt(struct rig *rig, int cpu, void *context)
{
	struct interruption *interruption = context;

	if (interruption->accesses++ == interruption->nmi_at)
		rig_deliver_nmi(rig, cpu);
}

void world_guest_write(struct world *world, int vcpu, u32 msr, u64 value)
{
	bool ok = machine_wrmsr(&world->guest[vcpu], msr, value);
	int result = rig_guest_wrmsr(&world->rig, vcpu, msr, value);

	if (ok != (result == HVPMU_OK))
		world->violation = "8: a write faults where a private PMU does not, or the reverse";
}

void world_guest_read(struct world *world, int vcpu, u32 msr)
{
	u64 expected = 0, value = 0;
	bool ok = machine_rdmsr(&world->guest[vcpu], msr, &expected);
	int result = rig_guest_rdmsr(&world->rig, vcpu, msr, &value);

	if (ok != (result == HVPMU_OK) || (ok && value != expected))
		world->violation = "1: a guest reads what its private PMU would not show";
}

void world_guest_rdpmc(struct world *world, int vcpu, u32 index)
{
	u64 expected = 0, value = 0;
	bool ok = machine_rdpmc(&world->guest[vcpu], index, &expected);

	/* The price of `loads_all`: the host's counters, where there is nothing for a guest. */
	if (!ok && rig_is_rdpmc_direct(&world->rig, vcpu))
		return;
	if (ok != !rig_guest_rdpmc(&world->rig, vcpu, index, &value))
		world->violation = "8: RDPMC faults where a private PMU's does not, or not";
	else if (ok && value != expected)
		world->violation = "1: RDPMC reads what a private PMU does not show";
}

static u32 select_msr(const struct world *world, unsigned int i)
{
	const struct hvpmu_part *part = &world->rig.part;

	if (part->vendor != HVPMU_AMD)
		return HVPMU_MSR_PERFEVTSEL0 + i;
	return hvpmu_has_core_ext(part) ? HVPMU_MSR_CORE_PERFEVTSEL0 + 2 * i
					: HVPMU_MSR_K7_PERFEVTSEL0 + i;
}

static u32 counter_msr(const struct world *world, unsigned int counter)
{
	const struct hvpmu_part *part = &world->rig.part;

	if (counter >= HVPMU_FIXED(0))
		return HVPMU_MSR_FIXED_CTR0 + counter - HVPMU_FIXED(0);
	if (part->vendor != HVPMU_AMD)
		return HVPMU_MSR_A_PMC0 + counter;
	return hvpmu_has_core_ext(part) ? HVPMU_MSR_CORE_PERFCTR0 + 2 * counter
					: HVPMU_MSR_K7_PERFCTR0 + counter;
}

static u64 guest_set(const struct world *world)
{
	return world->rig.part.guest_mask;
}

/* None, all, or the first alone. */
static u64 global_ctrl_of(const struct world *world, unsigned int value)
{
	return value == 1 ? guest_set(world) : value / 2;
}

void world_count_private(struct world *world, int vcpu, enum machine_event event, unsigned int cpl,
			 u64 count)
{
	struct machine_cpu *guest = &world->guest[vcpu];
	struct machine_cpu allowed = *guest;

	for (u64 denied = world->rig.vcpu[vcpu].core.denied; denied; denied &= denied - 1) {
		unsigned int counter = (unsigned int)__builtin_ctzll(denied);

		if (counter >= HVPMU_FIXED(0))
			allowed.fixed_ctrl &= ~(0xfULL << (4 * (counter - HVPMU_FIXED(0))));
		else
			allowed.gp_select[counter] = 0;
	}
	machine_count(&allowed, event, cpl, count);
	memcpy(allowed.gp_select, guest->gp_select, sizeof(allowed.gp_select));
	allowed.fixed_ctrl = guest->fixed_ctrl;
	*guest = allowed;
}

/*
 * Without a status register an overflow is a value below the last one seen: a counter that has gone
 * through all its values since cannot be told from one that stands still. Real ones have 2^48.
 */
static bool closes_circle(const struct world *world, int vcpu)
{
	const struct hvpmu_vcpu *core = &world->rig.vcpu[vcpu].core;
	u64 max = (1ULL << world->rig.part.gp_width) - 1;

	if (world->rig.model->version >= 2)
		return false;
	for (unsigned int i = 0; i < world->rig.part.num_gp; i++) {
		u64 value = rig_peek_counter(&world->rig, vcpu, i);

		if ((core->hw >> i & 1) && ((value + 1) & max) == core->gp_counter[i])
			return true;
	}
	return false;
}

/*
 * Accesses of what is not the guest's: counters of the host, reserved bits, registers that are only
 * read. On Intel they fault and nothing changes; on AMD what is reserved is ignored, so the values are
 * those that the guest writes anyway but for it.
 */
static bool touch_forbidden(struct world *world, const struct scope *scope, int vcpu,
			    unsigned int which)
{
	bool amd = is_amd(scope);
	u64 beyond = guest_set(world) | 1ULL << scope->guest_gp;
	u32 first_absent =
		scope->guest_gp < HVPMU_CORE_COUNTERS ? HVPMU_CORE_COUNTERS : scope->guest_gp;

	switch (which) {
	case 0:
		world_guest_write(world, vcpu, select_msr(world, 0),
				  ON_INSTRUCTIONS | HVPMU_SEL_ANY);
		break;
	case 1:
		world_guest_write(world, vcpu,
				  select_msr(world, amd ? first_absent : scope->guest_gp),
				  ON_INSTRUCTIONS);
		break;
	case 2:
		world_guest_write(world, vcpu, counter_msr(world, 0),
				  1ULL << scope->machine.gp_width | 1);
		break;
	case 3:
		world_guest_write(world, vcpu,
				  counter_msr(world, amd ? first_absent : scope->guest_gp), 1);
		break;
	case 4:
		world_guest_write(world, vcpu,
				  amd ? HVPMU_MSR_AMD_GLOBAL_CTL : HVPMU_MSR_GLOBAL_CTRL, beyond);
		break;
	case 5:
		world_guest_write(world, vcpu,
				  amd ? HVPMU_MSR_AMD_GLOBAL_STATUS : HVPMU_MSR_GLOBAL_STATUS, 1);
		break;
	case 6:
		world_guest_write(world, vcpu,
				  amd ? HVPMU_MSR_AMD_GLOBAL_STATUS_CLR : HVPMU_MSR_GLOBAL_OVF_CTRL,
				  beyond);
		break;
	case 7:
		if (amd)
			return false;
		world_guest_write(world, vcpu, HVPMU_MSR_FIXED_CTR_CTRL, HVPMU_FIXED_ANY);
		break;
	default: world_guest_rdpmc(world, vcpu, scope->guest_gp);
	}
	return true;
}

static bool act_in_guest(struct world *world, const struct scope *scope, struct action action,
			 int vcpu)
{
	static const u64 selects[] = {0, ON_INSTRUCTIONS, ON_INSTRUCTIONS | HVPMU_SEL_INT};
	static const u64 fixed_ctrls[] = {0, HVPMU_FIXED_OS | HVPMU_FIXED_PMI};
	struct machine_cpu *machine = &world->rig.cpu[action.cpu].machine;
	u64 max = (1ULL << scope->machine.gp_width) - 1;

	switch (action.kind) {
	case ACTION_COUNT:
		/* An instruction cannot retire between an overflow and its NMI: no skid. */
		if (machine->nmi_pending || closes_circle(world, vcpu))
			return false;
		machine_count(&world->host[action.cpu], MACHINE_INSTRUCTIONS, 0, 1);
		world_count_private(world, vcpu, MACHINE_INSTRUCTIONS, 0, 1);
		machine_count(machine, MACHINE_INSTRUCTIONS, 0, 1);
		return true;
	case ACTION_SELECT:
		world_guest_write(world, vcpu, select_msr(world, action.argument),
				  selects[action.value]);
		return true;
	case ACTION_COUNTER:
		/* Passed through: the NMI comes first. */
		if (machine->nmi_pending)
			return false;
		world_guest_write(world, vcpu, counter_msr(world, action.argument),
				  action.value ? max : 1);
		return true;
	case ACTION_FIXED_CTRL:
		world_guest_write(world, vcpu, HVPMU_MSR_FIXED_CTR_CTRL, fixed_ctrls[action.value]);
		return true;
	case ACTION_GLOBAL_CTRL:
		world_guest_write(world, vcpu,
				  is_amd(scope) ? HVPMU_MSR_AMD_GLOBAL_CTL : HVPMU_MSR_GLOBAL_CTRL,
				  global_ctrl_of(world, action.value));
		return true;
	case ACTION_STATUS_CLEAR:
		world_guest_write(
			world, vcpu,
			is_amd(scope) ? HVPMU_MSR_AMD_GLOBAL_STATUS_CLR : HVPMU_MSR_GLOBAL_OVF_CTRL,
			guest_set(world) | (scope->has_freeze && scope->machine.version >= 4
						    ? HVPMU_STATUS_CTR_FRZ
						    : 0));
		return true;
	case ACTION_STATUS_SET:
		world_guest_write(world, vcpu,
				  is_amd(scope) ? HVPMU_MSR_AMD_GLOBAL_STATUS_SET
						: HVPMU_MSR_GLOBAL_STATUS_SET,
				  1);
		return true;
	case ACTION_READ_STATUS:
		world_guest_read(world, vcpu,
				 is_amd(scope) ? HVPMU_MSR_AMD_GLOBAL_STATUS
					       : HVPMU_MSR_GLOBAL_STATUS);
		return true;
	case ACTION_READ_COUNTER:
		world_guest_read(world, vcpu, counter_msr(world, action.argument));
		return true;
	case ACTION_FORBIDDEN:
		if (machine->nmi_pending)
			return false;
		return touch_forbidden(world, scope, vcpu, action.argument);
	case ACTION_UNMASK:
		/* The PMI has come, or this is before it: then it would come first. */
		if (machine->nmi_pending || world->guest[vcpu].nmi_pending)
			return false;
		world->rig.vcpu[vcpu].lvtpc &= ~HVPMU_LVT_MASKED;
		world->guest[vcpu].lvtpc &= ~HVPMU_LVT_MASKED;
		return true;
	case ACTION_EXIT: rig_exit(&world->rig, action.cpu); return true;
	default: return false;
	}
}

/* Registers and promises, not accounts. An inactive vCPU has nothing else. */
static bool is_same_guest(const struct hvpmu_vcpu *a, const struct hvpmu_vcpu *b)
{
	return !memcmp(a->gp_counter, b->gp_counter, sizeof(a->gp_counter)) &&
	       !memcmp(a->gp_select, b->gp_select, sizeof(a->gp_select)) &&
	       !memcmp(a->fixed_counter, b->fixed_counter, sizeof(a->fixed_counter)) &&
	       a->fixed_ctrl == b->fixed_ctrl && a->global_ctrl == b->global_ctrl &&
	       a->status == b->status && a->denied == b->denied &&
	       a->freezes_on_pmi == b->freezes_on_pmi && a->pmi_pending == b->pmi_pending &&
	       a->part.has_full_width == b->part.has_full_width;
}

/* One register more than a guest can have, in each of its kinds. */
static void try_impossible(struct world *world, int vcpu, struct hvpmu_env *env,
			   const struct hvpmu_saved *saved)
{
	struct hvpmu_vcpu *core = &world->rig.vcpu[vcpu].core;
	const struct hvpmu_part *part = &core->part;
	struct hvpmu_saved bad[7];

	for (size_t i = 0; i < HVP_ARRAY_SIZE(bad); i++)
		bad[i] = *saved;
	bad[0].gp_counter[0] |= 1ULL << part->gp_width;
	bad[1].gp_counter[part->num_gp] = 1;
	bad[2].gp_select[0] |= HVPMU_SEL_ANY;
	bad[3].fixed_ctrl |= 1ULL << (HVPMU_FIXED_BITS * part->num_fixed);
	bad[4].global_ctrl |= 1ULL << part->num_gp;
	bad[5].status |= 1ULL << part->num_gp;
	bad[6].num_gp++;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(bad); i++) {
		if (hvpmu_restore(core, env, &bad[i], sizeof(bad[i])) != HVPMU_INVALID)
			world->violation = "10: a state that no guest could have made is taken";
	}
}

void world_save_and_restore(struct world *world, int vcpu, struct hvpmu_env *env)
{
	struct hvpmu_vcpu *core = &world->rig.vcpu[vcpu].core;
	struct hvpmu_vcpu before;
	struct hvpmu_saved saved;

	hvpmu_save(core, env, &saved);
	before = *core;
	hvpmu_vcpu_init(core, &before.part);
	try_impossible(world, vcpu, env, &saved);
	if (hvpmu_restore(core, env, &saved, sizeof(saved)))
		world->violation = "10: what was saved is refused";
	else if (!is_same_guest(core, &before))
		world->violation = "10: what was restored is not what was saved";
}

static void emulate(struct world *world, int vcpu, struct hvpmu_env *env)
{
	struct hvpmu_vcpu *core = &world->rig.vcpu[vcpu].core;

	/* The instruction retires on the guest's private PMU; the host's never saw it. */
	world_count_private(world, vcpu, MACHINE_INSTRUCTIONS, 0, 1);
	if (hvpmu_wants_retired(core, HVPMU_RETIRED_INSTRUCTION))
		hvpmu_retired(core, env, HVPMU_RETIRED_INSTRUCTION, 0);
}

/* One filter for all; a vCPU is told on the CPU where it is. */
static bool change_filter(struct rig *rig, int cpu, struct hvpmu_env *env)
{
	for (int i = 0; i < rig->num_vcpus; i++) {
		if (rig->vcpu[i].cpu >= 0 && rig->vcpu[i].cpu != cpu)
			return false;
	}
	rig->denied ^= 1;
	for (int i = 0; i < rig->num_vcpus; i++)
		hvpmu_filter(&rig->vcpu[i].core, env);
	return true;
}

static bool act_in_host(struct world *world, const struct scope *scope, struct action action,
			int vcpu)
{
	struct rig *rig = &world->rig;
	struct rig_cpu *cpu = &rig->cpu[action.cpu];
	struct rig_place place;
	struct hvpmu_env env = rig_env(rig, action.cpu, &place);

	switch (action.kind) {
	case ACTION_ENTER:
		if (vcpu < 0)
			return false;
		if (!rig_enter(rig, action.cpu))
			world->violation = "4: a VM entry fails";
		return true;
	case ACTION_PUT:
		if (vcpu < 0)
			return false;
		rig_put(rig, vcpu);
		return true;
	case ACTION_LOAD:
		if (vcpu >= 0 || rig->vcpu[action.argument].cpu != RIG_NOWHERE)
			return false;
		rig_load(rig, action.argument, action.cpu);
		return true;
	case ACTION_HOST_COUNT:
		if (!scope->has_host_events || cpu->machine.nmi_pending)
			return false;
		machine_count(&world->host[action.cpu], MACHINE_INSTRUCTIONS, 0, 1);
		machine_count(&cpu->machine, MACHINE_INSTRUCTIONS, 0, 1);
		return true;
	case ACTION_FILTER:
		return scope->has_filter && vcpu >= 0 && change_filter(rig, action.cpu, &env);
	case ACTION_FREEZE:
		if (!scope->has_freeze || vcpu < 0)
			return false;
		world->guest[vcpu].debugctl ^= 1ULL << 12;
		hvpmu_set_freeze_on_pmi(&rig->vcpu[vcpu].core, &env,
					world->guest[vcpu].debugctl >> 12);
		return true;
	case ACTION_EMULATE:
		if (!scope->has_emulation || vcpu < 0)
			return false;
		emulate(world, vcpu, &env);
		return true;
	case ACTION_SAVE_RESTORE:
		if (!scope->has_migration_state || vcpu < 0)
			return false;
		world_save_and_restore(world, vcpu, &env);
		return true;
	default: return false;
	}
}

/* PMIs that the rig has injected since are those that the private PMU raised. */
static void compare_injections(struct world *world, const u32 before[])
{
	for (int i = 0; i < world->rig.num_vcpus; i++) {
		if (world->rig.vcpu[i].injected == before[i])
			continue;
		if (!world->guest[i].nmi_pending || world->rig.vcpu[i].injected != before[i] + 1)
			world->violation = "3: a PMI that no overflow of this guest raised";
		world->guest[i].nmi_pending = false;
	}
}

/* The host's handler got these overflows: so did the one with a PMU of its own. */
static void settle_host(struct world *world)
{
	for (int i = 0; i < world->rig.num_cpus; i++) {
		struct rig_cpu *cpu = &world->rig.cpu[i];

		if (!cpu->host_overflows)
			continue;
		if (cpu->host_overflows & ~world->host[i].status)
			world->violation = "4: the host is given an overflow that was not its own";
		world->host[i].status &= ~cpu->host_overflows;
		world->host[i].nmi_pending = false;
		world->host[i].lvtpc = LVT_NMI;
		cpu->host_overflows = 0;
	}
}

void world_begin(const struct world *world, struct world_mark *ret)
{
	for (int i = 0; i < world->rig.num_vcpus; i++)
		ret->injected[i] = world->rig.vcpu[i].injected;
}

void world_end(struct world *world, const struct world_mark *mark)
{
	compare_injections(world, mark->injected);
	settle_host(world);
}

bool world_act(struct world *world, const struct scope *scope, struct action action,
	       unsigned int *ret_accesses)
{
	struct interruption interruption = {.nmi_at = action.nmi_at};
	struct rig *rig = &world->rig;
	struct machine_cpu *machine = &rig->cpu[action.cpu].machine;
	int vcpu = rig->cpu[action.cpu].vcpu;
	struct world_mark mark;
	bool is_done;

	world_begin(world, &mark);
	rig->hook = interrupt;
	rig->context = &interruption;
	if (action.kind == ACTION_NMI) {
		is_done = machine->nmi_pending;
		rig_deliver_nmi(rig, action.cpu);
	} else if (machine->in_guest) {
		is_done = act_in_guest(world, scope, action, vcpu);
	} else {
		is_done = act_in_host(world, scope, action, vcpu);
	}
	/* Delivered at the latest with the next instruction of the guest. */
	if (action.kind != ACTION_COUNT && machine->in_guest)
		rig_deliver_nmi(rig, action.cpu);
	rig->hook = NULL;
	rig->context = NULL;
	world_end(world, &mark);
	*ret_accesses = interruption.accesses;
	return is_done;
}

void world_normalize(struct world *world)
{
	struct rig *rig = &world->rig;

	for (int i = 0; i < rig->num_cpus; i++) {
		struct rig_cpu *cpu = &rig->cpu[i];

		memset(cpu->happened, 0, sizeof(cpu->happened));
		cpu->machine.num_rdmsr = 0;
		cpu->machine.num_wrmsr = 0;
		cpu->machine.num_rdpmc = 0;
		cpu->machine.num_area = 0;
		world->host[i].num_wrmsr = 0;
	}
	for (int i = 0; i < rig->num_vcpus; i++) {
		struct rig_vcpu *vcpu = &rig->vcpu[i];
		u64 set = vcpu->core.hw;

		memset(&vcpu->core.account, 0, sizeof(vcpu->core.account));
		vcpu->requests = 0;
		vcpu->injected = 0;
		world->guest[i].num_rdmsr = 0;
		world->guest[i].num_wrmsr = 0;
		world->guest[i].num_rdpmc = 0;
		/* In hardware, and what memory holds is stale - unless it is what detects overflows. */
		while (set && rig->model->version >= 2) {
			unsigned int counter = (unsigned int)__builtin_ctzll(set);

			set &= set - 1;
			if (counter >= HVPMU_FIXED(0))
				vcpu->core.fixed_counter[counter - HVPMU_FIXED(0)] = 0;
			else
				vcpu->core.gp_counter[counter] = 0;
		}
	}
}

void action_describe(const struct world *world, struct action action, char *ret, size_t size)
{
	static const char *const names[ACTION_KINDS] = {
		[ACTION_COUNT] = "an instruction retires in the guest",
		[ACTION_SELECT] = "the guest writes selector",
		[ACTION_COUNTER] = "the guest writes counter",
		[ACTION_FIXED_CTRL] = "the guest writes FIXED_CTR_CTRL",
		[ACTION_GLOBAL_CTRL] = "the guest writes GLOBAL_CTRL",
		[ACTION_STATUS_CLEAR] = "the guest clears GLOBAL_STATUS",
		[ACTION_STATUS_SET] = "the guest sets bit 0 of GLOBAL_STATUS",
		[ACTION_READ_STATUS] = "the guest reads GLOBAL_STATUS",
		[ACTION_READ_COUNTER] = "the guest reads counter",
		[ACTION_FORBIDDEN] = "the guest touches what is not its own:",
		[ACTION_UNMASK] = "the guest unmasks its LVTPC",
		[ACTION_EXIT] = "VM exit",
		[ACTION_ENTER] = "VM entry",
		[ACTION_PUT] = "the vCPU leaves the CPU",
		[ACTION_LOAD] = "vCPU comes to the CPU:",
		[ACTION_NMI] = "the NMI arrives",
		[ACTION_HOST_COUNT] = "an instruction retires in the host",
		[ACTION_FILTER] = "the filter of counter 0 changes",
		[ACTION_FREEZE] = "the guest's FREEZE_PERFMON_ON_PMI changes",
		[ACTION_EMULATE] = "the hypervisor emulates an instruction",
		[ACTION_SAVE_RESTORE] = "the vCPU's state is saved and restored",
	};
	int length = snprintf(ret, size, "CPU %d, vCPU %d: %s %d, value %d", action.cpu,
			      world->rig.cpu[action.cpu].vcpu, names[action.kind], action.argument,
			      action.value);

	if (action.nmi_at != NMI_NEVER && length > 0 && (size_t)length < size)
		snprintf(ret + length, size - (size_t)length,
			 "; the NMI arrives before access %d of the core", action.nmi_at);
}
