/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions by the names that people give them. */
#include <string.h>

#include "report/annotate/function_name.h"
#include "tests/unit/check.h"

static void a_function_is_found_by_each_of_its_names(void **state)
{
	static const struct {
		const char *symbol, *name;
	} table[] = {
		{"f", "f"},
		{"f(int)", "f"},
		{"f(int)", "f(int)"},
		{"fill<int>", "fill"},
		{"fill<int>", "fill<int>"},
		{"unsigned long fill<int>(std::map<int, char>&, int)", "fill"},
		{"unsigned long fill<int>(std::map<int, char>&, int)", "fill<int>"},
		{"ns::Mixer<unsigned long, 13>::run", "run"},
		{"ns::Mixer<unsigned long, 13>::run", "ns::Mixer<unsigned long, 13>::run"},
		{"ns::Mixer<a::b>::run(c::d const&) const", "run"},
		{"<r::Ci as r::Shape>::area", "area"},
		{"(anonymous namespace)::Invoke", "Invoke"},
		{"finish_task_switch.isra.0", "finish_task_switch"},
		{"finish_task_switch.isra.0", "finish_task_switch.isra.0"},
		{"foo::bar [clone .constprop.0]", "bar"},
		{"Box::operator new(unsigned long)", "operator new"},
		{"Box::operator()(int) const", "operator()"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (!hvp_function_is_called(table[i].symbol, table[i].name))
			fail_msg("\"%s\" is not %s", table[i].name, table[i].symbol);
	}
}

static void names_of_parts_mean_no_function(void **state)
{
	static const struct {
		const char *symbol, *name;
	} table[] = {
		{"filler", "fill"},
		{"refill", "fill"},
		{"fill<int>::operator()", "fill"},
		{"std::vector<int>::push_back", "std::vector"},
		{"std::vector<int>::push_back", "vector"},
		{"sort<ns::less<int>>", "less"},
		{"run(ns::fill)", "fill"},
		{"main.other", "main"},
		{"f", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (hvp_function_is_called(table[i].symbol, table[i].name))
			fail_msg("\"%s\" is taken for %s", table[i].name, table[i].symbol);
	}
}

static void short_names_have_no_types_and_no_owner(void **state)
{
	static const struct {
		const char *symbol, *expected;
	} table[] = {
		{"f", "f"},
		{"get_unaligned_be32", "get_unaligned_be32"},
		{"int ns::Box<a::b>::get<long>(int)", "get"},
		{"operator()<long unsigned int>", "operator()<long unsigned int>"},
		{"a::it<int>::operator++", "operator++"},
		{"std::_Rb_tree<int, char>::_S_right", "_S_right"},
		{"<core::hash::sip::Hasher<S> as core::hash::Hasher>::finish", "finish"},
		{"<lambda(int)>", "<lambda(int)>"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		size_t size;
		const char *name = hvp_function_short_name(table[i].symbol, &size);

		assert_int_equal(size, strlen(table[i].expected));
		assert_memory_equal(name, table[i].expected, size);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_function_is_found_by_each_of_its_names),
		cmocka_unit_test(names_of_parts_mean_no_function),
		cmocka_unit_test(short_names_have_no_types_and_no_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
