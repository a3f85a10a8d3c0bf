/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a VMM takes away from a guest: events, registers, counters, the PMU. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "check.h"
#include "pmu.h"
#include "runner.h"
#include "tests.h"

/* Linux 6.3's, Documentation/virt/kvm/api.rst, KVM_SET_PMU_EVENT_FILTER: not in Debian 12's headers. */
#define FLAG_MASKED_EVENTS 1u
#define MASKED_EVENT(select, mask, match, excluded)                                                \
	((select) | (match) << 8 | (uint64_t)(excluded) << 55 | (uint64_t)(mask) << 56)
#define MASKED_EVENTS 2

static void apply_filter(struct vm *vm, struct kvm_pmu_event_filter how, const uint64_t *events)
{
	size_t size = how.nevents * sizeof(events[0]);
	struct kvm_pmu_event_filter *filter = malloc(sizeof(*filter) + size);

	if (!filter)
		err(1, "filter");
	*filter = how;
	memcpy(filter->events, events, size);
	if (ioctl(vm->fd, KVM_SET_PMU_EVENT_FILTER, filter))
		err(1, "KVM_SET_PMU_EVENT_FILTER");
	free(filter);
}

static void set_filter(struct vm *vm, uint32_t action, uint64_t event, uint32_t fixed)
{
	struct kvm_pmu_event_filter how = {
		.action = action, .fixed_counter_bitmap = fixed, .nevents = 1};

	apply_filter(vm, how, &event);
}

static void filter_events(void)
{
	struct vm vm;

	check_begin("a denied event stands still, and goes on when it is allowed");
	vm_create(&vm, VM_PMU);
	pmu_program(&vm, 0, pmu.instructions | PMU_OS, 5);
	pmu_program(&vm, 1, pmu.branches | PMU_OS, 0);
	vm_loop(&vm, 1000);
	set_filter(&vm, KVM_PMU_EVENT_DENY, pmu.instructions, 0);
	vm_loop(&vm, 1000);
	check_is("instructions, denied", 2005, pmu_value(&vm, 0));
	check_is("branches, not denied", 2000, pmu_value(&vm, 1));
	set_filter(&vm, KVM_PMU_EVENT_ALLOW, pmu.instructions, 0);
	vm_loop(&vm, 1000);
	check_is("instructions, allowed", 4005, pmu_value(&vm, 0));
	check_is("branches, not allowed", 2000, pmu_value(&vm, 1));
	set_filter(&vm, KVM_PMU_EVENT_DENY, 0xff, 0);
	vm_loop(&vm, 1000);
	check_is("instructions, no longer concerned", 6005, pmu_value(&vm, 0));
	check_is("branches, no longer concerned", 3000, pmu_value(&vm, 1));
	/* The guest changes a counter to an event that is denied. */
	set_filter(&vm, KVM_PMU_EVENT_DENY, pmu.instructions, 0);
	vm_wrmsr(&vm, pmu_select(1), pmu.instructions | PMU_OS | PMU_EN);
	vm_loop(&vm, 1000);
	check_is("a counter that was changed to a denied event", 3000, pmu_value(&vm, 1));
	vm_destroy(&vm);
	check_end();
}

/* Counters 0 to 3: instructions that load, that store, either (on AMD both), and all instructions. */
struct masked_counts {
	uint64_t loads, stores, others, instructions;
};

/* A load, a store and 100 elements of a string that are both. */
static void run_accesses(struct vm *vm)
{
	struct kvm_regs load = {.rbx = VM_BUFFER}, store = load;
	struct kvm_regs both = {.rsi = VM_BUFFER, .rdi = VM_BUFFER + 0x1000, .rcx = 100};

	vm_step(vm, guest_read, &load);
	vm_step(vm, guest_write, &store);
	vm_step(vm, guest_rep_movs, &both);
}

