/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records of hvpmu/abi.h as normalised samples and records. Allocates nothing; what is returned
 * borrows from the record (or from the parser's scratch) until the next call. The record's bytes
 * are not trusted, beyond that there are as many as its size says.
 */
#ifndef HVP_DAEMON_HVPMU_PARSE_H
#define HVP_DAEMON_HVPMU_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/model/record.h"
#include "daemon/hvpmu/tsc_clock.h"
#include "hvpmu/abi.h"

struct hvp_hvpmu_parser {
	/* Borrowed. */
	struct hvp_tsc_clock *clock;
	/* Events of the setup, which number them as they were given. */
	size_t num_events;
	/* The CPU whose ring it is; a guest's sample with a chain may be another CPU's. */
	uint32_t cpu;
	uint32_t num_cpus;
	uint64_t chain[HVPMU_CHAIN_MAX];
};

enum hvp_hvpmu_kind {
	/* Nothing that we keep. */
	HVP_HVPMU_NOTHING,
	/* `domain` is the hypervisor's own number, HVP_DOMAIN_HOST where it says none. */
	HVP_HVPMU_SAMPLE,
	/* DOMAIN or VCPU, in the hypervisor's own numbers. */
	HVP_HVPMU_RECORD,
	/* The ring was full. */
	HVP_HVPMU_LOST,
	/* It is cut short or contradicts itself. */
	HVP_HVPMU_MALFORMED,
};

struct hvp_hvpmu_parsed {
	enum hvp_hvpmu_kind kind;
	/* Of a sample: for a while it is the last of its event and CPU. */
	bool is_throttled;
	union {
		struct hvp_sample sample;
		struct hvp_record record;
		uint64_t lost;
	};
};

void hvp_hvpmu_parse(struct hvp_hvpmu_parser *parser, const struct hvpmu_record *record,
		     struct hvp_hvpmu_parsed *ret);

#endif
