/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/daemon/fixture.h"

#include "daemon/kvm/domains.h"

/* The thread's number and when; what comes out of the table for it. */
static struct hvp_sample sample_of(struct hvp_domain_table *domains, enum hvp_mode mode,
				   uint32_t pid, uint32_t tid, uint64_t time)
{
	struct hvp_sample sample = {
		.mode = (uint8_t)mode, .pid = pid, .tid = tid, .time = time, .vcpu = 77};
	bool wants_discovery;

	assert_ok(hvp_domain_table_assign(domains, &sample, &wants_discovery));
	/* Discovery finds nothing in these tests. */
	if (wants_discovery)
		assert_ok(hvp_domain_table_assign(domains, &sample, &wants_discovery));
	assert_false(wants_discovery);
	return sample;
}

#define assert_owner(domains, mode, pid, tid, time, expected_domain, expected_vcpu)                \
	do {                                                                                       \
		struct hvp_sample owned = sample_of(domains, mode, pid, tid, time);                \
		assert_int_equal(owned.domain, expected_domain);                                   \
		assert_int_equal(owned.vcpu, expected_vcpu);                                       \
	} while (0)

static uint32_t add_vm(struct hvp_domain_table *domains, uint32_t pid, int fd, uint64_t time,
		       bool is_new, const char *name)
{
	struct hvp_vm_identity identity = {.vmm = "qemu", .from = "cmdline"};
	uint32_t domain;

	snprintf(identity.name, sizeof(identity.name), "%s", name);
	assert_ok(hvp_domain_table_add_vm(domains, pid, fd, time, is_new, &identity, &domain));
	return domain;
}

static void see_task(struct hvp_domain_table *domains, enum hvp_record_type type, uint32_t pid,
		     uint32_t tid, uint64_t time)
{
	const struct hvp_record record = {
		.type = type, .time = time, .task = {.pid = pid, .tid = tid}};

	assert_ok(hvp_domain_table_see_record(domains, &record));
}

static void see_comm(struct hvp_domain_table *domains, uint32_t pid, uint32_t tid, uint64_t time,
		     const char *name, bool is_exec)
{
	const struct hvp_record record = {
		.type = HVP_RECORD_COMM,
		.time = time,
		.comm = {.pid = pid, .tid = tid, .name = name, .is_exec = is_exec}};

	assert_ok(hvp_domain_table_see_record(domains, &record));
}

/* Times are in seconds: the slack at the end of a VM is 0.1 of them. */
#define SECONDS(n) ((uint64_t)(n)*1000000000u)

struct test {
	struct fixture_log log;
	struct hvp_domain_table *domains;
};

static int set_up(void **state)
{
	struct test *test = calloc(1, sizeof(*test));

	fixture_log_init(&test->log);
	assert_ok(hvp_domain_table_create(&test->log.sink, &test->domains));
	*state = test;
	return 0;
}

static int tear_down(void **state)
{
	struct test *test = *state;

	hvp_domain_table_destroy(test->domains);
	fixture_log_deinit(&test->log);
	free(test);
	return 0;
}

/* Its first thread is gone, the others still hold the VM: debugfs lists it for a moment. */
static void what_a_process_leaves_behind_is_no_new_vm(void **state)
{
	struct test *test = *state;
	uint32_t web = add_vm(test->domains, 100, 11, SECONDS(1), false, "web");

	see_task(test->domains, HVP_RECORD_EXIT, 100, 100, SECONDS(2));
	assert_int_equal(add_vm(test->domains, 100, 11, SECONDS(2) + 1000, true, "web"), web);
	assert_int_equal(add_vm(test->domains, 100, 11, SECONDS(5), true, "web"), web);
	/* Another descriptor was another VM, and another process with this pid has VMs of its own. */
	assert_int_equal(add_vm(test->domains, 100, 12, SECONDS(5), true, "twin"), web + 1);
	see_task(test->domains, HVP_RECORD_FORK, 100, 100, SECONDS(6));
	assert_int_equal(add_vm(test->domains, 100, 11, SECONDS(7), true, "web"), web + 2);
	/* A descriptor that was closed, by exec or by the VMM, can be opened again. */
	see_comm(test->domains, 100, 100, SECONDS(8), "web", true);
	assert_int_equal(add_vm(test->domains, 100, 11, SECONDS(9), true, "web"), web + 3);
	assert_ok(hvp_domain_table_end_vm(test->domains, web + 3, SECONDS(10)));
	assert_int_equal(add_vm(test->domains, 100, 11, SECONDS(11), true, "web"), web + 4);
}

