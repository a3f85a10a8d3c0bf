/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The domain table: which thread belongs to which virtual machine, and when. It reads nothing from
 * the system; discovery.c feeds it.
 *
 *	1. A domain id is given once. A VM that starts anew, also with the same pid or name, is a new domain.
 *	2. A thread's number may be used again: each use is an incarnation of its own with a start and an end, and a sample is looked up by
 *	   its time, so that rings may be drained in any order.
 *	3. A sample in guest mode always gets a domain. Where discovery came late, is impossible, or cannot tell two VMs of one process
 *	   apart, it gets a domain of the process alone (hvp_domain_table_add_vm() with HVP_VM_FD_NONE), which is completed later.
 *	4. A guest sample never goes to a VM of another process.
 *	5. What is learnt of a domain is delivered as a DOMAIN or VCPU record at once.
 */
#ifndef HVP_DAEMON_DOMAINS_H
#define HVP_DAEMON_DOMAINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/scope.h"
#include "common/model/record.h"
#include "daemon/source.h"
#include "daemon/kvm/vmm_identity.h"

struct hvp_domain_table;

/* Only the process of a VM is known, not which of its VMs. */
#define HVP_VM_FD_NONE (-1)

/* `sink` takes the records; copied. */
struct hvp_error *hvp_domain_table_create(const struct hvp_sink *sink,
					  struct hvp_domain_table **ret) hvp_must_use;
void hvp_domain_table_destroy(struct hvp_domain_table *domains);
HVP_DEFINE_SCOPE(hvp_domain_table_destroy, struct hvp_domain_table *);

struct hvp_vm {
	uint32_t domain;
	uint32_t pid;
	/* The VM's descriptor in its process, as debugfs names it, or HVP_VM_FD_NONE. */
	int fd;
	/* 0: it runs. */
	uint64_t end;
	/* Unique in the session. */
	const char *name;
	const char *uuid;
	const char *vmm;
	const char *from;
	uint32_t num_vcpus;
};

/*
 * A VM is there. Known already (same process, same descriptor, still running): its domain is
 * returned. A domain that was made for the process alone is completed rather than a second one
 * made. One that ended with its process stays ended. `is_new`: it started during the session.
 */
struct hvp_error *hvp_domain_table_add_vm(struct hvp_domain_table *domains, uint32_t pid, int fd,
					  uint64_t time, bool is_new,
					  const struct hvp_vm_identity *identity,
					  uint32_t *ret_domain) hvp_must_use;
/* More became known of a domain that still runs: what the identity has replaces what was known. */
struct hvp_error *hvp_domain_table_identify(struct hvp_domain_table *domains, uint32_t domain,
					    const struct hvp_vm_identity *identity,
					    uint64_t time) hvp_must_use;
/* A thread is a vCPU. Says so once. */
struct hvp_error *hvp_domain_table_bind_vcpu(struct hvp_domain_table *domains, uint32_t domain,
					     uint32_t vcpu, uint32_t tid,
					     uint64_t time) hvp_must_use;
/* It is gone. Harmless when it is known. */
struct hvp_error *hvp_domain_table_end_vm(struct hvp_domain_table *domains, uint32_t domain,
					  uint64_t time) hvp_must_use;

/* The running VM of a process by its descriptor; false when there is none. HVP_VM_FD_NONE: any. */
bool hvp_domain_table_find_vm(const struct hvp_domain_table *domains, uint32_t pid, int fd,
			      uint32_t *ret_domain);
/* The domain that a thread was a vCPU of at a time; false when it was none that is known. */
bool hvp_domain_table_find_vcpu(struct hvp_domain_table *domains, uint32_t pid, uint32_t tid,
				uint64_t time, uint32_t *ret_domain);
/* Domains are 1 .. hvp_domain_table_num(). */
uint32_t hvp_domain_table_num(const struct hvp_domain_table *domains);
void hvp_domain_table_get(const struct hvp_domain_table *domains, uint32_t domain,
			  struct hvp_vm *ret);

/* Looks at FORK, EXIT and COMM records that pass. */
struct hvp_error *hvp_domain_table_see_record(struct hvp_domain_table *domains,
					      const struct hvp_record *record) hvp_must_use;

/*
 * Fills in `domain` and `vcpu`. The hot path: one look-up. `*ret_wants_discovery` is true, once for
 * each thread, when a guest runs in a thread that is no vCPU we know: look for it, then ask again.
 * When it is still unknown then, the sample gets the process's own domain.
 */
struct hvp_error *hvp_domain_table_assign(struct hvp_domain_table *domains,
					  struct hvp_sample *sample,
					  bool *ret_wants_discovery) hvp_must_use;

/* Every process that had a sample, once; `*cursor` starts at 0. */
bool hvp_domain_table_next_sampled_process(struct hvp_domain_table *domains, size_t *cursor,
					   uint32_t *ret_pid);

#endif
