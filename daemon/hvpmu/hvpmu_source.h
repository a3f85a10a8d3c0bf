/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Samples of a kernel whose KVM has the partitioned vPMU, from the rings of /dev/hvpmu: each says
 * its domain, vCPU and the guest's address space. What maps addresses to programs (mappings, names,
 * processes) still comes from perf, whose source is opened without events for it.
 */
#ifndef HVP_DAEMON_HVPMU_SOURCE_H
#define HVP_DAEMON_HVPMU_SOURCE_H

#include "daemon/hvpmu/hvpmu_device.h"
#include "daemon/hvpmu/tsc_clock.h"
#include "daemon/source.h"

extern const struct hvp_source_ops hvp_hvpmu_source_ops;

/* What the source stands on; tests bring their own. */
struct hvp_hvpmu_parts {
	const struct hvp_hvpmu_calls *calls;
	/* Delivers what perf says beside samples. */
	const struct hvp_source_ops *sideband;
	void (*init_clock)(struct hvp_tsc_clock *ret);
	struct hvp_tsc_moment (*now)(void);
};

/* The same as the ops' open; `parts` is borrowed while the source lives. */
struct hvp_error *hvp_hvpmu_source_open(const struct hvp_hvpmu_parts *parts,
					const struct hvp_record_config *config,
					const struct hvp_sink *sink, const struct hvp_log *log,
					struct hvp_source **ret) hvp_must_use;
/* The same as the ops' suits. */
struct hvp_error *hvp_hvpmu_source_suits(const struct hvp_hvpmu_calls *calls,
					 const struct hvp_record_config *config) hvp_must_use;

#endif
