/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Feeds the domain table from the running host: KVM's debugfs (or, without it, /proc), uevents for
 * what starts and ends, the VMM's command line, libvirt's files, and the VMM's QMP socket.
 */
#ifndef HVP_DAEMON_DISCOVERY_H
#define HVP_DAEMON_DISCOVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/scope.h"
#include "common/cli/log.h"
#include "daemon/kvm/domains.h"
#include "daemon/host/host_files.h"

struct hvp_discovery;

/* Which VMMs are asked on their control sockets. */
enum hvp_qmp_use {
	/* Those of which nothing else tells a name. */
	HVP_QMP_NAMELESS,
	HVP_QMP_ALWAYS,
	HVP_QMP_NEVER,
};
/* As on the command line. */
extern const char *const hvp_qmp_use_names[];

struct hvp_discovery_options {
	const struct hvp_host_roots *roots;
	/* May be NULL. */
	const struct hvp_log *log;
	enum hvp_qmp_use qmp;
};

/* All borrowed while the discovery lives. */
struct hvp_error *hvp_discovery_create(const struct hvp_discovery_options *options,
				       struct hvp_domain_table *domains,
				       struct hvp_discovery **ret) hvp_must_use;
void hvp_discovery_destroy(struct hvp_discovery *discovery);
HVP_DEFINE_SCOPE(hvp_discovery_destroy, struct hvp_discovery *);

/*
 * All VMs that run. Where neither debugfs nor /proc tells, VMs are found by their samples, and
 * hvp_discovery_limit() says why.
 */
struct hvp_error *hvp_discovery_scan(struct hvp_discovery *discovery, bool is_first) hvp_must_use;
/* The VMs of one process, now. */
struct hvp_error *hvp_discovery_resolve(struct hvp_discovery *discovery, uint32_t pid) hvp_must_use;

/* To be polled for what starts and ends, or -1. */
int hvp_discovery_poll_fd(const struct hvp_discovery *discovery);
/* Handles what was announced; call it when the descriptor is readable and now and then. */
struct hvp_error *hvp_discovery_update(struct hvp_discovery *discovery) hvp_must_use;

/* Waits a moment for VMMs that were asked and have not answered yet. */
struct hvp_error *hvp_discovery_settle(struct hvp_discovery *discovery) hvp_must_use;

/* NULL, or one line: what is not known of VMs here and how to mend that. */
const char *hvp_discovery_limit(const struct hvp_discovery *discovery);

#endif
