/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/check.h"
#include "tests/unit/fault.h"

#include "common/base/array.h"
#include "common/base/bytes.h"

static void what_is_written_reads_back(void **state)
{
	struct hvp_buf buf;
	struct hvp_reader reader;
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64, size;
	int64_t i64;
	const uint8_t *bytes;

	(void)state;
	hvp_buf_init(&buf);
	hvp_buf_add_u8(&buf, 0xab);
	hvp_buf_add_u16(&buf, 0xabcd);
	hvp_buf_add_u32(&buf, 0xdeadbeef);
	hvp_buf_add_u64(&buf, 0x0123456789abcdefULL);
	hvp_buf_add_varint(&buf, 300);
	hvp_buf_add_signed(&buf, -300);
	hvp_buf_add_string(&buf, "text");
	hvp_buf_add_string(&buf, NULL);
	assert_ok(hvp_buf_check(&buf));
	assert_memory_equal(buf.data, "\xab\xcd\xab\xef\xbe\xad\xde", 7);

	hvp_reader_init(&reader, "r", buf.data, buf.size, 100);
	assert_ok(hvp_read_u8(&reader, &u8));
	assert_ok(hvp_read_u16(&reader, &u16));
	assert_ok(hvp_read_u32(&reader, &u32));
	assert_ok(hvp_read_u64(&reader, &u64));
	assert_int_equal(u8, 0xab);
	assert_int_equal(u16, 0xabcd);
	assert_int_equal(u32, 0xdeadbeef);
	assert_true(u64 == 0x0123456789abcdefULL);
	assert_int_equal(hvp_reader_offset(&reader), 115);
	assert_ok(hvp_read_varint(&reader, &u64));
	assert_ok(hvp_read_signed(&reader, &i64));
	assert_int_equal(u64, 300);
	assert_int_equal(i64, -300);
	assert_ok(hvp_read_bounded(&reader, "size", 10, &size));
	assert_ok(hvp_read_bytes(&reader, size, &bytes));
	assert_memory_equal(bytes, "text", 4);
	assert_ok(hvp_read_varint(&reader, &size));
	assert_int_equal(size, 0);
	assert_int_equal(hvp_reader_left(&reader), 0);
	hvp_buf_deinit(&buf);
}

