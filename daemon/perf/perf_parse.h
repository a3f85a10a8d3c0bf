/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records of the perf ABI (perf_event_open(2), include/uapi/linux/perf_event.h) as normalised
 * samples and records. Allocates nothing; what is returned borrows from the record (or from the
 * parser's scratch) until the next call. The record's bytes are not trusted.
 */
#ifndef HVP_DAEMON_PERF_PARSE_H
#define HVP_DAEMON_PERF_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/perf_event.h>

#include "common/base/map.h"
#include "common/model/record.h"

struct hvp_perf_parser {
	/* Of all events of the ring: the bits of hvp_perf_sample_type(). */
	uint64_t sample_type;
	/*
	 * Event index by perf's id, when sample_type has PERF_SAMPLE_IDENTIFIER; otherwise
	 * everything is event 0. Borrowed.
	 */
	const struct hvp_map *event_of_id;
	/* What it said last. Ids do not change their events. */
	uint64_t last_id;
	uint16_t last_event;
	bool has_last;
	/* The CPU of the ring, for records that do not say. */
	uint32_t cpu;
	/*
	 * The kernel tells the mode of a guest's sample from a stale value
	 * (hvp_perf_features.has_stale_guest_mode): the half of the address space that it ran in
	 * decides instead.
	 */
	bool guest_mode_by_address;
	uint64_t chain[HVP_MAX_CHAIN];
};

enum hvp_perf_kind {
	/* Nothing that we keep. */
	HVP_PERF_NOTHING,
	HVP_PERF_SAMPLE,
	HVP_PERF_RECORD,
	/* The ring was full: `lost` records of any kind. */
	HVP_PERF_LOST,
	/* The hardware dropped `lost` samples. */
	HVP_PERF_LOST_SAMPLES,
	/* It is cut short or contradicts itself. */
	HVP_PERF_MALFORMED,
};

struct hvp_perf_parsed {
	enum hvp_perf_kind kind;
	union {
		struct hvp_sample sample;
		struct hvp_record record;
		uint64_t lost;
	};
};

/* `data` has at least header->size bytes and is aligned to 8. */
void hvp_perf_parse(struct hvp_perf_parser *parser, const struct perf_event_header *header,
		    struct hvp_perf_parsed *ret);

#endif
