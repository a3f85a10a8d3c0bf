/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The source of /dev/hvpmu, open on rings that the hypervisor's producer writes. */
#ifndef HVP_TESTS_UNIT_DAEMON_HVPMU_SOURCE_FIXTURE_H
#define HVP_TESTS_UNIT_DAEMON_HVPMU_SOURCE_FIXTURE_H

#include "tests/unit/daemon/fixture.h"
#include "tests/unit/daemon/hvpmu_fixture.h"

struct source_test {
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

/* Of a test: two events, nothing open. */
int source_set_up(void **state);
int source_tear_down(void **state);

struct hvp_error *source_try_open(struct source_test *test);
void source_start(struct source_test *test);
void source_drain(struct source_test *test);
void source_put(struct source_test *test, uint32_t cpu, const struct hvpmu_record_sample *sample);

#endif
