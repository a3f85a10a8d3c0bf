/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Libraries that are loaded by who needs them. */
#include "common/base/array.h"
#include "common/base/library.h"
#include "tests/unit/check.h"

static void functions_of_a_library_can_be_called(void **state)
{
	double (*root)(double) = NULL;
	const struct hvp_library_function functions[] = {{"sqrt", &root}};

	(void)state;
	assert_ok(hvp_library_load("libm.so.6", functions, HVP_ARRAY_SIZE(functions)));
	assert_true(root(9.0) > 2.9 && root(9.0) < 3.1);
	assert_ok(hvp_library_load("libm.so.6", functions, HVP_ARRAY_SIZE(functions)));
}

static void what_is_missing_is_named(void **state)
{
	void (*function)(void) = NULL;
	const struct hvp_library_function functions[] = {{"no_such_function", &function}};

	(void)state;
	assert_error(hvp_library_load("libnone.so.7", functions, HVP_ARRAY_SIZE(functions)),
		     HVP_ERROR_UNSUPPORTED, "libnone.so.7");
	assert_error(hvp_library_load("libm.so.6", functions, HVP_ARRAY_SIZE(functions)),
		     HVP_ERROR_UNSUPPORTED, "no_such_function()");
	assert_null(function);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_of_a_library_can_be_called),
		cmocka_unit_test(what_is_missing_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
