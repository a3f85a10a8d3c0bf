/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What --filter, --time, --sort and --fields understand, and what they say of the rest. */
#include "report/output/columns.h"
#include "tests/unit/check.h"

static void a_filter_that_is_wrong_says_where(void **state)
{
	static const struct {
		const char *text, *part;
	} cases[] = {
		{"", "no key \"\""},
		{"nonsense=1", "no key \"nonsense\""},
		{"domain", "column 7: expected =, !=, ~ or !~"},
		{"domain!web", "expected =, !=, ~ or !~"},
		{"domain=", "column 8: no value"},
		{"domain=web,", "nothing behind the comma"},
		{"domain=web,,mode=user", "no key \"\""},
		{"symbol=\"f(int, int)", "the quote is not closed"},
		{"symbol=\"f\"x", "expected a comma"},
		{"symbol~(", "regular expression \"(\""},
		{"symbol!~[", "regular expression"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct hvp_filter filter = {0};

		assert_error(hvp_filter_parse(&filter, cases[i].text), HVP_ERROR_USAGE,
			     cases[i].part);
		hvp_filter_deinit(&filter);
	}
}

static void a_filter_knows_the_keys_it_needs(void **state)
{
	struct hvp_filter filter = {0};

	(void)state;
	assert_ok(hvp_filter_parse(&filter, "vm=web,sym~\"a, b\",cpu!=0-3|7"));
	assert_int_equal(filter.num, 3);
	assert_int_equal(filter.dims, HVP_DIM_BIT(HVP_DIM_DOMAIN) | HVP_DIM_BIT(HVP_DIM_SYMBOL) |
					      HVP_DIM_BIT(HVP_DIM_CPU));
	hvp_filter_deinit(&filter);
}

static void a_slice_of_time_is_in_seconds_or_percent(void **state)
{
	static const struct {
		const char *text;
		uint64_t from, until;
	} cases[] = {
		{"1-2", 2000000000, 3000000000},     {"0.5-", 1500000000, UINT64_MAX},
		{"-250ms", 0, 1250000000},	     {"10%-20%", 2000000000, 3000000000},
		{"1s-2s", 2000000000, 3000000000},   {"100us-200ns", 0, 0},
		{"9-500", 10000000000, 11000000000},
	};
	uint64_t from, until;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct hvp_error *err =
			hvp_time_slice_parse(cases[i].text, 1000000000, 11000000000, &from, &until);

		if (!cases[i].from && !cases[i].until) {
			assert_error(err, HVP_ERROR_USAGE, "ends before it begins");
			continue;
		}
		assert_ok(err);
		assert_int_equal(from, cases[i].from);
		assert_int_equal(until, cases[i].until);
	}
}

static void a_slice_that_is_wrong_is_refused(void **state)
{
	static const char *const cases[] = {"",	    "-",    "1",     "a-b",   "1-2-3",
					    "1--2", "1-2x", "1 - 2", "nan-1", "1%%-2"};
	uint64_t from, until;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_error(hvp_time_slice_parse(cases[i], 0, 1000, &from, &until),
			     HVP_ERROR_USAGE, "--time");
}

static void sort_keys_have_aliases_and_suggestions(void **state)
{
	struct hvp_dim_list list;

	(void)state;
	assert_ok(hvp_dim_list_parse("--sort", "dso,SYM,srcline,dso", &list));
	assert_int_equal(list.num, 3);
	assert_int_equal(list.dims[0], HVP_DIM_IMAGE);
	assert_int_equal(list.dims[1], HVP_DIM_SYMBOL);
	assert_int_equal(list.dims[2], HVP_DIM_LINE);
	assert_error(hvp_dim_list_parse("--sort", "symbl", &list), HVP_ERROR_USAGE,
		     "did you mean \"symbol\"");
	assert_error(hvp_dim_list_parse("--sort", "", &list), HVP_ERROR_USAGE, "no key given");
}

static void fields_are_replaced_added_and_removed(void **state)
{
	struct hvp_dim_list sort;
	struct hvp_fields fields;

	(void)state;
	assert_ok(hvp_dim_list_parse("--sort", "domain,symbol", &sort));
	hvp_fields_init(&fields, &sort, false);
	assert_true(hvp_fields_has(&fields, "samples"));
	assert_ok(hvp_fields_parse(&fields, "+pid,-samples,+pid"));
	assert_true(hvp_fields_has(&fields, "pid"));
	assert_false(hvp_fields_has(&fields, "samples"));
	assert_true(fields.dims & HVP_DIM_BIT(HVP_DIM_PID));
	assert_ok(hvp_fields_parse(&fields, "share,symbol"));
	assert_int_equal(fields.num, 2);
	assert_string_equal(fields.columns[0]->table.name, "share_total");
	assert_error(hvp_fields_parse(&fields, "-share,-symbol"), HVP_ERROR_USAGE,
		     "no field is left");
	assert_error(hvp_fields_parse(&fields, "+colour"), HVP_ERROR_USAGE, "no field \"colour\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_filter_that_is_wrong_says_where),
		cmocka_unit_test(a_filter_knows_the_keys_it_needs),
		cmocka_unit_test(a_slice_of_time_is_in_seconds_or_percent),
		cmocka_unit_test(a_slice_that_is_wrong_is_refused),
		cmocka_unit_test(sort_keys_have_aliases_and_suggestions),
		cmocka_unit_test(fields_are_replaced_added_and_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
