/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/check.h"

#include "daemon/perf/perf_ring.h"

#define RING_SIZE 256

/* A ring in memory, into which "the kernel" writes at any position. */
struct test_ring {
	struct perf_event_mmap_page control;
	_Alignas(8) uint8_t data[RING_SIZE];
	struct hvp_perf_ring ring;
};

static void test_ring_init(struct test_ring *test, uint64_t start)
{
	memset(test, 0, sizeof(*test));
	test->control.data_head = test->control.data_tail = start;
	assert_ok(hvp_perf_ring_attach(&test->ring, &test->control, test->data, RING_SIZE));
}

/* A record whose every byte behind the header is `fill`. */
static void put_record(struct test_ring *test, uint16_t size, uint8_t fill)
{
	struct perf_event_header header = {.type = PERF_RECORD_SAMPLE, .size = size};
	uint8_t bytes[RING_SIZE];

	memset(bytes, fill, sizeof(bytes));
	memcpy(bytes, &header, sizeof(header));
	for (uint16_t i = 0; i < size; i++)
		test->data[(test->control.data_head + i) % RING_SIZE] = bytes[i];
	test->control.data_head += size;
}

static void put_header(struct test_ring *test, uint16_t size, uint64_t advance)
{
	struct perf_event_header header = {.type = PERF_RECORD_SAMPLE, .size = size};

	memcpy(test->data + test->control.data_head % RING_SIZE, &header, sizeof(header));
	test->control.data_head += advance;
}

static void assert_record(struct test_ring *test, uint16_t size, uint8_t fill)
{
	const struct perf_event_header *header = NULL;

	assert_true(hvp_perf_ring_next(&test->ring, &header));
	assert_int_equal(header->size, size);
	for (size_t i = sizeof(*header); i < size; i++)
		assert_int_equal(((const uint8_t *)header)[i], fill);
}

static void a_record_comes_out_whole_wherever_it_wraps(void **state)
{
	(void)state;
	for (uint64_t start = 0; start < 2 * RING_SIZE; start += 8) {
		const struct perf_event_header *header = NULL;
		struct test_ring test;

		test_ring_init(&test, start);
		put_record(&test, 104, 0xaa);
		put_record(&test, 8, 0);
		put_record(&test, 144, 0xbb);
		hvp_perf_ring_begin(&test.ring);
		assert_record(&test, 104, 0xaa);
		assert_record(&test, 8, 0);
		assert_record(&test, 144, 0xbb);
		assert_false(hvp_perf_ring_next(&test.ring, &header));
		/* Nothing is given back before the end of the pass. */
		assert_int_equal(test.control.data_tail, start);
		hvp_perf_ring_end(&test.ring);
		assert_int_equal(test.control.data_tail, start + RING_SIZE);
		assert_int_equal(test.ring.corrupt_bytes, 0);
		hvp_perf_ring_deinit(&test.ring);
	}
}

static void a_pass_ends_at_the_head_it_began_with(void **state)
{
	const struct perf_event_header *header = NULL;
	struct test_ring test;

	(void)state;
	test_ring_init(&test, 240);
	put_record(&test, 32, 1);
	hvp_perf_ring_begin(&test.ring);
	put_record(&test, 32, 2);
	assert_record(&test, 32, 1);
	assert_false(hvp_perf_ring_next(&test.ring, &header));
	hvp_perf_ring_end(&test.ring);
	hvp_perf_ring_begin(&test.ring);
	assert_record(&test, 32, 2);
	hvp_perf_ring_deinit(&test.ring);
}

static void a_size_that_cannot_be_gives_the_rest_up_and_goes_on_behind_it(void **state)
{
	static const struct {
		uint16_t size;
		uint64_t left;
	} bad[] = {
		{0, 64},  /* would never end */
		{4, 64},  /* smaller than its header */
		{12, 64}, /* not aligned */
		{72, 64}, /* past the head */
		{65528, 64},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct perf_event_header *header = NULL;
		struct test_ring test;

		test_ring_init(&test, 0);
		put_record(&test, 16, 7);
		put_header(&test, bad[i].size, bad[i].left);
		hvp_perf_ring_begin(&test.ring);
		assert_record(&test, 16, 7);
		assert_false(hvp_perf_ring_next(&test.ring, &header));
		hvp_perf_ring_end(&test.ring);
		assert_int_equal(test.ring.corrupt_bytes, bad[i].left);
		assert_int_equal(test.control.data_tail, test.control.data_head);
		put_record(&test, 24, 9);
		hvp_perf_ring_begin(&test.ring);
		assert_record(&test, 24, 9);
		hvp_perf_ring_deinit(&test.ring);
	}
}

static void a_head_that_ran_away_is_given_up(void **state)
{
	const struct perf_event_header *header = NULL;
	struct test_ring test;

	(void)state;
	test_ring_init(&test, 64);
	test.control.data_head = 64 + RING_SIZE + 8;
	hvp_perf_ring_begin(&test.ring);
	assert_false(hvp_perf_ring_next(&test.ring, &header));
	assert_int_equal(test.ring.corrupt_bytes, RING_SIZE + 8);
	/* Backwards, too: the difference of two unsigned positions. */
	test.control.data_head = 8;
	hvp_perf_ring_begin(&test.ring);
	assert_false(hvp_perf_ring_next(&test.ring, &header));
	hvp_perf_ring_deinit(&test.ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_comes_out_whole_wherever_it_wraps),
		cmocka_unit_test(a_pass_ends_at_the_head_it_began_with),
		cmocka_unit_test(a_size_that_cannot_be_gives_the_rest_up_and_goes_on_behind_it),
		cmocka_unit_test(a_head_that_ran_away_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
