/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * KVM's mediated PMU. After the series "KVM: x86: Add support for mediated vPMUs" (v5, August 2025, merged
 * for Linux 7.0): vcpu_enter_guest() calls kvm_mediated_pmu_load() before its inner loop and
 * kvm_mediated_pmu_put() after it, so an exit that the inner loop does not handle itself costs both.
 *
 * Modelled: the accesses of these two and of intel_/amd_mediated_pmu_load/put(), over all counters that
 * the guest's CPUID shows, with values and selectors cleared at put where they are not 0, as there;
 * which accesses are intercepted when the guest sees fewer counters than there are (all but those to
 * the counters' MSRs: kvm_need_perf_global_ctrl_intercept(), kvm_need_rdpmc_intercept()); the PMI as
 * an interrupt that ends the inner loop. Intel's GLOBAL_CTRL is switched by VMCS controls, for nothing.
 * Left out, in this design's favour: what perf_load/put_guest_context() do to events of the host, the
 * two writes of the LVTPC, LBRs, and all bookkeeping.
 */
#include "hardware.h"

struct mediated {
	struct hardware hw;
	u64 gp_counter[MACHINE_MAX_GP];
	u64 gp_select[MACHINE_MAX_GP];
	u64 gp_select_hw[MACHINE_MAX_GP]; /* eventsel_hw */
	u64 fixed_counter[MACHINE_MAX_FIXED];
	u64 fixed_ctrl;
	u64 global_ctrl;
	u64 status;
	bool pmi_requested;
	unsigned int injected;
};

static struct mediated vcpu;

static bool is_amd(void)
{
	return vcpu.hw.scenario->model.vendor == MACHINE_AMD;
}

static struct machine_cpu *begin(const struct scenario *scenario)
{
	memset(&vcpu, 0, sizeof(vcpu));
	hardware_init(&vcpu.hw, scenario);
	vcpu.global_ctrl = (1ULL << scenario->guest_gp) - 1;
	return &vcpu.hw.cpu;
}

/* amd_mediated_pmu_load(): STATUS_SET and GLOBAL_CTL whatever they are. */
static void load_amd(struct hardware *hw)
{
	u64 status = hardware_rdmsr(hw, hw->regs->status);

	if (status)
		hardware_wrmsr(hw, hw->regs->status_clear, status);
	hardware_wrmsr(hw, hw->regs->status_set, vcpu.status);
	hardware_wrmsr(hw, hw->regs->global_ctrl, vcpu.global_ctrl);
}

/* intel_mediated_pmu_load(): what differs of the status, and FIXED_CTR_CTRL. */
static void load_intel(struct hardware *hw)
{
	u64 status = hardware_rdmsr(hw, hw->regs->status);
	u64 toggle = status ^ vcpu.status;

	if (status & toggle)
		hardware_wrmsr(hw, hw->regs->status_clear, status & toggle);
	if (vcpu.status & toggle)
		hardware_wrmsr(hw, hw->regs->status_set, vcpu.status & toggle);
	hardware_wrmsr(hw, hw->regs->fixed_ctrl, vcpu.fixed_ctrl);
}

/* kvm_mediated_pmu_load(), kvm_pmu_load_guest_pmcs(). */
static void load(void)
{
	struct hardware *hw = &vcpu.hw;

	hardware_wrmsr(hw, hw->regs->global_ctrl, 0);
	for (unsigned int i = 0; i < hw->scenario->guest_gp; i++) {
		hardware_wrmsr(hw, registers_counter(hw->regs, i), vcpu.gp_counter[i]);
		hardware_wrmsr(hw, registers_select(hw->regs, i), vcpu.gp_select_hw[i]);
	}
	for (unsigned int i = 0; i < hw->scenario->guest_fixed; i++)
		hardware_wrmsr(hw, registers_counter(hw->regs, HVPMU_FIXED(i)),
			       vcpu.fixed_counter[i]);
	if (is_amd())
		load_amd(hw);
	else
		load_intel(hw);
}

static u64 save_counter(struct hardware *hw, unsigned int counter)
{
	u64 value = hardware_rdpmc(hw, registers_rdpmc(counter));

	if (value)
		hardware_wrmsr(hw, registers_counter(hw->regs, counter), 0);
	return value;
}

/* kvm_mediated_pmu_put(): the vendor's part first, then kvm_pmu_put_guest_pmcs(). */
static void put(void)
{
	struct hardware *hw = &vcpu.hw;

	if (is_amd())
		hardware_wrmsr(hw, hw->regs->global_ctrl, 0);
	vcpu.status = hardware_rdmsr(hw, hw->regs->status);
	if (vcpu.status)
		hardware_wrmsr(hw, hw->regs->status_clear, vcpu.status);
	if (!is_amd() && vcpu.fixed_ctrl)
		hardware_wrmsr(hw, hw->regs->fixed_ctrl, 0);
	for (unsigned int i = 0; i < hw->scenario->guest_gp; i++) {
		vcpu.gp_counter[i] = save_counter(hw, i);
		if (vcpu.gp_select_hw[i])
			hardware_wrmsr(hw, registers_select(hw->regs, i), 0);
	}
	for (unsigned int i = 0; i < hw->scenario->guest_fixed; i++)
		vcpu.fixed_counter[i] = save_counter(hw, HVPMU_FIXED(i));
}

static void nothing(void)
{
}

static void enter(void)
{
	if (vcpu.pmi_requested) {
		vcpu.pmi_requested = false;
		vcpu.injected++;
	}
	load();
	hardware_enter(&vcpu.hw, vcpu.global_ctrl, 0);
}

static void exit_guest(void)
{
	hardware_exit(&vcpu.hw);
	put();
}

static u64 *counter_of(unsigned int counter)
{
	return counter >= HVPMU_FIXED(0) ? &vcpu.fixed_counter[counter - HVPMU_FIXED(0)]
					 : &vcpu.gp_counter[counter];
}

/* kvm_pmu_set_msr() of what is not passed through: the hardware follows at the next load. */
static void write_register(struct access access, u64 value)
{
	switch (access.kind) {
	case ACCESS_SELECT:
		vcpu.gp_select[access.counter] = value;
		vcpu.gp_select_hw[access.counter] = value | (is_amd() ? HVPMU_SEL_AMD_GUEST : 0);
		break;
	case ACCESS_FIXED_CTRL: vcpu.fixed_ctrl = value; break;
	case ACCESS_GLOBAL_CTRL: vcpu.global_ctrl = value; break;
	case ACCESS_STATUS_CLEAR: vcpu.status &= ~value; break;
	case ACCESS_COUNTER:
	case ACCESS_STATUS: break;
	}
}

static u64 read_register(struct access access)
{
	switch (access.kind) {
	case ACCESS_SELECT: return vcpu.gp_select[access.counter];
	case ACCESS_FIXED_CTRL: return vcpu.fixed_ctrl;
	case ACCESS_GLOBAL_CTRL: return vcpu.global_ctrl;
	case ACCESS_STATUS: return vcpu.status;
	case ACCESS_COUNTER:
	case ACCESS_STATUS_CLEAR: break;
	}
	return 0;
}

static int guest_wrmsr(u32 msr, u64 value)
{
	if (hardware_is_counter(&vcpu.hw, msr)) {
		hardware_wrmsr(&vcpu.hw, msr, value);
		return HVPMU_OK;
	}
	exit_guest();
	write_register(registers_decode(vcpu.hw.regs, msr), value);
	enter();
	return HVPMU_OK;
}

static int guest_rdmsr(u32 msr, u64 *ret_value)
{
	if (hardware_is_counter(&vcpu.hw, msr)) {
		*ret_value = hardware_rdmsr(&vcpu.hw, msr);
		return HVPMU_OK;
	}
	exit_guest();
	*ret_value = read_register(registers_decode(vcpu.hw.regs, msr));
	enter();
	return HVPMU_OK;
}

static int guest_rdpmc(u32 index, u64 *ret_value)
{
	exit_guest();
	*ret_value = *counter_of(registers_rdpmc_counter(index));
	enter();
	return HVPMU_OK;
}

static void guest_count(enum machine_event event, u64 count)
{
	machine_count(&vcpu.hw.cpu, event, 0, count);
	if (!hardware_take_pmi(&vcpu.hw))
		return;
	/* The interrupt only asks for the guest's PMI: kvm_handle_guest_mediated_pmi(). */
	vcpu.pmi_requested = true;
	exit_guest();
	enter();
}

static unsigned int num_injected(void)
{
	return vcpu.injected;
}

const struct design design_mediated = {
	.name = "mediated",
	.begin = begin,
	.come = nothing,
	.enter = enter,
	.exit = exit_guest,
	.leave = nothing,
	.guest_wrmsr = guest_wrmsr,
	.guest_rdmsr = guest_rdmsr,
	.guest_rdpmc = guest_rdpmc,
	.guest_count = guest_count,
	.num_injected = num_injected,
};
