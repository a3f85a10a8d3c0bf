/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arenas, arrays, maps and string pools. */
#include "tests/unit/check.h"
#include "tests/unit/fault.h"

#include <stdalign.h>

#include "common/base/arena.h"
#include "common/base/array.h"
#include "common/base/map.h"
#include "common/base/strpool.h"

#define MANY 20000u

static void an_arena_gives_aligned_memory_that_does_not_overlap(void **state)
{
	struct hvp_arena arena = {0};
	unsigned char *pieces[1000];

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(pieces); i++) {
		/* Now and then larger than a quarter of a block, and larger than any block. */
		size_t size = i % 97 == 0 ? 3000 : i == 500 ? 2u << 20 : i % 40;

		pieces[i] = hvp_arena_alloc(&arena, size);
		assert_non_null(pieces[i]);
		assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
		memset(pieces[i], (int)i, size);
	}
	for (size_t i = 1; i < HVP_ARRAY_SIZE(pieces); i++) {
		if (i % 40)
			assert_int_equal(pieces[i][0], i & 0xff);
	}
	assert_true(arena.footprint > 2u << 20);
	hvp_arena_deinit(&arena);
	assert_int_equal(arena.footprint, 0);
}

static void an_arena_copies_strings_with_their_nul(void **state)
{
	struct hvp_arena arena = {0};

	(void)state;
	assert_string_equal(hvp_arena_strndup(&arena, "abcdef", 3), "abc");
	assert_string_equal(hvp_arena_strdup(&arena, ""), "");
	assert_string_equal(hvp_arena_strdup(&arena, "whole"), "whole");
	hvp_arena_deinit(&arena);
}

static void an_arena_refuses_sizes_that_cannot_be(void **state)
{
	struct hvp_arena arena = {0};
	volatile size_t huge = SIZE_MAX;

	(void)state;
	assert_null(hvp_arena_alloc(&arena, huge));
	assert_null(hvp_arena_alloc(&arena, huge - 64));
	assert_null(hvp_arena_calloc(&arena, huge / 2, 3));
	assert_null(hvp_arena_strndup(&arena, "", huge));
	assert_non_null(hvp_arena_calloc(&arena, 0, 8));
	hvp_arena_deinit(&arena);
}

static void an_array_grows_and_keeps_what_it_has(void **state)
{
	int *items = NULL;
	size_t num = 0, capacity = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		assert_ok(hvp_array_reserve(&items, &capacity, num + 1, sizeof(*items)));
		items[num++] = i;
	}
	for (int i = 0; i < 1000; i++)
		assert_int_equal(items[i], i);
	assert_true(capacity >= 1000 && capacity < 4000);
	assert_ptr_equal(hvp_array_reserve(&items, &capacity, SIZE_MAX / 2, sizeof(*items)),
			 hvp_error_no_memory);
	assert_int_equal(items[999], 999);
	free(items);
}

static void a_map_finds_what_was_put_in_and_nothing_else(void **state)
{
	struct hvp_map map = {0};
	uint64_t value;
	bool is_new;

	(void)state;
	assert_false(hvp_map_get(&map, 0, &value));
	assert_false(hvp_map_get(&map, 1, &value));
	/* Page-aligned keys: all alike in their low bits. */
	for (uint64_t i = 0; i < MANY; i++)
		assert_ok(hvp_map_set(&map, i << 12, i * 3));
	assert_ok(hvp_map_set(&map, UINT64_MAX, UINT64_MAX));
	assert_int_equal(map.num, MANY + 1);
	for (uint64_t i = 0; i < MANY; i++) {
		assert_true(hvp_map_get(&map, i << 12, &value));
		assert_true(value == i * 3);
		assert_false(hvp_map_get(&map, (i << 12) + 1, &value));
	}
	*hvp_map_insert(&map, 4096, &is_new) += 1;
	assert_false(is_new);
	assert_true(hvp_map_get(&map, 4096, &value));
	assert_int_equal(value, 4);
	assert_int_equal(*hvp_map_insert(&map, 5, &is_new), 0);
	assert_true(is_new);
	hvp_map_deinit(&map);
}

static void removal_leaves_every_other_key_reachable(void **state)
{
	struct hvp_map map = {0};
	uint64_t value;

	(void)state;
	for (uint64_t i = 0; i < MANY; i++)
		assert_ok(hvp_map_set(&map, i, i));
	for (uint64_t i = 0; i < MANY; i += 3)
		assert_true(hvp_map_remove(&map, i));
	for (uint64_t i = 0; i < MANY; i++) {
		assert_int_equal(hvp_map_get(&map, i, &value), i % 3 != 0);
		if (i % 3)
			assert_true(value == i);
		else
			assert_false(hvp_map_remove(&map, i));
	}
	assert_int_equal(map.num, MANY - (MANY + 2) / 3);
	hvp_map_deinit(&map);
}

