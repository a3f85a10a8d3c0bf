/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every CMocka test of this tree wants: CMocka itself with what it needs, and assertions on
 * errors and output.
 */
#ifndef HVP_TESTS_UNIT_CHECK_H
#define HVP_TESTS_UNIT_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/error.h"

/* Fails with the error's own words. */
#define assert_ok(expression)                                                                      \
	do {                                                                                       \
		struct hvp_error *check_err = (expression);                                        \
		if (check_err)                                                                     \
			fail_msg("%s: %s", #expression, hvp_error_message(check_err));             \
	} while (0)

/* The expression fails with `code`, and its message has `part` in it. The error is destroyed. */
#define assert_error(expression, code, part)                                                       \
	check_error((expression), (code), (part), #expression, __FILE__, __LINE__)

static inline void check_error(struct hvp_error *err, enum hvp_error_code code, const char *part,
			       const char *expression, const char *file, int line)
{
	if (!err) {
		print_error("%s succeeds, error %d expected\n", expression, code);
		_fail(file, line);
		return;
	}
	if (hvp_error_code(err) != code || !strstr(hvp_error_message(err), part)) {
		print_error("%s: error %d expected with \"%s\", not %d: %s\n", expression, code,
			    part, hvp_error_code(err), hvp_error_message(err));
		_fail(file, line);
	}
	hvp_error_destroy(err);
}

/* A stream that gathers what is printed. */
struct check_output {
	FILE *stream;
	char *text;
	size_t size;
};

static inline FILE *check_output_open(struct check_output *output)
{
	*output = (struct check_output){0};
	output->stream = open_memstream(&output->text, &output->size);
	assert_non_null(output->stream);
	return output->stream;
}

/* Closes the stream, compares all that was printed, frees it. */
static inline void check_output_is(struct check_output *output, const char *expected)
{
	fclose(output->stream);
	assert_string_equal(output->text, expected);
	free(output->text);
}

#endif
