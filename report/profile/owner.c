/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/profile/owner.h"

const char *const hvp_owner_names[HVP_NUM_OWNERS] = {
	[HVP_OWNER_DOMAIN] = "domain",	 [HVP_OWNER_HYPERVISOR] = "hypervisor",
	[HVP_OWNER_HOST] = "host",	 [HVP_OWNER_IDLE] = "idle",
	[HVP_OWNER_UNKNOWN] = "unknown", [HVP_OWNER_LOST] = "lost",
};

const char *const hvp_mode_names[HVP_NUM_MODES] = {
	[HVP_MODE_UNKNOWN] = "unknown",	      [HVP_MODE_HOST_KERNEL] = "host-kernel",
	[HVP_MODE_HOST_USER] = "host-user",   [HVP_MODE_GUEST_KERNEL] = "guest-kernel",
	[HVP_MODE_GUEST_USER] = "guest-user", [HVP_MODE_HYPERVISOR] = "hypervisor",
};
