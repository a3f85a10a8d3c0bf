/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The source of /dev/hvpmu, on rings that the hypervisor's producer writes. */
#include "tests/unit/daemon/fixture.h"

#include <errno.h>
#include <linux/perf_event.h>

#include "daemon/hvpmu/partition.h"
#include "tests/unit/daemon/hvpmu_fixture.h"

#define ALL_MODES                                                                                  \
	(HVP_MODE_BIT(HVP_MODE_HOST_KERNEL) | HVP_MODE_BIT(HVP_MODE_HOST_USER) |                   \
	 HVP_MODE_BIT(HVP_MODE_GUEST_KERNEL) | HVP_MODE_BIT(HVP_MODE_GUEST_USER))
#define MAX_SAMPLES 40000

struct test {
	struct fixture_tree tree;
	struct fake_device device;
	struct hvp_event_spec events[2];
	struct hvp_record_config config;
	struct hvp_source *source;
	struct hvp_sink sink;
	struct hvp_sample *samples;
	uint64_t frames[HVP_MAX_CHAIN];
	size_t num_samples;
	uint64_t lost_samples, lost_records;
	/* Of other records, a line each. */
	struct fixture_log log;
};

static struct hvp_error *take_sample(void *arg, struct hvp_sample *sample)
{
	struct test *test = arg;

	assert_true(test->num_samples < MAX_SAMPLES);
	test->samples[test->num_samples++] = *sample;
	memcpy(test->frames, sample->chain.frames,
	       sample->chain.num_frames * sizeof(*test->frames));
	return NULL;
}

static struct hvp_error *take_record(void *arg, const struct hvp_record *record)
{
	struct test *test = arg;

	if (record->type != HVP_RECORD_LOST)
		return test->log.sink.record(test->log.sink.arg, record);
	if (record->lost.where == HVP_LOST_RING)
		test->lost_samples += record->lost.samples;
	else
		test->lost_records += record->lost.records;
	return NULL;
}

static int set_up(void **state)
{
	struct test *test = calloc(1, sizeof(*test));

	assert_non_null(test);
	fixture_tree_init(&test->tree);
	fixture_write(&test->tree, "proc/sys/kernel/perf_event_max_sample_rate", "50000\n");
	fake_device_init(&test->device);
	fixture_log_init(&test->log);
	test->samples = calloc(MAX_SAMPLES, sizeof(*test->samples));
	test->events[0] = (struct hvp_event_spec){.name = (char *)"cycles",
						  .unit = "cycles",
						  .config = PERF_COUNT_HW_CPU_CYCLES,
						  .modes = ALL_MODES};
	test->events[1] = (struct hvp_event_spec){.name = (char *)"instructions:u",
						  .unit = "instructions",
						  .config = PERF_COUNT_HW_INSTRUCTIONS,
						  .modes = HVP_MODE_BIT(HVP_MODE_HOST_USER) |
							   HVP_MODE_BIT(HVP_MODE_GUEST_USER),
						  .period = 100000};
	test->config = (struct hvp_record_config){.events = test->events,
						  .num_events = 2,
						  .frequency = 1000,
						  .is_system_wide = true,
						  .ring_pages = 1,
						  .roots = &test->tree.roots};
	test->sink = (struct hvp_sink){.sample = take_sample, .record = take_record, .arg = test};
	*state = test;
	return 0;
}

static int tear_down(void **state)
{
	struct test *test = *state;

	hvp_source_destroy(test->source);
	fixture_log_deinit(&test->log);
	fake_device_deinit(&test->device);
	fixture_tree_deinit(&test->tree);
	free(test->samples);
	free(test);
	return 0;
}

static struct hvp_error *try_open(struct test *test)
{
	return hvp_hvpmu_source_open(&fake_parts, &test->config, &test->sink, NULL, &test->source);
}

static void start(struct test *test)
{
	assert_ok(try_open(test));
	assert_ok(test->source->ops->start(test->source));
}

static void drain(struct test *test)
{
	bool has_more = false;

	assert_ok(test->source->ops->drain(test->source, &has_more));
	assert_true(has_more);
}

static void put(struct test *test, uint32_t cpu, const struct hvpmu_record_sample *sample)
{
	assert_true(fake_put(&test->device, cpu, sample, sizeof(*sample)));
}

