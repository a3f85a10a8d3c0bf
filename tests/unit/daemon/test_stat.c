/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `hvprof stat` on trees of files like KVM's debugfs. */
#include "tests/unit/daemon/fixture.h"

#include <inttypes.h>
#include <unistd.h>

#include "daemon/stat.h"
#include "daemon/stat_output.h"

#define SECOND UINT64_C(1000000000)

struct test {
	struct fixture_tree tree;
	struct hvp_target target;
	const char *guest;
	struct hvp_stat stat;
};

static int set_up(void **state)
{
	struct test *test = calloc(1, sizeof(*test));

	assert_non_null(test);
	fixture_tree_init(&test->tree);
	*state = test;
	return 0;
}

static int tear_down(void **state)
{
	struct test *test = *state;

	hvp_stat_deinit(&test->stat);
	fixture_tree_deinit(&test->tree);
	free(test);
	return 0;
}

static void start(struct test *test)
{
	assert_ok(hvp_stat_init(&test->stat, &test->tree.roots, &test->target, HVP_QMP_NEVER));
	assert_ok(hvp_stat_read(&test->stat));
}

static void make_qemu(const struct test *test, uint32_t pid, const char *name)
{
	char path[64], cmdline[128];
	int size;

	snprintf(path, sizeof(path), "proc/%u/cmdline", pid);
	size = snprintf(cmdline, sizeof(cmdline), "qemu-system-x86_64%c-name%c%s", 0, 0, name);
	fixture_write_bytes(&test->tree, path, cmdline, (size_t)size + 1);
}

static void put(const struct test *test, const char *folder, const char *name, uint64_t value)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), "debugfs/kvm/%s/%s", folder, name);
	snprintf(text, sizeof(text), "%" PRIu64 "\n", value);
	fixture_write(&test->tree, path, text);
}

/* All counters of the partitioned vPMU of one vCPU: `base` and multiples of it. */
static void put_vcpu(const struct test *test, const char *folder, uint64_t base)
{
	put(test, folder, "hvpmu_guest_cycles", 3 * base);
	put(test, folder, "hvpmu_guest_instructions", 6 * base);
	put(test, folder, "hvpmu_hyp_cycles", base);
	put(test, folder, "hvpmu_hyp_instructions", base / 2);
	put(test, folder, "hvpmu_loads", base / 1000);
	put(test, folder, "hvpmu_puts", base / 1000);
	put(test, folder, "hvpmu_pmis", base / 10000);
	put(test, folder, "hvpmu_emulated", base / 100000);
}

/* Two VMs at the beginning of a span, and at its end. */
static void make_world(const struct test *test, uint64_t base)
{
	make_qemu(test, 100, "web");
	make_qemu(test, 200, "db");
	put_vcpu(test, "100-11/vcpu0", base);
	put_vcpu(test, "100-11/vcpu1", 2 * base);
	put(test, "100-11", "exits", base / 500);
	put_vcpu(test, "200-9/vcpu0", 5 * base);
	put(test, "200-9", "exits", base / 100);
}

static void print_is(struct test *test, enum hvp_stat_format format, const char *expected)
{
	struct hvp_stat_output output;
	struct check_output text;

	hvp_stat_output_begin(&output, check_output_open(&text), format, false);
	assert_ok(hvp_stat_output_span(&output, &test->stat, SECOND, 2 * SECOND));
	hvp_stat_output_end(&output);
	check_output_is(&text, expected);
}

/* The folder's order is the file system's: web alone is printed. */
static void choose_web(struct test *test)
{
	test->guest = "web";
	test->target = (struct hvp_target){.guests = &test->guest, .num_guests = 1};
}

static void what_was_counted_before_is_not_printed(void **state)
{
	struct test *test = *state;

	make_world(test, 1000000);
	choose_web(test);
	start(test);
	make_world(test, 3000000);
	assert_ok(hvp_stat_read(&test->stat));
	assert_int_equal(hvp_stat_num_wanted(&test->stat), 1);
	assert_true(hvp_stat_knows(&test->stat, HVP_KVM_CYCLES));
	print_is(test, HVP_STAT_TEXT,
		 "1.00 to 3.00 s\n"
		 "DOMAIN  VCPU  GUEST CYCLES  INSTRUCTIONS   IPC  HYP. CYCLES  INSTRUCTIONS    "
		 "HYP.  "
		 "LOADS   PUTS  PMIS  EMULATED  EXITS\n"
		 "web     all     18,000,000    36,000,000  2.00    6,000,000     3,000,000  "
		 "25.00%  "
		 "6,000  6,000   600        60  4,000\n"
		 "web     0        6,000,000    12,000,000  2.00    2,000,000     1,000,000  "
		 "25.00%  "
		 "2,000  2,000   200        20      -\n"
		 "web     1       12,000,000    24,000,000  2.00    4,000,000     2,000,000  "
		 "25.00%  "
		 "4,000  4,000   400        40      -\n");
}

