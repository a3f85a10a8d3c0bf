/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Event names, as users of perf, libpfm4 and OProfile write them:
 *
 *	cycles  instructions:u  cpu-clock:kG  L1-dcache-load-misses  r01c2  kvm:kvm_exit   perf's, with modifiers
 *	cpu/event=0xc0,umask=0x1/u                                                      a PMU's own terms
 *	skl::INST_RETIRED:ANY_P                                                         libpfm4's
 *	CPU_CLK_UNHALTED:100000:0:1:1                                                   OProfile's NAME:COUNT:UNITMASK:KERNEL:USER
 *
 * Modifiers: u user, k kernel, h hypervisor, H host, G guest, p (pp, ppp) precise. Neither u nor k
 * means both; neither H nor G means both: guests are profiled unless told otherwise.
 */
#ifndef HVP_DAEMON_EVENTS_H
#define HVP_DAEMON_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/model/record.h"
#include "daemon/host/host_files.h"

/* The bit of a mode in hvp_event_spec.modes. */
#define HVP_MODE_BIT(mode) (1u << (mode))

struct hvp_event_spec {
	/* As given. Owned. */
	char *name;
	/* What a period counts. */
	const char *unit;
	/* perf_event_attr's. */
	uint32_t type;
	uint64_t config, config1, config2;
	/* Samples in other modes are not wanted. */
	uint32_t modes;
	unsigned int precise;
	/* Of this event alone; both 0: the session's default. */
	uint64_t frequency, period;
};

/* HVP_ERROR_USAGE names the part that is wrong and the nearest names that exist. */
struct hvp_error *hvp_event_parse(const char *text, const struct hvp_host_roots *roots,
				  struct hvp_event_spec *ret) hvp_must_use;
void hvp_event_spec_deinit(struct hvp_event_spec *spec);

/* The timer that stands in where there is no PMU, with the scope of `spec`. */
struct hvp_error *hvp_event_fall_back(const struct hvp_event_spec *spec,
				      struct hvp_event_spec *ret) hvp_must_use;

/* A timer of the kernel, which takes no notice of exclude_host and exclude_guest. */
bool hvp_event_is_clock(const struct hvp_event_spec *spec);

/* "host and guest, kernel and user" */
const char *hvp_event_scope(uint32_t modes);

/* The names that every Linux knows; for `hvprof list events` and completion. */
struct hvp_event_name {
	const char *name;
	uint32_t type;
	uint64_t config;
	const char *unit;
	const char *summary;
};
const struct hvp_event_name *hvp_event_names(size_t *ret_num);

#endif
