/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/perfdata/perfdata_delivery.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/session/format.h"
#include "daemon/perf/perf_event.h"

struct hvp_error *hvp_perfdata_note(struct hvp_perfdata_delivery *delivery, const char *format, ...)
{
	char text[1024];
	struct hvp_record record = {
		.type = HVP_RECORD_NOTE, .time = delivery->progress.last_time, .note = {text}};
	int size = snprintf(text, sizeof(text), "%s: ", delivery->file->path);
	va_list args;

	if (size < 0 || (size_t)size >= sizeof(text))
		size = 0;
	va_start(args, format);
	vsnprintf(text + size, sizeof(text) - (size_t)size, format, args);
	va_end(args);
	return delivery->sink.record(delivery->sink.arg, &record);
}

struct hvp_error *hvp_perfdata_delivery_begin(struct hvp_perfdata_delivery *delivery,
					      const struct hvp_perfdata_events *events)
{
	const struct hvp_perfdata *file = delivery->file;
	const struct hvp_perfdata_layout *first;
	const char *release = hvp_perfdata_fact(file, HVP_INFO_KERNEL);

	delivery->events = events;
	delivery->parser.event_of_id = &events->event_of_id;
	delivery->parser.guest_mode_by_address = release && hvp_perf_has_stale_guest_mode(release);
	delivery->layouts = calloc(file->num_attrs, sizeof(*delivery->layouts));
	if (!delivery->layouts)
		return hvp_error_no_memory;
	for (size_t i = 0; i < file->num_attrs; i++)
		hvp_perfdata_layout_init(&file->attrs[i].attr, &delivery->layouts[i]);
	first = &delivery->layouts[events->first_attr];
	if (events->num > 1 && first->sample_id_at < 0)
		return hvp_error_create(HVP_ERROR_UNSUPPORTED,
					"%s has %zu events, and its samples do not say of which "
					"they are; record with perf record --sample-identifier",
					file->path, events->num);
	return NULL;
}

void hvp_perfdata_delivery_deinit(struct hvp_perfdata_delivery *delivery)
{
	free(delivery->layouts);
}

struct hvp_error *hvp_perfdata_note_missing(struct hvp_perfdata_delivery *delivery)
{
	const uint64_t type = delivery->file->attrs[delivery->events->first_attr].attr.sample_type;

	if (!(type & PERF_SAMPLE_TIME))
		hvp_try(hvp_perfdata_note(
			delivery, "its samples have no time: mappings that changed while perf "
				  "recorded may be mixed up; record with perf record -T"));
	if (!(type & PERF_SAMPLE_TID))
		hvp_try(hvp_perfdata_note(delivery,
					  "its samples do not say which process ran: user code and "
					  "guests cannot be told apart"));
	if (!(type & PERF_SAMPLE_CPU))
		hvp_try(hvp_perfdata_note(
			delivery, "its samples do not say which CPU they are from: all are put "
				  "on CPU 0; record with perf record --sample-cpu"));
	return NULL;
}

static void note_time(struct hvp_perfdata_progress *progress, uint64_t time)
{
	if (!progress->samples++)
		progress->first_time = progress->last_time = time;
	else if (time < progress->first_time)
		progress->first_time = time;
	else if (time > progress->last_time)
		progress->last_time = time;
}

static struct hvp_error *deliver_sample(struct hvp_perfdata_delivery *delivery,
					const struct hvp_perfdata_attr *attr,
					struct hvp_sample *sample)
{
	if (sample->cpu >= HVP_MAX_CPUS) {
		delivery->malformed++;
		return NULL;
	}
	sample->event = (uint16_t)attr->event;
	if (!(attr->attr.sample_type & PERF_SAMPLE_PERIOD))
		sample->period = attr->attr.freq ? 1 : attr->attr.sample_period;
	note_time(&delivery->progress, sample->time);
	return delivery->sink.sample(delivery->sink.arg, sample);
}

/* "/lib/modules/6.1.0/kernel/arch/x86/kvm/kvm-amd.ko.xz" as a session names it: "[kvm_amd]". */
static const char *module_name(const char *path, char *buf, size_t size)
{
	const char *base = strrchr(path, '/');
	size_t length;

	if (!base)
		return path;
	base++;
	length = strcspn(base, ".");
	if (strncmp(base + length, ".ko", 3) != 0 || length + 3 > size)
		return path;
	buf[0] = '[';
	for (size_t i = 0; i < length; i++)
		buf[1 + i] = base[i] == '-' ? '_' : base[i];
	buf[1 + length] = ']';
	buf[2 + length] = 0;
	return buf;
}

static struct hvp_error *deliver_mapping(struct hvp_perfdata_delivery *delivery,
					 struct hvp_record *record)
{
	const struct hvp_perfdata_build_id *build_id = NULL;
	struct hvp_record_mmap *mmap = &record->mmap;
	char name[256];

	if (!mmap->build_id_size)
		build_id = hvp_perfdata_find_build_id(delivery->file, mmap->path);
	/* The kernel's text is mapped under its name and a symbol's: "[kernel.kallsyms]_text". */
	if (!mmap->build_id_size && !build_id && mmap->path[0] == '[') {
		snprintf(name, sizeof(name), "%.*s]", (int)strcspn(mmap->path, "]"), mmap->path);
		build_id = hvp_perfdata_find_build_id(delivery->file, name);
	}
	if (build_id) {
		memcpy(mmap->build_id, build_id->bytes, build_id->size);
		mmap->build_id_size = build_id->size;
	}
	if (mmap->pid == HVP_PID_KERNEL)
		mmap->path = module_name(mmap->path, name, sizeof(name));
	return delivery->sink.record(delivery->sink.arg, record);
}