static void csv_has_a_row_for_the_vm_and_one_for_each_vcpu(void **state)
{
	struct test *test = *state;

	make_world(test, 1000000);
	choose_web(test);
	start(test);
	make_world(test, 1100000);
	assert_ok(hvp_stat_read(&test->stat));
	print_is(test, HVP_STAT_CSV,
		 "from,seconds,domain,uuid,pid,state,vcpu,guest_cycles,guest_instructions,ipc,"
		 "hyp_cycles,hyp_instructions,hyp_share,loads,puts,pmis,emulated,exits\n"
		 "1.0000,2.0000,web,,100,running,,900000,1800000,2.0000,300000,150000,25.0000,300,"
		 "300,30,3,200\n"
		 "1.0000,2.0000,web,,100,running,0,300000,600000,2.0000,100000,50000,25.0000,100,"
		 "100,10,1,\n"
		 "1.0000,2.0000,web,,100,running,1,600000,1200000,2.0000,200000,100000,25.0000,200,"
		 "200,20,2,\n");
}

static void json_says_what_is_not_known(void **state)
{
	struct test *test = *state;

	make_qemu(test, 100, "we\"b");
	put(test, "100-11/vcpu0", "hvpmu_guest_cycles", 0);
	put(test, "100-11/vcpu0", "hvpmu_loads", 7);
	put(test, "100-11", "exits", 10);
	start(test);
	put(test, "100-11/vcpu0", "hvpmu_loads", 9);
	assert_ok(hvp_stat_read(&test->stat));
	print_is(test, HVP_STAT_JSON,
		 "{\n"
		 "  \"schema\": \"hvprof-stat/1\",\n"
		 "  \"spans\": [\n"
		 "    {\n"
		 "      \"from\": 1,\n"
		 "      \"seconds\": 2,\n"
		 "      \"domains\": [\n"
		 "        {\n"
		 "          \"name\": \"we\\\"b\",\n"
		 "          \"uuid\": \"\",\n"
		 "          \"pid\": 100,\n"
		 "          \"state\": \"running\",\n"
		 "          \"total\": {\n"
		 "            \"guest_cycles\": 0,\n"
		 "            \"guest_instructions\": null,\n"
		 "            \"ipc\": null,\n"
		 "            \"hyp_cycles\": null,\n"
		 "            \"hyp_instructions\": null,\n"
		 "            \"hyp_share\": null,\n"
		 "            \"loads\": 2,\n"
		 "            \"puts\": null,\n"
		 "            \"pmis\": null,\n"
		 "            \"emulated\": null,\n"
		 "            \"exits\": 0\n"
		 "          },\n"
		 "          \"vcpus\": [\n"
		 "            {\n"
		 "              \"vcpu\": 0,\n"
		 "              \"guest_cycles\": 0,\n"
		 "              \"guest_instructions\": null,\n"
		 "              \"ipc\": null,\n"
		 "              \"hyp_cycles\": null,\n"
		 "              \"hyp_instructions\": null,\n"
		 "              \"hyp_share\": null,\n"
		 "              \"loads\": 2,\n"
		 "              \"puts\": null,\n"
		 "              \"pmis\": null,\n"
		 "              \"emulated\": null,\n"
		 "              \"exits\": null\n"
		 "            }\n"
		 "          ]\n"
		 "        }\n"
		 "      ]\n"
		 "    }\n"
		 "  ]\n"
		 "}\n");
}

static void a_stock_kvm_leaves_the_exits(void **state)
{
	struct test *test = *state;

	make_qemu(test, 100, "web");
	fixture_write(&test->tree, "debugfs/kvm/100-11/vcpu0/pid", "101\n");
	put(test, "100-11", "exits", 1000);
	start(test);
	put(test, "100-11", "exits", 4711);
	assert_ok(hvp_stat_read(&test->stat));
	assert_false(hvp_stat_knows(&test->stat, HVP_KVM_OF_PMU));
	assert_true(hvp_stat_knows(&test->stat, UINT32_MAX));
	print_is(test, HVP_STAT_TEXT,
		 "1.00 to 3.00 s\n"
		 "DOMAIN  VCPU  EXITS\n"
		 "web     all   3,711\n");
}