static void vcpu_threads_carry_their_domain_in_both_modes(void **state)
{
	struct test *test = *state;
	uint32_t web = add_vm(test->domains, 100, 11, SECONDS(1), false, "web");
	uint32_t db = add_vm(test->domains, 200, 11, SECONDS(1), false, "db");

	assert_ok(hvp_domain_table_bind_vcpu(test->domains, web, 0, 101, SECONDS(1)));
	assert_ok(hvp_domain_table_bind_vcpu(test->domains, db, 0, 201, SECONDS(1)));
	assert_ok(hvp_domain_table_bind_vcpu(test->domains, db, 1, 202, SECONDS(1)));
	/* Said once, however often it is seen. */
	assert_ok(hvp_domain_table_bind_vcpu(test->domains, db, 1, 202, SECONDS(2)));
	fixture_log_is(&test->log, "domain 1 running pid 100 web - qemu cmdline\n"
				   "domain 2 running pid 200 db - qemu cmdline\n"
				   "vcpu 1/0 tid 101\n"
				   "vcpu 2/0 tid 201\n"
				   "vcpu 2/1 tid 202\n");
	assert_owner(test->domains, HVP_MODE_GUEST_USER, 100, 101, SECONDS(2), web, 0);
	assert_owner(test->domains, HVP_MODE_GUEST_KERNEL, 200, 202, SECONDS(2), db, 1);
	assert_owner(test->domains, HVP_MODE_HOST_KERNEL, 200, 201, SECONDS(2), db, 0);
	/* Another thread of the VMM works for its only VM; a stranger for nobody. */
	assert_owner(test->domains, HVP_MODE_HOST_USER, 100, 100, SECONDS(2), web, HVP_VCPU_NONE);
	assert_owner(test->domains, HVP_MODE_HOST_USER, 300, 300, SECONDS(2), 0, HVP_VCPU_NONE);
	assert_owner(test->domains, HVP_MODE_HOST_KERNEL, 0, 0, SECONDS(2), 0, HVP_VCPU_NONE);
}

static void
a_guest_sample_that_nobody_announced_makes_a_domain_that_is_completed_later(void **state)
{
	struct test *test = *state;

	see_comm(test->domains, 100, 100, SECONDS(1), "qemu-system-x86", false);
	assert_owner(test->domains, HVP_MODE_GUEST_KERNEL, 100, 101, SECONDS(2), 1, HVP_VCPU_NONE);
	fixture_log_is(&test->log, "domain 1 running pid 100 pid 100 (qemu-system-x86) - - comm\n");
	/* Another vCPU of the same process. */
	assert_owner(test->domains, HVP_MODE_GUEST_USER, 100, 102, SECONDS(2), 1, HVP_VCPU_NONE);
	fixture_log_is(&test->log, "");
	/* Now its command line was read: the same domain, a better name; it did not start now. */
	assert_int_equal(add_vm(test->domains, 100, 11, SECONDS(3), true, "web"), 1);
	assert_ok(hvp_domain_table_bind_vcpu(test->domains, 1, 0, 101, SECONDS(3)));
	fixture_log_is(&test->log, "domain 1 running pid 100 web - qemu cmdline\n"
				   "vcpu 1/0 tid 101\n");
	assert_owner(test->domains, HVP_MODE_GUEST_KERNEL, 100, 101, SECONDS(4), 1, 0);
}

