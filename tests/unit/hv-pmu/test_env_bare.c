/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The event filter of env/bare, which ports start from. */
#include "tests/unit/check.h"

#include <hvpmu_env.h>

#include "common/base/array.h"

#define INSTRUCTIONS 0xc0
#define AMD_L3 0x1000000c0ULL /* EventSelect[11:8] 1 */

static void no_event_passes_that_the_list_does_not_have(void **state)
{
	static const u64 only_instructions[] = {INSTRUCTIONS};
	static const struct {
		const char *what;
		unsigned int counter;
		u64 select;
		bool is_allowed;
	} cases[] = {
		{"listed", 0, INSTRUCTIONS, true},
		{"with its other bits", 3, 0x530000 | INSTRUCTIONS, true},
		{"another event", 0, 0x3c, false},
		{"another umask", 0, 0x1c0, false},
		{"an event of AMD with the same low bits", 0, AMD_L3, false},
		{"fixed counter 0, which counts instructions", 32, 0, false},
		{"fixed counter 1", 33, 0, true},
	};
	struct hvpmu_env env = {.allowed = only_instructions, .num_allowed = 1, .allowed_fixed = 2};

	(void)state;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(cases); i++) {
		if (hvpmu_env_is_allowed(&env, cases[i].counter, cases[i].select) !=
		    cases[i].is_allowed)
			fail_msg("%s", cases[i].what);
	}
}

static void without_a_list_all_pass(void **state)
{
	struct hvpmu_env env = {.allowed = NULL};

	(void)state;
	assert_true(hvpmu_env_is_allowed(&env, 0, AMD_L3));
	assert_true(hvpmu_env_is_allowed(&env, 35, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_event_passes_that_the_list_does_not_have),
		cmocka_unit_test(without_a_list_all_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