/* One VM has its counters, the host gave none for the other. */
static void a_vm_that_was_refused_has_no_cycles(void **state)
{
	struct test *test = *state;

	make_world(test, 100000);
	put_vcpu(test, "200-9/vcpu0", 0);
	start(test);
	make_world(test, 300000);
	put_vcpu(test, "200-9/vcpu0", 0);
	assert_ok(hvp_stat_read(&test->stat));
	assert_true(hvp_stat_knows(&test->stat, HVP_KVM_CYCLES));
	assert_true(hvp_stat_has_run(&test->stat));
	for (size_t i = 0; i < test->stat.num; i++) {
		const struct hvp_stat_vm *vm = &test->stat.vms[i];
		bool is_web = !strcmp(vm->name, "web");

		assert_int_equal(vm->total.counts.known & HVP_KVM_CYCLES,
				 is_web ? HVP_KVM_CYCLES : 0);
		assert_int_equal(vm->vcpus[0].counts.known & HVP_KVM_CYCLES,
				 is_web ? HVP_KVM_CYCLES : 0);
		assert_true(hvp_kvm_knows(&vm->total.counts, HVP_KVM_EXITS));
	}
}

/* Files that are 0 tell nothing of a KVM that counts while nobody has run. */
static void a_vm_that_has_not_run_is_not_judged_by(void **state)
{
	struct test *test = *state;

	make_world(test, 0);
	start(test);
	assert_false(hvp_stat_has_run(&test->stat));
	assert_false(hvp_stat_knows(&test->stat, HVP_KVM_CYCLES));
	make_world(test, 100000);
	assert_ok(hvp_stat_read(&test->stat));
	assert_true(hvp_stat_has_run(&test->stat));
	assert_true(hvp_stat_knows(&test->stat, HVP_KVM_CYCLES));
}

/* The files are there and stay 0: that would be a figure that nobody measured. */
static void counters_that_kvm_does_not_keep_up_are_not_known(void **state)
{
	struct test *test = *state;

	make_world(test, 0);
	put(test, "100-11", "exits", 70);
	fixture_write(&test->tree, "sys/module/kvm/parameters/hvpmu", "4\n");
	fixture_write(&test->tree, "sys/module/kvm/parameters/hvpmu_account", "N\n");
	choose_web(test);
	start(test);
	assert_false(hvp_stat_knows(&test->stat, HVP_KVM_CYCLES));
	put(test, "100-11/vcpu1", "hvpmu_pmis", 3);
	put(test, "100-11", "exits", 75);
	assert_ok(hvp_stat_read(&test->stat));
	print_is(test, HVP_STAT_TEXT,
		 "1.00 to 3.00 s\n"
		 "DOMAIN  VCPU  LOADS  PUTS  PMIS  EMULATED  EXITS\n"
		 "web     all       0     0     3         0      5\n"
		 "web     0         0     0     0         0      -\n"
		 "web     1         0     0     3         0      -\n");
	/* A KVM that is loaded with other parameters has other VMs. */
	hvp_stat_deinit(&test->stat);
	fixture_write(&test->tree, "sys/module/kvm/parameters/hvpmu", "0\n");
	start(test);
	assert_false(hvp_stat_knows(&test->stat, HVP_KVM_OF_PMU));
	assert_true(hvp_stat_knows(&test->stat, UINT32_MAX));
	fixture_write(&test->tree, "sys/module/kvm/parameters/hvpmu", "4\n");
	fixture_write(&test->tree, "sys/module/kvm/parameters/hvpmu_account", "Y\n");
	put_vcpu(test, "100-11/vcpu1", 1000);
	assert_ok(hvp_stat_read(&test->stat));
	assert_true(hvp_stat_knows(&test->stat, HVP_KVM_CYCLES));
}

static void cycles_without_instructions_are_no_ratio(void **state)
{
	struct test *test = *state;
	double ipc;

	make_qemu(test, 100, "web");
	put(test, "100-11/vcpu0", "hvpmu_guest_cycles", 0);
	put(test, "100-11/vcpu0", "hvpmu_guest_instructions", 0);
	start(test);
	assert_false(hvp_stat_lacks_instructions(&test->stat));
	put(test, "100-11/vcpu0", "hvpmu_guest_cycles", 1000);
	assert_ok(hvp_stat_read(&test->stat));
	assert_true(hvp_stat_lacks_instructions(&test->stat));
	assert_false(hvp_stat_ipc(&test->stat.vms[0].total.counts, &ipc));
	put(test, "100-11/vcpu0", "hvpmu_guest_instructions", 500);
	assert_ok(hvp_stat_read(&test->stat));
	assert_false(hvp_stat_lacks_instructions(&test->stat));
	assert_true(hvp_stat_ipc(&test->stat.vms[0].total.counts, &ipc));
	assert_true(ipc > 0.49 && ipc < 0.51);
}