static void discovery_is_wanted_once_for_each_thread(void **state)
{
	struct test *test = *state;
	struct hvp_sample sample = {.mode = HVP_MODE_GUEST_USER, .pid = 100, .tid = 101};
	bool wants_discovery;

	assert_ok(hvp_domain_table_assign(test->domains, &sample, &wants_discovery));
	assert_true(wants_discovery);
	assert_ok(hvp_domain_table_assign(test->domains, &sample, &wants_discovery));
	assert_false(wants_discovery);
	assert_ok(hvp_domain_table_assign(test->domains, &sample, &wants_discovery));
	assert_false(wants_discovery);
	sample.tid = 102;
	assert_ok(hvp_domain_table_assign(test->domains, &sample, &wants_discovery));
	assert_true(wants_discovery);
}

static void threads_of_two_vms_in_one_process_are_told_by_their_binding(void **state)
{
	struct test *test = *state;
	uint32_t first = add_vm(test->domains, 100, 11, SECONDS(1), false, "one");
	uint32_t second;

	assert_owner(test->domains, HVP_MODE_HOST_USER, 100, 100, SECONDS(1), first, HVP_VCPU_NONE);
	second = add_vm(test->domains, 100, 12, SECONDS(2), true, "two");
	assert_int_not_equal(first, second);
	assert_ok(hvp_domain_table_bind_vcpu(test->domains, first, 0, 101, SECONDS(2)));
	assert_ok(hvp_domain_table_bind_vcpu(test->domains, second, 0, 102, SECONDS(2)));
	assert_owner(test->domains, HVP_MODE_GUEST_USER, 100, 101, SECONDS(3), first, 0);
	assert_owner(test->domains, HVP_MODE_GUEST_USER, 100, 102, SECONDS(3), second, 0);
	/* Which of the two the main thread works for cannot be told any more. */
	assert_owner(test->domains, HVP_MODE_HOST_USER, 100, 100, SECONDS(3), 0, HVP_VCPU_NONE);
	/* A vCPU that cannot be told apart is given to neither. */
	see_comm(test->domains, 100, 103, SECONDS(3), "vcpu", false);
	assert_owner(test->domains, HVP_MODE_GUEST_USER, 100, 103, SECONDS(3), 3, HVP_VCPU_NONE);
}

static void a_vm_that_ends_keeps_its_late_samples_and_gets_no_new_ones(void **state)
{
	struct test *test = *state;
	uint32_t web = add_vm(test->domains, 100, 11, SECONDS(1), false, "web");

	assert_ok(hvp_domain_table_bind_vcpu(test->domains, web, 0, 101, SECONDS(1)));
	assert_ok(hvp_domain_table_end_vm(test->domains, web, SECONDS(5)));
	assert_ok(hvp_domain_table_end_vm(test->domains, web, SECONDS(6)));
	fixture_log_is(&test->log, "domain 1 running pid 100 web - qemu cmdline\n"
				   "vcpu 1/0 tid 101\n"
				   "domain 1 ended pid 100 web - qemu cmdline\n");
	/* From another CPU's ring, which is drained later. */
	assert_owner(test->domains, HVP_MODE_GUEST_USER, 100, 101, SECONDS(4), web, 0);
	assert_owner(test->domains, HVP_MODE_HOST_KERNEL, 100, 101, SECONDS(5) + 1000, web, 0);
	/* The process lives on, as a host process. */
	assert_owner(test->domains, HVP_MODE_HOST_USER, 100, 101, SECONDS(9), 0, HVP_VCPU_NONE);
}

