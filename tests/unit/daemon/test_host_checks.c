/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/daemon/fixture.h"

#include "daemon/host/host_checks.h"

static struct hvp_check_result run_check(const struct hvp_check_host *host, const char *name)
{
	for (size_t i = 0; hvp_host_checks[i].name; i++) {
		struct hvp_check_result result = {.consequence = ""};

		if (strcmp(hvp_host_checks[i].name, name))
			continue;
		hvp_host_checks[i].run(host, &result);
		return result;
	}
	fail_msg("there is no check \"%s\"", name);
	return (struct hvp_check_result){0};
}

/* One file of the host, and what the check says of it. */
static const struct {
	const char *check;
	const char *file, *text;
	enum hvp_check_status status;
	/* In the value, and in the command. */
	const char *value, *command;
} cases[] = {
	{"perf_event_paranoid", "proc/sys/kernel/perf_event_paranoid", "3\n", HVP_CHECK_LACKING,
	 "3", "sysctl -w kernel.perf_event_paranoid=0"},
	{"perf_event_paranoid", "proc/sys/kernel/perf_event_paranoid", "-1\n", HVP_CHECK_OK, "-1",
	 ""},
	{"perf_event_paranoid", NULL, NULL, HVP_CHECK_LACKING, "no perf", ""},
	{"PMU", "sys/bus/event_source/devices/cpu/caps/pmu_name", "skylake\n", HVP_CHECK_OK,
	 "skylake", ""},
	{"PMU", "proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu hypervisor\n", HVP_CHECK_LACKING,
	 "none", ""},
	{"precise sampling", "sys/bus/event_source/devices/cpu/caps/max_precise", "3\n",
	 HVP_CHECK_OK, "up to 3", ""},
	{"this host", "proc/cpuinfo", "x\nflags\t\t: fpu vme hypervisor lm\n", HVP_CHECK_OK,
	 "virtual machine", ""},
	{"this host", "proc/cpuinfo", "x\nflags\t\t: fpu\n", HVP_CHECK_OK, "bare metal", ""},
	{"KVM", "proc/cpuinfo", "x\nflags\t\t: fpu svm\n", HVP_CHECK_LACKING, "not loaded",
	 "modprobe kvm_amd"},
	{"KVM", "proc/cpuinfo", "x\nflags\t\t: vmx fpu\n", HVP_CHECK_LACKING, "not loaded",
	 "modprobe kvm_intel"},
	{"KVM", "proc/cpuinfo", "x\nflags\t\t: fpu vmxx\n", HVP_CHECK_LACKING, "not loaded", ""},
	{"KVM", "sys/module/kvm_intel/parameters/nested", "Y\n", HVP_CHECK_OK, "kvm_intel", ""},
	{"nested guests", "sys/module/kvm_intel/parameters/nested", "Y\n", HVP_CHECK_OK, "on", ""},
	{"nested guests", "sys/module/kvm_amd/parameters/nested", "0\n", HVP_CHECK_OK, "off", ""},
	{"vPMU in guests", "sys/module/kvm/parameters/enable_pmu", "N\n", HVP_CHECK_UNKNOWN,
	 "no PMU to share", ""},
	{"vPMU in guests", "sys/module/kvm/parameters/enable_mediated_pmu", "Y\n",
	 HVP_CHECK_LACKING, "mediated", "enable_mediated_pmu=0"},
	{"partitioned vPMU", NULL, NULL, HVP_CHECK_UNKNOWN, "CONFIG_KVM_HVPMU", ""},
	{"partitioned vPMU", "sys/module/kvm/parameters/hvpmu", "0\n", HVP_CHECK_LACKING, "off",
	 "modprobe kvm hvpmu=4"},
	{"partitioned vPMU", "sys/module/kvm/parameters/hvpmu", "4\n", HVP_CHECK_OK,
	 "on, 4 counters for guests", ""},
	{"KVM's debugfs", "debugfs/kvm/exits", "0\n", HVP_CHECK_OK, "readable", ""},
	{"KVM's debugfs", "sys/module/kvm/parameters/enable_pmu", "Y\n", HVP_CHECK_LACKING,
	 "not there", "mount -t debugfs"},
	{"tracefs", NULL, NULL, HVP_CHECK_LACKING, "not readable", "mount -t tracefs"},
	{"kernel symbols", "proc/kallsyms", "0000000000000000 A percpu\n0000000000000000 T _text\n",
	 HVP_CHECK_LACKING, "hidden", "kernel.kptr_restrict=0"},
	{"kernel symbols", "proc/kallsyms", "0000000000000000 A percpu\nffffffff81000000 T _text\n",
	 HVP_CHECK_OK, "readable", ""},
	{"lockdown", "sys/kernel/security/lockdown", "none integrity [confidentiality]\n",
	 HVP_CHECK_LACKING, "confidentiality", ""},
	{"lockdown", "sys/kernel/security/lockdown", "[none] integrity confidentiality\n",
	 HVP_CHECK_OK, "none", ""},
	{"NMI watchdog", "proc/sys/kernel/nmi_watchdog", "1\n", HVP_CHECK_LACKING, "on",
	 "kernel.nmi_watchdog=0"},
	{"NMI watchdog", "proc/sys/kernel/nmi_watchdog", "0\n", HVP_CHECK_OK, "off", ""},
	{"sample rate limit", "proc/sys/kernel/perf_event_max_sample_rate", "500\n",
	 HVP_CHECK_LACKING, "500 Hz", "perf_event_max_sample_rate"},
	{"call chain limit", "proc/sys/kernel/perf_event_max_stack", "32\n", HVP_CHECK_LACKING,
	 "32 frames", "perf_event_max_stack=127"},
	{"locked memory", "proc/sys/kernel/perf_event_mlock_kb", "64\n", HVP_CHECK_LACKING,
	 "64 KiB", "perf_event_mlock_kb=516"},
};

