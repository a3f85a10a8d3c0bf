/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `hvprof stat` counts: KVM's counters of each VM over a span of time, while VMs come and go.
 * Read now and then, so that of a VM that ends all but its last moments is known.
 */
#ifndef HVP_DAEMON_STAT_H
#define HVP_DAEMON_STAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/scope.h"
#include "daemon/kvm/discovery.h"
#include "daemon/kvm/kvm_stats.h"
#include "daemon/target.h"

/* One vCPU, or a whole VM. */
struct hvp_stat_counter {
	/* Since the span began. */
	struct hvp_kvm_counts counts;
	/* As read last. */
	struct hvp_kvm_counts last;
	uint32_t vcpu;
};

struct hvp_stat_vm {
	uint32_t pid;
	int fd;
	char name[HVP_VM_NAME_MAX];
	char uuid[HVP_VM_UUID_MAX];
	bool is_wanted;
	/* It came, or went, within the span. */
	bool has_begun, has_ended;
	struct hvp_stat_counter total;
	/* By number. */
	struct hvp_stat_counter *vcpus;
	size_t num_vcpus, capacity_vcpus;
};

struct hvp_stat {
	const struct hvp_host_roots *roots;
	const struct hvp_target *target;
	struct hvp_domain_table *domains;
	struct hvp_discovery *discovery;
	/* In the order in which they were seen. */
	struct hvp_stat_vm *vms;
	size_t num, capacity;
	bool has_read;
};

/* Borrows roots and target. `ret` is to be deinitialised also after an error. */
struct hvp_error *hvp_stat_init(struct hvp_stat *ret, const struct hvp_host_roots *roots,
				const struct hvp_target *target, enum hvp_qmp_use qmp) hvp_must_use;
void hvp_stat_deinit(struct hvp_stat *stat);

/* Reads all counters; the first time it begins a span. Errors as hvp_kvm_stats_read(). */
struct hvp_error *hvp_stat_read(struct hvp_stat *stat) hvp_must_use;
/* The span is over, and the next one begins with what was read last. */
void hvp_stat_begin_span(struct hvp_stat *stat);

/* Those of a name and a pid that were asked for; others are there, and not wanted. */
size_t hvp_stat_num_wanted(const struct hvp_stat *stat);
/* Whether any VM that is wanted tells of one of these counters, a bit each. */
bool hvp_stat_knows(const struct hvp_stat *stat, uint32_t stats);

/* Whether any VM that is wanted has been left by its guest, as far as KVM tells. */
bool hvp_stat_has_run(const struct hvp_stat *stat);

/*
 * Cycles passed in a guest that is wanted and no instruction was counted: no counter was left for
 * them.
 */
bool hvp_stat_lacks_instructions(const struct hvp_stat *stat);

/* Instructions per cycle in the guest; false when one of the two was not counted. */
bool hvp_stat_ipc(const struct hvp_kvm_counts *counts, double *ret);
/* Percent of the cycles that the hypervisor took; false when there were none. */
bool hvp_stat_hyp_share(const struct hvp_kvm_counts *counts, double *ret);

#endif