static void check_accesses(const char *when, struct vm *vm, struct masked_counts rounds)
{
	const struct masked_counts amd = {1, 1, 100, 3}, intel = {101, 101, 102, 3};
	const struct masked_counts one = pmu.is_intel ? intel : amd;
	const struct {
		const char *name;
		uint64_t want;
	} counters[] = {{"loads", rounds.loads * one.loads},
			{"stores", rounds.stores * one.stores},
			{"others", rounds.others * one.others},
			{"instructions", rounds.instructions * one.instructions}};

	for (unsigned int i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
		char what[60];

		snprintf(what, sizeof(what), "%s, %s", counters[i].name, when);
		check_is(what, counters[i].want, pmu_value(vm, i));
	}
}

/* All unit masks of loads and stores but that of stores alone. */
static void filter_masked(void)
{
	const uint64_t intel[MASKED_EVENTS] = {MASKED_EVENT(0xd0, 0x7c, 0, false),
					       MASKED_EVENT(0xd0, 0xff, 0x82, true)};
	const uint64_t amd[MASKED_EVENTS] = {MASKED_EVENT(0x29, 0xf8, 0, false),
					     MASKED_EVENT(0x29, 0xff, 2, true)};
	const uint64_t *events = pmu.is_intel ? intel : amd;
	struct kvm_pmu_event_filter how = {.action = KVM_PMU_EVENT_ALLOW,
					   .flags = FLAG_MASKED_EVENTS,
					   .nevents = MASKED_EVENTS};
	struct vm vm;

	check_begin("a filter of masked events tells unit masks apart");
	vm_create(&vm, VM_PMU);
	pmu_program(&vm, 0, (pmu.is_intel ? 0x81d0 : 0x0129) | PMU_OS, 0);
	pmu_program(&vm, 1, (pmu.is_intel ? 0x82d0 : 0x0229) | PMU_OS, 0);
	pmu_program(&vm, 2, (pmu.is_intel ? 0x83d0 : 0x0429) | PMU_OS, 0);
	pmu_program(&vm, 3, pmu.instructions | PMU_OS, 0);
	run_accesses(&vm);
	check_accesses("without a filter", &vm, (struct masked_counts){1, 1, 1, 1});
	apply_filter(&vm, how, events);
	run_accesses(&vm);
	check_accesses("allowed", &vm, (struct masked_counts){2, 1, 2, 1});
	how.action = KVM_PMU_EVENT_DENY;
	apply_filter(&vm, how, events);
	run_accesses(&vm);
	check_accesses("denied", &vm, (struct masked_counts){2, 2, 2, 2});
	vm_destroy(&vm);
	check_end();
}

static void filter_fixed(void)
{
	struct vm vm;

	if (!pmu.fixed)
		return;
	check_begin("a denied fixed counter stands still, and goes on when it is allowed");
	vm_create(&vm, VM_PMU);
	pmu_program(&vm, 0, pmu.instructions | PMU_OS, 0);
	pmu_program(&vm, PMU_FIXED, PMU_OS, 5);
	vm_loop(&vm, 1000);
	set_filter(&vm, KVM_PMU_EVENT_DENY, 0xff, 1);
	vm_loop(&vm, 1000);
	check_is("instructions, denied", 2005, pmu_value(&vm, PMU_FIXED));
	check_is("instructions by a general counter", 4000, pmu_value(&vm, 0));
	set_filter(&vm, KVM_PMU_EVENT_ALLOW, 0xff, 1);
	vm_loop(&vm, 1000);
	check_is("instructions, allowed", 4005, pmu_value(&vm, PMU_FIXED));
	check_is("instructions by a general counter, not allowed", 4000, pmu_value(&vm, 0));
	set_filter(&vm, KVM_PMU_EVENT_ALLOW, pmu.instructions, 2);
	vm_loop(&vm, 1000);
	check_is("instructions, no longer allowed", 4005, pmu_value(&vm, PMU_FIXED));
	check_is("instructions by a general counter, allowed again", 6000, pmu_value(&vm, 0));
	vm_destroy(&vm);
	check_end();
}

