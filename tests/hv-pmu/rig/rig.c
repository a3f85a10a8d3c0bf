/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hvpmu/msr.h"

#define HOST_LVTPC (4u << 8) /* NMI */
#define GUEST_LVTPC 0xecu    /* fixed delivery of a vector, not masked */

static struct hvpmu_caps caps_of(const struct machine_model *model)
{
	return (struct hvpmu_caps){
		.vendor = model->vendor == MACHINE_INTEL ? HVPMU_INTEL : HVPMU_AMD,
		.version = (u8)model->version,
		.num_gp = (u8)model->num_gp,
		.num_fixed = (u8)model->num_fixed,
		.gp_width = (u8)model->gp_width,
		.fixed_width = (u8)model->fixed_width,
		.num_events = model->vendor == MACHINE_INTEL ? 7 : 0,
		.has_full_width = model->has_full_width,
		.has_entry_ctrl = model->vendor == MACHINE_INTEL,
		.has_exit_ctrl = model->vendor == MACHINE_INTEL,
	};
}

bool rig_init(struct rig *rig, const struct machine_model *model, unsigned int guest_gp,
	      unsigned int guest_fixed, int num_cpus, int num_vcpus)
{
	memset(rig, 0, sizeof(*rig));
	rig->model = model;
	rig->caps = caps_of(model);
	rig->switching = (u8)hvpmu_ctrl_switch(&rig->caps);
	rig->num_cpus = num_cpus;
	rig->num_vcpus = num_vcpus;
	if (hvpmu_part_init(&rig->caps, guest_gp, guest_fixed, &rig->part))
		return false;
	for (int i = 0; i < num_cpus; i++) {
		struct rig_cpu *cpu = &rig->cpu[i];

		machine_init(&cpu->machine, model);
		hvpmu_cpu_init(&cpu->core, &rig->part, 0);
		cpu->machine.lvtpc = HOST_LVTPC;
		cpu->vcpu = RIG_NOWHERE;
		/* Before AMD's GLOBAL_CTRL, and for the guest's counters with it, selectors decide. */
		cpu->machine.global_ctrl = model->vendor == MACHINE_AMD && model->version >= 2
						   ? rig->part.guest_mask
						   : 0;
	}
	for (int i = 0; i < num_vcpus; i++) {
		hvpmu_vcpu_init(&rig->vcpu[i].core, &rig->part);
		rig->vcpu[i].lvtpc = GUEST_LVTPC;
		rig->vcpu[i].cpu = RIG_NOWHERE;
	}
	return true;
}

struct hvpmu_env rig_env(struct rig *rig, int cpu, struct rig_place *place)
{
	*place = (struct rig_place){.rig = rig, .cpu = cpu};
	return (struct hvpmu_env){.cpu = &rig->cpu[cpu].core, .machine = place};
}

/* The core's surroundings: hv-pmu/env/host/hvpmu_env.h. */

/* Where an NMI may arrive: everything that the core asks of its surroundings. */
static struct rig_cpu *asked(struct hvpmu_env *env)
{
	struct rig_place *place = env->machine;
	struct rig *rig = place->rig;

	if (rig->hook)
		rig->hook(rig, place->cpu, rig->context);
	return &rig->cpu[place->cpu];
}

static struct machine_cpu *accessed(struct hvpmu_env *env)
{
	return &asked(env)->machine;
}

/* A fault on an access of the core is a fault of the core, or of the hypervisor around it. */
static void must(bool ok, const char *what, u32 number)
{
	if (ok)
		return;
	fprintf(stderr, "rig: the core's %s of %#x faults in host mode\n", what, number);
	abort();
}

u64 hvpmu_env_rdmsr(struct hvpmu_env *env, u32 msr)
{
	u64 value = 0;

	must(machine_rdmsr(accessed(env), msr, &value), "RDMSR", msr);
	return value;
}

