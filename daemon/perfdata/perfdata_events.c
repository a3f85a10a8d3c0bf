/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/perfdata/perfdata_events.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/perf/events.h"

/* What perf itself opens to hear of mappings and tasks counts nothing. */
static bool only_tracks(const struct perf_event_attr *attr)
{
	return attr->type == PERF_TYPE_SOFTWARE && attr->config == PERF_COUNT_SW_DUMMY;
}

static const struct hvp_event_name *known_event(const struct perf_event_attr *attr)
{
	const struct hvp_event_name *names;
	size_t num;

	names = hvp_event_names(&num);
	for (size_t i = 0; i < num; i++)
		if (names[i].type == attr->type && names[i].config == attr->config)
			return &names[i];
	return NULL;
}

/* As in events.c: a software event takes no notice of what excludes host and guest. */
static uint32_t modes_of(const struct perf_event_attr *attr)
{
	bool is_software = attr->type == PERF_TYPE_SOFTWARE || attr->type == PERF_TYPE_TRACEPOINT;
	uint32_t modes = 0;

	if (!attr->exclude_host || is_software) {
		modes |= attr->exclude_kernel ? 0 : HVP_MODE_BIT(HVP_MODE_HOST_KERNEL);
		modes |= attr->exclude_user ? 0 : HVP_MODE_BIT(HVP_MODE_HOST_USER);
	}
	if (!attr->exclude_guest || is_software) {
		modes |= attr->exclude_kernel ? 0 : HVP_MODE_BIT(HVP_MODE_GUEST_KERNEL);
		modes |= attr->exclude_user ? 0 : HVP_MODE_BIT(HVP_MODE_GUEST_USER);
	}
	return modes;
}

static struct hvp_error *name_of(struct hvp_perfdata *file, const struct hvp_perfdata_attr *attr,
				 const char **ret)
{
	const struct hvp_event_name *known = known_event(&attr->attr);
	uint32_t name = attr->name;
	char text[64];

	if (!name && !known)
		snprintf(text, sizeof(text), "type=%" PRIu32 ",config=%#" PRIx64, attr->attr.type,
			 (uint64_t)attr->attr.config);
	if (!name)
		hvp_try(hvp_strpool_intern(&file->strings, known ? known->name : text, &name));
	*ret = hvp_strpool_text(&file->strings, name);
	return NULL;
}

static struct hvp_error *describe(struct hvp_perfdata *file, const struct hvp_perfdata_attr *attr,
				  struct hvp_event_info *ret)
{
	const struct hvp_event_name *known = known_event(&attr->attr);

	*ret = (struct hvp_event_info){
		.unit = known ? known->unit : "events",
		.perf_type = attr->attr.type,
		.perf_config = attr->attr.config,
		.frequency = attr->attr.freq ? attr->attr.sample_freq : 0,
		.period = attr->attr.freq ? 0 : attr->attr.sample_period,
		.scope = hvp_event_scope(modes_of(&attr->attr)),
	};
	return name_of(file, attr, &ret->name);
}

static struct hvp_error *map_ids(const struct hvp_perfdata *file, struct hvp_map *ret)
{
	uint64_t id, index;
	size_t cursor = 0;

	while (hvp_map_next(&file->attr_of_id, &cursor, &id, &index))
		if (file->attrs[index].event != HVP_PERFDATA_NO_EVENT)
			hvp_try(hvp_map_set(ret, id, file->attrs[index].event));
	return NULL;
}

struct hvp_error *hvp_perfdata_events_init(struct hvp_perfdata *file,
					   struct hvp_perfdata_events *ret)
{
	/* One more, so that a file without events is no special case. */
	ret->items = calloc(file->num_attrs + 1, sizeof(*ret->items));
	if (!ret->items)
		return hvp_error_no_memory;
	for (size_t i = 0; i < file->num_attrs; i++) {
		struct hvp_perfdata_attr *attr = &file->attrs[i];

		attr->event = HVP_PERFDATA_NO_EVENT;
		if (only_tracks(&attr->attr))
			continue;
		if (!ret->num)
			ret->first_attr = i;
		hvp_try(describe(file, attr, &ret->items[ret->num]));
		attr->event = (uint32_t)ret->num++;
	}
	if (!ret->num)
		return hvp_error_create(HVP_ERROR_FORMAT,
					"%s: it describes no event that is sampled", file->path);
	return map_ids(file, &ret->event_of_id);
}

void hvp_perfdata_events_deinit(struct hvp_perfdata_events *events)
{
	free(events->items);
	hvp_map_deinit(&events->event_of_id);
}
