/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * KVM's emulated vPMU, after Linux 6.12: arch/x86/kvm/pmu.c (reprogram_counter(), pmc_pause_counter(),
 * pmc_resume_counter(), pmc_write_counter()), kernel/events/core.c (perf_event_pause(), _enable(), _period()),
 * arch/x86/events/core.c (x86_pmu_start(), _stop(), _enable(), _disable()) and its intel/ and amd/core.c.
 *
 * Every guest counter that is on is a perf_event of the vCPU's thread that excludes the host. A write
 * of a control asks for KVM_REQ_PMU, and the next entry stops the event and starts it anew; each of
 * these runs with the whole PMU disabled. GLOBAL_CTRL of guest and host (perf_guest_get_msrs()) is
 * switched by VMCS controls, for nothing.
 * Left out, in this design's favour: that perf_event_enable() and a new event reschedule the thread's
 * other events as well (ctx_resched()); allocation, lists, locks and everything else that perf keeps
 * books of; a period split because it exceeds half of the counter; events of the host.
 */
#include "hardware.h"

/* A guest counter and its event. */
struct pmc {
	u64 counter; /* without what the event has counted since */
	u64 config;  /* of the event: what it was created with */
	u64 count;   /* of the event, up to `prev` */
	u64 prev;    /* the hardware's value when last seen */
	bool exists;
	bool is_paused;
};

struct emulated {
	struct hardware hw;
	struct pmc pmc[64]; /* by their numbers in masks */
	u64 gp_select[MACHINE_MAX_GP];
	u64 fixed_ctrl;
	u64 global_ctrl;
	u64 status;
	u64 reprogram; /* pmu->reprogram_pmi */
	bool pmi_requested;
	unsigned int injected;
	/* Of the host's PMU driver, struct cpu_hw_events: */
	u64 active;		/* active_mask, all of them exclude the host */
	u64 dirty;		/* counters whose value an event left behind */
	u64 hw_fixed_ctrl;	/* fixed_ctrl_val */
	u64 written_fixed_ctrl; /* active_fixed_ctrl_val */
};

static struct emulated vcpu;

static bool is_amd(void)
{
	return vcpu.hw.scenario->model.vendor == MACHINE_AMD;
}

static u64 bit(unsigned int counter)
{
	return 1ULL << counter;
}

static unsigned int pop(u64 *set)
{
	unsigned int counter = (unsigned int)__builtin_ctzll(*set);

	*set &= *set - 1;
	return counter;
}

static unsigned int fixed_shift(unsigned int counter)
{
	return HVPMU_FIXED_BITS * (counter - HVPMU_FIXED(0));
}

static u64 host_ctrl(void)
{
	return hardware_all_mask(vcpu.hw.scenario) & ~(is_amd() ? 0 : vcpu.active);
}

static struct machine_cpu *begin(const struct scenario *scenario)
{
	memset(&vcpu, 0, sizeof(vcpu));
	hardware_init(&vcpu.hw, scenario);
	vcpu.global_ctrl = (1ULL << scenario->guest_gp) - 1;
	vcpu.hw.cpu.global_ctrl = host_ctrl();
	return &vcpu.hw.cpu;
}

static void write_hw_counter(unsigned int counter, u64 value)
{
	hardware_wrmsr(&vcpu.hw, registers_counter(vcpu.hw.regs, counter), value);
}

static void write_hw_select(unsigned int counter, u64 value)
{
	hardware_wrmsr(&vcpu.hw, registers_select(vcpu.hw.regs, counter), value);
}

static u64 counter_mask(unsigned int counter)
{
	const struct machine_model *model = &vcpu.hw.scenario->model;

	return (1ULL << (registers_is_fixed(counter) ? model->fixed_width : model->gp_width)) - 1;
}

/* amd_pmu_wait_on_overflow(), of a counter that has not overflowed. */
static void wait_on_overflow(void)
{
	hardware_rdmsr(&vcpu.hw, vcpu.hw.regs->status);
}

