/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A hostile user of KVM's partitioned PMU: guests, VMMs and host programs that try to disturb or see each other. Runs as root in the lab's host. */
#include <err.h>
#include <stddef.h>
#include <string.h>

#include "check.h"
#include "pmu.h"
#include "tests.h"

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{"isolation", test_isolation},
	{"migration", test_migration},
	{"filters", test_filters},
	{"cpuid", test_cpuid},
	{"emulated", test_emulated},
	{"strings", test_strings},
	{"pmi", test_pmi},
	{"host", test_host},
	{"lifetime", test_lifetime},
};

static void run(const char *name)
{
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		if (!strcmp(tests[i].name, name)) {
			tests[i].run();
			return;
		}
	}
	errx(2, "no tests of \"%s\"", name);
}

int main(int argc, char **argv)
{
	pmu_find();
	for (int i = 1; i < argc; i++)
		run(argv[i]);
	return check_finish();
}