void hvpmu_env_wrmsr(struct hvpmu_env *env, u32 msr, u64 value)
{
	must(machine_wrmsr(accessed(env), msr, value), "WRMSR", msr);
}

u64 hvpmu_env_rdpmc(struct hvpmu_env *env, u32 index)
{
	u64 value = 0;

	must(machine_rdpmc(accessed(env), index, &value), "RDPMC", index);
	return value;
}

void hvpmu_env_rearm_lvtpc(struct hvpmu_env *env)
{
	struct rig_place *place = env->machine;
	struct rig_cpu *cpu = &place->rig->cpu[place->cpu];

	if (cpu->machine.status & (place->rig->part.guest_mask | place->rig->part.host_mask))
		cpu->num_early++;
	cpu->machine.lvtpc = HOST_LVTPC;
}

void hvpmu_env_pass_through(struct hvpmu_env *env, u64 reads, u64 writes)
{
	struct rig_cpu *cpu = asked(env);

	cpu->reads = reads;
	cpu->writes = writes;
}

void hvpmu_env_request_pmi(struct hvpmu_env *env)
{
	struct rig_place *place = env->machine;

	place->rig->vcpu[asked(env)->vcpu].requests++;
}

bool hvpmu_env_is_allowed(struct hvpmu_env *env, unsigned int counter, u64 select)
{
	struct rig_place *place = env->machine;
	u64 event = select & (HVPMU_SEL_EVENT | HVPMU_SEL_UMASK);

	asked(env);
	if (event && event == place->rig->denied_event)
		return false;
	return !(place->rig->denied >> counter & 1);
}

/* As two counters of the host that count everything: here they are exact. */
void hvpmu_env_read_account(struct hvpmu_env *env, u64 ret[])
{
	struct rig_place *place = env->machine;
	const struct rig_cpu *cpu = &place->rig->cpu[place->cpu];

	ret[HVPMU_ACCOUNT_CYCLES] = cpu->happened[MACHINE_CYCLES];
	ret[HVPMU_ACCOUNT_INSTRUCTIONS] = cpu->happened[MACHINE_INSTRUCTIONS];
}

void rig_load(struct rig *rig, int vcpu, int cpu)
{
	rig->cpu[cpu].vcpu = vcpu;
	rig->vcpu[vcpu].cpu = cpu;
}

void rig_put(struct rig *rig, int vcpu)
{
	int cpu = rig->vcpu[vcpu].cpu;
	struct rig_place place;
	struct hvpmu_env env = rig_env(rig, cpu, &place);

	hvpmu_put(&rig->vcpu[vcpu].core, &env);
	rig->cpu[cpu].vcpu = RIG_NOWHERE;
	rig->vcpu[vcpu].cpu = RIG_NOWHERE;
}

/* The VMCS of this entry, by the way the partition switches GLOBAL_CTRL. */
static void fill_vmcs(const struct rig *rig, const struct rig_cpu *cpu, u64 guest_half,
		      struct machine_vmcs *ret)
{
	struct hvpmu_plan_entry entry, exit;
	u64 guest_ctrl = guest_half | cpu->host_ctrl;

	memset(ret, 0, sizeof(*ret));
	ret->entry_loads_ctrl = rig->switching == HVPMU_SWITCH_CONTROLS;
	ret->exit_loads_ctrl = ret->entry_loads_ctrl;
	ret->guest_ctrl = guest_ctrl;
	ret->host_ctrl = cpu->host_ctrl;
	if (rig->switching != HVPMU_SWITCH_AREAS)
		return;
	hvpmu_ctrl_areas(guest_ctrl, cpu->host_ctrl, &entry, &exit);
	ret->num_entry_load = 1;
	ret->num_exit_load = 1;
	ret->entry_load[0] = (struct machine_area_entry){entry.msr, entry.reserved, entry.value};
	ret->exit_load[0] = (struct machine_area_entry){exit.msr, exit.reserved, exit.value};
}

