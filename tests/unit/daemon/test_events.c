/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/daemon/fixture.h"

#include <linux/perf_event.h>

#include "daemon/perf/events.h"
#include "daemon/perf/perf_event.h"

#define ALL 0x3f
#define HOST_USER HVP_MODE_BIT(HVP_MODE_HOST_USER)
#define HOST_KERNEL HVP_MODE_BIT(HVP_MODE_HOST_KERNEL)
#define GUEST_USER HVP_MODE_BIT(HVP_MODE_GUEST_USER)
#define GUEST_KERNEL HVP_MODE_BIT(HVP_MODE_GUEST_KERNEL)
#define HYPERVISOR HVP_MODE_BIT(HVP_MODE_HYPERVISOR)

static const struct {
	const char *text;
	uint32_t type;
	uint64_t config;
	uint32_t modes;
	unsigned int precise;
	uint64_t period;
	const char *scope;
} good[] = {
	{"cycles", PERF_TYPE_HARDWARE, 0, ALL, 0, 0, "host and guest, kernel and user"},
	{"instructions:u", PERF_TYPE_HARDWARE, 1, HOST_USER | GUEST_USER, 0, 0,
	 "host and guest, user"},
	{"cycles:k", PERF_TYPE_HARDWARE, 0, HOST_KERNEL | GUEST_KERNEL, 0, 0,
	 "host and guest, kernel"},
	{"cycles:G", PERF_TYPE_HARDWARE, 0, GUEST_USER | GUEST_KERNEL, 0, 0,
	 "guest, kernel and user"},
	{"cycles:H", PERF_TYPE_HARDWARE, 0, HOST_USER | HOST_KERNEL | HYPERVISOR, 0, 0,
	 "host, kernel and user"},
	{"cycles:HG", PERF_TYPE_HARDWARE, 0, ALL, 0, 0, "host and guest, kernel and user"},
	{"cycles:uG", PERF_TYPE_HARDWARE, 0, GUEST_USER, 0, 0, "guest, user"},
	{"cycles:kHpp", PERF_TYPE_HARDWARE, 0, HOST_KERNEL, 2, 0, "host, kernel"},
	{"cycles:uh", PERF_TYPE_HARDWARE, 0, HOST_USER | GUEST_USER | HYPERVISOR, 0, 0,
	 "host and guest, user"},
	{"cpu-clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, ALL, 0, 0,
	 "host and guest, kernel and user"},
	{"page-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS, ALL, 0, 0,
	 "host and guest, kernel and user"},
	{"r01c2", PERF_TYPE_RAW, 0x1c2, ALL, 0, 0, "host and guest, kernel and user"},
	{"L1-dcache-load-misses", PERF_TYPE_HW_CACHE, 0x10000, ALL, 0, 0,
	 "host and guest, kernel and user"},
	{"dTLB-stores:u", PERF_TYPE_HW_CACHE, 0x103, HOST_USER | GUEST_USER, 0, 0,
	 "host and guest, user"},
	{"node-prefetch-misses", PERF_TYPE_HW_CACHE, 0x10206, ALL, 0, 0,
	 "host and guest, kernel and user"},
	/* OProfile's. */
	{"CPU_CLK_UNHALTED:100000", PERF_TYPE_HARDWARE, 0, ALL, 0, 100000,
	 "host and guest, kernel and user"},
	{"CPU_CLK_UNHALTED:100000:0:1:1", PERF_TYPE_HARDWARE, 0, ALL, 0, 100000,
	 "host and guest, kernel and user"},
	{"INST_RETIRED:500000:0x00:0:1", PERF_TYPE_HARDWARE, 1, HOST_USER | GUEST_USER, 0, 500000,
	 "host and guest, user"},
	{"BR_INST_RETIRED:6000::1:0", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_INSTRUCTIONS,
	 HOST_KERNEL | GUEST_KERNEL, 0, 6000, "host and guest, kernel"},
	/* Tracepoints. */
	{"kvm:kvm_exit", PERF_TYPE_TRACEPOINT, 1234, ALL, 0, 1, "host and guest, kernel and user"},
	{"kvm:kvm_exit:k", PERF_TYPE_TRACEPOINT, 1234, HOST_KERNEL | GUEST_KERNEL, 0, 1,
	 "host and guest, kernel"},
	/* A PMU's own terms. */
	{"cpu/event=0xc0,umask=0x1/u", 4, 0x1c0, HOST_USER | GUEST_USER, 0, 0,
	 "host and guest, user"},
	{"cpu/event=0x1c0/", 4, 0x1000000c0, ALL, 0, 0, "host and guest, kernel and user"},
	{"cpu/edge/", 4, 1 << 18, ALL, 0, 0, "host and guest, kernel and user"},
	{"cpu/mem-loads,umask=2/", 4, 0x2cd, ALL, 0, 0, "host and guest, kernel and user"},
	{"cpu/config=0x1234/", 4, 0x1234, ALL, 0, 0, "host and guest, kernel and user"},
};