/* intel_pmu_disable_all(); amd_pmu_v2_disable_all(), which looks at each active counter. */
static void disable_all(void)
{
	u64 set = is_amd() ? vcpu.active : 0;

	hardware_wrmsr(&vcpu.hw, vcpu.hw.regs->global_ctrl, 0);
	for (; set; pop(&set))
		wait_on_overflow();
}

/* __intel_pmu_enable_all(), amd_pmu_v2_enable_all(). */
static void enable_all(void)
{
	if (vcpu.hw_fixed_ctrl != vcpu.written_fixed_ctrl) {
		hardware_wrmsr(&vcpu.hw, vcpu.hw.regs->fixed_ctrl, vcpu.hw_fixed_ctrl);
		vcpu.written_fixed_ctrl = vcpu.hw_fixed_ctrl;
	}
	hardware_wrmsr(&vcpu.hw, vcpu.hw.regs->global_ctrl, host_ctrl());
}

/* x86_perf_event_update(). */
static void update(unsigned int counter)
{
	struct pmc *pmc = &vcpu.pmc[counter];
	u64 now = hardware_rdpmc(&vcpu.hw, registers_rdpmc(counter));

	pmc->count += (now - pmc->prev) & counter_mask(counter);
	pmc->prev = now;
}

/* x86_perf_event_set_period(): minus the period, which is what the guest's counter lacks to 0. */
static void set_period(unsigned int counter)
{
	struct pmc *pmc = &vcpu.pmc[counter];

	pmc->prev = pmc->counter;
	write_hw_counter(counter, pmc->prev);
}

/* What perf makes of the guest's control: it always wants the interrupt. */
static u64 event_select(u64 config)
{
	u64 select = config | HVPMU_SEL_INT | HVPMU_SEL_EN;

	return is_amd() ? select | HVPMU_SEL_AMD_GUEST : select;
}

/* x86_pmu_start() with PERF_EF_RELOAD; a fixed counter's control is written by enable_all(). */
static void start(unsigned int counter)
{
	struct pmc *pmc = &vcpu.pmc[counter];

	set_period(counter);
	if (registers_is_fixed(counter))
		vcpu.hw_fixed_ctrl |= (pmc->config | HVPMU_FIXED_PMI) << fixed_shift(counter);
	else
		write_hw_select(counter, event_select(pmc->config));
	vcpu.active |= bit(counter);
}

/* x86_pmu_stop() with PERF_EF_UPDATE; amd_pmu_disable_event() waits. */
static void stop(unsigned int counter)
{
	u64 select = event_select(vcpu.pmc[counter].config);

	if (registers_is_fixed(counter))
		vcpu.hw_fixed_ctrl &= ~(0xfULL << fixed_shift(counter));
	else
		write_hw_select(counter, select & ~HVPMU_SEL_EN);
	if (is_amd())
		wait_on_overflow();
	vcpu.active &= ~bit(counter);
	vcpu.dirty |= bit(counter);
	update(counter);
}

/* perf_event_pause(event, true), and pmc_pause_counter() around it. */
static void pause_counter(unsigned int counter)
{
	struct pmc *pmc = &vcpu.pmc[counter];

	if (pmc->exists && !pmc->is_paused) {
		disable_all();
		stop(counter);
		enable_all();
		pmc->counter += pmc->count;
		pmc->count = 0;
	}
	pmc->counter &= counter_mask(counter);
	pmc->is_paused = true;
}

static u64 control_of(unsigned int counter)
{
	return registers_is_fixed(counter) ? vcpu.fixed_ctrl >> fixed_shift(counter) & 0xf
					   : vcpu.gp_select[counter];
}

static bool is_enabled(unsigned int counter)
{
	u64 control = control_of(counter);

	return (vcpu.global_ctrl & bit(counter)) &&
	       (control &
		(registers_is_fixed(counter) ? HVPMU_FIXED_OS | HVPMU_FIXED_USR : HVPMU_SEL_EN));
}

