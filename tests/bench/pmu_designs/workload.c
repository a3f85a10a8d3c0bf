/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "workload.h"

#include "registers.h"

#define INSTRUCTIONS 0x00c0 /* on both vendors */
#define SELECT (INSTRUCTIONS | HVPMU_SEL_USR | HVPMU_SEL_OS | HVPMU_SEL_INT | HVPMU_SEL_EN)
#define FIXED_FIELD (HVPMU_FIXED_OS | HVPMU_FIXED_USR | HVPMU_FIXED_PMI)
#define WIDTH 48

const struct scenario workload_scenarios[] = {
	/* As on Ice Lake and later; the guest has half of the general counters and all fixed ones. */
	{.name = "intel",
	 .model = {.vendor = MACHINE_INTEL,
		   .version = 5,
		   .num_gp = 8,
		   .num_fixed = 4,
		   .gp_width = WIDTH,
		   .fixed_width = WIDTH,
		   .has_full_width = true},
	 .guest_gp = 4,
	 .guest_fixed = 4},
	/* PerfMonV2 with as many counters as there are MSRs for: today's six leave a guest only four. */
	{.name = "amd",
	 .model = {.vendor = MACHINE_AMD,
		   .version = 2,
		   .num_gp = 16,
		   .gp_width = WIDTH,
		   .fixed_width = WIDTH,
		   .has_svm = true},
	 .guest_gp = 8},
};
const unsigned int workload_num_scenarios =
	sizeof(workload_scenarios) / sizeof(workload_scenarios[0]);

