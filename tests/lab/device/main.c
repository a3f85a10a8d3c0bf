/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /dev/hvpmu, from the side of whoever reads it. Runs as root in the lab's host. */
#include "check.h"
#include "tests.h"

static const struct check_test tests[] = {
	{"access", test_access}, {"setup", test_setup}, {"sample", test_sample},
	{"filter", test_filter}, {"lost", test_lost},	{"times", test_times},
	{"chain", test_chain},	 {"end", test_end},	{"hotplug", test_hotplug},
	{"unload", test_unload},
};

int main(int argc, char **argv)
{
	(void)argc;
	return check_run(tests, sizeof(tests) / sizeof(tests[0]), argv + 1);
}
