/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/daemon/fixture.h"

#include "daemon/kvm/domain_join.h"

#define SECOND UINT64_C(1000000000)

struct test {
	struct fixture_tree tree;
	struct fixture_log log;
	struct hvp_domain_table *domains;
	struct hvp_discovery *discovery;
	struct hvp_domain_join join;
};

static int set_up(void **state)
{
	struct test *test = calloc(1, sizeof(*test));
	const struct hvp_discovery_options options = {.roots = &test->tree.roots};

	fixture_tree_init(&test->tree);
	fixture_log_init(&test->log);
	assert_ok(hvp_domain_table_create(&test->log.sink, &test->domains));
	assert_ok(hvp_discovery_create(&options, test->domains, &test->discovery));
	hvp_domain_join_init(&test->join, &test->tree.roots, test->domains, test->discovery);
	*state = test;
	return 0;
}

static int tear_down(void **state)
{
	struct test *test = *state;

	hvp_domain_join_deinit(&test->join);
	hvp_discovery_destroy(test->discovery);
	hvp_domain_table_destroy(test->domains);
	fixture_log_deinit(&test->log);
	fixture_tree_deinit(&test->tree);
	free(test);
	return 0;
}

/* A VMM with one VM. */
static void make_vm(const struct test *test, uint32_t pid, int fd, const char *name)
{
	char path[64], text[128];
	int size;

	snprintf(path, sizeof(path), "proc/%u/cmdline", pid);
	size = snprintf(text, sizeof(text), "qemu-system-x86_64%c-name%c%s", 0, 0, name);
	fixture_write_bytes(&test->tree, path, text, (size_t)size + 1);
	snprintf(path, sizeof(path), "debugfs/kvm/%u-%d/vcpu0/pid", pid, fd);
	snprintf(text, sizeof(text), "%d\n", (int)pid + fd);
	fixture_write(&test->tree, path, text);
}

static void see_domain(struct test *test, uint32_t number, enum hvp_domain_state state,
		       uint32_t pid, const char *name)
{
	const struct hvp_record record = {
		.type = HVP_RECORD_DOMAIN,
		.time = SECOND,
		.domain = {.domain = number, .state = state, .pid = pid, .name = name}};

	assert_ok(hvp_domain_join_see(&test->join, &record));
}

static void see_vcpu(struct test *test, uint32_t number, uint32_t vcpu, uint32_t tid)
{
	const struct hvp_record record = {.type = HVP_RECORD_VCPU,
					  .time = SECOND,
					  .vcpu = {.domain = number, .vcpu = vcpu, .tid = tid}};

	assert_ok(hvp_domain_join_see(&test->join, &record));
}

/* 0: none. */
static uint32_t joined(const struct test *test, uint32_t number, uint32_t pid)
{
	uint32_t domain = 0;

	return hvp_domain_join_find(&test->join, number, pid, &domain) ? domain : 0;
}

static void a_domain_that_discovery_knows_keeps_its_name(void **state)
{
	struct test *test = *state;

	make_vm(test, 100, 11, "web");
	make_vm(test, 200, 11, "db");
	assert_ok(hvp_discovery_scan(test->discovery, true));
	assert_int_equal(hvp_domain_table_num(test->domains), 2);
	see_domain(test, 70, HVP_DOMAIN_RUNNING, 100, "qemu-system-x86");
	see_vcpu(test, 70, 0, 111);
	see_domain(test, 71, HVP_DOMAIN_RUNNING, 200, "qemu-system-x86");
	see_vcpu(test, 71, 0, 211);
	assert_int_equal(hvp_domain_table_num(test->domains), 2);
	assert_int_not_equal(joined(test, 70, 100), joined(test, 71, 200));
	for (uint32_t number = 70; number < 72; number++) {
		struct hvp_vm vm;

		hvp_domain_table_get(test->domains, joined(test, number, number == 70 ? 100 : 200),
				     &vm);
		assert_string_equal(vm.name, number == 70 ? "web" : "db");
	}
}

static void a_vm_of_which_nothing_was_known_is_looked_for(void **state)
{
	struct test *test = *state;

	make_vm(test, 100, 11, "web");
	see_domain(test, 1, HVP_DOMAIN_RUNNING, 100, "qemu-system-x86");
	see_vcpu(test, 1, 0, 111);
	fixture_log_is(&test->log, "domain 1 running pid 100 web - qemu cmdline\n"
				   "vcpu 1/0 tid 111\n");
	assert_int_equal(joined(test, 1, 100), 1);
}

static void vms_of_one_process_are_told_apart_by_their_vcpus_threads(void **state)
{
	struct test *test = *state;

	make_vm(test, 100, 11, "twins");
	make_vm(test, 100, 12, "twins");
	see_domain(test, 5, HVP_DOMAIN_RUNNING, 100, "vmm");
	see_domain(test, 6, HVP_DOMAIN_RUNNING, 100, "vmm");
	see_vcpu(test, 6, 0, 112);
	see_vcpu(test, 5, 0, 111);
	for (uint32_t number = 5; number < 7; number++) {
		struct hvp_vm vm;

		hvp_domain_table_get(test->domains, joined(test, number, 100), &vm);
		assert_int_equal(vm.fd, number + 6);
	}
}

