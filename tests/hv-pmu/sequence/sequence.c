/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sequence.h"

#include <inttypes.h>
#include <string.h>

#include "common/base/array.h"
#include "hvpmu/msr.h"

#define INTEL(v, gp, fixed)                                                                        \
	{                                                                                          \
		.vendor = MACHINE_INTEL, .version = v, .num_gp = gp, .num_fixed = fixed,           \
		.gp_width = 48, .fixed_width = 48, .has_full_width = true, .has_any_thread = true  \
	}
#define AMD(v, gp)                                                                                 \
	{                                                                                          \
		.vendor = MACHINE_AMD, .has_svm = true, .version = v, .num_gp = gp, .gp_width = 48 \
	}
#define EVERYTHING                                                                                 \
	.num_cpus = 2, .num_vcpus = 3, .has_filter = true, .has_emulation = true,                  \
	.has_migration_state = true

const struct scope sequence_scopes[NUM_SEQUENCE_SCOPES] = {
	{.name = "intel-v2",
	 .machine = INTEL(2, 4, 3),
	 .guest_gp = 2,
	 .guest_fixed = 3,
	 .has_host_events = true,
	 EVERYTHING},
	{.name = "intel-v3-areas",
	 .machine = INTEL(3, 8, 3),
	 .guest_gp = 4,
	 .guest_fixed = 0,
	 .has_host_events = true,
	 .has_freeze = true,
	 .uses_areas = true,
	 EVERYTHING},
	{.name = "intel-v4",
	 .machine = INTEL(4, 8, 3),
	 .guest_gp = 4,
	 .guest_fixed = 3,
	 .has_host_events = true,
	 .has_freeze = true,
	 EVERYTHING},
	{.name = "intel-v5",
	 .machine = INTEL(5, 8, 4),
	 .guest_gp = 7,
	 .guest_fixed = 2,
	 .has_host_events = true,
	 .has_freeze = true,
	 EVERYTHING},
	{.name = "amd-k7", .machine = AMD(0, 4), .guest_gp = 4, EVERYTHING},
	{.name = "amd-core", .machine = AMD(1, 6), .guest_gp = 4, EVERYTHING},
	{.name = "amd-core-all", .machine = AMD(1, 6), .guest_gp = 6, EVERYTHING},
	{.name = "amd-v2",
	 .machine = AMD(2, 6),
	 .guest_gp = 4,
	 .has_host_events = true,
	 EVERYTHING},
	{.name = "intel-v2-loads-all",
	 .machine = INTEL(2, 8, 3),
	 .guest_gp = 4,
	 .guest_fixed = 2,
	 .loads_all = true,
	 .has_host_events = true,
	 EVERYTHING},
	{.name = "amd-v2-loads-all",
	 .machine = AMD(2, 6),
	 .guest_gp = 4,
	 .loads_all = true,
	 .has_host_events = true,
	 EVERYTHING},
};

struct run {
	const struct scope *scope;
	struct world *world;
	const uint8_t *at;
	const uint8_t *end;
	FILE *trace;
	struct sequence_stats *stats;
	unsigned int accesses; /* of the core in this step */
	unsigned int nmi_at;
};

static u8 take(struct run *run)
{
	return run->at < run->end ? *run->at++ : 0;
}

static u64 take_many(struct run *run, unsigned int count)
{
	u64 value = 0;

	while (count--)
		value = value << 8 | take(run);
	return value;
}

/* Values that matter: about the width's end, about 32 bits' end, few bits, and anything. */
static u64 take_value(struct run *run)
{
	u64 near = take(run);

	switch (take(run) % 6) {
	case 0: return near;
	case 1: return (1ULL << 48) - 1 - near;
	case 2: return 0xffffffffULL - near;
	case 3: return 1ULL << (near & 63);
	case 4: return 0x80000000ULL + near;
	default: return take_many(run, 8);
	}
}

