/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Address spaces over time. Images are pointers that are never looked into. */
#include "tests/unit/check.h"

#include "symbolizer/spaces.h"

#define PAGE 0x1000ULL

static struct hvp_image *image(uintptr_t number)
{
	return (struct hvp_image *)number;
}

static void map(struct hvp_spaces *spaces, uint32_t pid, uint64_t time, uint64_t begin,
		uint64_t size, uintptr_t number)
{
	const struct hvp_mapping mapping = {
		.begin = begin, .size = size, .file_offset = 0x100, .image = image(number)};

	assert_ok(hvp_spaces_map(spaces, pid, time, &mapping));
}

/* The number of the image there, 0 for none; the offset in the file has to be right. */
static uintptr_t at(const struct hvp_spaces *spaces, uint32_t pid, uint64_t time, uint64_t address)
{
	const struct hvp_piece *piece = hvp_spaces_find(spaces, pid, time, address);

	return piece ? (uintptr_t)piece->image : 0;
}

static void a_mapping_counts_from_its_time_on(void **state)
{
	struct hvp_spaces spaces;

	(void)state;
	hvp_spaces_init(&spaces);
	map(&spaces, 1, 10, 8 * PAGE, 2 * PAGE, 5);
	assert_ok(hvp_spaces_freeze(&spaces));
	assert_int_equal(at(&spaces, 1, 10, 8 * PAGE), 5);
	assert_int_equal(at(&spaces, 1, 10, 10 * PAGE - 1), 5);
	assert_int_equal(at(&spaces, 1, 10, 10 * PAGE), 0);
	assert_int_equal(at(&spaces, 1, 10, 8 * PAGE - 1), 0);
	assert_int_equal(at(&spaces, 1, 9, 8 * PAGE), 0);
	assert_int_equal(at(&spaces, 2, 10, 8 * PAGE), 0);
	assert_int_equal(hvp_spaces_find(&spaces, 1, 10, 8 * PAGE + 5)->bias + 8 * PAGE + 5, 0x105);
	hvp_spaces_deinit(&spaces);
}

static void a_later_mapping_cuts_what_it_covers(void **state)
{
	static const struct {
		uint64_t time, address;
		uintptr_t expected;
	} table[] = {
		{1, 0, 1},
		{1, 5 * PAGE, 1},
		{1, 9 * PAGE, 1},
		/* The middle is another file's from time 2 on, the ends stay. */
		{2, 2 * PAGE, 1},
		{2, 3 * PAGE, 2},
		{2, 6 * PAGE - 1, 2},
		{2, 6 * PAGE, 1},
		{2, 9 * PAGE, 1},
		/* One mapping over all of it, and beyond. */
		{3, 0, 3},
		{3, 4 * PAGE, 3},
		{3, 11 * PAGE, 3},
		/* Questions about the past are still answered as of then. */
		{2, 4 * PAGE, 2},
		{1, 4 * PAGE, 1},
	};
	struct hvp_spaces spaces;

	(void)state;
	hvp_spaces_init(&spaces);
	map(&spaces, 1, 1, 0, 10 * PAGE, 1);
	map(&spaces, 1, 2, 3 * PAGE, 3 * PAGE, 2);
	map(&spaces, 1, 3, 0, 12 * PAGE, 3);
	assert_ok(hvp_spaces_freeze(&spaces));
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_int_equal(at(&spaces, 1, table[i].time, table[i].address),
				 table[i].expected);
	hvp_spaces_deinit(&spaces);
}

static void the_rest_of_a_cut_mapping_keeps_its_place_in_the_file(void **state)
{
	struct hvp_spaces spaces;

	(void)state;
	hvp_spaces_init(&spaces);
	map(&spaces, 1, 1, 16 * PAGE, 10 * PAGE, 1);
	assert_ok(hvp_spaces_unmap(&spaces, 1, 2, 18 * PAGE, PAGE));
	assert_ok(hvp_spaces_freeze(&spaces));
	assert_int_equal(at(&spaces, 1, 2, 18 * PAGE), 0);
	assert_int_equal(at(&spaces, 1, 1, 18 * PAGE), 1);
	assert_int_equal(hvp_spaces_find(&spaces, 1, 2, 19 * PAGE)->bias + 19 * PAGE,
			 3 * PAGE + 0x100);
	hvp_spaces_deinit(&spaces);
}

