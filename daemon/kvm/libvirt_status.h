/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What libvirt writes down about the domains it runs: one XML file each in /run/libvirt/qemu and /run/libvirt/ch, with the VMM's pid, the
 * name, the UUID and the threads of the vCPUs:
 *
 *	<domstatus state='running' pid='17150'>
 *	  <vcpus><vcpu id='0' pid='17156'/></vcpus>
 *	  <domain type='kvm' id='59'><name>web</name><uuid>78177d07-...</uuid>...</domain>
 *	</domstatus>
 *
 * libvirt itself is neither linked nor asked.
 */
#ifndef HVP_DAEMON_LIBVIRT_STATUS_H
#define HVP_DAEMON_LIBVIRT_STATUS_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "daemon/host/host_files.h"
#include "daemon/kvm/kvm_debugfs.h"
#include "daemon/kvm/vmm_identity.h"

struct hvp_libvirt_status {
	uint32_t pid;
	char name[HVP_VM_NAME_MAX];
	/* "" when the file has none. */
	char uuid[HVP_VM_UUID_MAX];
	struct hvp_kvm_vcpu *vcpus;
	size_t num_vcpus;
};

void hvp_libvirt_status_deinit(struct hvp_libvirt_status *status);

/* `path` is for errors. HVP_ERROR_FORMAT: it is no status file. */
struct hvp_error *hvp_libvirt_status_parse(const char *path, const char *text, size_t size,
					   struct hvp_libvirt_status *ret) hvp_must_use;

/*
 * The status of the domain whose VMM is the process `pid`. `name` is what its command line calls
 * it; with "" all files are looked through. HVP_ERROR_NOT_FOUND: libvirt does not run it. A file
 * that somebody else than root (or the user who runs us) could have written is not read.
 */
struct hvp_error *hvp_libvirt_find(const struct hvp_host_roots *roots, uint32_t pid,
				   const char *name, struct hvp_libvirt_status *ret) hvp_must_use;

#endif
