/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose samples the user wants: --host, --guest, --vcpu. What is left out is counted, never
 * silently dropped.
 */
#ifndef HVP_DAEMON_TARGET_H
#define HVP_DAEMON_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include "common/model/record.h"
#include "daemon/kvm/domains.h"
#include "daemon/host/host_files.h"

struct hvp_target {
	/* Code of the host, whoever it works for. */
	bool host;
	/* Names, UUIDs or VMM pids. Borrowed. */
	const char *const *guests;
	size_t num_guests;
	/* Empty: all vCPUs. */
	struct hvp_cpu_list vcpus;
};

/* Everything is wanted. */
static inline bool hvp_target_is_all(const struct hvp_target *target)
{
	return !target->host && !target->num_guests && !target->vcpus.num;
}

/*
 * A VM is one of `guests` (or there are none to choose from): its name, with or without "#2", its
 * UUID or its pid.
 */
bool hvp_target_has_vm(const struct hvp_target *target, const struct hvp_vm *vm);

/* `has_vm` is hvp_target_has_vm() of the sample's domain; ignored for the host's. */
bool hvp_target_wants(const struct hvp_target *target, const struct hvp_sample *sample,
		      bool has_vm);

#endif
