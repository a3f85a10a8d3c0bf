/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One CPU's ring of /dev/hvpmu: emptied, its records delivered, its losses counted. */
#ifndef HVP_DAEMON_HVPMU_CPU_H
#define HVP_DAEMON_HVPMU_CPU_H

#include "daemon/hvpmu/hvpmu_device.h"
#include "daemon/hvpmu/hvpmu_parse.h"
#include "daemon/source.h"

/* What the CPUs of one source have in common; borrowed by each. */
struct hvp_hvpmu_set {
	const struct hvp_event_spec *events;
	size_t num_events;
	uint32_t num_cpus;
	const struct hvp_sink *sink;
	struct hvp_tsc_clock clock;
	/* Of all rings. */
	uint64_t num_damaged;
	/* Samples of each event, wanted or not. */
	uint64_t num_samples[HVPMU_DEV_EVENTS_MAX];
};

struct hvp_hvpmu_cpu {
	struct hvp_hvpmu_ring ring;
	struct hvp_hvpmu_parser parser;
	/* Of the ring's own count, what was delivered already. */
	uint64_t lost_told;
};

/* Of a ring that is mapped. */
void hvp_hvpmu_cpu_init(struct hvp_hvpmu_cpu *cpu, struct hvp_hvpmu_set *set, uint32_t number);

/*
 * Delivers all that the ring has. An error of the sink ends the pass; what was delivered is not
 * delivered again.
 */
struct hvp_error *hvp_hvpmu_cpu_drain(struct hvp_hvpmu_set *set,
				      struct hvp_hvpmu_cpu *cpu) hvp_must_use;
/* What was lost and no record has told of: at the end. */
struct hvp_error *hvp_hvpmu_cpu_report_lost(const struct hvp_hvpmu_set *set,
					    struct hvp_hvpmu_cpu *cpu) hvp_must_use;

#endif