static void a_walk_meets_every_entry_once(void **state)
{
	struct hvp_map map = {0};
	uint64_t key, value, sum = 0;
	size_t cursor = 0, num = 0;

	(void)state;
	assert_false(hvp_map_next(&map, &cursor, &key, &value));
	for (uint64_t i = 0; i < 100; i++)
		assert_ok(hvp_map_set(&map, i, i + 1));
	for (cursor = 0; hvp_map_next(&map, &cursor, &key, &value); num++) {
		assert_int_equal(value, key + 1);
		sum += key;
	}
	assert_int_equal(num, 100);
	assert_int_equal(sum, 4950);
	assert_false(hvp_map_next(&map, &cursor, &key, &value));
	hvp_map_deinit(&map);
}

static void equal_strings_have_one_number_and_one_pointer(void **state)
{
	struct hvp_strpool pool = {0};
	char text[32];
	uint32_t index;

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < MANY; i++) {
			snprintf(text, sizeof(text), "function_%u", i);
			assert_ok(hvp_strpool_intern(&pool, text, &index));
			assert_int_equal(index, i + 1);
		}
	}
	assert_int_equal(hvp_strpool_num(&pool), MANY + 1);
	assert_string_equal(hvp_strpool_text(&pool, 7), "function_6");
	assert_int_equal(hvp_strpool_size(&pool, 7), 10);
	assert_true(hvp_strpool_find(&pool, "function_6", 10, &index));
	assert_int_equal(index, 7);
	assert_false(hvp_strpool_find(&pool, "function_", 9, &index));
	hvp_strpool_deinit(&pool);
}

static void the_empty_string_is_number_0_and_strange_numbers_are_empty(void **state)
{
	struct hvp_strpool pool = {0};
	uint32_t index = 9;

	(void)state;
	assert_false(hvp_strpool_find(&pool, "x", 1, &index));
	assert_true(hvp_strpool_find(&pool, "", 0, &index));
	assert_int_equal(index, 0);
	assert_ok(hvp_strpool_intern(&pool, NULL, &index));
	assert_int_equal(index, 0);
	assert_string_equal(hvp_strpool_text(&pool, 0), "");
	assert_string_equal(hvp_strpool_text(&pool, UINT32_MAX), "");
	assert_int_equal(hvp_strpool_size(&pool, 1), 0);
	/* A NUL within is part of the string. */
	assert_ok(hvp_strpool_add(&pool, "a\0b", 3, &index));
	assert_int_equal(index, 1);
	assert_ok(hvp_strpool_add(&pool, "a\0c", 3, &index));
	assert_int_equal(index, 2);
	hvp_strpool_deinit(&pool);
}

static struct hvp_error *fill_all(void *arg)
{
	struct hvp_map map = {0};
	struct hvp_strpool pool = {0};
	struct hvp_arena arena = {0};
	struct hvp_error *err = NULL;
	uint32_t index;

	(void)arg;
	for (uint64_t i = 0; i < 100 && !err; i++) {
		char text[16];

		snprintf(text, sizeof(text), "%u", (unsigned int)i);
		err = hvp_map_set(&map, i, i);
		if (!err)
			err = hvp_strpool_intern(&pool, text, &index);
		if (!err && !hvp_arena_alloc(&arena, 500 * i))
			err = hvp_error_no_memory;
	}
	hvp_map_deinit(&map);
	hvp_strpool_deinit(&pool);
	hvp_arena_deinit(&arena);
	return err;
}

static void every_container_survives_running_out_of_memory_anywhere(void **state)
{
	(void)state;
	assert_true(hvp_fault_every_allocation(fill_all, NULL) > 10);
}

static void a_failed_insertion_leaves_the_pool_as_it_was(void **state)
{
	struct hvp_strpool pool = {0};
	uint32_t index;

	(void)state;
	/*
	 * The table, then the items, then the text: what was allocated in one round stays for the
	 * next.
	 */
	for (unsigned long round = 0; round < 3; round++) {
		hvp_fault_start(round > 0);
		assert_ptr_equal(hvp_strpool_intern(&pool, "new", &index), hvp_error_no_memory);
		assert_true(hvp_fault_stop());
		assert_false(hvp_strpool_find(&pool, "new", 3, &index));
	}
	assert_ok(hvp_strpool_intern(&pool, "new", &index));
	assert_int_equal(index, 1);
	hvp_strpool_deinit(&pool);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_arena_gives_aligned_memory_that_does_not_overlap),
		cmocka_unit_test(an_arena_copies_strings_with_their_nul),
		cmocka_unit_test(an_arena_refuses_sizes_that_cannot_be),
		cmocka_unit_test(an_array_grows_and_keeps_what_it_has),
		cmocka_unit_test(a_map_finds_what_was_put_in_and_nothing_else),
		cmocka_unit_test(removal_leaves_every_other_key_reachable),
		cmocka_unit_test(a_walk_meets_every_entry_once),
		cmocka_unit_test(equal_strings_have_one_number_and_one_pointer),
		cmocka_unit_test(the_empty_string_is_number_0_and_strange_numbers_are_empty),
		cmocka_unit_test(every_container_survives_running_out_of_memory_anywhere),
		cmocka_unit_test(a_failed_insertion_leaves_the_pool_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