static void what_a_guests_sample_says_arrives(void **state)
{
	struct test *test = *state;
	struct hvpmu_record_sample from = fake_sample(2000);
	const struct hvp_sample *sample;

	/* It waited for its chain, and meanwhile the thread was moved to the CPU of this ring. */
	from.cpu = 1;
	start(test);
	assert_true(test->device.is_enabled);
	put(test, 2, &from);
	test->device.ticks = 4000;
	drain(test);
	assert_int_equal(test->num_samples, 1);
	sample = &test->samples[0];
	assert_int_equal(sample->mode, HVP_MODE_GUEST_USER);
	assert_int_equal(sample->time, FAKE_TIME + 1000);
	assert_int_equal(sample->ip, 0x401000);
	assert_int_equal(sample->period, 1000);
	assert_int_equal(sample->guest_cr3, 0x1234002);
	assert_int_equal(sample->pid, 100);
	assert_int_equal(sample->tid, 101);
	assert_int_equal(sample->cpu, 1);
	assert_int_equal(sample->domain, 5);
	assert_int_equal(sample->vcpu, 1);
	assert_int_equal(sample->event, 0);
	assert_int_equal(sample->chain.num_frames, 0);
}

static void the_four_modes_are_told_apart_and_the_hosts_cr3_is_not_a_guests(void **state)
{
	static const struct {
		uint16_t flags;
		uint8_t cpl;
		enum hvp_mode mode;
	} cases[] = {
		{HVPMU_SAMPLE_GUEST, 0, HVP_MODE_GUEST_KERNEL},
		{HVPMU_SAMPLE_GUEST, 1, HVP_MODE_GUEST_KERNEL},
		{HVPMU_SAMPLE_GUEST, 3, HVP_MODE_GUEST_USER},
		{0, 0, HVP_MODE_HOST_KERNEL},
		{HVPMU_SAMPLE_EXACT, 3, HVP_MODE_HOST_USER},
	};
	struct test *test = *state;

	start(test);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct hvpmu_record_sample from = fake_sample(i);

		from.header.flags = cases[i].flags;
		from.cpl = cases[i].cpl;
		put(test, 0, &from);
		drain(test);
		assert_int_equal(test->samples[i].mode, cases[i].mode);
		assert_int_equal(test->samples[i].guest_cr3,
				 hvp_mode_is_guest(cases[i].mode) ? 0x1234002 : 0);
	}
	assert_int_equal(test->lost_records, 0);
}

static void a_host_sample_outside_of_a_vcpu_names_no_domain(void **state)
{
	struct test *test = *state;
	struct hvpmu_record_sample from = fake_sample(0);

	start(test);
	from.header.flags = 0;
	from.domain = HVPMU_NO_DOMAIN;
	from.vcpu = HVPMU_NO_VCPU;
	put(test, 0, &from);
	drain(test);
	assert_int_equal(test->samples[0].domain, HVP_DOMAIN_HOST);
	assert_int_equal(test->samples[0].vcpu, HVP_VCPU_NONE);
}

static void modes_that_the_event_does_not_want_are_left_out(void **state)
{
	struct test *test = *state;
	struct hvpmu_record_sample from = fake_sample(0);

	start(test);
	from.event = 1;
	put(test, 0, &from);
	from.cpl = 0;
	put(test, 0, &from);
	drain(test);
	assert_int_equal(test->num_samples, 1);
	assert_int_equal(test->samples[0].event, 1);
	assert_int_equal(test->lost_samples + test->lost_records, 0);
}

static void domains_and_vcpus_are_handed_on_in_the_hypervisors_numbers(void **state)
{
	struct test *test = *state;
	struct hvpmu_record_domain ended = {.header = {.size = sizeof(ended),
						       .type = HVPMU_RECORD_DOMAIN,
						       .flags = HVPMU_DOMAIN_ENDED},
					    .domain = 5,
					    .pid = 100,
					    .tsc = FAKE_TSC};

	start(test);
	fixture_log_is(&test->log, "comm 100/100 qemu\n");
	assert_true(fake_put_domain(&test->device, 0, 5, 100, "qemu"));
	assert_true(fake_put_vcpu(&test->device, 0, 5, 1, 101));
	assert_true(fake_put(&test->device, 0, &ended, sizeof(ended)));
	drain(test);
	fixture_log_is(&test->log, "domain 5 running pid 100 qemu - - -\n"
				   "vcpu 5/1 tid 101\n"
				   "domain 5 ended pid 100  - - -\n");
}