static const struct {
	const char *bytes;
	size_t size;
	uint64_t value;
	/* NULL: it can be read. */
	const char *error;
} varints[] = {
	{"\x00", 1, 0, NULL},
	{"\x7f", 1, 127, NULL},
	{"\x80\x01", 2, 128, NULL},
	{"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, UINT64_MAX, NULL},
	/* An overlong zero is allowed: LEB128 has no shortest form rule. */
	{"\x80\x00", 2, 0, NULL},
	{"", 0, 0, "offset 0x40: 1 bytes expected, 0 left"},
	{"\x80", 1, 0, "2 bytes expected, 1 left"},
	{"\xff\xff\xff\xff\xff\xff\xff\xff\xff", 9, 0, "10 bytes expected, 9 left"},
	{"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10, 0, "does not fit in 64 bits"},
	{"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11, 0, "does not fit in 64 bits"},
};

static void a_varint_is_read_or_refused_and_then_the_position_stays(void **state)
{
	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(varints); i++) {
		struct hvp_reader reader;
		uint64_t value = 0;

		hvp_reader_init(&reader, "v", varints[i].bytes, varints[i].size, 0x40);
		if (!varints[i].error) {
			assert_ok(hvp_read_varint(&reader, &value));
			assert_true(value == varints[i].value);
			assert_int_equal(hvp_reader_left(&reader), 0);
			continue;
		}
		assert_error(hvp_read_varint(&reader, &value),
			     strstr(varints[i].error, "left") ? HVP_ERROR_TRUNCATED
							      : HVP_ERROR_FORMAT,
			     varints[i].error);
		assert_int_equal(hvp_reader_offset(&reader), 0x40);
	}
}

static void zigzag_keeps_every_sign_and_the_extremes(void **state)
{
	static const int64_t values[] = {0, -1, 1, -2, INT64_MAX, INT64_MIN};

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(values); i++)
		assert_true(hvp_unzigzag(hvp_zigzag(values[i])) == values[i]);
	assert_int_equal(hvp_zigzag(-1), 1);
	assert_int_equal(hvp_zigzag(1), 2);
}

static void fixed_fields_that_are_cut_short_are_truncated_and_nothing_moves(void **state)
{
	struct hvp_reader reader;
	const uint8_t *bytes;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	(void)state;
	hvp_reader_init(&reader, "s", "\x01", 1, 0);
	assert_error(hvp_read_u16(&reader, &u16), HVP_ERROR_TRUNCATED, "s: offset 0x0");
	assert_error(hvp_read_u32(&reader, &u32), HVP_ERROR_TRUNCATED, "4 bytes expected, 1 left");
	assert_error(hvp_read_u64(&reader, &u64), HVP_ERROR_TRUNCATED, "8 bytes");
	assert_error(hvp_read_bytes(&reader, SIZE_MAX, &bytes), HVP_ERROR_TRUNCATED, "1 left");
	assert_int_equal(hvp_reader_left(&reader), 1);
}

static void a_number_above_its_bound_is_refused_by_name(void **state)
{
	struct hvp_reader reader;
	uint64_t value;

	(void)state;
	hvp_reader_init(&reader, "b", "\x81\x01", 2, 8);
	assert_error(hvp_read_bounded(&reader, "number of rows", 128, &value), HVP_ERROR_FORMAT,
		     "b: offset 0x8: number of rows is 129, at most 128 can be");
	assert_int_equal(hvp_reader_left(&reader), 2);
	assert_ok(hvp_read_bounded(&reader, "number of rows", 129, &value));
}

static void a_string_must_end_within_its_bound(void **state)
{
	struct hvp_reader reader;
	const char *text;

	(void)state;
	hvp_reader_init(&reader, "c", "comm\0rest", 9, 0);
	assert_error(hvp_read_cstring(&reader, 4, &text), HVP_ERROR_FORMAT, "within 4 bytes");
	assert_ok(hvp_read_cstring(&reader, 5, &text));
	assert_string_equal(text, "comm");
	assert_error(hvp_read_cstring(&reader, 100, &text), HVP_ERROR_FORMAT, "within 4 bytes");
	assert_int_equal(hvp_reader_left(&reader), 4);
}

static void a_window_has_the_files_offsets_and_its_own_end(void **state)
{
	struct hvp_reader reader, window;
	uint8_t u8;
	uint32_t u32;

	(void)state;
	hvp_reader_init(&reader, "w", "abcdef", 6, 0x1000);
	assert_ok(hvp_read_u8(&reader, &u8));
	assert_ok(hvp_read_window(&reader, 3, &window));
	assert_int_equal(hvp_reader_offset(&reader), 0x1004);
	assert_int_equal(hvp_reader_offset(&window), 0x1001);
	assert_error(hvp_read_u32(&window, &u32), HVP_ERROR_TRUNCATED, "w: offset 0x1001");
	assert_error(hvp_read_window(&reader, 3, &window), HVP_ERROR_TRUNCATED, "3 bytes");
}

static void a_buffer_without_memory_fails_once_and_stays_whole(void **state)
{
	struct hvp_buf buf;

	(void)state;
	hvp_buf_init(&buf);
	hvp_buf_add_u8(&buf, 1);
	hvp_fault_start(0);
	for (int i = 0; i < 1000; i++)
		hvp_buf_add_u64(&buf, 2);
	assert_true(hvp_fault_stop());
	assert_ptr_equal(hvp_buf_check(&buf), hvp_error_no_memory);
	hvp_buf_add_u8(&buf, 3);
	assert_true(buf.size <= buf.capacity);
	assert_int_equal((buf.size - 1) % 8, 0);
	hvp_buf_clear(&buf);
	assert_ok(hvp_buf_check(&buf));
	assert_false(hvp_buf_reserve(&buf, SIZE_MAX));
	assert_true(buf.failed);
	hvp_buf_deinit(&buf);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_reads_back),
		cmocka_unit_test(a_varint_is_read_or_refused_and_then_the_position_stays),
		cmocka_unit_test(zigzag_keeps_every_sign_and_the_extremes),
		cmocka_unit_test(fixed_fields_that_are_cut_short_are_truncated_and_nothing_moves),
		cmocka_unit_test(a_number_above_its_bound_is_refused_by_name),
		cmocka_unit_test(a_string_must_end_within_its_bound),
		cmocka_unit_test(a_window_has_the_files_offsets_and_its_own_end),
		cmocka_unit_test(a_buffer_without_memory_fails_once_and_stays_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