static void or_by_the_descriptor_in_their_names(void **state)
{
	struct test *test = *state;
	struct hvp_vm vm;

	make_vm(test, 100, 11, "twins");
	make_vm(test, 100, 12, "twins");
	see_domain(test, 5, HVP_DOMAIN_RUNNING, 100, "100-12");
	/* A thread of which nothing is known. */
	see_vcpu(test, 5, 0, 333);
	hvp_domain_table_get(test->domains, joined(test, 5, 100), &vm);
	assert_int_equal(vm.fd, 12);
}

static void two_that_nothing_else_tells_of_are_two_domains(void **state)
{
	struct test *test = *state;

	see_domain(test, 5, HVP_DOMAIN_RUNNING, 100, "vmm");
	see_domain(test, 6, HVP_DOMAIN_RUNNING, 100, "vmm");
	see_vcpu(test, 5, 0, 101);
	see_vcpu(test, 6, 0, 102);
	fixture_log_is(&test->log, "domain 1 running pid 100 pid 100 (gone) - - comm\n"
				   "vcpu 1/0 tid 101\n"
				   "domain 2 running pid 100 pid 100 (gone)#2 - - comm\n"
				   "vcpu 2/0 tid 102\n");
	assert_int_equal(joined(test, 5, 100), 1);
	assert_int_equal(joined(test, 6, 100), 2);
}

static void a_vcpu_without_debugfs_is_known_by_its_record(void **state)
{
	struct test *test = *state;
	struct hvp_sample sample = {.time = 2 * SECOND,
				    .pid = 100,
				    .tid = 177,
				    .mode = HVP_MODE_HOST_KERNEL,
				    .vcpu = HVP_VCPU_NONE};
	bool wants_discovery;

	see_domain(test, 9, HVP_DOMAIN_RUNNING, 100, "vmm");
	see_vcpu(test, 9, 3, 177);
	assert_ok(hvp_domain_table_assign(test->domains, &sample, &wants_discovery));
	assert_int_equal(sample.domain, joined(test, 9, 100));
	assert_int_equal(sample.vcpu, 3);
}

static void the_end_of_a_domain_is_the_vms(void **state)
{
	struct test *test = *state;
	struct hvp_vm vm;

	make_vm(test, 100, 11, "web");
	see_domain(test, 5, HVP_DOMAIN_RUNNING, 100, "vmm");
	see_vcpu(test, 5, 0, 111);
	see_domain(test, 5, HVP_DOMAIN_ENDED, 100, "");
	hvp_domain_table_get(test->domains, joined(test, 5, 100), &vm);
	assert_int_equal(vm.end, SECOND);
	/* One that was never seen. */
	see_domain(test, 77, HVP_DOMAIN_ENDED, 100, "");
	assert_int_equal(hvp_domain_table_num(test->domains), 1);
}

/* Rings are emptied one after the other, and discovery may be ahead of them. */
static void a_vm_that_ended_meanwhile_is_still_the_one_that_ran(void **state)
{
	struct test *test = *state;

	make_vm(test, 100, 11, "web");
	assert_ok(hvp_discovery_scan(test->discovery, true));
	see_domain(test, 5, HVP_DOMAIN_ENDED, 100, "");
	assert_ok(hvp_domain_table_end_vm(test->domains, 1, 2 * SECOND));
	see_domain(test, 5, HVP_DOMAIN_RUNNING, 100, "vmm");
	see_vcpu(test, 5, 1, 333);
	assert_int_equal(joined(test, 5, 100), 1);
	assert_int_equal(hvp_domain_table_num(test->domains), 1);
}

static void what_was_never_told_of_or_is_another_processs_is_not_joined(void **state)
{
	struct test *test = *state;

	make_vm(test, 100, 11, "web");
	see_vcpu(test, 5, 0, 111);
	assert_int_equal(joined(test, 5, 100), 0);
	see_domain(test, 5, HVP_DOMAIN_RUNNING, 100, "vmm");
	assert_int_equal(joined(test, 5, 100), 0);
	see_vcpu(test, 5, 0, 111);
	assert_int_equal(joined(test, 5, 100), 1);
	assert_int_equal(joined(test, 5, 200), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(a_domain_that_discovery_knows_keeps_its_name),
		TEST(a_vm_of_which_nothing_was_known_is_looked_for),
		TEST(vms_of_one_process_are_told_apart_by_their_vcpus_threads),
		TEST(or_by_the_descriptor_in_their_names),
		TEST(two_that_nothing_else_tells_of_are_two_domains),
		TEST(a_vcpu_without_debugfs_is_known_by_its_record),
		TEST(the_end_of_a_domain_is_the_vms),
		TEST(a_vm_that_ended_meanwhile_is_still_the_one_that_ran),
		TEST(what_was_never_told_of_or_is_another_processs_is_not_joined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
