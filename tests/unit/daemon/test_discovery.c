/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/daemon/fixture.h"

#include <sys/stat.h>
#include <unistd.h>

#include "daemon/kvm/discovery.h"
#include "daemon/inventory.h"
#include "daemon/kvm/kvm_debugfs.h"
#include "daemon/kvm/uevents.h"

struct test {
	struct fixture_tree tree;
	struct fixture_log log;
	struct hvp_domain_table *domains;
	struct hvp_discovery *discovery;
};

static int set_up(void **state)
{
	struct test *test = calloc(1, sizeof(*test));
	const struct hvp_discovery_options options = {.roots = &test->tree.roots};

	fixture_tree_init(&test->tree);
	fixture_log_init(&test->log);
	assert_ok(hvp_domain_table_create(&test->log.sink, &test->domains));
	assert_ok(hvp_discovery_create(&options, test->domains, &test->discovery));
	*state = test;
	return 0;
}

static int tear_down(void **state)
{
	struct test *test = *state;

	hvp_discovery_destroy(test->discovery);
	hvp_domain_table_destroy(test->domains);
	fixture_log_deinit(&test->log);
	fixture_tree_deinit(&test->tree);
	free(test);
	return 0;
}

static void make_qemu(const struct fixture_tree *tree, uint32_t pid, const char *name)
{
	char path[64], cmdline[256];
	int size;

	snprintf(path, sizeof(path), "proc/%u/cmdline", pid);
	size = snprintf(cmdline, sizeof(cmdline), "qemu-system-x86_64%c-name%c%s", 0, 0, name);
	fixture_write_bytes(tree, path, cmdline, (size_t)size + 1);
	snprintf(path, sizeof(path), "proc/%u/comm", pid);
	fixture_write(tree, path, "qemu-system-x86\n");
}

static void vms_and_vcpus_come_from_debugfs(void **state)
{
	struct test *test = *state;

	make_qemu(&test->tree, 100, "web");
	fixture_write(&test->tree, "debugfs/kvm/100-11/vcpu0/pid", "101\n");
	fixture_write(&test->tree, "debugfs/kvm/100-11/vcpu1/pid", "0\n");
	fixture_write(&test->tree, "debugfs/kvm/100-11/exits", "4711\n");
	fixture_write(&test->tree, "debugfs/kvm/exits", "4711\n");
	/* No VMs. */
	fixture_mkdir(&test->tree, "debugfs/kvm/x-11");
	fixture_mkdir(&test->tree, "debugfs/kvm/100-");
	fixture_mkdir(&test->tree, "debugfs/kvm/99999999999-1");
	assert_ok(hvp_discovery_scan(test->discovery, true));
	fixture_log_is(&test->log, "domain 1 running pid 100 web - qemu cmdline\n"
				   "vcpu 1/0 tid 101\n");
	assert_null(hvp_discovery_limit(test->discovery));
	/* A vCPU ran for the first time. */
	fixture_write(&test->tree, "debugfs/kvm/100-11/vcpu1/pid", "102\n");
	assert_ok(hvp_discovery_resolve(test->discovery, 100));
	fixture_log_is(&test->log, "vcpu 1/1 tid 102\n");
	/* One that started in the middle of the session; its VMM is gone already. */
	fixture_write(&test->tree, "debugfs/kvm/200-9/vcpu0/pid", "201\n");
	assert_ok(hvp_discovery_scan(test->discovery, false));
	fixture_log_is(&test->log, "domain 2 started pid 200 pid 200 (gone) - - comm\n"
				   "vcpu 2/0 tid 201\n");
}

static void a_vm_that_another_thread_created_is_its_processs(void **state)
{
	struct test *test = *state;

	/* cloud-hypervisor: the thread "vmm", not the main one. */
	make_qemu(&test->tree, 100, "web");
	fixture_write(&test->tree, "proc/105/status",
		      "Name:\tvmm\nTgid:\t100\nNgid:\t0\nPid:\t105\n");
	fixture_write(&test->tree, "debugfs/kvm/105-11/vcpu0/pid", "107\n");
	assert_ok(hvp_discovery_scan(test->discovery, true));
	fixture_log_is(&test->log, "domain 1 running pid 100 web - qemu cmdline\n"
				   "vcpu 1/0 tid 107\n");
	/* And is found by its process. */
	fixture_write(&test->tree, "debugfs/kvm/105-11/vcpu1/pid", "108\n");
	assert_ok(hvp_discovery_resolve(test->discovery, 100));
	fixture_log_is(&test->log, "vcpu 1/1 tid 108\n");
}