bool rig_enter(struct rig *rig, int number)
{
	struct rig_cpu *cpu = &rig->cpu[number];
	struct rig_vcpu *vcpu = &rig->vcpu[cpu->vcpu];
	struct rig_place place;
	struct hvpmu_env env = rig_env(rig, number, &place);
	struct machine_vmcs vmcs;
	u64 guest_half;
	u32 interrupt;
	int reason;

	guest_half = hvpmu_enter(&vcpu->core, &env);
	if (hvpmu_take_pmi(&vcpu->core, &vcpu->lvtpc, &interrupt))
		vcpu->injected++;
	if (rig->switching == HVPMU_SWITCH_GUEST_ONLY) {
		machine_vmrun(&cpu->machine);
		return true;
	}
	fill_vmcs(rig, cpu, guest_half, &vmcs);
	return machine_vmentry(&cpu->machine, &vmcs, &reason);
}

void rig_exit(struct rig *rig, int number)
{
	struct rig_cpu *cpu = &rig->cpu[number];
	struct machine_vmcs vmcs;

	if (rig->switching == HVPMU_SWITCH_GUEST_ONLY) {
		machine_vmexit_svm(&cpu->machine);
		return;
	}
	/* As the entry left it. */
	fill_vmcs(rig, cpu, rig->vcpu[cpu->vcpu].core.guest_ctrl, &vmcs);
	must(machine_vmexit(&cpu->machine, &vmcs), "VM-exit MSR load", 0);
}

/* As a host's own PMI handler: takes and acknowledges its counters' overflows. Returns them. */
static u64 handle_host_overflows(struct rig *rig, struct rig_cpu *cpu)
{
	bool is_intel = rig->model->vendor == MACHINE_INTEL;
	u64 overflows = cpu->machine.status & rig->part.host_mask;

	if (!overflows)
		return 0;
	cpu->host_overflows |= overflows;
	must(machine_wrmsr(&cpu->machine,
			   is_intel ? HVPMU_MSR_GLOBAL_OVF_CTRL : HVPMU_MSR_AMD_GLOBAL_STATUS_CLR,
			   overflows),
	     "WRMSR", 0);
	cpu->machine.lvtpc = HOST_LVTPC;
	return overflows;
}

void rig_deliver_nmi(struct rig *rig, int number)
{
	struct rig_cpu *cpu = &rig->cpu[number];
	struct rig_place place;
	struct hvpmu_env env = rig_env(rig, number, &place);
	void (*hook)(struct rig * rig, int cpu, void *context) = rig->hook;
	struct hvpmu_nmi nmi;

	if (!cpu->machine.nmi_pending || cpu->machine.nmi_blocked)
		return;
	if (cpu->machine.in_guest)
		rig_exit(rig, number);
	machine_take_nmi(&cpu->machine);
	rig->hook = NULL; /* NMIs do not nest */
	nmi = hvpmu_nmi(&env);
	rig->hook = hook;
	if (!handle_host_overflows(rig, cpu) && !nmi.guest && !nmi.is_expected)
		cpu->num_unknown++;
	machine_iret(&cpu->machine);
}

/* The counter that a guest's access names and the MSR bitmap may pass through, or -1. */
static int passed_counter(const struct rig *rig, u32 msr)
{
	const struct machine_model *model = rig->model;

	if (model->vendor == MACHINE_AMD) {
		if (msr - HVPMU_MSR_K7_PERFCTR0 < HVPMU_K7_COUNTERS)
			return (int)(msr - HVPMU_MSR_K7_PERFCTR0);
		if (hvpmu_has_core_ext(&rig->part) &&
		    msr - HVPMU_MSR_CORE_PERFCTR0 < 2 * HVPMU_MAX_GP && msr & 1)
			return (int)(msr - HVPMU_MSR_CORE_PERFCTR0) / 2;
		return -1;
	}
	if (msr - HVPMU_MSR_PMC0 < HVPMU_INTEL_MSR_GP)
		return (int)(msr - HVPMU_MSR_PMC0);
	if (msr - HVPMU_MSR_A_PMC0 < HVPMU_INTEL_MSR_GP)
		return (int)(msr - HVPMU_MSR_A_PMC0);
	if (msr - HVPMU_MSR_FIXED_CTR0 < HVPMU_INTEL_MSR_FIXED)
		return HVPMU_FIXED((int)(msr - HVPMU_MSR_FIXED_CTR0));
	return -1;
}

