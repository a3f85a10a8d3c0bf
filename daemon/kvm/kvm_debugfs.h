/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * KVM's own list of its virtual machines: debugfs has a folder kvm/<tid>-<vmfd> for each (the thread that created it, which need not be the
 * main one: cloud-hypervisor has one of its own for that), with a folder vcpuN for each vCPU, in which (since
 * Linux 6.0) the file "pid" has the thread that last ran it, 0 before the first run (virt/kvm/kvm_main.c).
 */
#ifndef HVP_DAEMON_KVM_DEBUGFS_H
#define HVP_DAEMON_KVM_DEBUGFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "daemon/host/host_files.h"

struct hvp_kvm_vcpu {
	uint32_t vcpu;
	/* 0: not known. */
	uint32_t tid;
};

struct hvp_kvm_vm {
	uint32_t pid;
	/* The descriptor of the VM in its process; -1 when it was found otherwise. */
	int fd;
	const struct hvp_kvm_vcpu *vcpus;
	size_t num_vcpus;
	/* Its folder in debugfs, open; -1 when it was found otherwise. */
	int folder_fd;
};

/* `vm` is borrowed for the call. */
typedef struct hvp_error *(*hvp_kvm_vm_fn)(void *arg, const struct hvp_kvm_vm *vm);

/*
 * Calls `fn` for every VM (of process `only_pid`, unless 0). HVP_ERROR_PERMISSION or _NOT_FOUND when there is nothing to read, with what mends it;
 * a VM that vanishes meanwhile is left out.
 */
struct hvp_error *hvp_kvm_debugfs_scan(const struct hvp_host_roots *roots, uint32_t only_pid,
				       hvp_kvm_vm_fn fn, void *arg) hvp_must_use;

/*
 * Where debugfs is out of reach: the processes that hold a "kvm-vm" descriptor, by their /proc/PID/fd, and the vCPUs by the names of their threads.
 * Several VMs of one process are told by their descriptors, but their vCPUs are not (num_vcpus is 0).
 */
struct hvp_error *hvp_kvm_proc_scan(const struct hvp_host_roots *roots, uint32_t only_pid,
				    hvp_kvm_vm_fn fn, void *arg) hvp_must_use;

/* A VM's folder there: "1234-11" is a thread and a descriptor. False for any other name. */
bool hvp_kvm_parse_folder(const char *name, uint32_t *ret_pid, int *ret_fd);

/* The process of a thread, from /proc/TID/status; `tid` itself when it is gone. */
uint32_t hvp_kvm_process_of(const struct hvp_host_roots *roots, uint32_t tid);

#endif
