/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What this host offers to a profiler, check by check: the table behind `hvprof check`. A new check
 * is one function and one row.
 */
#ifndef HVP_DAEMON_HOST_CHECKS_H
#define HVP_DAEMON_HOST_CHECKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/host/host_files.h"

enum hvp_check_status {
	HVP_CHECK_OK,
	/* Something is missing: `consequence` says what that costs, `command` what mends it. */
	HVP_CHECK_LACKING,
	/* The host does not tell. */
	HVP_CHECK_UNKNOWN,
};

/* "ok", "lacking", "unknown" */
extern const char *const hvp_check_status_names[];

struct hvp_check_result {
	enum hvp_check_status status;
	/* As it is now. */
	char value[128];
	/* Static; "" when nothing is to be said. What is in order may have one, too. */
	const char *consequence;
	/* To be typed as it stands; "" when no command mends it. */
	char command[256];
};

/* What the checks look at. */
struct hvp_check_host {
	const struct hvp_host_roots *roots;
	/* Effective capabilities, a bit each (capabilities(7)). */
	uint64_t capabilities;
	/* Tries system calls, too; false in tests, which bring files alone. */
	bool is_live;
};

/* The running host. */
void hvp_check_host_init(struct hvp_check_host *host, const struct hvp_host_roots *roots);

struct hvp_check {
	const char *name;
	void (*run)(const struct hvp_check_host *host, struct hvp_check_result *ret);
};
/* In the order in which they are shown; ends in a NULL name. */
extern const struct hvp_check hvp_host_checks[];

#endif
