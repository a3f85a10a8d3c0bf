/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The virtual machines that run now, with their vCPUs and threads: what `hvprof list` shows. */
#ifndef HVP_DAEMON_INVENTORY_H
#define HVP_DAEMON_INVENTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "daemon/host/host_files.h"
#include "daemon/kvm/discovery.h"
#include "daemon/kvm/vmm_identity.h"

struct hvp_inventory_thread {
	uint32_t tid;
	/* HVP_VCPU_NONE: another thread of the VMM. */
	uint32_t vcpu;
	char name[32];
	/* As in proc(5): R running, S sleeping, ... */
	char state;
	/* The CPU it ran on last. */
	uint32_t cpu;
};

struct hvp_inventory_vm {
	char name[HVP_VM_NAME_MAX];
	char uuid[HVP_VM_UUID_MAX];
	const char *vmm;
	const char *from;
	uint32_t pid;
	/* The whole VMM process: "running" when a thread is, "stopped", "sleeping". */
	const char *state;
	/* vCPUs by number, then the other threads by id. */
	struct hvp_inventory_thread *threads;
	size_t num_threads;
	size_t num_vcpus;
};

struct hvp_inventory {
	struct hvp_inventory_vm *vms;
	size_t num;
	/* "" or why VMs may be missing, and what mends it. */
	char limit[512];
};

struct hvp_error *hvp_inventory_read(const struct hvp_host_roots *roots, enum hvp_qmp_use qmp,
				     struct hvp_inventory *ret) hvp_must_use;
void hvp_inventory_deinit(struct hvp_inventory *inventory);

#endif
