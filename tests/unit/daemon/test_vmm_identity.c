/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/daemon/fixture.h"

#include "daemon/kvm/vmm_identity.h"

/*
 * Command lines as VMMs of today are started, by people, libvirt, OpenStack, Kata and Proxmox;
 * arguments are cut at '\n'.
 */
static const struct {
	const char *program;
	const char *command;
	const char *vmm, *name, *uuid, *control;
} commands[] = {
	{"/usr/bin/qemu-system-x86_64", "qemu-system-x86_64\n-accel\nkvm\n-name\nweb\n-m\n256",
	 "qemu", "web", "", ""},
	{"/usr/bin/qemu-system-x86_64",
	 "/usr/bin/qemu-system-x86_64\n-name\nguest=instance-0000002a,debug-threads=on\n-S\n"
	 "-object\n{\"qom-type\":\"secret\",\"id\":\"masterKey0\"}\n-uuid\n"
	 "f9b1ab7b-7a1c-4c5c-8d19-a3f0d0e6c1d2\n-chardev\n"
	 "socket,id=charmonitor,fd=32,server=on,wait=off\n-mon\n"
	 "chardev=charmonitor,id=monitor,mode=control",
	 "qemu", "instance-0000002a", "f9b1ab7b-7a1c-4c5c-8d19-a3f0d0e6c1d2", ""},
	{"/usr/libexec/qemu-kvm",
	 "/usr/libexec/qemu-kvm\n-name\ndebug-threads=on,guest=db\n-smbios\n"
	 "type=1,manufacturer=Red Hat,uuid=11111111-2222-3333-4444-555555555555\n"
	 "-qmp\nunix:/run/db.qmp,server=on,wait=off",
	 "qemu", "db", "11111111-2222-3333-4444-555555555555", "/run/db.qmp"},
	{"/usr/bin/kvm",
	 "/usr/bin/kvm\n-id\n101\n-name\nproxmox-vm,debug-threads=on\n-chardev\n"
	 "socket,id=qmp,path=/var/run/qemu-server/101.qmp,server=on,wait=off\n-mon\n"
	 "chardev=qmp,mode=control",
	 "qemu", "proxmox-vm", "", "/var/run/qemu-server/101.qmp"},
	{"/usr/bin/qemu-system-x86_64",
	 "qemu-system-x86_64\n-name\na,,b,process=vm-x\n--qmp=unix:/run/a b.sock,server", "qemu",
	 "a,b", "", "/run/a b.sock"},
	{"/usr/bin/qemu-system-x86_64",
	 "qemu-system-x86_64\n-chardev\n{\"id\":\"mon0\",\"backend\":{\"path\":\"/run/j.sock\"}}\n"
	 "-mon\nchardev=mon0,mode=control",
	 "qemu", "", "", "/run/j.sock"},
	{"/usr/bin/qemu-system-x86_64",
	 "qemu-system-x86_64\n-mon\nchardev=mon0,mode=readline\n-chardev\n"
	 "socket,id=mon0,path=/run/hmp",
	 "qemu", "", "", ""},
	{"/usr/bin/qemu-system-x86_64", "qemu-system-x86_64\n-name", "qemu", "", "", ""},
	{"/usr/bin/qemu-system-x86_64", "qemu-system-x86_64\n-name\ndebug-threads=on", "qemu", "",
	 "", ""},
	{"/usr/bin/firecracker",
	 "/firecracker\n--id\n551e7604-e35c-42b3-b825-416853441234\n--api-sock\n/run/api.sock",
	 "firecracker", "551e7604-e35c-42b3-b825-416853441234", "", ""},
	{"/usr/bin/firecracker-v1.7.0-x86_64", "firecracker\n--id=fc-7\n--no-api", "firecracker",
	 "fc-7", "", ""},
	{"/usr/bin/cloud-hypervisor",
	 "cloud-hypervisor\n--api-socket\npath=/run/ch/build.sock\n--platform\n"
	 "num_pci_segments=2,uuid=99999999-2222-3333-4444-555555555555\n--cpus\nboot=4",
	 "cloud-hypervisor", "build", "99999999-2222-3333-4444-555555555555", ""},
	{"/usr/bin/cloud-hypervisor",
	 "cloud-hypervisor\n--api-socket\n/run/vc/vm/0f3ab1/clh-api.sock", "cloud-hypervisor",
	 "0f3ab1", "", ""},
	{"/usr/bin/crosvm", "crosvm\nrun\n--name\nborealis\n--cpus\n4", "crosvm", "borealis", "",
	 ""},
	{"/usr/bin/crosvm", "crosvm\nrun\n-s\n/run/vm/termina.sock", "crosvm", "termina", "", ""},
	{"/usr/bin/lkvm", "lkvm\nrun\n--name\nguest-12\n-k\nbzImage", "kvmtool", "guest-12", "",
	 ""},
	{"/usr/bin/vm", "vm\nrun\n-n\nsmall", "kvmtool", "small", "", ""},
	/* A renamed program still calls itself what it is. */
	{"/opt/x/vmm.bin", "/usr/bin/qemu-system-x86_64\n-name\nrenamed", "qemu", "renamed", "",
	 ""},
	/* Others, with arguments that look alike. */
	{"/usr/bin/vmstat", "vmstat\n-n\n1", "", "", "", ""},
	{"/usr/bin/kvm_stat", "kvm_stat\n--name\nx", "", "", "", ""},
	{"/usr/bin/bash", "bash\n-c\nqemu-system-x86_64 -name web", "", "", "", ""},
	{"", "", "", "", "", ""},
};