static void each_check_says_what_is_what_it_costs_and_what_mends_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct hvp_check_result result;
		struct fixture_tree tree;
		const struct hvp_check_host host = {.roots = &tree.roots};

		fixture_tree_init(&tree);
		if (cases[i].file)
			fixture_write(&tree, cases[i].file, cases[i].text);
		result = run_check(&host, cases[i].check);
		if (result.status != cases[i].status || !strstr(result.value, cases[i].value) ||
		    !strstr(result.command, cases[i].command) ||
		    (!*cases[i].command && *result.command))
			fail_msg("%s (%s): %s, \"%s\", \"%s\"", cases[i].check,
				 cases[i].file ? cases[i].text : "nothing there",
				 hvp_check_status_names[result.status], result.value,
				 result.command);
		/* What is lacking costs something. */
		assert_int_equal(result.status == HVP_CHECK_LACKING, *result.consequence != 0);
		fixture_tree_deinit(&tree);
	}
}

/* Advice that only a machine with a PMU can follow. */
static void a_vpmu_is_missed_only_where_there_is_a_pmu(void **state)
{
	struct fixture_tree tree;
	const struct hvp_check_host host = {.roots = &tree.roots};

	(void)state;
	fixture_tree_init(&tree);
	fixture_write(&tree, "sys/module/kvm/parameters/enable_pmu", "N\n");
	fixture_write(&tree, "sys/bus/event_source/devices/cpu/type", "4\n");
	assert_int_equal(run_check(&host, "vPMU in guests").status, HVP_CHECK_LACKING);
	assert_non_null(strstr(run_check(&host, "vPMU in guests").command, "enable_pmu=1"));
	fixture_tree_deinit(&tree);
}

static void privileges_are_told_by_their_bits(void **state)
{
	struct hvp_check_host host = {.roots = &hvp_host_roots_default};

	(void)state;
	assert_int_equal(run_check(&host, "privilege").status, HVP_CHECK_LACKING);
	assert_non_null(strstr(run_check(&host, "privilege").command, "setcap cap_perfmon"));
	host.capabilities = 1ull << 38;
	assert_string_equal(run_check(&host, "privilege").value, "CAP_PERFMON");
	host.capabilities = 1ull << 21;
	assert_non_null(strstr(run_check(&host, "privilege").value, "CAP_SYS_ADMIN"));
}

static void no_check_needs_anything_to_be_there(void **state)
{
	struct fixture_tree tree;
	const struct hvp_check_host host = {.roots = &tree.roots};

	(void)state;
	fixture_tree_init(&tree);
	for (size_t i = 0; hvp_host_checks[i].name; i++) {
		struct hvp_check_result result = {.consequence = ""};

		hvp_host_checks[i].run(&host, &result);
		assert_in_range(result.status, HVP_CHECK_OK, HVP_CHECK_UNKNOWN);
	}
	fixture_tree_deinit(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_check_says_what_is_what_it_costs_and_what_mends_it),
		cmocka_unit_test(a_vpmu_is_missed_only_where_there_is_a_pmu),
		cmocka_unit_test(privileges_are_told_by_their_bits),
		cmocka_unit_test(no_check_needs_anything_to_be_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