static void a_new_vm_with_the_pid_and_the_name_of_an_old_one_is_another_domain(void **state)
{
	struct test *test = *state;
	uint32_t old = add_vm(test->domains, 100, 11, SECONDS(1), false, "web");
	uint32_t new;

	assert_ok(hvp_domain_table_bind_vcpu(test->domains, old, 0, 101, SECONDS(1)));
	see_task(test->domains, HVP_RECORD_EXIT, 100, 101, SECONDS(5));
	see_task(test->domains, HVP_RECORD_EXIT, 100, 100, SECONDS(5));
	see_task(test->domains, HVP_RECORD_FORK, 100, 100, SECONDS(7));
	see_task(test->domains, HVP_RECORD_FORK, 100, 101, SECONDS(7));
	new = add_vm(test->domains, 100, 11, SECONDS(8), true, "web");
	assert_ok(hvp_domain_table_bind_vcpu(test->domains, new, 0, 101, SECONDS(8)));
	fixture_log_is(&test->log, "domain 1 running pid 100 web - qemu cmdline\n"
				   "vcpu 1/0 tid 101\n"
				   "domain 1 ended pid 100 web - qemu cmdline\n"
				   "domain 2 started pid 100 web#2 - qemu cmdline\n"
				   "vcpu 2/0 tid 101\n");
	assert_owner(test->domains, HVP_MODE_GUEST_USER, 100, 101, SECONDS(9), new, 0);
	/* A sample of before, from a ring that is drained after. */
	assert_owner(test->domains, HVP_MODE_GUEST_USER, 100, 101, SECONDS(4), old, 0);
	assert_owner(test->domains, HVP_MODE_HOST_USER, 100, 100, SECONDS(4), old, HVP_VCPU_NONE);
}

static void a_vcpu_number_that_is_used_again_by_a_host_process_is_the_hosts(void **state)
{
	struct test *test = *state;
	uint32_t web = add_vm(test->domains, 100, 11, SECONDS(1), false, "web");

	assert_ok(hvp_domain_table_bind_vcpu(test->domains, web, 0, 101, SECONDS(1)));
	see_task(test->domains, HVP_RECORD_EXIT, 100, 101, SECONDS(5));
	see_task(test->domains, HVP_RECORD_FORK, 101, 101, SECONDS(6));
	assert_owner(test->domains, HVP_MODE_HOST_USER, 101, 101, SECONDS(7), 0, HVP_VCPU_NONE);
	assert_owner(test->domains, HVP_MODE_GUEST_USER, 100, 101, SECONDS(4), web, 0);
	/* Also when the kernel lost the records that say so. */
	assert_owner(test->domains, HVP_MODE_HOST_USER, 555, 101, SECONDS(20), 0, HVP_VCPU_NONE);
}

static void exec_ends_the_virtual_machines_of_a_process(void **state)
{
	struct test *test = *state;
	uint32_t web = add_vm(test->domains, 100, 11, SECONDS(1), false, "web");

	see_comm(test->domains, 100, 100, SECONDS(5), "sh", true);
	assert_owner(test->domains, HVP_MODE_HOST_USER, 100, 100, SECONDS(6), 0, HVP_VCPU_NONE);
	assert_owner(test->domains, HVP_MODE_HOST_USER, 100, 100, SECONDS(4), web, HVP_VCPU_NONE);
}

static void kernel_threads_work_for_the_vm_in_their_name(void **state)
{
	struct test *test = *state;
	uint32_t web;

	see_comm(test->domains, 900, 900, SECONDS(1), "vhost-100", false);
	see_comm(test->domains, 901, 901, SECONDS(1), "kvm-pit/200", false);
	assert_owner(test->domains, HVP_MODE_HOST_KERNEL, 900, 900, SECONDS(1), 0, HVP_VCPU_NONE);
	web = add_vm(test->domains, 100, 11, SECONDS(2), true, "web");
	assert_owner(test->domains, HVP_MODE_HOST_KERNEL, 900, 900, SECONDS(3), web, HVP_VCPU_NONE);
	assert_owner(test->domains, HVP_MODE_HOST_KERNEL, 901, 901, SECONDS(3), 0, HVP_VCPU_NONE);
}

