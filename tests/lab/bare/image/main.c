/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks the machine it runs on, on whatever vendor it finds itself. Arguments: seed=N. */
#include "apic.h"
#include "check.h"
#include "console.h"
#include "pmu.h"
#include "tests.h"
#include "trap.h"

/* Xen's struct hvm_start_info, as far as needed. */
struct start_info {
	u32 magic, version, flags, num_modules;
	u64 modules, command_line;
};

_Noreturn void image_main(const struct start_info *info);

static u64 find_seed(const char *line)
{
	static const char key[] = "seed=";
	u64 seed = 0;
	size_t at = 0;

	while (line[at] && at < sizeof(key) - 1) {
		if (line[at] == key[at]) {
			at++;
		} else {
			line++;
			at = 0;
		}
	}
	for (line += at; *line >= '0' && *line <= '9'; line++)
		seed = seed * 10 + (u64)(*line - '0');
	return seed;
}

void image_main(const struct start_info *info)
{
	u64 seed = find_seed((const char *)info->command_line);

	trap_init();
	apic_init();
	pmu_init();
	console_print(
		"TAP version 13\n# %s, %u general and %u fixed counters, facts %#x, seed %lu\n",
		pmu.is_intel ? "Intel" : "AMD", pmu.shape.num_gp, pmu.shape.num_fixed,
		pmu.shape.pmu, seed);
	test_msrs();
	test_counting();
	test_rdpmc();
	test_overflow();
	test_random(seed);
	test_second();
	test_guests();
	if (pmu.is_intel) {
		test_vmx();
		test_vmx_entry();
		test_vmx_operands();
	} else {
		test_svm();
		test_svm_next_rip();
	}
	console_exit(check_summary());
}