/* reprogram_counter(): the event is resumed, or released and created anew, which costs the same accesses. */
static void reprogram(unsigned int counter)
{
	struct pmc *pmc = &vcpu.pmc[counter];

	pause_counter(counter);
	if (!is_enabled(counter))
		return;
	pmc->config = control_of(counter);
	pmc->exists = true;
	pmc->is_paused = false;
	disable_all();
	start(counter);
	enable_all();
}

static void enter(void)
{
	/* kvm_pmu_handle_event() */
	for (u64 set = vcpu.reprogram; set;)
		reprogram(pop(&set));
	vcpu.reprogram = 0;
	if (vcpu.pmi_requested) {
		vcpu.pmi_requested = false;
		vcpu.injected++;
	}
	/* atomic_switch_perf_msrs(); AMD's selectors tell guest from host. */
	hardware_enter(&vcpu.hw, hardware_all_mask(vcpu.hw.scenario), host_ctrl());
}

static void exit_guest(void)
{
	hardware_exit(&vcpu.hw);
}

static u64 running(void)
{
	u64 set = hardware_guest_mask(vcpu.hw.scenario);
	u64 found = 0;

	while (set) {
		unsigned int counter = pop(&set);

		if (vcpu.pmc[counter].exists && !vcpu.pmc[counter].is_paused)
			found |= bit(counter);
	}
	return found;
}

/* perf_event_context_sched_in() of the vCPU's thread. */
static void come(void)
{
	u64 set = running();

	if (!set)
		return;
	disable_all();
	while (set) {
		unsigned int counter = pop(&set);

		/* hw.period_left goes on where it was. */
		vcpu.pmc[counter].counter += vcpu.pmc[counter].count;
		vcpu.pmc[counter].count = 0;
		start(counter);
	}
	enable_all();
}

/* perf_event_context_sched_out(). */
static void leave(void)
{
	u64 set = vcpu.active;

	if (!set)
		return;
	disable_all();
	while (set)
		stop(pop(&set));
	enable_all();
}

/* perf_clear_dirty_counters(): when a task comes that may use RDPMC, and not before. */
static void scrub(void)
{
	while (vcpu.dirty)
		write_hw_counter(pop(&vcpu.dirty), 0);
}

/* pmc_read_counter(): perf_event_read_value() if the event runs. */
static u64 read_counter(unsigned int counter)
{
	struct pmc *pmc = &vcpu.pmc[counter];

	if (vcpu.active & bit(counter))
		update(counter);
	return (pmc->counter + pmc->count) & counter_mask(counter);
}

/* pmc_write_counter(), and perf_event_period() of an event that runs. */
static void write_counter(unsigned int counter, u64 value)
{
	struct pmc *pmc = &vcpu.pmc[counter];

	pmc->counter += value - read_counter(counter);
	if (!(vcpu.active & bit(counter)))
		return;
	disable_all();
	stop(counter);
	pmc->counter = (pmc->counter + pmc->count) & counter_mask(counter);
	pmc->count = 0;
	start(counter);
	enable_all();
}

static u64 changed_fixed(u64 diff)
{
	u64 set = 0;

	for (unsigned int i = 0; diff >> (HVPMU_FIXED_BITS * i); i++)
		set |= diff >> (HVPMU_FIXED_BITS * i) & 0xf ? bit(HVPMU_FIXED(i)) : 0;
	return set;
}

/* kvm_pmu_set_msr(): controls that change ask for their counters to be reprogrammed. */
static void write_register(struct access access, u64 value)
{
	switch (access.kind) {
	case ACCESS_COUNTER: write_counter(access.counter, value); break;
	case ACCESS_SELECT:
		if (vcpu.gp_select[access.counter] != value)
			vcpu.reprogram |= bit(access.counter);
		vcpu.gp_select[access.counter] = value;
		break;
	case ACCESS_FIXED_CTRL:
		vcpu.reprogram |= changed_fixed(vcpu.fixed_ctrl ^ value);
		vcpu.fixed_ctrl = value;
		break;
	case ACCESS_GLOBAL_CTRL:
		vcpu.reprogram |= vcpu.global_ctrl ^ value;
		vcpu.global_ctrl = value;
		break;
	case ACCESS_STATUS_CLEAR: vcpu.status &= ~value; break;
	case ACCESS_STATUS: break;
	}
}