/* Any program can name itself and its threads like one of KVM's kernel threads. */
static void what_a_program_calls_itself_does_not_make_it_work_for_another(void **state)
{
	const struct hvp_record mapping = {.type = HVP_RECORD_MMAP,
					   .time = SECONDS(2),
					   .mmap = {.pid = 902, .tid = 902, .path = "/bin/x"}};
	const struct hvp_record kernel_thread = {
		.type = HVP_RECORD_FORK,
		.time = SECONDS(2),
		.task = {.pid = 905, .tid = 905, .parent_pid = 2, .parent_tid = 2}};
	struct test *test = *state;
	uint32_t web = add_vm(test->domains, 100, 11, SECONDS(1), false, "web");

	/* A thread that is not a process; one that was forked by a program; one that has a file. */
	see_comm(test->domains, 900, 901, SECONDS(2), "vhost-100", false);
	assert_owner(test->domains, HVP_MODE_HOST_KERNEL, 900, 901, SECONDS(3), 0, HVP_VCPU_NONE);
	see_task(test->domains, HVP_RECORD_FORK, 903, 903, SECONDS(2));
	see_comm(test->domains, 903, 903, SECONDS(2), "vhost-100", false);
	assert_owner(test->domains, HVP_MODE_HOST_KERNEL, 903, 903, SECONDS(3), 0, HVP_VCPU_NONE);
	see_comm(test->domains, 902, 902, SECONDS(2), "vhost-100", false);
	assert_owner(test->domains, HVP_MODE_HOST_KERNEL, 902, 902, SECONDS(2), web, HVP_VCPU_NONE);
	assert_ok(hvp_domain_table_see_record(test->domains, &mapping));
	assert_owner(test->domains, HVP_MODE_HOST_KERNEL, 902, 902, SECONDS(3), 0, HVP_VCPU_NONE);
	see_comm(test->domains, 902, 902, SECONDS(3), "kvm-pit/100", false);
	assert_owner(test->domains, HVP_MODE_HOST_KERNEL, 902, 902, SECONDS(3), 0, HVP_VCPU_NONE);
	/* Its own guest is never another's. */
	see_comm(test->domains, 904, 904, SECONDS(2), "vhost-100", false);
	assert_owner(test->domains, HVP_MODE_GUEST_KERNEL, 904, 904, SECONDS(3), web + 1,
		     HVP_VCPU_NONE);
	/* The kernel's own. */
	assert_ok(hvp_domain_table_see_record(test->domains, &kernel_thread));
	see_comm(test->domains, 905, 905, SECONDS(2), "vhost-100", false);
	assert_owner(test->domains, HVP_MODE_HOST_KERNEL, 905, 905, SECONDS(3), web, HVP_VCPU_NONE);
}

/* MicroVMs that nobody named, one after the other. */
static void thousands_of_machines_with_one_name_have_a_name_each(void **state)
{
	const uint32_t num = 20000;
	struct test *test = *state;
	struct hvp_vm vm;

	for (uint32_t i = 1; i <= num; i++) {
		uint32_t domain = add_vm(test->domains, 1000 + i, 5, SECONDS(i), true, "anonymous");

		assert_owner(test->domains, HVP_MODE_HOST_USER, 1000 + i, 1000 + i, SECONDS(i),
			     domain, HVP_VCPU_NONE);
	}
	hvp_domain_table_get(test->domains, num, &vm);
	assert_string_equal(vm.name, "anonymous#20000");
	/* One that is called so already. */
	add_vm(test->domains, 500, 5, SECONDS(1), true, "anonymous#20001");
	hvp_domain_table_get(test->domains,
			     add_vm(test->domains, 501, 5, SECONDS(1), true, "anonymous"), &vm);
	assert_string_equal(vm.name, "anonymous#20002");
}

static void names_are_unique_and_a_worse_one_does_not_replace_a_better_one(void **state)
{
	struct test *test = *state;
	struct hvp_vm_identity unnamed = {.name = "pid 100 (x)", .vmm = "", .from = "comm"};
	struct hvp_vm vm;
	uint32_t domain;

	add_vm(test->domains, 100, 11, SECONDS(1), false, "web");
	add_vm(test->domains, 200, 11, SECONDS(1), false, "web");
	add_vm(test->domains, 300, 11, SECONDS(1), false, "web");
	hvp_domain_table_get(test->domains, 3, &vm);
	assert_string_equal(vm.name, "web#3");
	assert_int_equal(vm.pid, 300);
	/* Known already: nothing is said anew. */
	fixture_log_is(&test->log, "domain 1 running pid 100 web - qemu cmdline\n"
				   "domain 2 running pid 200 web#2 - qemu cmdline\n"
				   "domain 3 running pid 300 web#3 - qemu cmdline\n");
	assert_ok(hvp_domain_table_add_vm(test->domains, 100, 11, SECONDS(2), false, &unnamed,
					  &domain));
	assert_int_equal(domain, 1);
	hvp_domain_table_get(test->domains, 1, &vm);
	assert_string_equal(vm.name, "web");
	fixture_log_is(&test->log, "");
}