static const struct {
	const char *text;
	const char *part;
} bad[] = {
	{"", "empty"},
	{"cycels", "did you mean \"cycles\""},
	{"cycles:x", "modifiers"},
	{"cycles:pppp", "modifiers"},
	{"CPU_CLK_UNHALTED:0", "COUNT"},
	{"CPU_CLK_UNHALTED:12x", "COUNT"},
	{"CPU_CLK_UNHALTED:100:0x100", "UNITMASK"},
	{"CPU_CLK_UNHALTED:100:0:2", "KERNEL"},
	{"CPU_CLK_UNHALTED:100:0:0:0", "KERNEL"},
	{"CPU_CLK_UNHALTED:100:0:1:1:1", "too many"},
	{"kvm:no_such_tracepoint", "not known"},
	{"../../etc:passwd", "no PMU"},
	{"nopmu/event=1/", "no PMU"},
	{"cpu/event=/", "number"},
	{"cpu/nosuch=1/", "neither a field nor an event"},
	{"cpu/umask=0x1ff/", "too large"},
	{"cpu/event=1", "form"},
	{"/event=1/", "form"},
	{"cpu/event=1/q", "modifiers"},
	{"cpu/loop/", "neither a field nor an event"},
};

static void make_pmu(const struct fixture_tree *tree)
{
#define PMU "sys/bus/event_source/devices/cpu/"
	fixture_write(tree, PMU "type", "4\n");
	fixture_write(tree, PMU "format/event", "config:0-7,32-35\n");
	fixture_write(tree, PMU "format/umask", "config:8-15\n");
	fixture_write(tree, PMU "format/edge", "config:18\n");
	fixture_write(tree, PMU "events/mem-loads", "event=0xcd,umask=0x1\n");
	/* An event that is made of itself ends. */
	fixture_write(tree, PMU "events/loop", "loop\n");
	fixture_write(tree, "tracefs/events/kvm/kvm_exit/id", "1234\n");
}

static void names_of_all_kinds_are_understood(void **state)
{
	struct fixture_tree tree;

	(void)state;
	fixture_tree_init(&tree);
	make_pmu(&tree);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct hvp_event_spec spec;
		struct hvp_error *err = hvp_event_parse(good[i].text, &tree.roots, &spec);

		if (err)
			fail_msg("%s: %s", good[i].text, hvp_error_message(err));
		if (spec.type != good[i].type || spec.config != good[i].config ||
		    spec.modes != good[i].modes || spec.precise != good[i].precise ||
		    spec.period != good[i].period)
			fail_msg("%s: type %u config %#llx modes %#x precise %u period %llu",
				 good[i].text, spec.type, (unsigned long long)spec.config,
				 spec.modes, spec.precise, (unsigned long long)spec.period);
		assert_string_equal(spec.name, good[i].text);
		assert_string_equal(hvp_event_scope(spec.modes), good[i].scope);
		hvp_event_spec_deinit(&spec);
	}
	fixture_tree_deinit(&tree);
}

static void a_wrong_event_is_a_usage_error_that_says_which_part(void **state)
{
	struct fixture_tree tree;

	(void)state;
	fixture_tree_init(&tree);
	make_pmu(&tree);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct hvp_event_spec spec;

		assert_error(hvp_event_parse(bad[i].text, &tree.roots, &spec), HVP_ERROR_USAGE,
			     bad[i].part);
	}
	fixture_tree_deinit(&tree);
}