/* Selectors that count, mostly: of the events that happen here. */
static u64 take_select(struct run *run)
{
	static const u16 intel[] = {0x003c, 0x00c0, 0x00c4}, amd[] = {0x0076, 0x00c0, 0x00c2};
	u8 choice = take(run);
	u64 event =
		run->world->rig.part.vendor == HVPMU_INTEL ? intel[choice % 3] : amd[choice % 3];

	if (choice >= 240)
		return take_value(run);
	return event | (u64)(take(run) & 0x3) << 16 | (u64)(choice >> 2 & 1) << 20 |
	       (choice & 8 ? 0 : HVPMU_SEL_EN);
}

struct range {
	u32 first;
	u32 count;
};

static u32 take_msr(struct run *run)
{
	static const struct range intel[] = {
		{HVPMU_MSR_PMC0, 9},	       {HVPMU_MSR_PERFEVTSEL0, 9},
		{HVPMU_MSR_A_PMC0, 9},	       {HVPMU_MSR_FIXED_CTR0, 9},
		{HVPMU_MSR_FIXED_CTR_CTRL, 6}, {HVPMU_MSR_PERF_CAPABILITIES, 1},
	};
	static const struct range amd[] = {
		{HVPMU_MSR_K7_PERFEVTSEL0, 9},
		{HVPMU_MSR_CORE_PERFEVTSEL0, 14},
		{HVPMU_MSR_AMD_GLOBAL_STATUS, 5},
	};
	bool is_intel = run->world->rig.part.vendor == HVPMU_INTEL;
	u8 choice = take(run);
	struct range range = is_intel ? intel[choice % HVP_ARRAY_SIZE(intel)]
				      : amd[choice % HVP_ARRAY_SIZE(amd)];

	return range.first + take(run) % range.count;
}

static bool is_selector(const struct run *run, u32 msr)
{
	if (run->world->rig.part.vendor == HVPMU_INTEL)
		return msr - HVPMU_MSR_PERFEVTSEL0 < 8;
	return msr - HVPMU_MSR_K7_PERFEVTSEL0 < 4 ||
	       (msr - HVPMU_MSR_CORE_PERFEVTSEL0 < 12 && !(msr & 1));
}

static void say(struct run *run, const char *what, int cpu, u64 first, u64 second)
{
	if (run->trace)
		fprintf(run->trace, "  CPU %d: %s %#" PRIx64 " %#" PRIx64 "\n", cpu, what, first,
			second);
}

/* A value that fits the register, mostly: near the overflow, all on, a known event. */
static u64 take_value_for(struct run *run, u32 msr)
{
	u8 choice = take(run);

	if (is_selector(run, msr))
		return take_select(run);
	if (choice < 64)
		return take_value(run);
	if (msr == HVPMU_MSR_FIXED_CTR_CTRL)
		return 0xbbb >> 4 * (choice & 1);
	if (msr == HVPMU_MSR_GLOBAL_CTRL || msr == HVPMU_MSR_AMD_GLOBAL_CTL)
		return run->world->rig.part.guest_mask;
	if (msr >= HVPMU_MSR_GLOBAL_STATUS && msr <= HVPMU_MSR_GLOBAL_INUSE)
		return run->world->rig.part.guest_mask | HVPMU_STATUS_CTR_FRZ;
	return (1ULL << 48) - 1 - choice;
}

static void write_msr(struct run *run, int cpu, int vcpu)
{
	u32 msr = take_msr(run);
	u64 value = take_value_for(run, msr);

	say(run, "the guest writes", cpu, msr, value);
	run->stats->writes++;
	world_guest_write(run->world, vcpu, msr, value);
}

static void read_msr(struct run *run, int cpu, int vcpu)
{
	u32 msr = take_msr(run);

	say(run, "the guest reads", cpu, msr, 0);
	run->stats->reads++;
	world_guest_read(run->world, vcpu, msr);
}