static struct hvp_error *deliver_lost(struct hvp_perfdata_delivery *delivery,
				      enum hvp_lost_where where, uint64_t samples)
{
	const struct hvp_record record = {.type = HVP_RECORD_LOST,
					  .time = delivery->progress.last_time,
					  .lost = {.where = where, .samples = samples}};

	return delivery->sink.record(delivery->sink.arg, &record);
}

/*
 * The attribute of the event that a record is of; the first one for those that perf itself made up.
 */
static size_t attr_of(const struct hvp_perfdata_delivery *delivery, const void *record)
{
	size_t first = delivery->events->first_attr;
	uint64_t id, index;

	if (!hvp_perfdata_layout_id(&delivery->layouts[first], record, &id) ||
	    !hvp_map_get(&delivery->file->attr_of_id, id, &index))
		return first;
	return (size_t)index;
}

static bool is_of_guest(const struct perf_event_header *header)
{
	unsigned int mode = header->misc & PERF_RECORD_MISC_CPUMODE_MASK;

	return mode == PERF_RECORD_MISC_GUEST_KERNEL || mode == PERF_RECORD_MISC_GUEST_USER;
}

/* Mappings that say nothing about the host's code. */
static bool is_unwanted(struct hvp_perfdata_delivery *delivery,
			const struct perf_event_header *header)
{
	bool is_mapping = header->type == PERF_RECORD_MMAP || header->type == PERF_RECORD_MMAP2;

	if (is_mapping && is_of_guest(header)) {
		delivery->guest_mappings++;
		return true;
	}
	return header->type == PERF_RECORD_MMAP && (header->misc & PERF_RECORD_MISC_MMAP_DATA);
}

static struct hvp_error *deliver_parsed(struct hvp_perfdata_delivery *delivery,
					const struct hvp_perfdata_attr *attr,
					struct hvp_perf_parsed *parsed)
{
	switch (parsed->kind) {
	case HVP_PERF_SAMPLE: return deliver_sample(delivery, attr, &parsed->sample);
	case HVP_PERF_RECORD:
		if (parsed->record.type == HVP_RECORD_MMAP)
			return deliver_mapping(delivery, &parsed->record);
		return delivery->sink.record(delivery->sink.arg, &parsed->record);
	case HVP_PERF_LOST:
	case HVP_PERF_LOST_SAMPLES: return deliver_lost(delivery, HVP_LOST_RING, parsed->lost);
	case HVP_PERF_MALFORMED: delivery->malformed++; return NULL;
	case HVP_PERF_NOTHING: return NULL;
	}
	return NULL;
}

/*
 * Linux (5.12 to 6.18 at least) says of a mapping that it has a build id to all events when it has
 * it for one of them (perf_event_mmap_output() in kernel/events/core.c does not take the bit back),
 * so the event's own attribute decides.
 */
static void mend_misc(const struct perf_event_attr *attr, struct perf_event_header *header)
{
	if (header->type == PERF_RECORD_MMAP2 && !attr->build_id)
		header->misc &= (uint16_t)~PERF_RECORD_MISC_MMAP_BUILD_ID;
}

struct hvp_error *hvp_perfdata_deliver(struct hvp_perfdata_delivery *delivery, uint64_t offset,
				       const struct perf_event_header *header, const void *record)
{
	bool is_sample = header->type == PERF_RECORD_SAMPLE;
	const struct hvp_perfdata_layout *layout;
	struct hvp_perf_parsed parsed;
	size_t index;

	if (is_unwanted(delivery, header))
		return NULL;
	index = attr_of(delivery, record);
	layout = &delivery->layouts[index];
	if (is_sample && delivery->file->attrs[index].event == HVP_PERFDATA_NO_EVENT)
		return NULL;
	if (!hvp_perfdata_layout_apply(layout, record, delivery->words)) {
		delivery->malformed++;
		return NULL;
	}
	mend_misc(&delivery->file->attrs[index].attr, (struct perf_event_header *)delivery->words);
	delivery->parser.sample_type = is_sample ? layout->sample_type : layout->id_type;
	hvp_perf_parse(&delivery->parser, (const struct perf_event_header *)delivery->words,
		       &parsed);
	if (parsed.kind == HVP_PERF_MALFORMED)
		hvp_log(delivery->log, HVP_LOG_DEBUG, HVP_LOG_SOURCE,
			"%s: offset %#" PRIx64 ": record of type %u, %u bytes, makes no sense",
			delivery->file->path, offset, header->type, header->size);
	return deliver_parsed(delivery, &delivery->file->attrs[index], &parsed);
}

struct hvp_error *hvp_perfdata_deliver_counts(struct hvp_perfdata_delivery *delivery)
{
	if (delivery->guest_mappings)
		hvp_try(hvp_perfdata_note(
			delivery,
			"%" PRIu64 " mappings of guests were left out: name the guests' images "
			"to the report with --guest",
			delivery->guest_mappings));
	if (!delivery->malformed)
		return NULL;
	delivery->progress.is_degraded = true;
	hvp_try(hvp_perfdata_note(delivery,
				  "%" PRIu64 " records contradict themselves and count as lost",
				  delivery->malformed));
	return deliver_lost(delivery, HVP_LOST_COLLECTOR, delivery->malformed);
}