static void the_fallback_keeps_scope_and_frequency(void **state)
{
	struct hvp_event_spec spec, clock;

	(void)state;
	assert_ok(hvp_event_parse("cycles:uG", &hvp_host_roots_default, &spec));
	assert_ok(hvp_event_fall_back(&spec, &clock));
	assert_string_equal(clock.name, "cpu-clock:uG");
	assert_int_equal(clock.modes, GUEST_USER);
	assert_true(hvp_event_is_clock(&clock));
	assert_false(hvp_event_is_clock(&spec));
	hvp_event_spec_deinit(&spec);
	hvp_event_spec_deinit(&clock);
}

static void guests_are_counted_unless_told_otherwise_and_a_clock_excludes_nothing(void **state)
{
	const struct hvp_perf_features features = {.has_read_lost = true};
	const struct hvp_perf_attr_options options = {
		.features = &features, .frequency = 1000, .watermark = 4096};
	static const struct {
		const char *name;
		bool no_user, no_kernel, no_host, no_guest;
	} cases[] = {
		{"cycles", false, false, false, false},
		{"cycles:u", false, true, false, false},
		{"cycles:G", false, false, true, false},
		{"cycles:kH", true, false, false, true},
		/*
		 * The kernel looks at the host's registers while a guest runs: it would drop the
		 * guest.
		 */
		{"cpu-clock:u", false, false, false, false},
		{"cpu-clock:G", false, false, false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct perf_event_attr attr;
		struct hvp_event_spec spec;

		assert_ok(hvp_event_parse(cases[i].name, &hvp_host_roots_default, &spec));
		hvp_perf_attr_init(&spec, &options, &attr);
		assert_int_equal(attr.exclude_user, cases[i].no_user);
		assert_int_equal(attr.exclude_kernel, cases[i].no_kernel);
		assert_int_equal(attr.exclude_host, cases[i].no_host);
		assert_int_equal(attr.exclude_guest, cases[i].no_guest);
		/* The host's registers and stack are never a guest's. */
		assert_false(attr.sample_type & (PERF_SAMPLE_REGS_INTR | PERF_SAMPLE_REGS_USER |
						 PERF_SAMPLE_STACK_USER));
		assert_int_equal(attr.freq, 1);
		assert_int_equal(attr.sample_freq, 1000);
		hvp_event_spec_deinit(&spec);
	}
}

static void a_timer_is_not_asked_for_more_than_it_can(void **state)
{
	static const struct {
		const char *event;
		uint64_t asked, expected;
	} cases[] = {
		{"cpu-clock", 1, 10000}, {"cpu-clock", 10001, 10001}, {"task-clock:u", 9999, 10000},
		{"cycles", 1, 1},	 {"context-switches", 1, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct hvp_perf_features features = {0};
		const struct hvp_perf_attr_options options = {.features = &features,
							      .period = cases[i].asked};
		struct perf_event_attr attr;
		struct hvp_event_spec spec;

		assert_ok(hvp_event_parse(cases[i].event, &hvp_host_roots_default, &spec));
		hvp_perf_attr_init(&spec, &options, &attr);
		assert_int_equal(attr.freq, 0);
		assert_int_equal(attr.sample_period, cases[i].expected);
		hvp_event_spec_deinit(&spec);
	}
}

static void kernels_with_the_stale_guest_mode_are_known(void **state)
{
	static const struct {
		const char *release;
		bool is_stale;
	} kernels[] = {
		{"5.16.0", false}, {"5.17.0-1-amd64", true}, {"6.1.0-56-cloud-amd64", true},
		{"6.6.30", true},  {"6.7.0", false},	     {"6.18.44", false},
		{"4.19.0", false}, {"7.1.0", false},	     {"", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++)
		assert_int_equal(hvp_perf_has_stale_guest_mode(kernels[i].release),
				 kernels[i].is_stale);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_timer_is_not_asked_for_more_than_it_can),
		cmocka_unit_test(kernels_with_the_stale_guest_mode_are_known),
		cmocka_unit_test(names_of_all_kinds_are_understood),
		cmocka_unit_test(a_wrong_event_is_a_usage_error_that_says_which_part),
		cmocka_unit_test(the_fallback_keeps_scope_and_frequency),
		cmocka_unit_test(
			guests_are_counted_unless_told_otherwise_and_a_clock_excludes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
