/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/check.h"
#include "tests/unit/fault.h"

#include <errno.h>

static void a_message_is_formatted_and_has_its_code(void **state)
{
	struct hvp_error *err = hvp_error_create(HVP_ERROR_NOT_FOUND, "no %s in %d", "thing", 3);

	(void)state;
	assert_string_equal(hvp_error_message(err), "no thing in 3");
	assert_int_equal(hvp_error_code(err), HVP_ERROR_NOT_FOUND);
	assert_int_equal(hvp_error_errno(err), 0);
	hvp_error_destroy(err);
}

static void an_os_error_says_how_the_call_failed(void **state)
{
	struct hvp_error *err = hvp_error_from_errno(ENOENT, "cannot open %s", "/x");

	(void)state;
	assert_string_equal(hvp_error_message(err), "cannot open /x: No such file or directory");
	assert_int_equal(hvp_error_code(err), HVP_ERROR_OS);
	assert_int_equal(hvp_error_errno(err), ENOENT);
	hvp_error_destroy(err);
}

static void the_kernels_enomem_is_out_of_memory(void **state)
{
	(void)state;
	assert_ptr_equal(hvp_error_from_errno(ENOMEM, "mmap"), hvp_error_no_memory);
	assert_int_equal(hvp_error_errno(hvp_error_no_memory), ENOMEM);
}

static void an_error_in_a_file_names_it_and_the_offset(void **state)
{
	(void)state;
	assert_error(hvp_error_at(HVP_ERROR_FORMAT, "a.data", 0x1f0, "bad %d", 7), HVP_ERROR_FORMAT,
		     "a.data: offset 0x1f0: bad 7");
}

static void wrapping_puts_context_before_the_message_and_keeps_the_code(void **state)
{
	struct hvp_error *err = hvp_error_from_errno(EACCES, "open");

	(void)state;
	err = hvp_error_wrap(err, "domain %s", "web1");
	assert_string_equal(hvp_error_message(err), "domain web1: open: Permission denied");
	assert_int_equal(hvp_error_errno(err), EACCES);
	hvp_error_destroy(err);
}

static void out_of_memory_is_never_wrapped_and_survives_destruction(void **state)
{
	(void)state;
	assert_ptr_equal(hvp_error_wrap(hvp_error_no_memory, "x"), hvp_error_no_memory);
	hvp_error_destroy(hvp_error_no_memory);
	hvp_error_destroy(NULL);
	assert_string_equal(hvp_error_message(hvp_error_no_memory), "out of memory");
}

static struct hvp_error *make_every_kind(void *arg)
{
	struct hvp_error *errors[] = {
		hvp_error_create(HVP_ERROR_OTHER, "a %d", 1),
		hvp_error_from_errno(EIO, "b %d", 2),
		hvp_error_at(HVP_ERROR_TRUNCATED, "c", 3, "d %d", 4),
	};

	(void)arg;
	for (size_t i = 0; i < 3; i++)
		hvp_error_destroy(hvp_error_wrap(errors[i], "e"));
	return NULL;
}

static void without_memory_every_constructor_gives_the_static_error(void **state)
{
	(void)state;
	for (unsigned long num = 0; num < 2; num++) {
		struct hvp_error *err;

		hvp_fault_start(num);
		err = hvp_error_create(HVP_ERROR_OTHER, "x");
		assert_true(hvp_fault_stop());
		assert_ptr_equal(err, hvp_error_no_memory);
	}
	hvp_fault_every_allocation(make_every_kind, NULL);
}

static void without_memory_wrapping_leaves_the_error_as_it_was(void **state)
{
	struct hvp_error *err = hvp_error_create(HVP_ERROR_OTHER, "kept");

	(void)state;
	for (unsigned long num = 0; num < 2; num++) {
		hvp_fault_start(num);
		err = hvp_error_wrap(err, "lost");
		assert_true(hvp_fault_stop());
		assert_string_equal(hvp_error_message(err), "kept");
	}
	hvp_error_destroy(err);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_is_formatted_and_has_its_code),
		cmocka_unit_test(an_os_error_says_how_the_call_failed),
		cmocka_unit_test(the_kernels_enomem_is_out_of_memory),
		cmocka_unit_test(an_error_in_a_file_names_it_and_the_offset),
		cmocka_unit_test(wrapping_puts_context_before_the_message_and_keeps_the_code),
		cmocka_unit_test(out_of_memory_is_never_wrapped_and_survives_destruction),
		cmocka_unit_test(without_memory_every_constructor_gives_the_static_error),
		cmocka_unit_test(without_memory_wrapping_leaves_the_error_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
