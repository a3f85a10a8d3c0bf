/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether this host's KVM gives its guests counters of their own (the partitioned vPMU), and whose
 * the counters are now: kvm.ko's parameter hvpmu, and what /dev/hvpmu says.
 */
#ifndef HVP_DAEMON_PARTITION_H
#define HVP_DAEMON_PARTITION_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/hvpmu/hvpmu_device.h"

enum hvp_partition_state {
	/* This kernel has no such thing, or kvm.ko is not loaded. */
	HVP_PARTITION_NONE,
	/* kvm.hvpmu is 0. */
	HVP_PARTITION_OFF,
	/* Guests will have counters, and none has yet. */
	HVP_PARTITION_IDLE,
	/* Guests have counters now. */
	HVP_PARTITION_ACTIVE,
	/* On; the device does not say more to us: somebody else has it, or it is not permitted. */
	HVP_PARTITION_ON,
};
/* "none", "off", "idle", "active", "on": for JSON. */
extern const char *const hvp_partition_state_names[];

struct hvp_partition {
	enum hvp_partition_state state;
	/* kvm.hvpmu: general counters that each guest gets. */
	unsigned int num_counters;
	/* kvm.hvpmu_rdpmc: guests read the host's counters as well. */
	bool is_rdpmc_direct;
	/* Of the states IDLE and ACTIVE. */
	struct hvpmu_dev_info info;
};

void hvp_partition_read(const struct hvp_host_roots *roots, const struct hvp_hvpmu_calls *calls,
			struct hvp_partition *ret);

/* "on: 2 VMs have counters 0xf, ...": one line, in the caller's buffer. */
#define HVP_PARTITION_TEXT 256
const char *hvp_partition_text(const struct hvp_partition *partition, char buf[HVP_PARTITION_TEXT]);

/* What turns it on; to be typed as it stands. */
#define HVP_PARTITION_COMMAND                                                                      \
	"modprobe -r kvm_intel kvm_amd kvm; modprobe kvm hvpmu=4; modprobe -a kvm_intel kvm_amd"
/* Why events may be refused while guests have counters. */
#define HVP_PARTITION_ADVICE                                                                       \
	"While guests have their counters, an event that none of the host's can count is "         \
	"refused, and the kernel's log (dmesg) says so; the others take turns. When the last "     \
	"of these VMs ends, all counters are the host's again."

#endif
