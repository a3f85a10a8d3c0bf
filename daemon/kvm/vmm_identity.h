/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who a virtual machine is, told from the outside: the VMM's kind, the name and the UUID that its
 * command line carries, and which of its threads is which vCPU by the names VMMs give their
 * threads.
 */
#ifndef HVP_DAEMON_VMM_IDENTITY_H
#define HVP_DAEMON_VMM_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/host/host_files.h"

#define HVP_VM_NAME_MAX 256
#define HVP_VM_UUID_MAX 40
#define HVP_VM_PATH_MAX 256

struct hvp_vm_identity {
	/* "" when not known. */
	char name[HVP_VM_NAME_MAX];
	char uuid[HVP_VM_UUID_MAX];
	/* A control socket that the command line names (QEMU: QMP), or "". */
	char control[HVP_VM_PATH_MAX];
	/* "qemu", "firecracker", ...; "" for a VMM that we do not know. Static. */
	const char *vmm;
	/* Where the name is from: "cmdline", "qmp", "libvirt", "comm" or "". Static. */
	const char *from;
};

/*
 * From /proc/PID/cmdline (arguments that end in NUL; need not be well-formed) and the program's
 * file name. A program that is no known VMM gets vmm "" and no name.
 */
void hvp_vm_identity_from_command(const char *cmdline, size_t size, const char *program,
				  struct hvp_vm_identity *ret);

/*
 * Of a running process. Without a name in the command line the name is "pid N (comm)", from "comm".
 * Never fails: of a process that is gone only the pid is known.
 */
void hvp_vm_identity_read(const struct hvp_host_roots *roots, uint32_t pid,
			  struct hvp_vm_identity *ret);

/*
 * "CPU 3/KVM" (QEMU), "fc_vcpu 3", "vcpu3", "crosvm_vcpu3", "kvm-vcpu-3". False for other threads.
 */
bool hvp_vcpu_from_thread_name(const char *name, uint32_t *ret);

/*
 * A kernel thread that works for one process: "vhost-1234", "kvm-pit/1234",
 * "kvm-nx-lpage-recovery-1234".
 */
bool hvp_owner_from_thread_name(const char *name, uint32_t *ret_pid);

#endif
