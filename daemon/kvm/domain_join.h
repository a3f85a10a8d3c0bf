/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a source itself says of domains (a hypervisor's own buffers number them and name their vCPUs
 * and threads), joined with what discovery finds out: the domain ids, names and UUIDs stay the
 * domain table's, and the source's word on which domain and vCPU ran is the one that counts.
 *
 * A domain of the source is the VM of its process with the descriptor that its name has
 * ("1234-11", as in KVM's debugfs), else the one whose vCPU its thread is known to be, else the
 * only one of the process. One that discovery cannot find (it is gone, or nothing tells) becomes a
 * domain of its own.
 */
#ifndef HVP_DAEMON_DOMAIN_JOIN_H
#define HVP_DAEMON_DOMAIN_JOIN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/map.h"
#include "daemon/host/host_files.h"
#include "daemon/kvm/discovery.h"
#include "daemon/kvm/domains.h"

struct hvp_joined_domain {
	/* The VMM's process. */
	uint32_t pid;
	/* The VM's descriptor in it, or HVP_VM_FD_NONE. */
	int fd;
	/* 0: not joined yet. */
	uint32_t domain;
};

struct hvp_domain_join {
	const struct hvp_host_roots *roots;
	struct hvp_domain_table *domains;
	struct hvp_discovery *discovery;
	/* The source's number -> 1 + index in `items`. */
	struct hvp_map of_number;
	struct hvp_joined_domain *items;
	size_t num, capacity;
};

/* All borrowed while the join lives; `discovery` may be NULL. */
void hvp_domain_join_init(struct hvp_domain_join *join, const struct hvp_host_roots *roots,
			  struct hvp_domain_table *domains, struct hvp_discovery *discovery);
void hvp_domain_join_deinit(struct hvp_domain_join *join);

/* A DOMAIN or VCPU record of the source, in its own numbers. */
struct hvp_error *hvp_domain_join_see(struct hvp_domain_join *join,
				      const struct hvp_record *record) hvp_must_use;

/*
 * The domain of the source's number in a sample of a thread of process `pid`; false when the source
 * never told of it, or of another process.
 */
bool hvp_domain_join_find(const struct hvp_domain_join *join, uint32_t number, uint32_t pid,
			  uint32_t *ret_domain);

#endif