static void exec_forgets_and_fork_inherits_the_moment(void **state)
{
	struct hvp_spaces spaces;

	(void)state;
	hvp_spaces_init(&spaces);
	map(&spaces, 1, 1, 0, PAGE, 1);
	assert_ok(hvp_spaces_fork(&spaces, 2, 1, 10));
	/*
	 * What the parent maps after the fork is not the child's; what the child maps is not the
	 * parent's.
	 */
	map(&spaces, 1, 11, 4 * PAGE, PAGE, 2);
	map(&spaces, 2, 12, 6 * PAGE, PAGE, 3);
	/* A child of the child sees both generations. */
	assert_ok(hvp_spaces_fork(&spaces, 3, 2, 20));
	assert_ok(hvp_spaces_exec(&spaces, 2, 30));
	map(&spaces, 2, 31, 0, PAGE, 4);
	assert_ok(hvp_spaces_freeze(&spaces));
	assert_int_equal(at(&spaces, 2, 10, 0), 1);
	assert_int_equal(at(&spaces, 2, 15, 4 * PAGE), 0);
	assert_int_equal(at(&spaces, 2, 15, 6 * PAGE), 3);
	assert_int_equal(at(&spaces, 1, 15, 6 * PAGE), 0);
	assert_int_equal(at(&spaces, 1, 15, 4 * PAGE), 2);
	assert_int_equal(at(&spaces, 3, 25, 0), 1);
	assert_int_equal(at(&spaces, 3, 25, 6 * PAGE), 3);
	assert_int_equal(at(&spaces, 2, 30, 0), 0);
	assert_int_equal(at(&spaces, 2, 31, 0), 4);
	assert_int_equal(at(&spaces, 2, 31, 6 * PAGE), 0);
	assert_int_equal(at(&spaces, 2, 29, 0), 1);
	/* The grandchild does not see its parent's exec. */
	assert_int_equal(at(&spaces, 3, 40, 0), 1);
	hvp_spaces_deinit(&spaces);
}

static void a_number_that_is_used_again_is_another_process(void **state)
{
	struct hvp_spaces spaces;

	(void)state;
	hvp_spaces_init(&spaces);
	map(&spaces, 9, 1, 0, PAGE, 1);
	map(&spaces, 1, 1, 0, PAGE, 7);
	hvp_spaces_exit(&spaces, 9, 9, 5);
	assert_ok(hvp_spaces_fork(&spaces, 9, 1, 8));
	assert_ok(hvp_spaces_exec(&spaces, 9, 9));
	map(&spaces, 9, 10, 0, PAGE, 2);
	assert_ok(hvp_spaces_freeze(&spaces));
	assert_int_equal(at(&spaces, 9, 5, 0), 1);
	assert_int_equal(at(&spaces, 9, 7, 0), 0);
	assert_int_equal(at(&spaces, 9, 8, 0), 7);
	assert_int_equal(at(&spaces, 9, 9, 0), 0);
	assert_int_equal(at(&spaces, 9, 10, 0), 2);
	hvp_spaces_deinit(&spaces);
}

static void threads_may_outlive_their_leader(void **state)
{
	struct hvp_spaces spaces;

	(void)state;
	hvp_spaces_init(&spaces);
	map(&spaces, 9, 1, 0, PAGE, 1);
	hvp_spaces_exit(&spaces, 9, 12, 3);
	hvp_spaces_exit(&spaces, 9, 9, 5);
	hvp_spaces_exit(&spaces, 9, 11, 20);
	assert_ok(hvp_spaces_freeze(&spaces));
	assert_int_equal(at(&spaces, 9, 4, 0), 1);
	assert_int_equal(at(&spaces, 9, 15, 0), 1);
	assert_int_equal(at(&spaces, 9, 21, 0), 0);
	hvp_spaces_deinit(&spaces);
}