static void a_kernel_that_does_not_tell_the_threads_leaves_their_names(void **state)
{
	struct test *test = *state;

	make_qemu(&test->tree, 100, "web");
	fixture_mkdir(&test->tree, "debugfs/kvm/100-11/vcpu0");
	fixture_symlink(&test->tree, "proc/100/fd/11", "anon_inode:kvm-vm");
	fixture_symlink(&test->tree, "proc/100/fd/12", "anon_inode:kvm-vcpu:0");
	fixture_write(&test->tree, "proc/100/task/100/comm", "qemu-system-x86\n");
	fixture_write(&test->tree, "proc/100/task/101/comm", "CPU 0/KVM\n");
	assert_ok(hvp_discovery_scan(test->discovery, true));
	fixture_log_is(&test->log, "domain 1 running pid 100 web - qemu cmdline\n"
				   "vcpu 1/0 tid 101\n");
}

static void without_kvm_nobody_is_asked_for_descriptors(void **state)
{
	struct test *test = *state;

	make_qemu(&test->tree, 100, "web");
	fixture_symlink(&test->tree, "proc/100/fd/11", "anon_inode:kvm-vm");
	fixture_mkdir(&test->tree, "sys/class/misc/fuse");
	assert_ok(hvp_discovery_scan(test->discovery, true));
	assert_int_equal(hvp_domain_table_num(test->domains), 0);
	fixture_mkdir(&test->tree, "sys/class/misc/kvm");
	assert_ok(hvp_discovery_scan(test->discovery, true));
	assert_int_equal(hvp_domain_table_num(test->domains), 1);
}

static void without_debugfs_descriptors_tell_and_the_limit_is_said(void **state)
{
	struct test *test = *state;

	make_qemu(&test->tree, 100, "web");
	fixture_symlink(&test->tree, "proc/100/fd/11", "anon_inode:kvm-vm");
	fixture_write(&test->tree, "proc/100/task/101/comm", "CPU 3/KVM\n");
	/* Two VMs in one process: their vCPUs cannot be told apart by name. */
	make_qemu(&test->tree, 200, "two");
	fixture_symlink(&test->tree, "proc/200/fd/11", "anon_inode:kvm-vm");
	fixture_symlink(&test->tree, "proc/200/fd/12", "anon_inode:kvm-vm");
	fixture_write(&test->tree, "proc/200/task/201/comm", "CPU 0/KVM\n");
	/* No VMM. */
	fixture_symlink(&test->tree, "proc/300/fd/1", "/dev/kvm");
	assert_ok(hvp_discovery_scan(test->discovery, true));
	assert_non_null(hvp_discovery_limit(test->discovery));
	assert_non_null(strstr(hvp_discovery_limit(test->discovery), "mount -t debugfs"));
	assert_int_equal(hvp_domain_table_num(test->domains), 3);
	assert_non_null(strstr(fixture_log_text(&test->log), "vcpu "));
	assert_null(strstr(fixture_log_text(&test->log), "tid 201"));
}

static void libvirt_tells_names_uuids_and_vcpus(void **state)
{
	struct test *test = *state;

	/* What the command line says is another's word; the VM's threads have names of their own. */
	make_qemu(&test->tree, 100, "web");
	fixture_symlink(&test->tree, "proc/100/fd/11", "anon_inode:kvm-vm");
	fixture_write(&test->tree, "proc/100/task/101/comm", "x\n");
	fixture_write(&test->tree, "run/libvirt/qemu/web.xml",
		      "<domstatus pid='100'><vcpus><vcpu id='1' pid='101'/><vcpu id='0' pid='999'/>"
		      "</vcpus><domain><name>web</name>"
		      "<uuid>78177d07-ac0e-4057-b1de-9ccd66cbc3d7</uuid></domain></domstatus>");
	assert_ok(hvp_discovery_scan(test->discovery, true));
	fixture_log_is(&test->log, "domain 1 running pid 100 web "
				   "78177d07-ac0e-4057-b1de-9ccd66cbc3d7 qemu libvirt\n"
				   "vcpu 1/1 tid 101\n");
}

static void a_vmm_without_a_name_is_asked_and_does_not_delay(void **state)
{
	struct test *test = *state;
	static const char cmdline[] = "qemu-system-x86_64\0-qmp\0unix:web.qmp,server=on";

	fixture_write_bytes(&test->tree, "proc/100/cmdline", cmdline, sizeof(cmdline));
	fixture_write(&test->tree, "proc/100/comm", "qemu-system-x86\n");
	fixture_write(&test->tree, "debugfs/kvm/100-11/vcpu0/pid", "101\n");
	fixture_write(&test->tree, "proc/100/cwd/web.qmp", "no socket");
	assert_ok(hvp_discovery_scan(test->discovery, true));
	fixture_log_is(&test->log,
		       "domain 1 running pid 100 pid 100 (qemu-system-x86) - qemu comm\n"
		       "vcpu 1/0 tid 101\n");
	assert_ok(hvp_discovery_settle(test->discovery));
	/* The answer is that there is none: nothing changes. */
	fixture_log_is(&test->log, "");
}

