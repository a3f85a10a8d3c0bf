/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's records of a perf.data file on their way to the sink: brought into our layout, parsed, given their
 * event and their build id. What contradicts itself is counted.
 */
#ifndef HVP_DAEMON_PERFDATA_DELIVERY_H
#define HVP_DAEMON_PERFDATA_DELIVERY_H

#include "common/cli/log.h"
#include "daemon/perf/perf_parse.h"
#include "daemon/perfdata/perfdata_events.h"
#include "daemon/perfdata/perfdata_file.h"
#include "daemon/perfdata/perfdata_layout.h"
#include "daemon/source.h"

struct hvp_perfdata_progress {
	/* Bytes of the file read, and in all (0 when not known). */
	uint64_t done, total;
	uint64_t samples;
	/* Of the samples delivered so far; both 0 when there is none. */
	uint64_t first_time, last_time;
	/* Damage was met: the file is cut short, or records were left out. */
	bool is_degraded;
};

/* `sink`, `log` and `file` (borrowed) are set by whoever makes it, all else is zero. */
struct hvp_perfdata_delivery {
	struct hvp_sink sink;
	const struct hvp_log *log;
	const struct hvp_perfdata *file;
	const struct hvp_perfdata_events *events;
	/* Of each attribute. */
	struct hvp_perfdata_layout *layouts;
	struct hvp_perf_parser parser;
	struct hvp_perfdata_progress progress;
	/* What was left out. */
	uint64_t malformed, guest_mappings;
	uint64_t words[HVP_PERFDATA_MAX_WORDS];
};

/*
 * To be called once the events are known (borrowed), before the first record. HVP_ERROR_UNSUPPORTED when
 * samples do not say of which event they are.
 */
struct hvp_error *
hvp_perfdata_delivery_begin(struct hvp_perfdata_delivery *delivery,
			    const struct hvp_perfdata_events *events) hvp_must_use;
void hvp_perfdata_delivery_deinit(struct hvp_perfdata_delivery *delivery);

/* A note in the session, with the file's name in front. */
struct hvp_error *hvp_perfdata_note(struct hvp_perfdata_delivery *delivery, const char *format,
				    ...) hvp_must_use hvp_printf(2, 3);
/* Notes what the events of this file do not tell. */
struct hvp_error *hvp_perfdata_note_missing(struct hvp_perfdata_delivery *delivery) hvp_must_use;

/* Delivers a whole record that the kernel wrote; `offset` is where it stands in the file. */
struct hvp_error *hvp_perfdata_deliver(struct hvp_perfdata_delivery *delivery, uint64_t offset,
				       const struct perf_event_header *header,
				       const void *record) hvp_must_use;
/* At the end: what was left out. */
struct hvp_error *hvp_perfdata_deliver_counts(struct hvp_perfdata_delivery *delivery) hvp_must_use;

#endif
