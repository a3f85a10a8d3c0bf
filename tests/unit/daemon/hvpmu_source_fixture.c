/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/daemon/hvpmu_source_fixture.h"

#include <linux/perf_event.h>

#define ALL_MODES                                                                                  \
	(HVP_MODE_BIT(HVP_MODE_HOST_KERNEL) | HVP_MODE_BIT(HVP_MODE_HOST_USER) |                   \
	 HVP_MODE_BIT(HVP_MODE_GUEST_KERNEL) | HVP_MODE_BIT(HVP_MODE_GUEST_USER))
#define MAX_SAMPLES 40000

static struct hvp_error *take_sample(void *arg, struct hvp_sample *sample)
{
	struct source_test *test = arg;

	assert_true(test->num_samples < MAX_SAMPLES);
	test->samples[test->num_samples++] = *sample;
	memcpy(test->frames, sample->chain.frames,
	       sample->chain.num_frames * sizeof(*test->frames));
	return NULL;
}

static struct hvp_error *take_record(void *arg, const struct hvp_record *record)
{
	struct source_test *test = arg;

	if (record->type != HVP_RECORD_LOST)
		return test->log.sink.record(test->log.sink.arg, record);
	if (record->lost.where == HVP_LOST_RING)
		test->lost_samples += record->lost.samples;
	else
		test->lost_records += record->lost.records;
	return NULL;
}

int source_set_up(void **state)
{
	struct source_test *test = calloc(1, sizeof(*test));

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

int source_tear_down(void **state)
{
	struct source_test *test = *state;

	hvp_source_destroy(test->source);
	fixture_log_deinit(&test->log);
	fake_device_deinit(&test->device);
	fixture_tree_deinit(&test->tree);
	free(test->samples);
	free(test);
	return 0;
}

struct hvp_error *source_try_open(struct source_test *test)
{
	return hvp_hvpmu_source_open(&fake_parts, &test->config, &test->sink, NULL, &test->source);
}

void source_start(struct source_test *test)
{
	assert_ok(source_try_open(test));
	assert_ok(test->source->ops->start(test->source));
}

void source_drain(struct source_test *test)
{
	bool has_more = false;

	assert_ok(test->source->ops->drain(test->source, &has_more));
	assert_true(has_more);
}

void source_put(struct source_test *test, uint32_t cpu, const struct hvpmu_record_sample *sample)
{
	assert_true(fake_put(&test->device, cpu, sample, sizeof(*sample)));
}
