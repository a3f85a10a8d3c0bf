/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/kvm/kvm_debugfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/scope.h"

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

bool hvp_kvm_parse_folder(const char *name, uint32_t *ret_pid, int *ret_fd)
{
	const char *dash = strchr(name, '-');
	char pid_text[16];
	uint64_t pid, fd;

	if (!dash || (size_t)(dash - name) >= sizeof(pid_text))
		return false;
	memcpy(pid_text, name, (size_t)(dash - name));
	pid_text[dash - name] = 0;
	if (!hvp_parse_u64(pid_text, INT32_MAX, &pid) || !hvp_parse_u64(dash + 1, INT32_MAX, &fd))
		return false;
	*ret_pid = (uint32_t)pid;
	*ret_fd = (int)fd;
	return true;
}

static uint32_t read_vcpu_tid(int vm_fd, const char *vcpu_folder)
{
	char path[300], text[32];
	uint64_t tid;

	snprintf(path, sizeof(path), "%s/pid", vcpu_folder);
	if (hvp_file_read_small(vm_fd, path, text, sizeof(text)) <= 0 ||
	    !hvp_parse_u64(text, INT32_MAX, &tid))
		return 0;
	return (uint32_t)tid;
}

/* Takes over `vm_fd`. */
static struct hvp_error *scan_vm(int vm_fd, uint32_t pid, int fd, hvp_kvm_vm_fn fn, void *arg)
{
	hvp_scope(close_dir) DIR *dir = fdopendir(vm_fd);
	hvp_scope(hvp_free_ptr) struct hvp_kvm_vcpu *vcpus = NULL;
	struct hvp_kvm_vm vm = {.pid = pid, .fd = fd, .folder_fd = vm_fd};
	struct dirent *entry;
	size_t capacity = 0;
	uint64_t number;

	if (!dir) {
		close(vm_fd);
		return NULL;
	}
	while ((entry = readdir(dir))) {
		if (strncmp(entry->d_name, "vcpu", 4) ||
		    !hvp_parse_u64(entry->d_name + 4, UINT32_MAX - 1, &number))
			continue;
		hvp_try(hvp_array_reserve(&vcpus, &capacity, vm.num_vcpus + 1, sizeof(*vcpus)));
		vcpus[vm.num_vcpus++] = (struct hvp_kvm_vcpu){
			.vcpu = (uint32_t)number, .tid = read_vcpu_tid(vm_fd, entry->d_name)};
	}
	vm.vcpus = vcpus;
	return fn(arg, &vm);
}

static struct hvp_error *cannot_read(const char *path, const struct hvp_host_roots *roots)
{
	char modules[512], kvm[512];

	if (errno == EACCES || errno == EPERM)
		return hvp_error_create(HVP_ERROR_PERMISSION,
					"%s: only root may read it: run as root", path);
	snprintf(modules, sizeof(modules), "%s/module", roots->sys);
	snprintf(kvm, sizeof(kvm), "%s/module/kvm", roots->sys);
	if (!access(modules, F_OK) && access(kvm, F_OK))
		return hvp_error_create(HVP_ERROR_NOT_FOUND,
					"%s is not there: KVM is not loaded (modprobe kvm)", path);
	return hvp_error_create(HVP_ERROR_NOT_FOUND,
				"%s is not there: debugfs is not mounted (mount -t debugfs none "
				"%s)",
				path, roots->debugfs);
}

uint32_t hvp_kvm_process_of(const struct hvp_host_roots *roots, uint32_t tid)
{
	char path[512], status[1024];
	const char *line;
	unsigned int pid;

	snprintf(path, sizeof(path), "%s/%u/status", roots->proc, tid);
	if (hvp_file_read_small(AT_FDCWD, path, status, sizeof(status)) <= 0)
		return tid;
	line = strstr(status, "\nTgid:");
	return line && sscanf(line, "\nTgid: %u", &pid) == 1 && pid ? pid : tid;
}

struct hvp_error *hvp_kvm_debugfs_scan(const struct hvp_host_roots *roots, uint32_t only_pid,
				       hvp_kvm_vm_fn fn, void *arg)
{
	hvp_scope(hvp_free_ptr) char *path = NULL;
	struct dirent *entry;

	if (asprintf(&path, "%s/kvm", roots->debugfs) < 0)
		return hvp_error_no_memory;
	hvp_scope(close_dir) DIR *dir = opendir(path);
	if (!dir)
		return cannot_read(path, roots);
	while ((entry = readdir(dir))) {
		uint32_t pid;
		int fd, vm_fd;

		if (!hvp_kvm_parse_folder(entry->d_name, &pid, &fd))
			continue;
		if (pid != only_pid)
			pid = hvp_kvm_process_of(roots, pid);
		if (only_pid && pid != only_pid)
			continue;
		vm_fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (vm_fd >= 0)
			hvp_try(scan_vm(vm_fd, pid, fd, fn, arg));
	}
	return NULL;
}
