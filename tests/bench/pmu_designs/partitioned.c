/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hv-pmu's core in the rig, with no event of the host. */
#include "design.h"
#include "tests/hv-pmu/rig/rig.h"

#define CPU 0
#define VCPU 0

static struct rig rig;

static struct machine_cpu *begin(const struct scenario *scenario)
{
	if (!rig_init(&rig, &scenario->model, scenario->guest_gp, scenario->guest_fixed, 1, 1))
		return NULL;
	return &rig.cpu[CPU].machine;
}

static void come(void)
{
	rig_load(&rig, VCPU, CPU);
}

static void enter(void)
{
	rig_enter(&rig, CPU);
}

static void exit_guest(void)
{
	rig_exit(&rig, CPU);
}

static void leave(void)
{
	rig_put(&rig, VCPU);
}

static int guest_wrmsr(u32 msr, u64 value)
{
	return rig_guest_wrmsr(&rig, VCPU, msr, value);
}

static int guest_rdmsr(u32 msr, u64 *ret_value)
{
	return rig_guest_rdmsr(&rig, VCPU, msr, ret_value);
}

static int guest_rdpmc(u32 index, u64 *ret_value)
{
	return rig_guest_rdpmc(&rig, VCPU, index, ret_value);
}

static void guest_count(enum machine_event event, u64 count)
{
	rig_guest_count(&rig, VCPU, event, 0, count);
}

static unsigned int num_injected(void)
{
	return rig.vcpu[VCPU].injected;
}

const struct design design_partitioned = {
	.name = "ours",
	.begin = begin,
	.come = come,
	.enter = enter,
	.exit = exit_guest,
	.leave = leave,
	.guest_wrmsr = guest_wrmsr,
	.guest_rdmsr = guest_rdmsr,
	.guest_rdpmc = guest_rdpmc,
	.guest_count = guest_count,
	.num_injected = num_injected,
};