static void counters_of_whole_vms_serve_where_vcpus_have_none(void **state)
{
	struct test *test = *state;

	make_qemu(test, 100, "web");
	fixture_write(&test->tree, "debugfs/kvm/100-11/vcpu0/pid", "101\n");
	put_vcpu(test, "100-11", 1000000);
	start(test);
	put_vcpu(test, "100-11", 1500000);
	assert_ok(hvp_stat_read(&test->stat));
	assert_int_equal(test->stat.vms[0].total.counts.values[HVP_KVM_GUEST_CYCLES], 1500000);
	assert_true(hvp_stat_knows(&test->stat, HVP_KVM_CYCLES));
}

static void nothing_at_all_is_known_of_a_vm_without_files(void **state)
{
	struct test *test = *state;

	make_qemu(test, 100, "web");
	fixture_write(&test->tree, "debugfs/kvm/100-11/vcpu0/pid", "101\n");
	fixture_write(&test->tree, "debugfs/kvm/100-11/exits", "many\n");
	start(test);
	assert_int_equal(hvp_stat_num_wanted(&test->stat), 1);
	assert_false(hvp_stat_knows(&test->stat, UINT32_MAX));
}

/* debugfs goes with the VM: what was read last is what is known. */
static void a_vm_that_comes_and_goes_within_the_span_is_counted(void **state)
{
	struct test *test = *state;
	const struct hvp_stat_vm *vm;
	char path[128];

	make_qemu(test, 100, "web");
	put(test, "100-11/vcpu0", "hvpmu_guest_cycles", 1000);
	start(test);
	make_qemu(test, 300, "brief");
	put(test, "300-5/vcpu0", "hvpmu_guest_cycles", 70);
	assert_ok(hvp_stat_read(&test->stat));
	put(test, "300-5/vcpu0", "hvpmu_guest_cycles", 90);
	assert_ok(hvp_stat_read(&test->stat));
	snprintf(path, sizeof(path), "%s/kvm", test->tree.debugfs);
	assert_int_equal(chdir(path), 0);
	assert_int_equal(unlink("300-5/vcpu0/hvpmu_guest_cycles"), 0);
	assert_int_equal(rmdir("300-5/vcpu0"), 0);
	assert_int_equal(rmdir("300-5"), 0);
	assert_int_equal(chdir("/"), 0);
	assert_ok(hvp_stat_read(&test->stat));
	assert_int_equal(test->stat.num, 2);
	vm = &test->stat.vms[1];
	assert_string_equal(vm->name, "brief");
	assert_true(vm->has_begun && vm->has_ended);
	assert_int_equal(vm->total.counts.values[HVP_KVM_GUEST_CYCLES], 90);
	/* The same numbers again are another VM. */
	put(test, "300-5/vcpu0", "hvpmu_guest_cycles", 5);
	assert_ok(hvp_stat_read(&test->stat));
	assert_int_equal(test->stat.num, 3);
	assert_int_equal(test->stat.vms[2].total.counts.values[HVP_KVM_GUEST_CYCLES], 5);
	hvp_stat_begin_span(&test->stat);
	assert_int_equal(test->stat.num, 2);
	assert_int_equal(test->stat.vms[1].total.counts.values[HVP_KVM_GUEST_CYCLES], 0);
}

