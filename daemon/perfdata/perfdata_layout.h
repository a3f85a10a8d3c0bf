/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records of perf.data in the one layout that perf_parse.h reads. Every event of a perf.data file
 * has fields of its own choice (perf_event_attr.sample_type), ours always the same few: what we
 * know is moved to its place, what we do not keep (ADDR, STREAM_ID, READ, and everything behind the
 * call chain) is left out, and perf's ID, whose place depends on the others, becomes an IDENTIFIER.
 */
#ifndef HVP_DAEMON_PERFDATA_LAYOUT_H
#define HVP_DAEMON_PERFDATA_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/perf_event.h>

/* A record's header and body as 64-bit words. */
#define HVP_PERFDATA_MAX_WORDS (65536 / sizeof(uint64_t) + 8)

struct hvp_perfdata_layout {
	/* Of the samples and records that leave: sample_type as hvp_perf_parser wants it. */
	uint64_t sample_type, id_type;
	/* Word of each kept field, in the order of ours, behind the header. */
	uint8_t sample_from[6], num_sample_from;
	/* Words of fixed fields. */
	uint8_t num_fixed;
	bool has_read, has_chain;
	uint64_t read_format;
	/* The same for the fields that end other records. */
	uint8_t id_from[4], num_id_from;
	uint8_t num_id;
	/*
	 * Where the event's id is: word from the front (samples), from the start of the ending
	 * fields; -1: nowhere.
	 */
	int sample_id_at, id_at;
};

void hvp_perfdata_layout_init(const struct perf_event_attr *attr, struct hvp_perfdata_layout *ret);

/*
 * The id in a record of `size` bytes (its header included), false when it has none or is too short.
 */
bool hvp_perfdata_layout_id(const struct hvp_perfdata_layout *layout, const void *record,
			    uint64_t *ret);

/*
 * Copies a record into `out` (HVP_PERFDATA_MAX_WORDS words) in our layout; false when it is shorter
 * than its fields.
 */
bool hvp_perfdata_layout_apply(const struct hvp_perfdata_layout *layout, const void *record,
			       uint64_t *out);

#endif