/* A sample with a chain of these frames. */
static void put_chain(struct test *test, uint16_t flags, uint8_t cpl, const uint64_t *frames,
		      uint16_t num)
{
	struct {
		struct hvpmu_record_sample sample;
		uint64_t frames[8];
	} buf = {.sample = fake_sample(0)};
	size_t size = sizeof(buf.sample) + num * sizeof(*frames);

	buf.sample.header.size = (uint32_t)size;
	buf.sample.header.flags = flags;
	buf.sample.cpl = cpl;
	buf.sample.num_chain = num;
	memcpy(buf.frames, frames, num * sizeof(*frames));
	assert_true(fake_put(&test->device, 0, &buf, size));
	drain(test);
}

static void a_hosts_chain_is_the_kernels_as_far_as_it_is_in_the_upper_half(void **state)
{
	static const uint64_t frames[] = {0xffffffff81000010, (uint64_t)PERF_CONTEXT_USER, 0x401010,
					  0xffffffff81000020};
	struct test *test = *state;
	const struct hvp_chain *chain;

	start(test);
	put_chain(test, 0, 0, frames, 4);
	chain = &test->samples[0].chain;
	assert_int_equal(chain->num_frames, 3);
	assert_int_equal(chain->num_kernel, 1);
	assert_int_equal(test->frames[0], 0xffffffff81000010);
	assert_int_equal(test->frames[1], 0x401010);
	put_chain(test, HVPMU_SAMPLE_GUEST, 3, frames, 4);
	assert_int_equal(test->samples[1].chain.num_frames, 3);
	assert_int_equal(test->samples[1].chain.num_kernel, 0);
	/* A guest's kernel may be anywhere. */
	put_chain(test, HVPMU_SAMPLE_GUEST, 0, frames, 4);
	assert_int_equal(test->samples[2].chain.num_kernel, 3);
}

static void every_sample_arrives_however_often_the_ring_begins_anew(void **state)
{
	struct test *test = *state;
	uint64_t next = 0;

	start(test);
	while (next < 5000) {
		for (int i = 0; i < 17; i++) {
			struct hvpmu_record_sample from = fake_sample(next * 2);

			from.ip = next++;
			put(test, 0, &from);
		}
		test->device.ticks = next * 2;
		drain(test);
	}
	assert_int_equal(test->num_samples, next);
	for (uint64_t i = 0; i < next; i++) {
		assert_int_equal(test->samples[i].ip, i);
		assert_int_equal(test->samples[i].time, FAKE_TIME + i);
	}
}

static void what_a_full_ring_lost_is_counted_once(void **state)
{
	struct hvpmu_record_sample from = fake_sample(0);
	struct test *test = *state;
	uint64_t kept = 0, refused = 0;

	start(test);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 200; i++)
			if (fake_put(&test->device, 0, &from, sizeof(from)))
				kept++;
			else
				refused++;
		drain(test);
	}
	assert_true(refused > 300);
	/* The last round's no record has told of. */
	assert_true(test->lost_samples < refused);
	assert_ok(test->source->ops->stop(test->source));
	assert_false(test->device.is_enabled);
	assert_int_equal(test->lost_samples, refused);
	assert_int_equal(test->num_samples, kept);
	assert_int_equal(test->lost_records, 0);
}

static void a_lost_record_cannot_tell_of_more_than_the_ring_lost(void **state)
{
	const struct hvpmu_record_lost lie = {
		.header = {.size = sizeof(lie), .type = HVPMU_RECORD_LOST}, .count = UINT64_MAX};
	struct test *test = *state;

	start(test);
	test->device.rings[0].page->lost = 3;
	assert_true(fake_put(&test->device, 0, &lie, sizeof(lie)));
	drain(test);
	assert_ok(test->source->ops->stop(test->source));
	assert_int_equal(test->lost_samples, 3);
}

static void a_damaged_ring_costs_what_was_unread_and_is_told(void **state)
{
	struct hvpmu_record_sample from = fake_sample(0);
	struct test *test = *state;

	start(test);
	fixture_log_is(&test->log, "comm 100/100 qemu\n");
	put(test, 0, &from);
	put(test, 0, &from);
	put(test, 2, &from);
	((struct hvpmu_record *)(void *)test->device.rings[0].data)[sizeof(from) / 8].size = 12;
	drain(test);
	assert_int_equal(test->num_samples, 2);
	assert_int_equal(test->lost_records, 1);
	put(test, 0, &from);
	drain(test);
	assert_int_equal(test->num_samples, 3);
	/* A head that ran away. */
	__atomic_fetch_add(&test->device.rings[0].page->head, 1 << 20, __ATOMIC_RELEASE);
	drain(test);
	assert_int_equal(test->lost_records, 2);
	assert_ok(test->source->ops->stop(test->source));
	fixture_log_is(&test->log, "note 2 times a ring of /dev/hvpmu was damaged: what was unread "
				   "in it then is missing\n");
}