static void a_thread_is_no_new_process(void **state)
{
	struct hvp_spaces spaces;

	(void)state;
	hvp_spaces_init(&spaces);
	map(&spaces, 9, 1, 0, PAGE, 1);
	assert_ok(hvp_spaces_fork(&spaces, 9, 9, 5));
	assert_ok(hvp_spaces_freeze(&spaces));
	assert_int_equal(at(&spaces, 9, 6, 0), 1);
	hvp_spaces_deinit(&spaces);
}

/* A model that is slow and plain: one byte per page and moment. */
#define PAGES 32
#define MOMENTS 400

static void lookups_agree_with_a_plain_model(void **state)
{
	static uint8_t model[MOMENTS][PAGES];
	uint64_t random = 1;
	struct hvp_spaces spaces;

	(void)state;
	hvp_spaces_init(&spaces);
	for (unsigned int time = 1; time < MOMENTS; time++) {
		uint64_t begin, num;

		random = random * 6364136223846793005ULL + 1442695040888963407ULL;
		begin = (random >> 33) % PAGES;
		num = 1 + (random >> 43) % (PAGES - begin);
		memcpy(model[time], model[time - 1], PAGES);
		if (random >> 63) {
			assert_ok(hvp_spaces_unmap(&spaces, 1, time, begin * PAGE, num * PAGE));
			memset(&model[time][begin], 0, num);
		} else {
			map(&spaces, 1, time, begin * PAGE, num * PAGE, 1 + time % 200);
			memset(&model[time][begin], (int)(1 + time % 200), num);
		}
	}
	assert_ok(hvp_spaces_freeze(&spaces));
	for (unsigned int time = 0; time < MOMENTS; time++) {
		for (unsigned int page = 0; page < PAGES; page++)
			assert_int_equal(at(&spaces, 1, time, page * PAGE + 7), model[time][page]);
	}
	hvp_spaces_deinit(&spaces);
}

static void mappings_at_the_ends_of_the_address_space_do_not_wrap(void **state)
{
	struct hvp_spaces spaces;

	(void)state;
	hvp_spaces_init(&spaces);
	map(&spaces, 1, 1, UINT64_MAX - PAGE, UINT64_MAX, 1);
	map(&spaces, 1, 1, 0, 0, 2);
	assert_ok(hvp_spaces_freeze(&spaces));
	assert_int_equal(at(&spaces, 1, 1, UINT64_MAX - 1), 1);
	assert_int_equal(at(&spaces, 1, 1, 0), 0);
	hvp_spaces_deinit(&spaces);
}

static void long_chains_of_forks_end(void **state)
{
	struct hvp_spaces spaces;

	(void)state;
	hvp_spaces_init(&spaces);
	map(&spaces, 1, 1, 0, PAGE, 1);
	/* Each adds something of its own, so that none can be skipped. */
	for (uint32_t pid = 2; pid < 5000; pid++) {
		assert_ok(hvp_spaces_fork(&spaces, pid, pid - 1, pid));
		map(&spaces, pid, pid, 4 * PAGE, PAGE, pid);
	}
	/* Forks of forks that add nothing reach the first, however many. */
	for (uint32_t pid = 10000; pid < 15000; pid++)
		assert_ok(hvp_spaces_fork(&spaces, pid, pid == 10000 ? 1 : pid - 1, pid));
	assert_ok(hvp_spaces_freeze(&spaces));
	assert_int_equal(at(&spaces, 50, 9999, 0), 1);
	assert_int_equal(at(&spaces, 4999, 9999, 0), 0);
	assert_int_equal(at(&spaces, 14999, 99999, 0), 1);
	hvp_spaces_deinit(&spaces);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mapping_counts_from_its_time_on),
		cmocka_unit_test(a_later_mapping_cuts_what_it_covers),
		cmocka_unit_test(the_rest_of_a_cut_mapping_keeps_its_place_in_the_file),
		cmocka_unit_test(exec_forgets_and_fork_inherits_the_moment),
		cmocka_unit_test(a_number_that_is_used_again_is_another_process),
		cmocka_unit_test(threads_may_outlive_their_leader),
		cmocka_unit_test(a_thread_is_no_new_process),
		cmocka_unit_test(lookups_agree_with_a_plain_model),
		cmocka_unit_test(mappings_at_the_ends_of_the_address_space_do_not_wrap),
		cmocka_unit_test(long_chains_of_forks_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
