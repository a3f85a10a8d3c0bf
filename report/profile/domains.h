/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The virtual machines of a session, as its records and its samples name them: identity, life time,
 * vCPUs. Names are shown as they are; whoever prints them escapes them.
 */
#ifndef HVP_REPORT_DOMAINS_H
#define HVP_REPORT_DOMAINS_H

#include "common/base/error.h"
#include "common/base/map.h"
#include "common/base/scope.h"
#include "common/session/reader.h"

struct hvp_vcpu_info {
	uint32_t vcpu, tid;
	/* 0: not seen to start, or to end, in the session. */
	uint64_t start_time, end_time;
};

struct hvp_domain_info {
	uint32_t id;
	uint32_t pid;
	/*
	 * "domain-3" when the session has no name for it. Never NULL; borrowed from the session or
	 * owned by the table.
	 */
	const char *name, *uuid, *vmm, *identity_from;
	/* What `name` points to when it was made up. */
	char *made_name;
	/*
	 * Started or ended while the session ran; 0: it was there before, or still there at the
	 * end.
	 */
	uint64_t start_time, end_time;
	struct hvp_vcpu_info *vcpus;
	size_t num_vcpus, capacity_vcpus;
	/* Vcpus that are counted: each number once. */
	uint32_t num_distinct_vcpus;
};

struct hvp_domains {
	struct hvp_domain_info *items;
	size_t num, capacity;
	/* Domain id -> index. */
	struct hvp_map by_id;
};

/* Borrows the session's strings. `ret` is to be deinitialised also after an error. */
struct hvp_error *hvp_domains_init(struct hvp_domains *ret,
				   const struct hvp_session *session) hvp_must_use;
void hvp_domains_deinit(struct hvp_domains *domains);

/* NULL for the host and for ids that no record names. */
const struct hvp_domain_info *hvp_domains_find(const struct hvp_domains *domains, uint32_t id);

/* The entry of a domain that perhaps only samples know. Pointers to entries become invalid. */
struct hvp_error *hvp_domains_add(struct hvp_domains *domains, uint32_t id) hvp_must_use;

/* By name, UUID, VMM pid or "#ID"; NULL when there is none. */
const struct hvp_domain_info *hvp_domains_lookup(const struct hvp_domains *domains,
						 const char *word);

#endif
