/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asking QEMU who it is: QMP's query-name, query-uuid and query-cpus-fast. A monitor serves one client at a time. One that does not greet in time is
 * somebody else's (libvirt's, say): we leave without a word. inquiry.c keeps the wait away from the recording.
 */
#ifndef HVP_DAEMON_QMP_H
#define HVP_DAEMON_QMP_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "daemon/kvm/kvm_debugfs.h"
#include "daemon/kvm/vmm_identity.h"

struct hvp_qmp_answer {
	/* "" where QEMU has none. */
	char name[HVP_VM_NAME_MAX];
	char uuid[HVP_VM_UUID_MAX];
	/* Threads as QEMU's own pid namespace numbers them. */
	struct hvp_kvm_vcpu *vcpus;
	size_t num_vcpus;
};

void hvp_qmp_answer_deinit(struct hvp_qmp_answer *answer);

/*
 * Takes at most `timeout_ms` for everything, whatever the other side does. `socket_path` may be of
 * any length. A socket that another process than `pid` listens on is left alone
 * (HVP_ERROR_PERMISSION). `ret` is empty on error.
 */
struct hvp_error *hvp_qmp_ask(const char *socket_path, uint32_t pid, unsigned int timeout_ms,
			      struct hvp_qmp_answer *ret) hvp_must_use;

#endif