static void read_pmc(struct run *run, int cpu, int vcpu)
{
	u32 index = take(run);

	index = (index & 0xf) | (index & 0x80 ? HVPMU_RDPMC_FIXED : 0) |
		(index & 0x40 ? 1u << 31 : 0);
	say(run, "the guest's RDPMC of", cpu, index, 0);
	world_guest_rdpmc(run->world, vcpu, index);
}

/* Events on a CPU: on its hardware, on the host's private PMU and on the guest's that runs. */
static void count(struct run *run, int cpu, int vcpu)
{
	struct world *world = run->world;
	u8 choice = take(run);
	enum machine_event event = choice % 3;
	unsigned int cpl = choice & 0x40 ? 3 : 0;
	u64 amount = choice & 0x80 ? 1ULL + take(run) : take_many(run, 5);

	say(run, vcpu < 0 ? "events in the host" : "events in the guest", cpu, event, amount);
	machine_count(&world->host[cpu], event, cpl, amount);
	if (vcpu >= 0)
		world_count_private(world, vcpu, event, cpl, amount);
	world->rig.cpu[cpu].happened[event] += amount;
	machine_count(&world->rig.cpu[cpu].machine, event, cpl, amount);
}

static void unmask(struct run *run, int vcpu)
{
	if (run->world->guest[vcpu].nmi_pending)
		return;
	run->world->rig.vcpu[vcpu].lvtpc &= ~HVPMU_LVT_MASKED;
	run->world->guest[vcpu].lvtpc &= ~HVPMU_LVT_MASKED;
}

static void step_in_guest(struct run *run, int cpu, int vcpu, u8 choice)
{
	switch (choice % 16) {
	case 0 ... 4: count(run, cpu, vcpu); break;
	case 5 ... 8: write_msr(run, cpu, vcpu); break;
	case 9 ... 10: read_msr(run, cpu, vcpu); break;
	case 11: read_pmc(run, cpu, vcpu); break;
	case 12 ... 13: unmask(run, vcpu); break;
	default: say(run, "VM exit", cpu, 0, 0); rig_exit(&run->world->rig, cpu);
	}
}

static void change_filter(struct run *run, int cpu, struct hvpmu_env *env)
{
	struct rig *rig = &run->world->rig;

	for (int i = 0; i < rig->num_vcpus; i++) {
		if (rig->vcpu[i].cpu >= 0 && rig->vcpu[i].cpu != cpu)
			return;
	}
	rig->denied ^= take_value(run) & rig->part.guest_mask;
	say(run, "the filter denies", cpu, rig->denied, 0);
	for (int i = 0; i < rig->num_vcpus; i++)
		hvpmu_filter(&rig->vcpu[i].core, env);
}

static void emulate(struct run *run, int vcpu, struct hvpmu_env *env)
{
	struct hvpmu_vcpu *core = &run->world->rig.vcpu[vcpu].core;
	enum hvpmu_retired kind = take(run) & 1 ? HVPMU_RETIRED_BRANCH : HVPMU_RETIRED_INSTRUCTION;
	unsigned int cpl = take(run) & 1 ? 3 : 0;

	world_count_private(run->world, vcpu, MACHINE_INSTRUCTIONS, cpl, 1);
	if (kind == HVPMU_RETIRED_BRANCH)
		world_count_private(run->world, vcpu, MACHINE_BRANCHES, cpl, 1);
	if (hvpmu_wants_retired(core, kind))
		hvpmu_retired(core, env, kind, cpl);
}

static void load(struct run *run, int cpu)
{
	struct rig *rig = &run->world->rig;
	int vcpu = take(run) % rig->num_vcpus;

	if (rig->vcpu[vcpu].cpu != RIG_NOWHERE)
		return;
	say(run, "there comes vCPU", cpu, (u64)vcpu, 0);
	rig_load(rig, vcpu, cpu);
	run->stats->loads++;
}