static void an_inventory_shows_vcpus_threads_and_states(void **state)
{
	struct test *test = *state;
	struct hvp_inventory inventory;

	make_qemu(&test->tree, 100, "web");
	fixture_write(&test->tree, "debugfs/kvm/100-11/vcpu0/pid", "102\n");
	fixture_write(&test->tree, "debugfs/kvm/100-11/vcpu1/pid", "101\n");
	fixture_write(&test->tree, "proc/100/task/100/comm", "qemu-system-x86\n");
	fixture_write(&test->tree, "proc/100/task/101/comm", "CPU 1/KVM\n");
	fixture_write(&test->tree, "proc/100/task/102/comm", "CPU 0/KVM\n");
	/* A name that tries to look like the fields behind it. */
	fixture_write(&test->tree, "proc/100/task/101/stat",
		      "101 (CPU) R 0 (x) S 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 "
		      "24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 7 40\n");
	assert_ok(hvp_inventory_read(&test->tree.roots, HVP_QMP_NEVER, &inventory));
	assert_int_equal(inventory.num, 1);
	assert_string_equal(inventory.vms[0].name, "web");
	assert_int_equal(inventory.vms[0].num_vcpus, 2);
	assert_int_equal(inventory.vms[0].num_threads, 3);
	assert_int_equal(inventory.vms[0].threads[0].tid, 102);
	assert_int_equal(inventory.vms[0].threads[1].tid, 101);
	assert_int_equal(inventory.vms[0].threads[1].state, 'S');
	assert_int_equal(inventory.vms[0].threads[1].cpu, 7);
	assert_int_equal(inventory.vms[0].threads[2].tid, 100);
	hvp_inventory_deinit(&inventory);
}

static void uevents_of_kvm_are_understood_and_others_are_not(void **state)
{
#define CREATE                                                                                     \
	"change@/devices/virtual/misc/kvm\0ACTION=change\0SUBSYSTEM=misc\0CREATED=3\0COUNT=2\0"    \
	"EVENT=create\0PID=4711\0STATS_PATH=/sys/kernel/debug/kvm/4711-12\0SEQNUM=9"
#define DESTROY "change@/devices/virtual/misc/kvm\0EVENT=destroy\0PID=4711"
	static const struct {
		const char *text;
		size_t size;
		bool is_one, is_create;
		int fd;
	} messages[] = {
		{CREATE, sizeof(CREATE), true, true, 12},
		{DESTROY, sizeof(DESTROY), true, false, -1},
		{"change@/devices/virtual/misc/kvm\0EVENT=other\0PID=1", 51, false, false, 0},
		{"change@/devices/virtual/misc/kvm\0EVENT=create", 46, false, false, 0},
		{"change@/devices/virtual/misc/kvm\0EVENT=create\0PID=x", 52, false, false, 0},
		{"add@/devices/cpu\0EVENT=create\0PID=1", 36, false, false, 0},
		{"", 1, false, false, 0},
		{"", 0, false, false, 0},
		/* It does not end in NUL. */
		{CREATE, sizeof(CREATE) - 1, false, false, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		struct hvp_uevent event;

		assert_int_equal(hvp_uevent_parse(messages[i].text, messages[i].size, &event),
				 messages[i].is_one);
		if (!messages[i].is_one)
			continue;
		assert_int_equal(event.is_create, messages[i].is_create);
		assert_int_equal(event.pid, 4711);
		assert_int_equal(event.fd, messages[i].fd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		test(vms_and_vcpus_come_from_debugfs),
		test(a_vm_that_another_thread_created_is_its_processs),
		test(a_kernel_that_does_not_tell_the_threads_leaves_their_names),
		test(without_kvm_nobody_is_asked_for_descriptors),
		test(without_debugfs_descriptors_tell_and_the_limit_is_said),
		test(libvirt_tells_names_uuids_and_vcpus),
		test(a_vmm_without_a_name_is_asked_and_does_not_delay),
		test(an_inventory_shows_vcpus_threads_and_states),
		cmocka_unit_test(uevents_of_kvm_are_understood_and_others_are_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