static void records_that_contradict_themselves_are_counted(void **state)
{
	struct hvpmu_record_sample sample = fake_sample(0);
	struct hvpmu_record_domain domain = {.header = {.type = HVPMU_RECORD_DOMAIN}};
	struct hvpmu_record_vcpu vcpu = {.header = {.type = HVPMU_RECORD_VCPU}, .domain = 1};
	struct hvpmu_record unknown = {.size = sizeof(unknown), .type = 77};
	struct test *test = *state;
	uint64_t expected = 0;

	start(test);
	for (uint32_t size = sizeof(unknown); size < sizeof(sample); size += 8) {
		sample.header.size = size;
		assert_true(fake_put(&test->device, 0, &sample, size));
		expected++;
	}
	sample.header.size = sizeof(sample);
	sample.cpl = 4;
	put(test, 0, &sample);
	sample.cpl = 3;
	sample.event = 2;
	put(test, 0, &sample);
	sample.event = 0;
	sample.cpu = FAKE_CPUS;
	put(test, 0, &sample);
	sample.cpu = 0;
	sample.num_chain = 1;
	put(test, 0, &sample);
	domain.header.size = sizeof(domain);
	assert_true(fake_put(&test->device, 0, &domain, sizeof(domain)));
	vcpu.header.size = sizeof(vcpu);
	vcpu.vcpu = HVPMU_NO_VCPU;
	assert_true(fake_put(&test->device, 0, &vcpu, sizeof(vcpu)));
	assert_true(fake_put(&test->device, 0, &unknown, sizeof(unknown)));
	drain(test);
	assert_int_equal(test->num_samples, 0);
	assert_int_equal(test->lost_records, expected + 6);
}

static void times_that_cannot_be_are_brought_into_the_session(void **state)
{
	struct test *test = *state;
	struct hvpmu_record_sample early = fake_sample(0), late = fake_sample(UINT64_C(1) << 40);

	start(test);
	fixture_log_is(&test->log, "comm 100/100 qemu\n");
	early.tsc = 0;
	put(test, 0, &early);
	put(test, 0, &late);
	test->device.ticks = 1000;
	drain(test);
	assert_int_equal(test->samples[0].time, FAKE_TIME);
	assert_int_equal(test->samples[1].time, FAKE_TIME + 500);
	assert_ok(test->source->ops->stop(test->source));
	fixture_log_is(&test->log, "note 2 samples had a time outside of the recording, and were "
				   "dated at its nearest moment\n");
}

static void an_event_that_never_had_a_counter_is_told(void **state)
{
	struct test *test = *state;
	struct hvpmu_record_sample from = fake_sample(0);

	start(test);
	fixture_log_is(&test->log, "comm 100/100 qemu\n");
	put(test, 0, &from);
	test->device.ticks = 300000000;
	drain(test);
	assert_ok(test->source->ops->stop(test->source));
	assert_non_null(strstr(fixture_log_text(&test->log), "note no sample of instructions:u"));
	assert_null(strstr(fixture_log_text(&test->log), "no sample of cycles"));
}

/* Half a second, in which the first event had a sample, and the second none. */
static const char *tell_times(struct test *test)
{
	struct hvpmu_record_sample from = fake_sample(0);

	start(test);
	fixture_log_is(&test->log, "comm 100/100 qemu\n");
	put(test, 0, &from);
	test->device.ticks = 1000000000;
	drain(test);
	assert_ok(test->source->ops->stop(test->source));
	return fixture_log_text(&test->log);
}

static void how_long_events_had_a_counter_is_told(void **state)
{
	struct test *test = *state;
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
	struct test *test = *state;

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
	struct test *test = *state;
	const char *text;

	test->device.times[0] = (struct hvpmu_dev_times){.enabled = 2000, .running = 960};
	text = tell_times(test);
	assert_null(strstr(text, "had a counter"));
	assert_non_null(strstr(text, "note no sample of instructions:u came: nothing of it "
				     "happened, or no counter was left for it: guests"));
}