static void set_msr_filter(struct vm *vm, uint32_t msr)
{
	uint8_t bitmap[1] = {0};
	struct kvm_msr_filter filter = {
		.flags = KVM_MSR_FILTER_DEFAULT_ALLOW,
		.ranges = {{.flags = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE,
			    .nmsrs = 1,
			    .base = msr,
			    .bitmap = bitmap}}};

	if (ioctl(vm->fd, KVM_X86_SET_MSR_FILTER, &filter))
		err(1, "KVM_X86_SET_MSR_FILTER");
}

static void filter_registers(const char *name, unsigned int i)
{
	struct vm vm, later;
	uint64_t value = 0;

	check_begin(name);
	vm_create(&vm, VM_PMU);
	pmu_program(&vm, i, pmu.instructions | PMU_OS, 0);
	vm_loop(&vm, 1000);
	check_is("the register, read by the guest", 1, vm_rdmsr(&vm, pmu_counter(i), &value));
	/* An RDMSR that does not exit counts itself in what it reads. */
	check_is("its value", 2001, value);
	set_msr_filter(&vm, pmu_counter(i));
	vm_rdmsr(&vm, pmu_counter(i), &value);
	check_is("what the VMM gave", 0x5a5a, value);
	vm_wrmsr(&vm, pmu_counter(i), 7);
	check_is("accesses that came to the VMM", 2, vm.user_msrs);
	/* The counter counts the guest's RDMSRs and the WRMSR, which did not write it. */
	check_is("the counter", 2003, pmu_value(&vm, i));
	vm_loop(&vm, 1000);
	check_is("the counter, later", 4003, pmu_value(&vm, i));
	/* The selector exits in any case. */
	set_msr_filter(&vm, pmu_select(i));
	vm_wrmsr(&vm, pmu_select(i), 0);
	check_is("accesses that came to the VMM, with the selector's", 3, vm.user_msrs);
	vm_add_vcpu(&vm, 1, &later);
	vm_wrmsr(&later, pmu_select(i), 0);
	check_is("those of a vCPU that came after the filter", 1, later.user_msrs);
	vm_remove_vcpu(&later);
	check_is("the register, passed through again", 1, vm_rdmsr(&vm, pmu_counter(i), &value));
	check_is("its value again", 4005, value);
	vm_destroy(&vm);
	check_end();
}

/* A filter of this register alone. */
static void expect_filtered(struct vm *vm, uint32_t msr)
{
	uint64_t before = vm->user_msrs, value;

	set_msr_filter(vm, msr);
	vm_rdmsr(vm, msr, &value);
	vm_wrmsr(vm, msr, 0);
	check_is("accesses that came to the VMM, and of which register", 2ull << 32 | msr,
		 (vm->user_msrs - before) << 32 | msr);
}

