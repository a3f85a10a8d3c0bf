/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the source of /dev/hvpmu makes of records: samples, domains, losses, and damage. */
#include "tests/unit/daemon/hvpmu_source_fixture.h"

#include <linux/perf_event.h>

static void what_a_guests_sample_says_arrives(void **state)
{
	struct source_test *test = *state;
	struct hvpmu_record_sample from = fake_sample(2000);
	const struct hvp_sample *sample;

	/* It waited for its chain, and meanwhile the thread was moved to the CPU of this ring. */
	from.cpu = 1;
	source_start(test);
	assert_true(test->device.is_enabled);
	source_put(test, 2, &from);
	test->device.ticks = 4000;
	source_drain(test);
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
	struct source_test *test = *state;

	source_start(test);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct hvpmu_record_sample from = fake_sample(i);

		from.header.flags = cases[i].flags;
		from.cpl = cases[i].cpl;
		source_put(test, 0, &from);
		source_drain(test);
		assert_int_equal(test->samples[i].mode, cases[i].mode);
		assert_int_equal(test->samples[i].guest_cr3,
				 hvp_mode_is_guest(cases[i].mode) ? 0x1234002 : 0);
	}
	assert_int_equal(test->lost_records, 0);
}

static void a_host_sample_outside_of_a_vcpu_names_no_domain(void **state)
{
	struct source_test *test = *state;
	struct hvpmu_record_sample from = fake_sample(0);

	source_start(test);
	from.header.flags = 0;
	from.domain = HVPMU_NO_DOMAIN;
	from.vcpu = HVPMU_NO_VCPU;
	source_put(test, 0, &from);
	source_drain(test);
	assert_int_equal(test->samples[0].domain, HVP_DOMAIN_HOST);
	assert_int_equal(test->samples[0].vcpu, HVP_VCPU_NONE);
}

static void modes_that_the_event_does_not_want_are_left_out(void **state)
{
	struct source_test *test = *state;
	struct hvpmu_record_sample from = fake_sample(0);

	source_start(test);
	from.event = 1;
	source_put(test, 0, &from);
	from.cpl = 0;
	source_put(test, 0, &from);
	source_drain(test);
	assert_int_equal(test->num_samples, 1);
	assert_int_equal(test->samples[0].event, 1);
	assert_int_equal(test->lost_samples + test->lost_records, 0);
}

static void domains_and_vcpus_are_handed_on_in_the_hypervisors_numbers(void **state)
{
	struct source_test *test = *state;
	struct hvpmu_record_domain ended = {.header = {.size = sizeof(ended),
						       .type = HVPMU_RECORD_DOMAIN,
						       .flags = HVPMU_DOMAIN_ENDED},
					    .domain = 5,
					    .pid = 100,
					    .tsc = FAKE_TSC};

	source_start(test);
	fixture_log_is(&test->log, "comm 100/100 qemu\n");
	assert_true(fake_put_domain(&test->device, 0, 5, 100, "qemu"));
	assert_true(fake_put_vcpu(&test->device, 0, 5, 1, 101));
	assert_true(fake_put(&test->device, 0, &ended, sizeof(ended)));
	source_drain(test);
	fixture_log_is(&test->log, "domain 5 running pid 100 qemu - - -\n"
				   "vcpu 5/1 tid 101\n"
				   "domain 5 ended pid 100  - - -\n");
}

/* A sample with a chain of these frames. */
static void put_chain(struct source_test *test, uint16_t flags, uint8_t cpl, const uint64_t *frames,
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
	source_drain(test);
}

static void a_hosts_chain_is_the_kernels_as_far_as_it_is_in_the_upper_half(void **state)
{
	static const uint64_t frames[] = {0xffffffff81000010, (uint64_t)PERF_CONTEXT_USER, 0x401010,
					  0xffffffff81000020};
	struct source_test *test = *state;
	const struct hvp_chain *chain;

	source_start(test);
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
	struct source_test *test = *state;
	uint64_t next = 0;

	source_start(test);
	while (next < 5000) {
		for (int i = 0; i < 17; i++) {
			struct hvpmu_record_sample from = fake_sample(next * 2);

			from.ip = next++;
			source_put(test, 0, &from);
		}
		test->device.ticks = next * 2;
		source_drain(test);
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
	struct source_test *test = *state;
	uint64_t kept = 0, refused = 0;

	source_start(test);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 200; i++)
			if (fake_put(&test->device, 0, &from, sizeof(from)))
				kept++;
			else
				refused++;
		source_drain(test);
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
	struct source_test *test = *state;

	source_start(test);
	test->device.rings[0].page->lost = 3;
	assert_true(fake_put(&test->device, 0, &lie, sizeof(lie)));
	source_drain(test);
	assert_ok(test->source->ops->stop(test->source));
	assert_int_equal(test->lost_samples, 3);
}