static void step_with_vcpu(struct run *run, int cpu, int vcpu, u8 choice, struct hvpmu_env *env)
{
	struct world *world = run->world;

	switch (choice % 16) {
	case 0:
		say(run, "the vCPU leaves", cpu, (u64)vcpu, 0);
		rig_put(&world->rig, vcpu);
		break;
	case 1: change_filter(run, cpu, env); break;
	case 2:
		if (!run->scope->has_freeze)
			break;
		say(run, "FREEZE_PERFMON_ON_PMI changes", cpu, 0, 0);
		world->guest[vcpu].debugctl ^= 1ULL << 12;
		hvpmu_set_freeze_on_pmi(&world->rig.vcpu[vcpu].core, env,
					world->guest[vcpu].debugctl >> 12);
		break;
	case 3 ... 4:
		say(run, "an emulated instruction", cpu, 0, 0);
		emulate(run, vcpu, env);
		break;
	case 5:
		say(run, "save and restore", cpu, 0, 0);
		world_save_and_restore(world, vcpu, env);
		run->stats->saves++;
		break;
	default:
		say(run, "VM entry", cpu, 0, 0);
		if (!rig_enter(&world->rig, cpu))
			world->violation = "4: a VM entry fails";
	}
}

static void step_in_host(struct run *run, int cpu, int vcpu, u8 choice)
{
	struct rig_place place;
	struct hvpmu_env env = rig_env(&run->world->rig, cpu, &place);

	if (choice >= 224 && run->scope->has_host_events &&
	    !run->world->rig.cpu[cpu].machine.nmi_pending)
		count(run, cpu, RIG_NOWHERE);
	else if (vcpu < 0)
		load(run, cpu);
	else
		step_with_vcpu(run, cpu, vcpu, choice, &env);
}

static void interrupt(struct rig *rig, int cpu, void *context)
{
	struct run *run = context;

	if (run->accesses++ != run->nmi_at || !rig->cpu[cpu].machine.nmi_pending)
		return;
	run->stats->nmis_inside++;
	rig_deliver_nmi(rig, cpu);
}

static u64 sum_of_injected(const struct rig *rig)
{
	u64 sum = 0;

	for (int i = 0; i < rig->num_vcpus; i++)
		sum += rig->vcpu[i].injected;
	return sum;
}

static void step(struct run *run)
{
	struct world *world = run->world;
	struct rig *rig = &world->rig;
	u8 where = take(run), choice = take(run);
	int cpu = where % rig->num_cpus;
	struct machine_cpu *machine = &rig->cpu[cpu].machine;
	struct world_mark mark;

	run->accesses = 0;
	run->nmi_at = where >> 4 & 7;
	world_begin(world, &mark);
	rig->hook = interrupt;
	rig->context = run;
	/* A latched NMI comes before the guest's next instruction, unless that one traps at once. */
	if (machine->nmi_pending && (!machine->in_guest || choice % 16 < 5 || choice % 16 > 10) &&
	    where & 4) {
		say(run, "the NMI arrives", cpu, 0, 0);
		rig_deliver_nmi(rig, cpu);
	} else if (machine->nmi_pending && machine->in_guest) {
		say(run, "VM exit with an NMI on its way", cpu, 0, 0);
		rig_exit(rig, cpu);
	} else if (machine->in_guest) {
		step_in_guest(run, cpu, rig->cpu[cpu].vcpu, choice);
	} else {
		step_in_host(run, cpu, rig->cpu[cpu].vcpu, choice);
	}
	rig->hook = NULL;
	rig->context = NULL;
	world_end(world, &mark);
	run->stats->steps++;
}

const char *sequence_run(const struct scope *scope, const uint8_t *bytes, size_t size, FILE *trace,
			 struct sequence_stats *stats)
{
	static struct world world;
	struct run run = {.scope = scope,
			  .world = &world,
			  .at = bytes,
			  .end = bytes + size,
			  .trace = trace,
			  .stats = stats};
	const char *violation = NULL;

	if (!world_init(&world, scope))
		return "this scope has no partition";
	while (run.at < run.end && !violation) {
		step(&run);
		violation = world_check(&world, scope);
	}
	stats->injected += sum_of_injected(&world.rig);
	return violation;
}