static void filter_each_register(void)
{
	const uint32_t others[] = {pmu.ctrl, pmu.status, pmu.clear};
	struct vm vm;

	check_begin("each register comes to the VMM when a filter says so of it alone");
	vm_create(&vm, VM_PMU);
	for (unsigned int n = 0; n < pmu_count(); n++) {
		expect_filtered(&vm, pmu_counter(pmu_nth(n)));
		expect_filtered(&vm, pmu_select(pmu_nth(n)));
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (others[i])
			expect_filtered(&vm, others[i]);
	/* Intel's other names of the counters. */
	for (uint32_t i = 0; pmu.is_intel && i < PMU_GUEST_COUNTERS; i++)
		expect_filtered(&vm, 0xc1 + i);
	vm_destroy(&vm);
	check_end();
}

static void expect_no_pmu(const char *name, enum vm_pmu kind)
{
	uint64_t value;
	struct vm vm;

	check_begin(name);
	vm_create(&vm, kind);
	/* Writes of the first selectors, which every processor once had, KVM ignores. */
	check_is("whether a selector can be written", !pmu.is_intel,
		 vm_wrmsr(&vm, pmu_select(2), pmu.instructions | PMU_OS | PMU_EN));
	check_is("whether RDPMC can be used", 0, vm_rdpmc(&vm, 2, &value));
	vm_loop(&vm, 1000);
	check_is("what guests leave in hardware", 0, pmu_left());
	vm_destroy(&vm);
	check_end();
}

/* A guest without PERF_CAPABILITIES.FW_WRITE, whose counter is in hardware. */
static void hide_full_width(void)
{
	uint64_t value;
	struct vm vm;

	if (!pmu.is_intel)
		return;
	check_begin("the full-width names of counters are not there for a guest that is not told "
		    "of them");
	vm_create(&vm, VM_PMU);
	check_is("the VMM's PERF_CAPABILITIES", 1, vm_set(&vm, 0x345, 0));
	pmu_program(&vm, 0, pmu.instructions | PMU_OS, 0);
	vm_loop(&vm, 1000);
	check_is("a read by the full-width name", 0, vm_rdmsr(&vm, 0x4c1, &value));
	check_is("a write by it", 0, vm_wrmsr(&vm, 0x4c1, 1));
	check_is("a read by the other name", 1, vm_rdmsr(&vm, 0xc1, &value));
	vm_destroy(&vm);
	check_end();
}

static void expect_hidden(struct vm *vm)
{
	uint64_t value;

	for (unsigned int n = 1; n < pmu_count(); n++) {
		unsigned int i = pmu_nth(n);
		uint32_t index = i < PMU_FIXED ? i : 0x40000000 + i - PMU_FIXED;

		check_is("a read of a counter of others", 0, vm_rdmsr(vm, pmu_counter(i), &value));
		check_is("a write", 0, vm_wrmsr(vm, pmu_counter(i), 1));
		check_is("RDPMC", 0, vm_rdpmc(vm, index, &value));
		check_is("its enable bit", 0, vm_wrmsr(vm, pmu.ctrl, 1 | 1ull << i));
	}
	check_is("a fixed counter's control", 0, vm_wrmsr(vm, pmu_select(PMU_FIXED), 1));
}

/* Beside a guest that counts with all of them. */
static void hide_counters(void)
{
	struct runner runner;
	struct vm all, one;

	if (!pmu.is_intel)
		return;
	check_begin("a guest that is told of one counter has no other");
	vm_create(&all, VM_PMU);
	vm_create(&one, VM_PMU_ONE);
	for (unsigned int n = 0; n < pmu_count(); n++)
		pmu_program(&all, pmu_nth(n), pmu.instructions | PMU_OS, 0);
	runner_start(&runner, &all, 0);
	runner_pin(0);
	check_is("its own selector", 1,
		 vm_wrmsr(&one, pmu_select(0), pmu.instructions | PMU_OS | PMU_EN));
	check_is("its own control", 1, vm_wrmsr(&one, pmu.ctrl, 1));
	vm_set(&one, 0xc1, 0);
	vm_loop(&one, 1000);
	check_is("its own count", 2000, pmu_value(&one, 0));
	expect_hidden(&one);
	runner_stop(&runner);
	runner_pin(RUNNER_ANY_CPU);
	for (unsigned int i = 0; i < PMU_GUEST_COUNTERS; i++)
		check_is("the other guest's count", 2 * runner.loops, pmu_value(&all, i));
	if (pmu.fixed)
		check_is("its fixed counter", 2 * runner.loops, pmu_value(&all, PMU_FIXED));
	vm_destroy(&one);
	vm_destroy(&all);
	check_end();
}

void test_filters(void)
{
	filter_events();
	filter_masked();
	filter_fixed();
	filter_registers(
		"a register that was passed through comes to the VMM when the filter says so", 0);
	if (pmu.fixed)
		filter_registers("so does that of a fixed counter", PMU_FIXED);
	filter_each_register();
	expect_no_pmu("a VM whose PMU is disabled has none", VM_PMU_OFF);
}

void test_cpuid(void)
{
	expect_no_pmu("a vCPU whose CPUID promises more than guests own has no PMU",
		      VM_PMU_TOO_MUCH);
	hide_full_width();
	hide_counters();
}
