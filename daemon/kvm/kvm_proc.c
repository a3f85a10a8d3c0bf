/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/array.h"
#include "common/base/scope.h"
#include "daemon/kvm/kvm_debugfs.h"
#include "daemon/host/proc_synth.h"
#include "daemon/kvm/vmm_identity.h"

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/*
 * The VM descriptors of a process: "anon_inode:kvm-vm". Returns how many there are; at most `max`
 * are stored.
 */
static size_t find_vm_fds(const struct hvp_host_roots *roots, uint32_t pid, int *fds, size_t max)
{
	char path[512], target[64];
	struct dirent *entry;
	size_t num = 0;
	uint64_t fd;

	snprintf(path, sizeof(path), "%s/%u/fd", roots->proc, pid);
	hvp_scope(close_dir) DIR *dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		ssize_t n;

		if (!hvp_parse_u64(entry->d_name, INT32_MAX, &fd))
			continue;
		n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);
		if (n <= 0)
			continue;
		target[n] = 0;
		if (strcmp(target, "anon_inode:kvm-vm"))
			continue;
		if (num < max)
			fds[num] = (int)fd;
		num++;
	}
	return num;
}

static struct hvp_error *find_vcpu_threads(const struct hvp_host_roots *roots, uint32_t pid,
					   struct hvp_kvm_vcpu **ret, size_t *ret_num)
{
	hvp_scope(hvp_free_ptr) struct hvp_kvm_vcpu *vcpus = NULL;
	hvp_scope(hvp_free_ptr) uint32_t *tids = NULL;
	size_t num_tids, num = 0, capacity = 0;

	hvp_try(hvp_proc_threads(roots, pid, &tids, &num_tids));
	for (size_t i = 0; i < num_tids; i++) {
		char path[512], comm[64];
		uint32_t vcpu;

		snprintf(path, sizeof(path), "%s/%u/task/%u/comm", roots->proc, pid, tids[i]);
		if (hvp_file_read_small(AT_FDCWD, path, comm, sizeof(comm)) <= 0 ||
		    !hvp_vcpu_from_thread_name(comm, &vcpu))
			continue;
		hvp_try(hvp_array_reserve(&vcpus, &capacity, num + 1, sizeof(*vcpus)));
		vcpus[num++] = (struct hvp_kvm_vcpu){.vcpu = vcpu, .tid = tids[i]};
	}
	*ret = hvp_take(vcpus);
	*ret_num = num;
	return NULL;
}

static struct hvp_error *scan_process(const struct hvp_host_roots *roots, uint32_t pid,
				      hvp_kvm_vm_fn fn, void *arg)
{
	hvp_scope(hvp_free_ptr) struct hvp_kvm_vcpu *vcpus = NULL;
	struct hvp_kvm_vm vm = {.pid = pid, .folder_fd = -1};
	int fds[64];
	size_t num = find_vm_fds(roots, pid, fds, sizeof(fds) / sizeof(fds[0]));

	if (num == 1) {
		hvp_try(find_vcpu_threads(roots, pid, &vcpus, &vm.num_vcpus));
		vm.vcpus = vcpus;
	}
	for (size_t i = 0; i < num && i < sizeof(fds) / sizeof(fds[0]); i++) {
		vm.fd = fds[i];
		hvp_try(fn(arg, &vm));
	}
	return NULL;
}

/* Where sysfs lists the devices and KVM's is not among them, nobody can have a VM. */
static bool has_no_kvm(const struct hvp_host_roots *roots)
{
	char folder[512], kvm[512];

	snprintf(folder, sizeof(folder), "%s/class/misc", roots->sys);
	snprintf(kvm, sizeof(kvm), "%s/class/misc/kvm", roots->sys);
	return !access(folder, F_OK) && access(kvm, F_OK) && errno == ENOENT;
}

struct hvp_error *hvp_kvm_proc_scan(const struct hvp_host_roots *roots, uint32_t only_pid,
				    hvp_kvm_vm_fn fn, void *arg)
{
	struct dirent *entry;
	uint64_t pid;

	if (only_pid)
		return scan_process(roots, only_pid, fn, arg);
	if (has_no_kvm(roots))
		return NULL;
	hvp_scope(close_dir) DIR *proc = opendir(roots->proc);
	if (!proc)
		return hvp_error_from_errno(errno, "%s: cannot read", roots->proc);
	while ((entry = readdir(proc)))
		if (hvp_parse_u64(entry->d_name, UINT32_MAX, &pid))
			hvp_try(scan_process(roots, (uint32_t)pid, fn, arg));
	return NULL;
}