static void a_damaged_ring_costs_what_was_unread_and_is_told(void **state)
{
	struct hvpmu_record_sample from = fake_sample(0);
	struct source_test *test = *state;

	source_start(test);
	fixture_log_is(&test->log, "comm 100/100 qemu\n");
	source_put(test, 0, &from);
	source_put(test, 0, &from);
	source_put(test, 2, &from);
	((struct hvpmu_record *)(void *)test->device.rings[0].data)[sizeof(from) / 8].size = 12;
	source_drain(test);
	assert_int_equal(test->num_samples, 2);
	assert_int_equal(test->lost_records, 1);
	source_put(test, 0, &from);
	source_drain(test);
	assert_int_equal(test->num_samples, 3);
	/* A head that ran away. */
	__atomic_fetch_add(&test->device.rings[0].page->head, 1 << 20, __ATOMIC_RELEASE);
	source_drain(test);
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
	struct source_test *test = *state;
	uint64_t expected = 0;

	source_start(test);
	for (uint32_t size = sizeof(unknown); size < sizeof(sample); size += 8) {
		sample.header.size = size;
		assert_true(fake_put(&test->device, 0, &sample, size));
		expected++;
	}
	sample.header.size = sizeof(sample);
	sample.cpl = 4;
	source_put(test, 0, &sample);
	sample.cpl = 3;
	sample.event = 2;
	source_put(test, 0, &sample);
	sample.event = 0;
	sample.cpu = FAKE_CPUS;
	source_put(test, 0, &sample);
	sample.cpu = 0;
	sample.num_chain = 1;
	source_put(test, 0, &sample);
	domain.header.size = sizeof(domain);
	assert_true(fake_put(&test->device, 0, &domain, sizeof(domain)));
	vcpu.header.size = sizeof(vcpu);
	vcpu.vcpu = HVPMU_NO_VCPU;
	assert_true(fake_put(&test->device, 0, &vcpu, sizeof(vcpu)));
	assert_true(fake_put(&test->device, 0, &unknown, sizeof(unknown)));
	source_drain(test);
	assert_int_equal(test->num_samples, 0);
	assert_int_equal(test->lost_records, expected + 6);
}

static void times_that_cannot_be_are_brought_into_the_session(void **state)
{
	struct source_test *test = *state;
	struct hvpmu_record_sample early = fake_sample(0), late = fake_sample(UINT64_C(1) << 40);

	source_start(test);
	fixture_log_is(&test->log, "comm 100/100 qemu\n");
	early.tsc = 0;
	source_put(test, 0, &early);
	source_put(test, 0, &late);
	test->device.ticks = 1000;
	source_drain(test);
	assert_int_equal(test->samples[0].time, FAKE_TIME);
	assert_int_equal(test->samples[1].time, FAKE_TIME + 500);
	assert_ok(test->source->ops->stop(test->source));
	fixture_log_is(&test->log, "note 2 samples had a time outside of the recording, and were "
				   "dated at its nearest moment\n");
}

static void a_sample_that_was_the_last_for_a_while_says_so_in_any_mode(void **state)
{
	struct source_test *test = *state;
	struct hvpmu_record_sample from = fake_sample(0);

	source_start(test);
	fixture_log_is(&test->log, "comm 100/100 qemu\n");
	source_put(test, 0, &from);
	from.header.flags |= HVPMU_SAMPLE_THROTTLED;
	from.cpu = 2;
	source_put(test, 2, &from);
	/* Of a mode that the event does not want. */
	from.event = 1;
	from.cpl = 0;
	source_put(test, 2, &from);
	source_drain(test);
	assert_int_equal(test->num_samples, 2);
	assert_int_equal(test->samples[1].mode, HVP_MODE_GUEST_USER);
	fixture_log_is(&test->log, "throttle cpu 2 event 0 begin\nthrottle cpu 2 event 1 begin\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, source_set_up, source_tear_down)
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
		TEST(a_sample_that_was_the_last_for_a_while_says_so_in_any_mode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
