/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A hostile user of KVM's partitioned PMU: guests, VMMs and host programs that try to disturb or see each other. Runs as root in the lab's host. */
#include "check.h"
#include "pmu.h"
#include "tests.h"

static const struct check_test tests[] = {
	{"isolation", test_isolation}, {"migration", test_migration},
	{"filters", test_filters},     {"cpuid", test_cpuid},
	{"emulated", test_emulated},   {"stepped", test_stepped},
	{"strings", test_strings},     {"pmi", test_pmi},
	{"apic", test_apic},	       {"nmi", test_nmi},
	{"host", test_host},	       {"lifetime", test_lifetime},
	{"nested", test_nested},       {"skid", test_skid},
	{"totals", test_totals},       {"direct", test_direct},
};

int main(int argc, char **argv)
{
	(void)argc;
	pmu_find();
	return check_run(tests, sizeof(tests) / sizeof(tests[0]), argv + 1);
}