static bool is_passed(const struct rig *rig, const struct rig_vcpu *vcpu, u32 msr, u64 set)
{
	int counter = passed_counter(rig, msr);

	if (rig->model->vendor == MACHINE_INTEL && msr - HVPMU_MSR_A_PMC0 < HVPMU_INTEL_MSR_GP &&
	    !vcpu->core.part.has_full_width)
		return false;
	return counter >= 0 && (set >> counter & 1);
}

int rig_guest_wrmsr(struct rig *rig, int number, u32 msr, u64 value)
{
	struct rig_vcpu *vcpu = &rig->vcpu[number];
	struct rig_cpu *cpu = &rig->cpu[vcpu->cpu];
	struct rig_place place;
	struct hvpmu_env env = rig_env(rig, vcpu->cpu, &place);
	int result;

	if (is_passed(rig, vcpu, msr, cpu->writes))
		return machine_wrmsr(&cpu->machine, msr, value) ? HVPMU_OK : HVPMU_GP;
	rig_exit(rig, vcpu->cpu);
	result = hvpmu_wrmsr(&vcpu->core, &env, msr, value, false);
	rig_enter(rig, vcpu->cpu);
	return result;
}

int rig_guest_rdmsr(struct rig *rig, int number, u32 msr, u64 *ret_value)
{
	struct rig_vcpu *vcpu = &rig->vcpu[number];
	struct rig_cpu *cpu = &rig->cpu[vcpu->cpu];
	struct rig_place place;
	struct hvpmu_env env = rig_env(rig, vcpu->cpu, &place);
	int result;

	if (is_passed(rig, vcpu, msr, cpu->reads))
		return machine_rdmsr(&cpu->machine, msr, ret_value) ? HVPMU_OK : HVPMU_GP;
	rig_exit(rig, vcpu->cpu);
	result = hvpmu_rdmsr(&vcpu->core, &env, msr, ret_value, false);
	rig_enter(rig, vcpu->cpu);
	return result;
}

bool rig_is_rdpmc_direct(const struct rig *rig, int number)
{
	const struct rig_vcpu *vcpu = &rig->vcpu[number];
	const struct hvpmu_part *part = &vcpu->core.part;

	return part->loads_all && rig->cpu[vcpu->cpu].reads == part->guest_mask;
}

int rig_guest_rdpmc(struct rig *rig, int number, u32 index, u64 *ret_value)
{
	struct rig_vcpu *vcpu = &rig->vcpu[number];
	struct rig_place place;
	struct hvpmu_env env = rig_env(rig, vcpu->cpu, &place);
	int result;

	if (rig_is_rdpmc_direct(rig, number))
		return machine_rdpmc(&rig->cpu[vcpu->cpu].machine, index, ret_value) ? HVPMU_OK
										     : HVPMU_GP;
	rig_exit(rig, vcpu->cpu);
	result = hvpmu_rdpmc(&vcpu->core, &env, index, ret_value);
	rig_enter(rig, vcpu->cpu);
	return result;
}

void rig_guest_count(struct rig *rig, int number, enum machine_event event, unsigned int cpl,
		     u64 count)
{
	int cpu = rig->vcpu[number].cpu;

	rig->cpu[cpu].happened[event] += count;
	machine_count(&rig->cpu[cpu].machine, event, cpl, count);
	if (!rig->cpu[cpu].machine.nmi_pending)
		return;
	rig_deliver_nmi(rig, cpu);
	rig_enter(rig, cpu);
}

