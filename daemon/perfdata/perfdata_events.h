/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The events of a perf.data file as a session describes them. */
#ifndef HVP_DAEMON_PERFDATA_EVENTS_H
#define HVP_DAEMON_PERFDATA_EVENTS_H

#include <stddef.h>

#include "common/base/map.h"
#include "daemon/perfdata/perfdata_file.h"

struct hvp_perfdata_events {
	/* Names borrow from the file, units and scopes are static. */
	struct hvp_event_info *items;
	size_t num;
	/* Attribute of event 0: of records that do not say which is theirs. */
	size_t first_attr;
	/* perf's id -> event index, without the events that only track. */
	struct hvp_map event_of_id;
};

/* Gives each attribute its event. HVP_ERROR_FORMAT when the file samples nothing. */
struct hvp_error *hvp_perfdata_events_init(struct hvp_perfdata *file,
					   struct hvp_perfdata_events *ret) hvp_must_use;
void hvp_perfdata_events_deinit(struct hvp_perfdata_events *events);

#endif
