/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose each sample is: exactly one owner, decided here and nowhere else (docs/architecture.md). */
#ifndef HVP_REPORT_OWNER_H
#define HVP_REPORT_OWNER_H

#include "common/session/reader.h"

/* In the order in which reports show them. */
enum hvp_owner {
	HVP_OWNER_DOMAIN,
	/* KVM, host kernel and VMM in a thread of a VMM, and all code of a type-1 hypervisor. */
	HVP_OWNER_HYPERVISOR,
	HVP_OWNER_HOST,
	HVP_OWNER_IDLE,
	/* The source could not say in which mode the CPU was, or which domain a guest was. */
	HVP_OWNER_UNKNOWN,
	HVP_OWNER_LOST,
};
#define HVP_NUM_OWNERS 6

/* "domain", "hypervisor", ...: the words of --sort, --filter and JSON. */
extern const char *const hvp_owner_names[HVP_NUM_OWNERS];
/* "host-kernel", "guest-user", ... by enum hvp_mode. */
extern const char *const hvp_mode_names[HVP_NUM_MODES];

static inline enum hvp_owner hvp_owner_of_row(const struct hvp_row *row)
{
	switch (row->mode) {
	case HVP_MODE_GUEST_KERNEL:
	case HVP_MODE_GUEST_USER:
		return row->domain == HVP_DOMAIN_HOST ? HVP_OWNER_UNKNOWN : HVP_OWNER_DOMAIN;
	case HVP_MODE_HYPERVISOR: return HVP_OWNER_HYPERVISOR;
	case HVP_MODE_HOST_KERNEL:
	case HVP_MODE_HOST_USER:
		if (row->domain != HVP_DOMAIN_HOST)
			return HVP_OWNER_HYPERVISOR;
		return row->pid == 0 && row->tid == 0 ? HVP_OWNER_IDLE : HVP_OWNER_HOST;
	default: return HVP_OWNER_UNKNOWN;
	}
}

#endif