/* KVM's files stay a moment longer than the VM that they could be read of. */
static void a_vm_whose_files_cannot_be_read_any_more_keeps_its_counts(void **state)
{
	struct test *test = *state;
	const struct hvp_stat_vm *vm;

	make_qemu(test, 100, "web");
	put(test, "100-11/vcpu0", "hvpmu_guest_cycles", 1000);
	put(test, "100-11", "exits", 10);
	start(test);
	put(test, "100-11/vcpu0", "hvpmu_guest_cycles", 1700);
	put(test, "100-11", "exits", 15);
	assert_ok(hvp_stat_read(&test->stat));
	fixture_write(&test->tree, "debugfs/kvm/100-11/vcpu0/hvpmu_guest_cycles", "");
	fixture_write(&test->tree, "debugfs/kvm/100-11/exits", "");
	assert_ok(hvp_stat_read(&test->stat));
	vm = &test->stat.vms[0];
	assert_true(hvp_kvm_knows(&vm->total.counts, HVP_KVM_GUEST_CYCLES));
	assert_true(hvp_kvm_knows(&vm->vcpus[0].counts, HVP_KVM_GUEST_CYCLES));
	assert_true(hvp_kvm_knows(&vm->total.counts, HVP_KVM_EXITS));
	assert_int_equal(vm->total.counts.values[HVP_KVM_GUEST_CYCLES], 700);
	assert_int_equal(vm->total.counts.values[HVP_KVM_EXITS], 5);
	/* Nor is it counted twice when it can be read after all. */
	put(test, "100-11", "exits", 16);
	assert_ok(hvp_stat_read(&test->stat));
	assert_int_equal(vm->total.counts.values[HVP_KVM_EXITS], 6);
}

static void a_counter_that_was_set_back_goes_on_from_there(void **state)
{
	struct test *test = *state;

	make_qemu(test, 100, "web");
	put(test, "100-11", "exits", 1000);
	start(test);
	put(test, "100-11", "exits", 30);
	assert_ok(hvp_stat_read(&test->stat));
	put(test, "100-11", "exits", 50);
	assert_ok(hvp_stat_read(&test->stat));
	assert_int_equal(test->stat.vms[0].total.counts.values[HVP_KVM_EXITS], 50);
}

static void spans_follow_each_other_without_a_gap(void **state)
{
	struct test *test = *state;
	uint64_t sum = 0;

	make_qemu(test, 100, "web");
	put(test, "100-11/vcpu0", "hvpmu_pmis", 10);
	start(test);
	for (uint64_t i = 1; i <= 5; i++) {
		put(test, "100-11/vcpu0", "hvpmu_pmis", 10 + i * i);
		assert_ok(hvp_stat_read(&test->stat));
		sum += test->stat.vms[0].vcpus[0].counts.values[HVP_KVM_PMIS];
		hvp_stat_begin_span(&test->stat);
	}
	assert_int_equal(sum, 25);
}

static void vms_are_chosen_by_name_and_pid(void **state)
{
	static const char *const words[] = {"db", "100", "mail"};
	static const size_t expected[] = {1, 1, 0};
	struct test *test = *state;

	make_world(test, 1000000);
	for (size_t i = 0; i < 3; i++) {
		test->guest = words[i];
		test->target = (struct hvp_target){.guests = &test->guest, .num_guests = 1};
		start(test);
		assert_int_equal(test->stat.num, 2);
		assert_int_equal(hvp_stat_num_wanted(&test->stat), expected[i]);
		hvp_stat_deinit(&test->stat);
	}
}

static void without_debugfs_there_is_nothing_to_count(void **state)
{
	struct test *test = *state;

	assert_ok(hvp_stat_init(&test->stat, &test->tree.roots, &test->target, HVP_QMP_NEVER));
	assert_error(hvp_stat_read(&test->stat), HVP_ERROR_NOT_FOUND, "debugfs is not mounted");
}

static void a_span_without_vms_says_so(void **state)
{
	struct test *test = *state;

	fixture_mkdir(&test->tree, "debugfs/kvm");
	start(test);
	print_is(test, HVP_STAT_TEXT, "1.00 to 3.00 s\nno virtual machine ran\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(what_was_counted_before_is_not_printed),
		TEST(csv_has_a_row_for_the_vm_and_one_for_each_vcpu),
		TEST(json_says_what_is_not_known),
		TEST(a_stock_kvm_leaves_the_exits),
		TEST(a_vm_that_was_refused_has_no_cycles),
		TEST(a_vm_that_has_not_run_is_not_judged_by),
		TEST(counters_that_kvm_does_not_keep_up_are_not_known),
		TEST(cycles_without_instructions_are_no_ratio),
		TEST(counters_of_whole_vms_serve_where_vcpus_have_none),
		TEST(nothing_at_all_is_known_of_a_vm_without_files),
		TEST(a_vm_that_comes_and_goes_within_the_span_is_counted),
		TEST(a_vm_whose_files_cannot_be_read_any_more_keeps_its_counts),
		TEST(a_counter_that_was_set_back_goes_on_from_there),
		TEST(spans_follow_each_other_without_a_gap),
		TEST(vms_are_chosen_by_name_and_pid),
		TEST(without_debugfs_there_is_nothing_to_count),
		TEST(a_span_without_vms_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
