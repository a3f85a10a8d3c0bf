/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guests of a recording that was made elsewhere, told from its samples and the names of its
 * threads alone.
 */
#ifndef HVP_DAEMON_IMPORT_GUESTS_H
#define HVP_DAEMON_IMPORT_GUESTS_H

#include <stddef.h>

#include "common/base/map.h"
#include "common/base/strpool.h"
#include "daemon/kvm/domains.h"
#include "daemon/source.h"

struct hvp_import_vcpu {
	uint32_t pid, tid;
};

struct hvp_import_guests {
	/* tid -> string number of the thread's last name. */
	struct hvp_map comm_of_tid;
	/* pid -> string number of the name that the user gave its guest. */
	struct hvp_map name_of_pid;
	struct hvp_strpool strings;
	/* tids with guest samples, each once. */
	struct hvp_map seen;
	struct hvp_import_vcpu *vcpus;
	size_t num_vcpus, capacity;
};

/* `names` are "PID=NAME", read at once; HVP_ERROR_USAGE says which is wrong. */
struct hvp_error *hvp_import_guests_init(const char *const *names, size_t num_names,
					 struct hvp_import_guests *ret) hvp_must_use;
void hvp_import_guests_deinit(struct hvp_import_guests *guests);

/* A sink that learns from what it is given. */
struct hvp_sink hvp_import_guests_sink(struct hvp_import_guests *guests);

/*
 * Makes a domain of each process that ran a guest, and a vCPU of each of its threads that did,
 * numbered as the threads' names say, otherwise in the order of the threads.
 */
struct hvp_error *hvp_import_guests_add(struct hvp_import_guests *guests,
					struct hvp_domain_table *domains) hvp_must_use;

#endif
