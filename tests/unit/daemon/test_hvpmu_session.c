/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A session with /dev/hvpmu: what is asked of it, why it is refused, and who had the counters. */
#include "tests/unit/daemon/hvpmu_source_fixture.h"

#include <errno.h>
#include <linux/perf_event.h>

#include "daemon/hvpmu/partition.h"

static void an_event_that_never_had_a_counter_is_told(void **state)
{
	struct source_test *test = *state;
	struct hvpmu_record_sample from = fake_sample(0);

	source_start(test);
	fixture_log_is(&test->log, "comm 100/100 qemu\n");
	source_put(test, 0, &from);
	test->device.ticks = 300000000;
	source_drain(test);
	assert_ok(test->source->ops->stop(test->source));
	assert_non_null(strstr(fixture_log_text(&test->log), "note no sample of instructions:u"));
	assert_null(strstr(fixture_log_text(&test->log), "no sample of cycles"));
}

/* Half a second, in which the first event had a sample, and the second none. */
static const char *tell_times(struct source_test *test)
{
	struct hvpmu_record_sample from = fake_sample(0);

	source_start(test);
	fixture_log_is(&test->log, "comm 100/100 qemu\n");
	source_put(test, 0, &from);
	test->device.ticks = 1000000000;
	source_drain(test);
	assert_ok(test->source->ops->stop(test->source));
	return fixture_log_text(&test->log);
}

static void how_long_events_had_a_counter_is_told(void **state)
{
	struct source_test *test = *state;
	const char *text;

	test->device.has_times = true;
	test->device.times[0] = (struct hvpmu_dev_times){.enabled = 2000, .running = 960};
	test->device.times[1] = (struct hvpmu_dev_times){.enabled = 2000};
	text = tell_times(test);
	assert_non_null(strstr(text, "note cycles had a counter for 48.0% of the time: other "
				     "events had it meanwhile, and the samples of that time are "
				     "missing, although none is lost; fewer events help: guests"));
	assert_non_null(strstr(text, "note instructions:u had a counter for 0.0% of the time"));
	assert_null(strstr(text, "no sample of"));
}

static void an_event_that_hardly_happened_is_told_from_one_that_had_no_counter(void **state)
{
	struct source_test *test = *state;

	test->device.has_times = true;
	test->device.times[0] = (struct hvpmu_dev_times){.enabled = 2000, .running = 1980};
	test->device.times[1] =
		(struct hvpmu_dev_times){.enabled = 2000, .running = 2000, .count = 777};
	tell_times(test);
	fixture_log_is(&test->log, "note no sample of instructions:u came: its counter counted 777 "
				   "in all, too little for a sample\n");
}

static void where_the_kernel_does_not_say_how_long_none_is_made_up(void **state)
{
	struct source_test *test = *state;
	const char *text;

	test->device.times[0] = (struct hvpmu_dev_times){.enabled = 2000, .running = 960};
	text = tell_times(test);
	assert_null(strstr(text, "had a counter"));
	assert_non_null(strstr(text, "note no sample of instructions:u came: nothing of it "
				     "happened, or no counter was left for it: guests"));
}

static void the_setup_asks_for_what_the_configuration_says(void **state)
{
	struct source_test *test = *state;
	const struct hvp_event_info *infos;
	size_t num;

	fixture_write(&test->tree, "proc/sys/kernel/perf_event_max_stack", "64\n");
	test->config.wants_chains = true;
	test->config.frequency = 80000;
	source_start(test);
	assert_int_equal(test->device.setup.num_events, 2);
	assert_int_equal(test->device.setup.flags, HVPMU_DEV_CHAIN);
	assert_int_equal(test->device.setup.chain_max, 64);
	assert_int_equal(test->device.setup.data_size, 4096);
	assert_string_equal(test->device.events[0].name, "cycles");
	assert_int_equal(test->device.events[0].flags, HVPMU_DEV_FREQUENCY);
	assert_int_equal(test->device.events[0].period, 50000);
	assert_int_equal(test->device.events[1].flags, HVPMU_DEV_NO_KERNEL);
	assert_int_equal(test->device.events[1].period, 100000);
	infos = test->source->ops->events(test->source, &num);
	assert_int_equal(num, 2);
	assert_int_equal(infos[0].frequency, 50000);
	assert_int_equal(infos[1].period, 100000);
	fixture_log_is(&test->log, "note sampled at 50000 Hz instead of 80000: the limit is "
				   "kernel.perf_event_max_sample_rate\ncomm 100/100 qemu\n");
}

