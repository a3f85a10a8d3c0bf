/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asking QEMU who it is (QMP: query-name, query-uuid). A monitor serves one client at a time, so this is done on request only (--qmp), and a
 * monitor that does not greet within 500 ms is somebody else's: we leave at once.
 */
#ifndef HVP_DAEMON_QMP_H
#define HVP_DAEMON_QMP_H

#include "common/base/error.h"
#include "daemon/kvm/vmm_identity.h"

/* Replaces name and UUID where QEMU has them. Unchanged on error. */
struct hvp_error *hvp_qmp_identify(const char *socket_path,
				   struct hvp_vm_identity *identity) hvp_must_use;

#endif
