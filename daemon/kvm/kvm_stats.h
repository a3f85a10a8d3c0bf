/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What KVM has counted of its virtual machines and vCPUs: files below each VM's folder in debugfs
 * (kvm/<pid>-<fd>/NAME for the VM, .../vcpuN/NAME for a vCPU). The names in hvpmu_* are those of a
 * KVM with the partitioned vPMU; exits every KVM has, of whole VMs.
 */
#ifndef HVP_DAEMON_KVM_STATS_H
#define HVP_DAEMON_KVM_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "daemon/host/host_files.h"

enum hvp_kvm_stat {
	HVP_KVM_GUEST_CYCLES,
	HVP_KVM_GUEST_INSTRUCTIONS,
	HVP_KVM_HYP_CYCLES,
	HVP_KVM_HYP_INSTRUCTIONS,
	HVP_KVM_LOADS,
	HVP_KVM_PUTS,
	HVP_KVM_PMIS,
	HVP_KVM_EMULATED,
	HVP_KVM_EXITS,
};
#define HVP_NUM_KVM_STATS 9

/* Counters; those that are not in `known` are 0. */
struct hvp_kvm_counts {
	uint64_t values[HVP_NUM_KVM_STATS];
	/* A bit for each. */
	uint32_t known;
};

static inline bool hvp_kvm_knows(const struct hvp_kvm_counts *counts, enum hvp_kvm_stat stat)
{
	return counts->known >> stat & 1;
}

struct hvp_kvm_vcpu_stats {
	uint32_t vcpu;
	struct hvp_kvm_counts counts;
};

struct hvp_kvm_vm_stats {
	/* The VMM's process, and the VM's descriptor in it. */
	uint32_t pid;
	int fd;
	/* Of all vCPUs: their sum, or where they are not told apart what the VM's folder says. */
	struct hvp_kvm_counts total;
	/* By number. */
	struct hvp_kvm_vcpu_stats *vcpus;
	size_t num_vcpus;
};

/* Everything at one moment, or nearly so. */
struct hvp_kvm_stats {
	/* What KVM keeps up, a bit each: files of others are there and stay 0. */
	uint32_t kept;
	struct hvp_kvm_vm_stats *vms;
	size_t num, capacity;
};

/* Which counters belong to what kvm.ko was loaded with. */
#define HVP_KVM_CYCLES                                                                             \
	(1u << HVP_KVM_GUEST_CYCLES | 1u << HVP_KVM_GUEST_INSTRUCTIONS |                           \
	 1u << HVP_KVM_HYP_CYCLES | 1u << HVP_KVM_HYP_INSTRUCTIONS)
#define HVP_KVM_OF_PMU                                                                             \
	(HVP_KVM_CYCLES | 1u << HVP_KVM_LOADS | 1u << HVP_KVM_PUTS | 1u << HVP_KVM_PMIS |          \
	 1u << HVP_KVM_EMULATED)

/*
 * What kvm.ko keeps up by its parameters: those of the partitioned vPMU if hvpmu is not 0, of these
 * the cycles and instructions if hvpmu_account is on. A parameter that is not there forbids nothing.
 */
uint32_t hvp_kvm_stats_kept(const struct hvp_host_roots *roots);

/* Errors as hvp_kvm_debugfs_scan(). `ret` is to be deinitialised after success. */
struct hvp_error *hvp_kvm_stats_read(const struct hvp_host_roots *roots,
				     struct hvp_kvm_stats *ret) hvp_must_use;
void hvp_kvm_stats_deinit(struct hvp_kvm_stats *stats);

#endif