static void the_device_has_a_highest_rate_of_its_own(void **state)
{
	struct source_test *test = *state;

	fixture_write(&test->tree, "proc/sys/kernel/perf_event_max_sample_rate", "500000\n");
	test->config.frequency = 200000;
	source_start(test);
	assert_int_equal(test->device.events[0].period, HVPMU_DEV_FREQUENCY_MAX);
	fixture_log_is(&test->log, "note sampled at 100000 Hz instead of 200000: /dev/hvpmu is no "
				   "faster\ncomm 100/100 qemu\n");
}

static void what_it_cannot_take_it_says_before_anything_is_opened(void **state)
{
	struct source_test *test = *state;
	struct hvp_record_config *config = &test->config;
	const struct hvp_record_config usual = *config;
	const struct hvp_event_spec event = test->events[0];
	uint32_t cpu = 0;

	assert_ok(hvp_hvpmu_source_suits(fake_parts.calls, config));
	config->is_system_wide = false;
	assert_error(hvp_hvpmu_source_suits(fake_parts.calls, config), HVP_ERROR_USAGE, "(-a)");
	*config = usual;
	config->cpus = (struct hvp_cpu_list){&cpu, 1};
	assert_error(hvp_hvpmu_source_suits(fake_parts.calls, config), HVP_ERROR_USAGE, "-C");
	*config = usual;
	test->events[0].precise = 2;
	assert_error(hvp_hvpmu_source_suits(fake_parts.calls, config), HVP_ERROR_UNSUPPORTED,
		     "event cycles: precise");
	test->events[0] = event;
	test->events[0].type = PERF_TYPE_TRACEPOINT;
	assert_error(hvp_hvpmu_source_suits(fake_parts.calls, config), HVP_ERROR_UNSUPPORTED,
		     "perf's alone");
	test->events[0] = event;
	test->events[0].type = PERF_TYPE_SOFTWARE;
	test->events[0].config = PERF_COUNT_SW_CPU_CLOCK;
	assert_ok(hvp_hvpmu_source_suits(fake_parts.calls, config));
	test->events[0].config = PERF_COUNT_SW_PAGE_FAULTS;
	assert_error(hvp_hvpmu_source_suits(fake_parts.calls, config), HVP_ERROR_UNSUPPORTED,
		     "perf's alone");
	test->events[0] = event;
	config->num_events = HVPMU_DEV_EVENTS_MAX + 1;
	assert_error(hvp_hvpmu_source_suits(fake_parts.calls, config), HVP_ERROR_UNSUPPORTED,
		     "at most 32 events");
}

static void where_there_is_no_device_perf_is_chosen(void **state)
{
	const struct hvp_source_ops *chosen = NULL;
	struct source_test *test = *state;

	/* The tree of files has no dev/hvpmu. */
	assert_ok(hvp_source_choose(&test->config, NULL, &chosen));
	assert_string_equal(chosen->name, "perf");
	assert_error(hvp_hvpmu_source_ops.probe(&test->tree.roots), HVP_ERROR_NOT_FOUND,
		     "dev/hvpmu is not there");
}

static void what_the_kernel_refuses_is_put_into_words(void **state)
{
	static const struct {
		int open_errno, setup_errno;
		enum hvp_error_code code;
		const char *part;
	} cases[] = {
		{ENOENT, 0, HVP_ERROR_NOT_FOUND, "CONFIG_KVM_HVPMU"},
		{ENODEV, 0, HVP_ERROR_NOT_FOUND, "modprobe kvm"},
		{EPERM, 0, HVP_ERROR_PERMISSION, "CAP_PERFMON"},
		{EACCES, 0, HVP_ERROR_PERMISSION, "CAP_PERFMON"},
		{EBUSY, 0, HVP_ERROR_OS, "somebody else records with it"},
		{EIO, 0, HVP_ERROR_OS, "cannot be opened"},
		{0, ENOMEM, HVP_ERROR_OS, "smaller -m"},
		{0, EPERM, HVP_ERROR_PERMISSION, "CAP_PERFMON"},
		{0, EBUSY, HVP_ERROR_OS, "Fewer events help"},
		{0, EINVAL, HVP_ERROR_UNSUPPORTED, "does not take the events"},
		{0, ENOENT, HVP_ERROR_UNSUPPORTED, "(mask 0xf), 7 are left to the host"},
	};
	struct source_test *test = *state;

	test->device.info.guest_mask = 0xf;
	test->device.info.host_mask = 0x7000000f0;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		test->device.open_errno = cases[i].open_errno;
		test->device.setup_errno = cases[i].setup_errno;
		assert_error(hvp_hvpmu_source_suits(fake_parts.calls, &test->config), cases[i].code,
			     cases[i].part);
		assert_error(source_try_open(test), cases[i].code, cases[i].part);
		assert_null(test->source);
	}
}

