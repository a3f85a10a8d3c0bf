/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every kind of column gives back every pattern of numbers. */
#include <stdlib.h>
#include <string.h>

#include "common/session/columns.h"
#include "fixture.h"

enum pattern {
	ALL_ZERO,
	ALL_MAX,
	ENDS_OF_THE_RANGE,
	COUNTING,
	TICKS_WITH_OUTLIERS,
	GOING_BACKWARDS,
	LONG_RUNS,
	FEW_SMALL,
	FEW_LARGE,
	ALL_DIFFERENT,
	POWERS_OF_TWO,
	NUM_PATTERNS,
};

static uint64_t number_at(enum pattern pattern, uint64_t row, uint64_t *random)
{
	switch (pattern) {
	case ALL_ZERO: return 0;
	case ALL_MAX: return UINT64_MAX;
	case ENDS_OF_THE_RANGE: return row % 3 ? row % 2 ? UINT64_MAX : 0 : 1ull << 63;
	case COUNTING: return row;
	case TICKS_WITH_OUTLIERS:
		return row * 1000000 + next_random(random) % 5000 +
		       (row % 1000 == 999 ? next_random(random) : 0);
	case GOING_BACKWARDS: return UINT64_MAX - row * 12345678901;
	case LONG_RUNS: return row / 50 * 0x123456789ull;
	case FEW_SMALL: return next_random(random) % 7;
	case FEW_LARGE: return 0xffffffff81000000 + next_random(random) % 1000 * 16;
	case ALL_DIFFERENT: return next_random(random);
	case POWERS_OF_TWO: return row % 65 ? 1ull << (row % 65 - 1) : 0;
	default: return 0;
	}
}

static const size_t sizes[] = {1, 2, 3, 31, 255, 4097, HVP_MAX_ROWS};

static void fill(uint64_t *numbers, size_t num, enum pattern pattern)
{
	uint64_t random = pattern;

	for (size_t row = 0; row < num; row++)
		numbers[row] = number_at(pattern, row, &random);
}

/* Two columns: one of the kind, and one that follows it (when it is coded). */
static void check_column(struct hvp_column_encoder *encoder, struct hvp_column_decoder *decoder,
			 enum hvp_column_kind kind, const uint64_t *numbers,
			 const uint64_t *following, size_t num)
{
	const struct hvp_column_layout layouts[] = {
		{.name = "first", .id = 3, .bits = 64, .kind = kind},
		{.name = "second", .id = 31, .bits = 64, .kind = HVP_COLUMN_FOLLOWS, .leader = 3},
	};
	const struct hvp_column *columns;
	struct hvp_reader reader;
	struct hvp_buf buf;

	hvp_buf_init(&buf);
	hvp_column_encoder_reset(encoder);
	hvp_column_encode(encoder, &layouts[0], numbers, num, &buf);
	hvp_column_encode(encoder, &layouts[1], following, num, &buf);
	expect_success(hvp_buf_check(&buf));
	hvp_reader_init(&reader, "columns", buf.data, buf.size, 0);
	expect_success(hvp_column_decode(decoder, &reader, num, UINT32_MAX, &columns));
	for (size_t row = 0; row < num; row++) {
		if (hvp_column_at(&columns[3], row) != numbers[row] ||
		    hvp_column_at(&columns[31], row) != following[row])
			fail_msg("row %zu of %zu is not what it was", row, num);
	}
	/*
	 * Nothing that is cut off goes unnoticed, or reads behind the end (which a sanitizer sees).
	 */
	for (size_t cut = buf.size; cut-- > 0 && num < 300;) {
		uint8_t *copy = malloc(cut + 1);
		struct hvp_error *err;

		assert_non_null(copy);
		memcpy(copy, buf.data, cut);
		hvp_reader_init(&reader, "columns", copy, cut, 0);
		err = hvp_column_decode(decoder, &reader, num, UINT32_MAX, &columns);
		/* Between two columns there is no seam to be seen. */
		if (!err)
			assert_int_equal(hvp_reader_left(&reader), 0);
		hvp_error_destroy(err);
		free(copy);
	}
	hvp_buf_deinit(&buf);
}