void rig_host_program(struct rig *rig, int number, unsigned int counter, u64 select, u64 value)
{
	struct rig_cpu *cpu = &rig->cpu[number];
	struct machine_cpu *machine = &cpu->machine;
	bool is_intel = rig->model->vendor == MACHINE_INTEL;

	if (!(rig->part.host_mask >> counter & 1))
		return;
	if (counter >= HVPMU_FIXED(0)) {
		unsigned int shift = 4 * (counter - HVPMU_FIXED(0));
		u64 half = (cpu->core.host_fixed_ctrl & ~(0xfULL << shift)) | select << shift;

		must(machine_wrmsr(machine, HVPMU_MSR_FIXED_CTR0 + counter - HVPMU_FIXED(0), value),
		     "WRMSR", counter);
		must(machine_wrmsr(machine, HVPMU_MSR_FIXED_CTR_CTRL,
				   hvpmu_merge_fixed_ctrl(&cpu->core, half)),
		     "WRMSR", counter);
	} else if (is_intel) {
		must(machine_wrmsr(machine, HVPMU_MSR_A_PMC0 + counter, value), "WRMSR", counter);
		must(machine_wrmsr(machine, HVPMU_MSR_PERFEVTSEL0 + counter, select), "WRMSR",
		     counter);
	} else {
		u32 base = rig->model->version ? HVPMU_MSR_CORE_PERFEVTSEL0 + 2 * counter : 0;

		must(machine_wrmsr(machine, base ? base + 1 : HVPMU_MSR_K7_PERFCTR0 + counter,
				   value),
		     "WRMSR", counter);
		must(machine_wrmsr(machine, base ? base : HVPMU_MSR_K7_PERFEVTSEL0 + counter,
				   select),
		     "WRMSR", counter);
	}
	cpu->host_ctrl |= 1ULL << counter;
	if (rig->model->version >= 2)
		must(machine_wrmsr(machine,
				   is_intel ? HVPMU_MSR_GLOBAL_CTRL : HVPMU_MSR_AMD_GLOBAL_CTL,
				   cpu->host_ctrl | (is_intel ? 0 : rig->part.guest_mask)),
		     "WRMSR", counter);
}

void rig_host_count(struct rig *rig, int number, enum machine_event event, unsigned int cpl,
		    u64 count)
{
	rig->cpu[number].happened[event] += count;
	machine_count(&rig->cpu[number].machine, event, cpl, count);
	rig_deliver_nmi(rig, number);
}

static const struct machine_cpu *hardware_of(const struct rig_vcpu *vcpu, const struct rig *rig)
{
	return vcpu->core.state == HVPMU_LOADED ? &rig->cpu[vcpu->cpu].machine : NULL;
}

u64 rig_peek_counter(const struct rig *rig, int number, unsigned int counter)
{
	const struct rig_vcpu *vcpu = &rig->vcpu[number];
	const struct machine_cpu *machine = hardware_of(vcpu, rig);
	bool is_fixed = counter >= HVPMU_FIXED(0);
	unsigned int i = is_fixed ? counter - HVPMU_FIXED(0) : counter;

	if (machine && (vcpu->core.hw >> counter & 1))
		return is_fixed ? machine->fixed_counter[i] : machine->gp_counter[i];
	return is_fixed ? vcpu->core.fixed_counter[i] : vcpu->core.gp_counter[i];
}

u64 rig_peek_status(const struct rig *rig, int number)
{
	const struct rig_vcpu *vcpu = &rig->vcpu[number];
	const struct machine_cpu *machine = hardware_of(vcpu, rig);

	return vcpu->core.status | (machine ? machine->status & vcpu->core.hw : 0);
}