static void whose_the_counters_are_is_put_into_words(void **state)
{
	static const struct {
		const char *parameter;
		int open_errno;
		uint64_t guest_mask;
		uint32_t num_vms;
		enum hvp_partition_state state;
		const char *text;
	} cases[] = {
		{"0\n", 0, 0, 0, HVP_PARTITION_OFF, "off (kvm.hvpmu is 0)"},
		{"4\n", 0, 0, 0, HVP_PARTITION_IDLE,
		 "on, 4 counters for guests; no VM has them now: all are the host's"},
		{"4\n", 0, 0xf, 1, HVP_PARTITION_ACTIVE,
		 "on: 1 VM has 4 counters (0xf), the host has 4 counters and 3 fixed "
		 "(0x7000000f0)"},
		{"4\n", 0, 0x10000000f, 2, HVP_PARTITION_ACTIVE,
		 "on: 2 VMs have 4 counters and 1 fixed (0x10000000f), "
		 "the host has 4 counters and 2 fixed (0x6000000f0)"},
		{"4\n", EBUSY, 0, 0, HVP_PARTITION_ON,
		 "on, 4 counters for guests; whether VMs have them now cannot be asked"},
	};
	struct source_test *test = *state;
	struct hvp_partition partition;
	char text[HVP_PARTITION_TEXT];

	hvp_partition_read(&test->tree.roots, fake_parts.calls, &partition);
	assert_int_equal(partition.state, HVP_PARTITION_NONE);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fixture_write(&test->tree, "sys/module/kvm/parameters/hvpmu", cases[i].parameter);
		test->device.open_errno = cases[i].open_errno;
		test->device.info.guest_mask = cases[i].guest_mask;
		test->device.info.host_mask = 0x7000000ff & ~cases[i].guest_mask;
		test->device.info.num_vms = cases[i].num_vms;
		hvp_partition_read(&test->tree.roots, fake_parts.calls, &partition);
		assert_int_equal(partition.state, cases[i].state);
		assert_string_equal(hvp_partition_text(&partition, text), cases[i].text);
	}
	fixture_write(&test->tree, "sys/module/kvm/parameters/hvpmu_rdpmc", "N\n");
	hvp_partition_read(&test->tree.roots, fake_parts.calls, &partition);
	assert_false(partition.is_rdpmc_direct);
	fixture_write(&test->tree, "sys/module/kvm/parameters/hvpmu_rdpmc", "Y\n");
	hvp_partition_read(&test->tree.roots, fake_parts.calls, &partition);
	assert_string_equal(hvp_partition_text(&partition, text),
			    "on, 4 counters for guests; whether VMs have them now cannot be asked; "
			    "guests may read the host's counters, too (kvm.hvpmu_rdpmc)");
}

static void a_device_that_says_what_cannot_be_is_refused(void **state)
{
	struct source_test *test = *state;
	const struct hvpmu_dev_info good = test->device.info;

	test->device.info.version++;
	assert_error(source_try_open(test), HVP_ERROR_UNSUPPORTED, "speaks version 2");
	test->device.info = good;
	test->device.info.num_cpus = 0;
	assert_error(source_try_open(test), HVP_ERROR_FORMAT, "cannot be");
	test->device.info.num_cpus = HVP_MAX_CPUS + 1;
	assert_error(source_try_open(test), HVP_ERROR_FORMAT, "cannot be");
	test->device.info = good;
	test->device.info.header_size = 100;
	assert_error(source_try_open(test), HVP_ERROR_FORMAT, "cannot be");
	/* The file ends before the fourth ring, which is not of any version then. */
	test->device.info = good;
	test->device.info.header_size = 2 * FAKE_HEADER;
	assert_error(source_try_open(test), HVP_ERROR_UNSUPPORTED, "ring is not of version 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, source_set_up, source_tear_down)
		TEST(an_event_that_never_had_a_counter_is_told),
		TEST(how_long_events_had_a_counter_is_told),
		TEST(an_event_that_hardly_happened_is_told_from_one_that_had_no_counter),
		TEST(where_the_kernel_does_not_say_how_long_none_is_made_up),
		TEST(the_setup_asks_for_what_the_configuration_says),
		TEST(the_device_has_a_highest_rate_of_its_own),
		TEST(what_it_cannot_take_it_says_before_anything_is_opened),
		TEST(where_there_is_no_device_perf_is_chosen),
		TEST(what_the_kernel_refuses_is_put_into_words),
		TEST(whose_the_counters_are_is_put_into_words),
		TEST(a_device_that_says_what_cannot_be_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