static u64 read_register(struct access access)
{
	switch (access.kind) {
	case ACCESS_COUNTER: return read_counter(access.counter);
	case ACCESS_SELECT: return vcpu.gp_select[access.counter];
	case ACCESS_FIXED_CTRL: return vcpu.fixed_ctrl;
	case ACCESS_GLOBAL_CTRL: return vcpu.global_ctrl;
	case ACCESS_STATUS: return vcpu.status;
	case ACCESS_STATUS_CLEAR: break;
	}
	return 0;
}

static int guest_wrmsr(u32 msr, u64 value)
{
	exit_guest();
	write_register(registers_decode(vcpu.hw.regs, msr), value);
	enter();
	return HVPMU_OK;
}

static int guest_rdmsr(u32 msr, u64 *ret_value)
{
	exit_guest();
	*ret_value = read_register(registers_decode(vcpu.hw.regs, msr));
	enter();
	return HVPMU_OK;
}

static int guest_rdpmc(u32 index, u64 *ret_value)
{
	exit_guest();
	*ret_value = read_counter(registers_rdpmc_counter(index));
	enter();
	return HVPMU_OK;
}

static bool wants_pmi(unsigned int counter)
{
	return control_of(counter) &
	       (registers_is_fixed(counter) ? HVPMU_FIXED_PMI : HVPMU_SEL_INT);
}

/* The event's handler, kvm_perf_overflow(): by KVM_REQ_PMU, or an irq_work, to the next entry. */
static void overflowed(unsigned int counter)
{
	update(counter);
	set_period(counter);
	vcpu.status |= bit(counter);
	vcpu.reprogram |= bit(counter);
	vcpu.pmi_requested |= wants_pmi(counter);
}

/* intel_pmu_handle_irq(): looks at the status again before it ends. */
static void handle_irq_intel(struct hardware *hw)
{
	u64 status;

	hardware_wrmsr(hw, hw->regs->global_ctrl, 0);
	for (status = hardware_rdmsr(hw, hw->regs->status); status;
	     status = hardware_rdmsr(hw, hw->regs->status)) {
		hardware_wrmsr(hw, hw->regs->status_clear, status);
		while (status)
			overflowed(pop(&status));
	}
	enable_all();
}

/* amd_pmu_v2_handle_irq(): reads all active counters. */
static void handle_irq_amd(struct hardware *hw)
{
	u64 status;

	hardware_wrmsr(hw, hw->regs->global_ctrl, 0);
	status = hardware_rdmsr(hw, hw->regs->status);
	for (u64 set = vcpu.active; set;) {
		unsigned int counter = pop(&set);

		if (status & bit(counter))
			overflowed(counter);
		else
			update(counter);
	}
	hardware_wrmsr(hw, hw->regs->status_clear, status);
	enable_all();
}

static void guest_count(enum machine_event event, u64 count)
{
	machine_count(&vcpu.hw.cpu, event, 0, count);
	if (!hardware_take_pmi(&vcpu.hw))
		return;
	exit_guest();
	if (is_amd())
		handle_irq_amd(&vcpu.hw);
	else
		handle_irq_intel(&vcpu.hw);
	enter();
}

static unsigned int num_injected(void)
{
	return vcpu.injected;
}

const struct design design_emulated = {
	.name = "emulated",
	.begin = begin,
	.come = come,
	.enter = enter,
	.exit = exit_guest,
	.leave = leave,
	.scrub = scrub,
	.guest_wrmsr = guest_wrmsr,
	.guest_rdmsr = guest_rdmsr,
	.guest_rdpmc = guest_rdpmc,
	.guest_count = guest_count,
	.num_injected = num_injected,
};