static unsigned int smaller(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

static unsigned int num_gp(const struct workload *workload)
{
	return smaller(workload->in_use, workload->scenario->guest_gp);
}

static unsigned int num_fixed(const struct workload *workload)
{
	return workload->in_use - num_gp(workload);
}

static u64 used_mask(const struct workload *workload)
{
	return ((1ULL << num_gp(workload)) - 1) | ((1ULL << num_fixed(workload)) - 1)
							  << HVPMU_FIXED(0);
}

static const struct registers *regs(const struct workload *workload)
{
	return registers_of(workload->scenario);
}

static u32 counter_msr(const struct workload *workload, unsigned int i)
{
	return registers_counter(regs(workload), i);
}

static u32 select_msr(const struct workload *workload, unsigned int i)
{
	return registers_select(regs(workload), i);
}

static void set_up_guest(const struct workload *workload)
{
	const struct design *design = workload->design;
	u64 fixed_ctrl = 0;

	for (unsigned int i = 0; i < num_gp(workload); i++) {
		design->guest_wrmsr(counter_msr(workload, i), 1000 * (i + 1));
		design->guest_wrmsr(select_msr(workload, i), SELECT);
	}
	for (unsigned int i = 0; i < num_fixed(workload); i++) {
		design->guest_wrmsr(regs(workload)->fixed_counter + i, 9000 * (i + 1));
		fixed_ctrl |= FIXED_FIELD << (HVPMU_FIXED_BITS * i);
	}
	if (fixed_ctrl)
		design->guest_wrmsr(regs(workload)->fixed_ctrl, fixed_ctrl);
	design->guest_wrmsr(regs(workload)->global_ctrl, used_mask(workload));
}

struct machine_cpu *workload_begin(const struct workload *workload)
{
	const struct design *design = workload->design;
	struct machine_cpu *cpu = design->begin(workload->scenario);

	if (!cpu)
		return NULL;
	design->come();
	design->enter();
	set_up_guest(workload);
	design->guest_count(MACHINE_INSTRUCTIONS, 500);
	design->guest_count(MACHINE_CYCLES, 700);
	return cpu;
}

static u64 mix(u64 hash, u64 value)
{
	return (hash ^ value) * 0x9e3779b97f4a7c15ULL + (hash >> 29);
}

u64 workload_fingerprint(const struct workload *workload)
{
	const struct design *design = workload->design;
	const struct scenario *scenario = workload->scenario;
	u64 hash = design->num_injected();
	u64 value = 0;

	for (unsigned int i = 0; i < scenario->guest_gp + scenario->guest_fixed; i++) {
		bool is_gp = i < scenario->guest_gp;

		design->guest_rdpmc(is_gp ? i : HVPMU_RDPMC_FIXED | (i - scenario->guest_gp),
				    &value);
		hash = mix(hash, value);
		if (!is_gp)
			continue;
		design->guest_rdmsr(select_msr(workload, i), &value);
		hash = mix(hash, value);
	}
	design->guest_rdmsr(regs(workload)->global_ctrl, &value);
	hash = mix(hash, value);
	design->guest_rdmsr(regs(workload)->status, &value);
	return mix(hash, value);
}

static void in_guest(const struct workload *workload)
{
	(void)workload;
}

static void away(const struct workload *workload)
{
	const struct design *design = workload->design;

	design->exit();
	design->leave();
	if (design->scrub)
		design->scrub();
}

static void near_overflow(const struct workload *workload)
{
	workload->design->guest_wrmsr(counter_msr(workload, 0), (1ULL << WIDTH) - 10);
}

static void globally_off(const struct workload *workload)
{
	workload->design->guest_wrmsr(regs(workload)->global_ctrl, 0);
}

static void with_status(const struct workload *workload)
{
	near_overflow(workload);
	workload->design->guest_count(MACHINE_INSTRUCTIONS, 100);
}

/* The vCPU's run loop takes an exit and enters again; nothing of the PMU has changed. */
static void step_entry(const struct workload *workload)
{
	workload->design->exit();
	workload->design->enter();
}

static void step_load(const struct workload *workload)
{
	workload->design->come();
	workload->design->enter();
}

/* From guest mode to the thread being away. */
static void step_put(const struct workload *workload)
{
	away(workload);
}

static void step_put_dirty(const struct workload *workload)
{
	workload->design->exit();
	workload->design->leave();
}

/* Both: designs put the same work at one end or the other. */
static void step_switch(const struct workload *workload)
{
	step_load(workload);
	step_put(workload);
}

/* From the overflow to the guest with its PMI. */
static void step_pmi(const struct workload *workload)
{
	workload->design->guest_count(MACHINE_INSTRUCTIONS, 100);
}

static void step_select(const struct workload *workload)
{
	workload->design->guest_wrmsr(select_msr(workload, 0), SELECT & ~HVPMU_SEL_OS);
}

static void step_global_off(const struct workload *workload)
{
	globally_off(workload);
}

static void step_global_on(const struct workload *workload)
{
	workload->design->guest_wrmsr(regs(workload)->global_ctrl, used_mask(workload));
}

static void step_counter_write(const struct workload *workload)
{
	workload->design->guest_wrmsr(counter_msr(workload, 0), 4711);
}

static void step_counter_read(const struct workload *workload)
{
	u64 value;

	workload->design->guest_rdmsr(counter_msr(workload, 0), &value);
}

static void step_rdpmc(const struct workload *workload)
{
	u64 value;

	workload->design->guest_rdpmc(0, &value);
}

static void step_status_read(const struct workload *workload)
{
	u64 value;

	workload->design->guest_rdmsr(regs(workload)->status, &value);
}

static void step_status_clear(const struct workload *workload)
{
	workload->design->guest_wrmsr(regs(workload)->status_clear, 1);
}

/* What a guest's PMI handler does, and a program that reads its counter: one of each access. */
static void step_access(const struct workload *workload)
{
	step_global_off(workload);
	step_status_read(workload);
	step_counter_read(workload);
	step_counter_write(workload);
	step_select(workload);
	step_status_clear(workload);
	step_global_on(workload);
	step_rdpmc(workload);
}

const struct column workload_columns[] = {
	{"entry", 0, true, in_guest, step_entry},
	{"load", 0, true, away, step_load},
	{"put", 0, true, in_guest, step_put},
	{"switch", 0, true, away, step_switch},
	{"pmi", 1, true, near_overflow, step_pmi},
	{"access", 1, true, with_status, step_access},
	/* Single ones of "access", and a put that may leave values behind. */
	{"access.global-off", 1, false, in_guest, step_global_off},
	{"access.global-on", 1, false, globally_off, step_global_on},
	{"access.select", 1, false, in_guest, step_select},
	{"access.counter-write", 1, false, in_guest, step_counter_write},
	{"access.counter-read", 1, false, in_guest, step_counter_read},
	{"access.rdpmc", 1, false, in_guest, step_rdpmc},
	{"access.status-read", 1, false, with_status, step_status_read},
	{"access.status-clear", 1, false, with_status, step_status_clear},
	{"put-dirty", 0, false, in_guest, step_put_dirty},
};
const unsigned int workload_num_columns = sizeof(workload_columns) / sizeof(workload_columns[0]);