static size_t to_arguments(const char *text, char *ret, size_t size)
{
	size_t length = strlen(text);

	assert_true(length + 1 < size);
	memcpy(ret, text, length + 1);
	for (size_t i = 0; i < length; i++)
		if (ret[i] == '\n')
			ret[i] = 0;
	return length ? length + 1 : 0;
}

static void real_command_lines_tell_who_the_guest_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		struct hvp_vm_identity identity;
		char arguments[4096];
		size_t size = to_arguments(commands[i].command, arguments, sizeof(arguments));

		hvp_vm_identity_from_command(arguments, size, commands[i].program, &identity);
		assert_string_equal(identity.vmm, commands[i].vmm);
		assert_string_equal(identity.name, commands[i].name);
		assert_string_equal(identity.uuid, commands[i].uuid);
		assert_string_equal(identity.control, commands[i].control);
		assert_string_equal(identity.from, *identity.name ? "cmdline" : "");
	}
}

static void a_command_line_cut_anywhere_is_read_as_far_as_it_goes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		char arguments[4096];
		size_t size = to_arguments(commands[i].command, arguments, sizeof(arguments));

		for (size_t cut = 0; cut <= size; cut++) {
			struct hvp_vm_identity identity;
			/* Exactly as large, so that a sanitizer sees a read behind the end. */
			char *copy = malloc(cut ? cut : 1);

			memcpy(copy, arguments, cut);
			hvp_vm_identity_from_command(copy, cut, commands[i].program, &identity);
			assert_true(strlen(identity.name) < sizeof(identity.name));
			free(copy);
		}
	}
}

static void a_name_longer_than_any_is_cut(void **state)
{
	struct hvp_vm_identity identity;
	char arguments[2048];
	size_t size = (size_t)snprintf(arguments, sizeof(arguments),
				       "qemu-system-x86_64%c-name%c%01000d", 0, 0, 7) +
		      1;

	(void)state;
	hvp_vm_identity_from_command(arguments, size, "qemu-system-x86_64", &identity);
	assert_int_equal(strlen(identity.name), HVP_VM_NAME_MAX - 1);
}

static void thread_names_tell_the_vcpu(void **state)
{
	static const struct {
		const char *name;
		bool is_vcpu;
		uint32_t vcpu;
	} names[] = {
		{"CPU 0/KVM", true, 0},	       {"CPU 127/KVM", true, 127},
		{"CPU 1/TCG", false, 0},       {"CPU /KVM", false, 0},
		{"CPU 1/KVM2", false, 0},      {"fc_vcpu 3", true, 3},
		{"fc_vmm", false, 0},	       {"vcpu0", true, 0},
		{"vcpu12", true, 12},	       {"vcpu", false, 0},
		{"vcpu_3", true, 3},	       {"vcpu1x", false, 0},
		{"crosvm_vcpu2", true, 2},     {"kvm-vcpu-5", true, 5},
		{"kvm-vcpu--5", false, 0},     {"vcpu99999999999", false, 0},
		{"qemu-system-x86", false, 0}, {"", false, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		uint32_t vcpu = 0;

		if (hvp_vcpu_from_thread_name(names[i].name, &vcpu) != names[i].is_vcpu ||
		    vcpu != names[i].vcpu)
			fail_msg("\"%s\": %u", names[i].name, vcpu);
	}
}

static void kernel_threads_tell_their_owner(void **state)
{
	uint32_t pid = 0;

	(void)state;
	assert_true(hvp_owner_from_thread_name("vhost-4711", &pid));
	assert_int_equal(pid, 4711);
	assert_true(hvp_owner_from_thread_name("kvm-pit/12", &pid));
	assert_int_equal(pid, 12);
	assert_false(hvp_owner_from_thread_name("vhost-net", &pid));
	assert_false(hvp_owner_from_thread_name("vhost-", &pid));
}

static void a_process_without_a_name_goes_by_its_pid_and_comm(void **state)
{
	struct hvp_vm_identity identity;
	struct fixture_tree tree;

	(void)state;
	fixture_tree_init(&tree);
	fixture_write(&tree, "proc/12/comm", "my\033[31mvmm\n");
	fixture_write_bytes(&tree, "proc/12/cmdline", "./my\0-name\0no", 14);
	hvp_vm_identity_read(&tree.roots, 12, &identity);
	assert_string_equal(identity.name, "pid 12 (my\033[31mvmm)");
	assert_string_equal(identity.from, "comm");
	assert_string_equal(identity.vmm, "");
	/* It vanished between our finding and our reading it. */
	hvp_vm_identity_read(&tree.roots, 13, &identity);
	assert_string_equal(identity.name, "pid 13 (gone)");
	fixture_write_bytes(&tree, "proc/14/cmdline", "firecracker\0--id\0vm7", 21);
	fixture_symlink(&tree, "proc/14/exe", "/usr/bin/firecracker");
	hvp_vm_identity_read(&tree.roots, 14, &identity);
	assert_string_equal(identity.name, "vm7");
	fixture_tree_deinit(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_command_lines_tell_who_the_guest_is),
		cmocka_unit_test(a_command_line_cut_anywhere_is_read_as_far_as_it_goes),
		cmocka_unit_test(a_name_longer_than_any_is_cut),
		cmocka_unit_test(thread_names_tell_the_vcpu),
		cmocka_unit_test(kernel_threads_tell_their_owner),
		cmocka_unit_test(a_process_without_a_name_goes_by_its_pid_and_comm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