static void a_sample_that_was_the_last_for_a_while_says_so_in_any_mode(void **state)
{
	struct test *test = *state;
	struct hvpmu_record_sample from = fake_sample(0);

	start(test);
	fixture_log_is(&test->log, "comm 100/100 qemu\n");
	put(test, 0, &from);
	from.header.flags |= HVPMU_SAMPLE_THROTTLED;
	from.cpu = 2;
	put(test, 2, &from);
	/* Of a mode that the event does not want. */
	from.event = 1;
	from.cpl = 0;
	put(test, 2, &from);
	drain(test);
	assert_int_equal(test->num_samples, 2);
	assert_int_equal(test->samples[1].mode, HVP_MODE_GUEST_USER);
	fixture_log_is(&test->log, "throttle cpu 2 event 0 begin\nthrottle cpu 2 event 1 begin\n");
}

static void the_setup_asks_for_what_the_configuration_says(void **state)
{
	struct test *test = *state;
	const struct hvp_event_info *infos;
	size_t num;

	fixture_write(&test->tree, "proc/sys/kernel/perf_event_max_stack", "64\n");
	test->config.wants_chains = true;
	test->config.frequency = 80000;
	start(test);
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
	struct test *test = *state;

	fixture_write(&test->tree, "proc/sys/kernel/perf_event_max_sample_rate", "500000\n");
	test->config.frequency = 200000;
	start(test);
	assert_int_equal(test->device.events[0].period, HVPMU_DEV_FREQUENCY_MAX);
	fixture_log_is(&test->log, "note sampled at 100000 Hz instead of 200000: /dev/hvpmu is no "
				   "faster\ncomm 100/100 qemu\n");
}

static void what_it_cannot_take_it_says_before_anything_is_opened(void **state)
{
	struct test *test = *state;
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
	struct test *test = *state;

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
	struct test *test = *state;

	test->device.info.guest_mask = 0xf;
	test->device.info.host_mask = 0x7000000f0;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		test->device.open_errno = cases[i].open_errno;
		test->device.setup_errno = cases[i].setup_errno;
		assert_error(hvp_hvpmu_source_suits(fake_parts.calls, &test->config), cases[i].code,
			     cases[i].part);
		assert_error(try_open(test), cases[i].code, cases[i].part);
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
	struct test *test = *state;
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
}

static void a_device_that_says_what_cannot_be_is_refused(void **state)
{
	struct test *test = *state;
	const struct hvpmu_dev_info good = test->device.info;

	test->device.info.version++;
	assert_error(try_open(test), HVP_ERROR_UNSUPPORTED, "speaks version 2");
	test->device.info = good;
	test->device.info.num_cpus = 0;
	assert_error(try_open(test), HVP_ERROR_FORMAT, "cannot be");
	test->device.info.num_cpus = HVP_MAX_CPUS + 1;
	assert_error(try_open(test), HVP_ERROR_FORMAT, "cannot be");
	test->device.info = good;
	test->device.info.header_size = 100;
	assert_error(try_open(test), HVP_ERROR_FORMAT, "cannot be");
	/* The file ends before the fourth ring, which is not of any version then. */
	test->device.info = good;
	test->device.info.header_size = 2 * FAKE_HEADER;
	assert_error(try_open(test), HVP_ERROR_UNSUPPORTED, "ring is not of version 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(what_a_guests_sample_says_arrives),
		TEST(the_four_modes_are_told_apart_and_the_hosts_cr3_is_not_a_guests),
		TEST(a_host_sample_outside_of_a_vcpu_names_no_domain),
		TEST(modes_that_the_event_does_not_want_are_left_out),
		TEST(domains_and_vcpus_are_handed_on_in_the_hypervisors_numbers),
		TEST(a_hosts_chain_is_the_kernels_as_far_as_it_is_in_the_upper_half),
		TEST(every_sample_arrives_however_often_the_ring_begins_anew),
		TEST(what_a_full_ring_lost_is_counted_once),
		TEST(a_lost_record_cannot_tell_of_more_than_the_ring_lost),
		TEST(a_damaged_ring_costs_what_was_unread_and_is_told),
		TEST(records_that_contradict_themselves_are_counted),
		TEST(times_that_cannot_be_are_brought_into_the_session),
		TEST(an_event_that_never_had_a_counter_is_told),
		TEST(how_long_events_had_a_counter_is_told),
		TEST(an_event_that_hardly_happened_is_told_from_one_that_had_no_counter),
		TEST(where_the_kernel_does_not_say_how_long_none_is_made_up),
		TEST(a_sample_that_was_the_last_for_a_while_says_so_in_any_mode),
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