/* Thousands of processes a second, with numbers that come again and again. */
static void processes_that_come_and_go_fast_are_told_apart(void **state)
{
	struct test *test = *state;

	for (uint32_t i = 0; i < 300000; i++) {
		uint32_t tid = 1000 + i % 30000;
		uint64_t time = SECONDS(1) + (uint64_t)i * 100000;
		struct hvp_vm_identity identity = {.name = "x", .vmm = "", .from = "cmdline"};
		uint32_t domain;

		see_task(test->domains, HVP_RECORD_FORK, tid, tid, time);
		if (i == 250000) {
			assert_ok(hvp_domain_table_add_vm(test->domains, tid, 5, time, true,
							  &identity, &domain));
			assert_owner(test->domains, HVP_MODE_HOST_USER, tid, tid, time + 10, 1,
				     HVP_VCPU_NONE);
		}
		see_task(test->domains, HVP_RECORD_EXIT, tid, tid, time + 2000);
	}
	/* The same number before, then, and after. */
	for (uint32_t i = 220000; i <= 280000; i += 30000)
		assert_owner(test->domains, HVP_MODE_HOST_USER, 1000 + i % 30000, 1000 + i % 30000,
			     SECONDS(1) + (uint64_t)i * 100000 + 10, i == 250000 ? 1 : 0,
			     HVP_VCPU_NONE);
}

static void threads_that_ended_long_ago_cost_no_memory(void **state)
{
	struct test *test = *state;
	uint32_t tid;

	/*
	 * A build: a hundred thousand processes one after the other, never more than a few at once.
	 */
	for (tid = 1000; tid < 101000; tid++) {
		uint64_t time = SECONDS(1) + (uint64_t)tid * 10000000;

		see_task(test->domains, HVP_RECORD_FORK, tid, tid, time);
		assert_owner(test->domains, HVP_MODE_HOST_USER, tid, tid, time + 1000, 0,
			     HVP_VCPU_NONE);
		see_task(test->domains, HVP_RECORD_EXIT, tid, tid, time + 2000);
	}
	{
		size_t cursor = 0, num = 0;
		uint32_t pid;

		while (hvp_domain_table_next_sampled_process(test->domains, &cursor, &pid))
			num++;
		/* Kept are ten seconds of them, and what is not worth a sweep. */
		assert_in_range(num, 1000, 10000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		test(what_a_process_leaves_behind_is_no_new_vm),
		test(vcpu_threads_carry_their_domain_in_both_modes),
		test(a_guest_sample_that_nobody_announced_makes_a_domain_that_is_completed_later),
		test(discovery_is_wanted_once_for_each_thread),
		test(threads_of_two_vms_in_one_process_are_told_by_their_binding),
		test(a_vm_that_ends_keeps_its_late_samples_and_gets_no_new_ones),
		test(a_new_vm_with_the_pid_and_the_name_of_an_old_one_is_another_domain),
		test(a_vcpu_number_that_is_used_again_by_a_host_process_is_the_hosts),
		test(exec_ends_the_virtual_machines_of_a_process),
		test(kernel_threads_work_for_the_vm_in_their_name),
		test(what_a_program_calls_itself_does_not_make_it_work_for_another),
		test(thousands_of_machines_with_one_name_have_a_name_each),
		test(names_are_unique_and_a_worse_one_does_not_replace_a_better_one),
		test(processes_that_come_and_go_fast_are_told_apart),
		test(threads_that_ended_long_ago_cost_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