static void every_kind_gives_back_every_pattern(void **state)
{
	const enum hvp_column_kind kind = *(const enum hvp_column_kind *)*state;
	uint64_t *numbers = malloc(HVP_MAX_ROWS * sizeof(*numbers));
	uint64_t *following = malloc(HVP_MAX_ROWS * sizeof(*following));
	struct hvp_column_encoder *encoder;
	struct hvp_column_decoder *decoder;

	assert_true(numbers && following);
	expect_success(hvp_column_encoder_create(HVP_MAX_ROWS, 1, &encoder));
	expect_success(hvp_column_decoder_create(&decoder));
	for (size_t size = 0; size < sizeof(sizes) / sizeof(sizes[0]); size++) {
		for (int pattern = 0; pattern < NUM_PATTERNS; pattern++) {
			fill(numbers, sizes[size], (enum pattern)pattern);
			for (size_t row = 0; row < sizes[size]; row++)
				following[row] = numbers[row] % 5;
			check_column(encoder, decoder, kind, numbers, following, sizes[size]);
			/* The same, not determined by the first. */
			fill(following, sizes[size], (enum pattern)(NUM_PATTERNS - 1 - pattern));
			check_column(encoder, decoder, kind, numbers, following, sizes[size]);
		}
	}
	hvp_column_decoder_destroy(decoder);
	hvp_column_encoder_destroy(encoder);
	free(numbers);
	free(following);
}

struct bad_case {
	const char *name;
	uint8_t bytes[24];
	size_t size;
	const char *text;
};

/* Columns of 4 rows: number 1, size, contents. */
#define COLUMN(size) 1, (size), 0, 0, 0

static const struct bad_case bad_cases[] = {
	{"a column that is cut off", {1, 9, 0, 0, 0, 0, 0}, 7, "expected"},
	{"an unknown encoding", {COLUMN(1), 77}, 6, "unknown encoding 77"},
	{"an unknown form of a stream", {COLUMN(2), 0, 9}, 7, "unknown form 9"},
	{"runs of runs", {COLUMN(4), 0, 1, 1, 1}, 9, "unknown form 1"},
	{"runs that are too long", {COLUMN(7), 0, 1, 1, 0, 4, 0, 5}, 12, "longer than its 4"},
	{"runs that are too short", {COLUMN(7), 0, 1, 1, 0, 2, 0, 5}, 12, "end after 3 of 4"},
	{"more runs than rows", {COLUMN(3), 0, 1, 5}, 8, "the number of runs"},
	{"a block of another size", {COLUMN(6), 0, 2, 6, 1, 2, 3}, 11, "3 bytes, 4 expected"},
	{"a block that is no zstd frame", {COLUMN(5), 0, 2, 5, 1, 2}, 10, "does not decompress"},
	{"a number of 65 bits", {COLUMN(7), 0, 3, 8, 0, 0, 0, 65}, 12, "65 bits"},
	{"bits that are missing", {COLUMN(7), 0, 3, 8, 64, 64, 64, 64}, 12, "expected"},
	{"an empty dictionary", {COLUMN(2), 3, 0}, 7, "is empty"},
	{"a dictionary larger than the column", {COLUMN(2), 3, 5}, 7, "size of a dictionary"},
	{"a code that is not in its dictionary",
	 {COLUMN(10), 3, 2, 0, 0, 2, 8, 0, 1, 2, 0},
	 15,
	 "not in its dictionary"},
	{"a single entry and another code", {COLUMN(6), 3, 1, 0, 0, 0, 1}, 11, "not in its"},
	{"a column that follows itself", {COLUMN(2), 4, 1}, 7, "follows column 1"},
	{"a column that follows none", {COLUMN(2), 4, 2}, 7, "follows column 2"},
	{"a column that is there twice", {COLUMN(3), 0, 0, 1, COLUMN(3), 0, 0, 1}, 16, "twice"},
};

static void bad_columns_are_refused_in_words(void **state)
{
	const struct bad_case *test = *state;
	const struct hvp_column *columns;
	struct hvp_column_decoder *decoder;
	struct hvp_reader reader;

	expect_success(hvp_column_decoder_create(&decoder));
	hvp_reader_init(&reader, "columns", test->bytes, test->size, 0);
	expect_error(hvp_column_decode(decoder, &reader, 4, UINT32_MAX, &columns), test->text);
	hvp_column_decoder_destroy(decoder);
}

static const struct {
	const char *name;
	enum hvp_column_kind kind;
} kinds[] = {
	{"numbers", HVP_COLUMN_NUMBER},	   {"gradual", HVP_COLUMN_GRADUAL},
	{"ticking", HVP_COLUMN_TICKING},   {"coded", HVP_COLUMN_CODED},
	{"following", HVP_COLUMN_FOLLOWS}, {"pattern", HVP_COLUMN_PATTERN},
};

int main(void)
{
	struct CMUnitTest tests[40];
	size_t num = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		tests[num++] = (struct CMUnitTest){.name = kinds[i].name,
						   .test_func = every_kind_gives_back_every_pattern,
						   .initial_state = (void *)&kinds[i].kind};
	for (size_t i = 0; i < sizeof(bad_cases) / sizeof(bad_cases[0]); i++)
		tests[num++] = (struct CMUnitTest){.name = bad_cases[i].name,
						   .test_func = bad_columns_are_refused_in_words,
						   .initial_state = (void *)&bad_cases[i]};
	return _cmocka_run_group_tests("columns", tests, num, NULL, NULL);
}
