/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/check.h"

#include "daemon/host/host_files.h"
#include "daemon/hvpmu/tsc_clock.h"

#define SECOND UINT64_C(1000000000)

static void the_rate_is_perfs_and_the_zero_the_last_moments(void **state)
{
	const struct hvp_tsc_moment first = {.tsc = 1000, .time = 5 * SECOND};
	/* The session's clock was slewed: it is 100 ns behind of what the rate says. */
	const struct hvp_tsc_moment second = {.tsc = 1000 + 3 * SECOND, .time = 6 * SECOND - 100};
	struct hvp_tsc_clock clock;

	(void)state;
	/* 3 GHz */
	hvp_tsc_clock_init(&clock, &first, 1431655765, 32);
	assert_int_equal(hvp_tsc_clock_time(&clock, 1000), 5 * SECOND);
	assert_int_equal(hvp_tsc_clock_time(&clock, 1000 + 3000), 5 * SECOND + 999);
	hvp_tsc_clock_advance(&clock, &second);
	assert_int_equal(hvp_tsc_clock_time(&clock, second.tsc), second.time);
	assert_int_equal(hvp_tsc_clock_time(&clock, second.tsc - 3000), second.time - 1000);
	assert_int_equal(clock.num_outside, 0);
}

static void a_rate_that_perf_does_not_know_is_measured(void **state)
{
	const struct hvp_tsc_moment first = {.tsc = 0, .time = SECOND};
	struct hvp_tsc_moment moment = {.tsc = 10, .time = SECOND + 1};
	struct hvp_tsc_clock clock;

	(void)state;
	hvp_tsc_clock_init(&clock, &first, 0, 0);
	assert_true(clock.is_measured);
	/* Too short a span to tell a rate: a second later there is one. */
	hvp_tsc_clock_advance(&clock, &moment);
	assert_int_equal(hvp_tsc_clock_time(&clock, 5), SECOND + 1);
	moment = (struct hvp_tsc_moment){.tsc = 2 * SECOND, .time = 2 * SECOND};
	hvp_tsc_clock_advance(&clock, &moment);
	assert_int_equal(hvp_tsc_clock_time(&clock, SECOND), SECOND + SECOND / 2);
	/* A counter that stands still leaves the rate as it was. */
	moment.tsc = 0;
	hvp_tsc_clock_advance(&clock, &moment);
	assert_int_equal(clock.mult, UINT64_C(1) << 31);
}

static void no_counter_value_leads_out_of_the_session(void **state)
{
	static const uint64_t values[] = {0, 1, INT64_MAX, (uint64_t)INT64_MAX + 1, UINT64_MAX};
	const struct hvp_tsc_moment first = {.tsc = 1000, .time = SECOND};
	const struct hvp_tsc_moment last = {.tsc = 1000 + SECOND, .time = 2 * SECOND};
	struct hvp_tsc_clock clock;

	(void)state;
	hvp_tsc_clock_init(&clock, &first, UINT32_MAX, 32);
	hvp_tsc_clock_advance(&clock, &last);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		uint64_t time = hvp_tsc_clock_time(&clock, values[i]);

		assert_true(time >= SECOND && time <= 3 * SECOND);
	}
	assert_int_equal(clock.num_outside, 5);
	/* A sample that was taken while the pass goes on. */
	assert_int_equal(hvp_tsc_clock_time(&clock, last.tsc + 1001), 2 * SECOND + 1000);
	assert_int_equal(clock.num_outside, 5);
}

static void the_machines_own_counter_is_dated_between_two_looks_at_the_clock(void **state)
{
	struct hvp_tsc_clock clock;
	struct hvp_tsc_moment moment;
	uint64_t before, after, time;

	(void)state;
	hvp_tsc_clock_init_live(&clock);
	if (clock.is_measured)
		skip();
	before = hvp_clock_now();
	moment = hvp_tsc_now();
	after = hvp_clock_now();
	hvp_tsc_clock_advance(&clock, &moment);
	time = hvp_tsc_clock_time(&clock, moment.tsc);
	assert_true(before <= time && time <= after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rate_is_perfs_and_the_zero_the_last_moments),
		cmocka_unit_test(a_rate_that_perf_does_not_know_is_measured),
		cmocka_unit_test(no_counter_value_leads_out_of_the_session),
		cmocka_unit_test(the_machines_own_counter_is_dated_between_two_looks_at_the_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
