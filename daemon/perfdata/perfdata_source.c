/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/perfdata/perfdata_source.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "common/base/array.h"
#include "common/session/format.h"
#include "daemon/perf/perf_event.h"
#include "daemon/perf/perf_parse.h"
#include "daemon/perfdata/perfdata_events.h"
#include "daemon/perfdata/perfdata_layout.h"
#include "daemon/record_config.h"

#define MAX_RECORD 65536u
/* Read at once; a window also has room for one record that is not whole yet. */
#define BLOCK (256u << 10)
/* Read in one drain, so that a caller can look at the clock and at Ctrl-C. */
#define DRAIN_BYTES (8u << 20)

/* Bytes of the file, or of what was compressed in it, that wait to be taken as records. */
struct window {
	uint8_t *data;
	size_t begin, end;
	/* Of data[begin] in the file; of the compressed record for what came out of one. */
	uint64_t offset;
};

struct perfdata_source {
	struct hvp_source base;
	struct hvp_sink sink;
	const struct hvp_log *log;
	struct hvp_perfdata *file;
	struct hvp_perfdata_events events;
	/* Of each attribute. */
	struct hvp_perfdata_layout *layouts;
	struct hvp_perf_parser parser;
	struct window input, plain;
	ZSTD_DStream *zstd;
	/* Bytes that are not records (AUX area data, tracing formats), still to be passed over. */
	uint64_t skip;
	bool is_ended;
	struct hvp_perfdata_progress progress;
	/* What was left out. */
	uint64_t malformed, guest_mappings, aux_bytes;
	uint64_t words[HVP_PERFDATA_MAX_WORDS];
};

static struct perfdata_source *of(const struct hvp_source *source)
{
	return (struct perfdata_source *)(uintptr_t)source;
}

static struct hvp_error *note(struct perfdata_source *source, const char *format, ...) hvp_must_use
	hvp_printf(2, 3);

static struct hvp_error *note(struct perfdata_source *source, const char *format, ...)
{
	char text[1024];
	struct hvp_record record = {
		.type = HVP_RECORD_NOTE, .time = source->progress.last_time, .note = {text}};
	int size = snprintf(text, sizeof(text), "%s: ", source->file->path);
	va_list args;

	if (size < 0 || (size_t)size >= sizeof(text))
		size = 0;
	va_start(args, format);
	vsnprintf(text + size, sizeof(text) - (size_t)size, format, args);
	va_end(args);
	return source->sink.record(source->sink.arg, &record);
}

/* The rest of the file cannot be made sense of: what was read stays. */
static struct hvp_error *give_up(struct perfdata_source *source, uint64_t offset, const char *why)
{
	source->is_ended = true;
	source->progress.is_degraded = true;
	return note(source, "offset %#" PRIx64 ": %s; what stands behind it was left out", offset,
		    why);
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

static struct hvp_error *deliver_sample(struct perfdata_source *source,
					const struct hvp_perfdata_attr *attr,
					struct hvp_sample *sample)
{
	if (sample->cpu >= HVP_MAX_CPUS) {
		source->malformed++;
		return NULL;
	}
	sample->event = (uint16_t)attr->event;
	if (!(attr->attr.sample_type & PERF_SAMPLE_PERIOD))
		sample->period = attr->attr.freq ? 1 : attr->attr.sample_period;
	note_time(&source->progress, sample->time);
	return source->sink.sample(source->sink.arg, sample);
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

static struct hvp_error *deliver_mapping(struct perfdata_source *source, struct hvp_record *record)
{
	const struct hvp_perfdata_build_id *build_id = NULL;
	struct hvp_record_mmap *mmap = &record->mmap;
	char name[256];

	if (!mmap->build_id_size)
		build_id = hvp_perfdata_find_build_id(source->file, mmap->path);
	/* The kernel's text is mapped under its name and a symbol's: "[kernel.kallsyms]_text". */
	if (!mmap->build_id_size && !build_id && mmap->path[0] == '[') {
		snprintf(name, sizeof(name), "%.*s]", (int)strcspn(mmap->path, "]"), mmap->path);
		build_id = hvp_perfdata_find_build_id(source->file, name);
	}
	if (build_id) {
		memcpy(mmap->build_id, build_id->bytes, build_id->size);
		mmap->build_id_size = build_id->size;
	}
	if (mmap->pid == HVP_PID_KERNEL)
		mmap->path = module_name(mmap->path, name, sizeof(name));
	return source->sink.record(source->sink.arg, record);
}

static struct hvp_error *deliver_lost(struct perfdata_source *source, enum hvp_lost_where where,
				      uint64_t samples)
{
	const struct hvp_record record = {.type = HVP_RECORD_LOST,
					  .time = source->progress.last_time,
					  .lost = {.where = where, .samples = samples}};

	return source->sink.record(source->sink.arg, &record);
}

/*
 * The attribute of the event that a record is of; the first one for those that perf itself made up.
 */
static size_t attr_of(const struct perfdata_source *source, const void *record)
{
	size_t first = source->events.first_attr;
	uint64_t id, index;

	if (!hvp_perfdata_layout_id(&source->layouts[first], record, &id) ||
	    !hvp_map_get(&source->file->attr_of_id, id, &index))
		return first;
	return (size_t)index;
}

static bool is_of_guest(const struct perf_event_header *header)
{
	unsigned int mode = header->misc & PERF_RECORD_MISC_CPUMODE_MASK;

	return mode == PERF_RECORD_MISC_GUEST_KERNEL || mode == PERF_RECORD_MISC_GUEST_USER;
}

/* Mappings that say nothing about the host's code. */
static bool is_unwanted(struct perfdata_source *source, const struct perf_event_header *header)
{
	bool is_mapping = header->type == PERF_RECORD_MMAP || header->type == PERF_RECORD_MMAP2;

	if (is_mapping && is_of_guest(header)) {
		source->guest_mappings++;
		return true;
	}
	return header->type == PERF_RECORD_MMAP && (header->misc & PERF_RECORD_MISC_MMAP_DATA);
}

static struct hvp_error *deliver_parsed(struct perfdata_source *source,
					const struct hvp_perfdata_attr *attr,
					struct hvp_perf_parsed *parsed)
{
	switch (parsed->kind) {
	case HVP_PERF_SAMPLE: return deliver_sample(source, attr, &parsed->sample);
	case HVP_PERF_RECORD:
		if (parsed->record.type == HVP_RECORD_MMAP)
			return deliver_mapping(source, &parsed->record);
		return source->sink.record(source->sink.arg, &parsed->record);
	case HVP_PERF_LOST:
	case HVP_PERF_LOST_SAMPLES: return deliver_lost(source, HVP_LOST_RING, parsed->lost);
	case HVP_PERF_MALFORMED: source->malformed++; return NULL;
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

/* A record that the kernel wrote. */
static struct hvp_error *take_kernel_record(struct perfdata_source *source,
					    const struct perf_event_header *header,
					    const void *record)
{
	bool is_sample = header->type == PERF_RECORD_SAMPLE;
	const struct hvp_perfdata_layout *layout;
	struct hvp_perf_parsed parsed;
	size_t index;

	if (is_unwanted(source, header))
		return NULL;
	index = attr_of(source, record);
	layout = &source->layouts[index];
	if (is_sample && source->file->attrs[index].event == HVP_PERFDATA_NO_EVENT)
		return NULL;
	if (!hvp_perfdata_layout_apply(layout, record, source->words)) {
		source->malformed++;
		return NULL;
	}
	mend_misc(&source->file->attrs[index].attr, (struct perf_event_header *)source->words);
	source->parser.sample_type = is_sample ? layout->sample_type : layout->id_type;
	hvp_perf_parse(&source->parser, (const struct perf_event_header *)source->words, &parsed);
	if (parsed.kind == HVP_PERF_MALFORMED)
		hvp_log(source->log, HVP_LOG_DEBUG, HVP_LOG_SOURCE,
			"%s: before offset %#" PRIx64 ": record of type %u, %u bytes, makes no "
			"sense",
			source->file->path, source->input.offset, header->type, header->size);
	return deliver_parsed(source, &source->file->attrs[index], &parsed);
}

static struct hvp_error *take_records(struct perfdata_source *source, struct window *window);

/* What is left moves to the front, so that there is room for a block behind it. */
static void window_compact(struct window *window)
{
	memmove(window->data, window->data + window->begin, window->end - window->begin);
	window->end -= window->begin;
	window->begin = 0;
}

/*
 * One zstd stream goes through all compressed records; what comes out of one may end within a
 * record.
 */
static struct hvp_error *take_compressed(struct perfdata_source *source, uint64_t offset,
					 const uint8_t *data, size_t size)
{
	ZSTD_inBuffer in = {data, size, 0};
	ZSTD_outBuffer out;
	size_t status;

	source->plain.offset = offset;
	do {
		window_compact(&source->plain);
		out = (ZSTD_outBuffer){source->plain.data + source->plain.end, BLOCK, 0};
		status = ZSTD_decompressStream(source->zstd, &out, &in);
		if (ZSTD_isError(status))
			return give_up(source, offset, ZSTD_getErrorName(status));
		source->plain.end += out.pos;
		hvp_try(take_records(source, &source->plain));
	} while (!source->is_ended && (in.pos < in.size || out.pos == out.size));
	return NULL;
}

static struct hvp_error *take_compressed_record(struct perfdata_source *source,
						const struct window *window, uint64_t offset,
						const struct perf_event_header *header,
						const uint8_t *body)
{
	size_t size = header->size - sizeof(*header);
	uint64_t used;

	if (window == &source->plain)
		return give_up(source, offset, "a compressed record within a compressed one");
	if (header->type == HVP_PERFDATA_COMPRESSED)
		return take_compressed(source, offset, body, size);
	/* The newer kind says how much of it is data, so that it can be padded. */
	if (size < sizeof(used))
		return give_up(source, offset, "a compressed record that is too short");
	memcpy(&used, body, sizeof(used));
	if (used > size - sizeof(used))
		return give_up(source, offset, "a compressed record that is too short");
	return take_compressed(source, offset, body + sizeof(used), used);
}

static struct hvp_error *skip_behind(struct perfdata_source *source,
				     const struct perf_event_header *header, const uint8_t *body)
{
	size_t size = header->size - sizeof(*header);
	uint32_t tracing_size;

	if (header->type == HVP_PERFDATA_AUXTRACE && size >= sizeof(source->skip)) {
		memcpy(&source->skip, body, sizeof(source->skip));
		source->aux_bytes += source->skip;
	} else if (header->type == HVP_PERFDATA_TRACING_DATA && size >= sizeof(tracing_size)) {
		memcpy(&tracing_size, body, sizeof(tracing_size));
		source->skip = tracing_size;
	}
	return NULL;
}

/* A record of perf's own. */
static struct hvp_error *take_own_record(struct perfdata_source *source,
					 const struct window *window, uint64_t offset,
					 const struct perf_event_header *header,
					 const uint8_t *body)
{
	struct hvp_reader reader;

	switch (header->type) {
	case HVP_PERFDATA_COMPRESSED:
	case HVP_PERFDATA_COMPRESSED2:
		return take_compressed_record(source, window, offset, header, body);
	case HVP_PERFDATA_AUXTRACE:
	case HVP_PERFDATA_TRACING_DATA: return skip_behind(source, header, body);
	/* Events cannot come once the session knows them; perf writes them first. */
	case HVP_PERFDATA_FEATURE:
	case HVP_PERFDATA_BUILD_ID:
		if (!source->file->is_stream)
			return NULL;
		hvp_reader_init(&reader, source->file->path, body, header->size - sizeof(*header),
				offset + sizeof(*header));
		return hvp_perfdata_take_record(source->file, header, &reader);
	default: return NULL;
	}
}

static bool peek(const struct window *window, struct perf_event_header *ret)
{
	if (window->end - window->begin < sizeof(*ret))
		return false;
	memcpy(ret, window->data + window->begin, sizeof(*ret));
	return true;
}

static bool is_whole(const struct window *window, const struct perf_event_header *header)
{
	return window->end - window->begin >= header->size;
}

/* All whole records of a window. */
static struct hvp_error *take_records(struct perfdata_source *source, struct window *window)
{
	struct perf_event_header header;

	while (!source->is_ended && !source->skip && peek(window, &header)) {
		const uint8_t *record = window->data + window->begin;
		uint64_t offset = window->offset;

		if (header.size < sizeof(header))
			return give_up(source, offset, "a record smaller than its own header");
		if (!is_whole(window, &header))
			return NULL;
		window->begin += header.size;
		if (window == &source->input)
			window->offset += header.size;
		if (header.type < HVP_PERFDATA_FIRST_OWN)
			hvp_try(take_kernel_record(source, &header, record));
		else
			hvp_try(take_own_record(source, window, offset, &header,
						record + sizeof(header)));
	}
	return NULL;
}

/* Reads a block behind what the window has; nothing more when `*ret_size` is 0. */
static struct hvp_error *fill(struct perfdata_source *source, size_t *ret_size)
{
	struct window *window = &source->input;
	uint64_t at, left;
	ssize_t n;

	window_compact(window);
	at = window->offset + window->end;
	left = source->file->data_end - at;
	if (left > BLOCK)
		left = BLOCK;
	do
		n = read(source->file->fd, window->data + window->end, left);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return hvp_error_from_errno(errno, "%s: offset %#" PRIx64 ": read",
					    source->file->path, at);
	window->end += (size_t)n;
	*ret_size = (size_t)n;
	return NULL;
}

static void pass_over(struct perfdata_source *source)
{
	struct window *window = &source->input;
	size_t size = window->end - window->begin;

	if (size > source->skip)
		size = (size_t)source->skip;
	window->begin += size;
	window->offset += size;
	source->skip -= size;
}

/* The end of the file, where perf says it is or earlier. */
static struct hvp_error *end(struct perfdata_source *source)
{
	const struct hvp_perfdata *file = source->file;
	const struct window *window = &source->input;
	uint64_t at = window->offset + (window->end - window->begin);

	source->is_ended = true;
	if (file->is_unfinished) {
		source->progress.is_degraded = true;
		hvp_try(note(source, "perf record did not finish this file; it ends at %#" PRIx64,
			     at));
	} else if (file->data_end != UINT64_MAX && at < file->data_end) {
		source->progress.is_degraded = true;
		hvp_try(note(source,
			     "the file ends at %#" PRIx64 ", its records should end at %#" PRIx64
			     ": it was not copied whole",
			     at, file->data_end));
	}
	if (window->begin == window->end && source->plain.begin == source->plain.end &&
	    !source->skip)
		return NULL;
	source->progress.is_degraded = true;
	return note(source, "the last record, at %#" PRIx64 ", is cut short", window->offset);
}

/* All that the window has, records and what is no record between them. */
static struct hvp_error *take_input(struct perfdata_source *source)
{
	do {
		pass_over(source);
		hvp_try(take_records(source, &source->input));
	} while (source->skip && source->input.begin < source->input.end);
	return NULL;
}

static struct hvp_error *perfdata_drain(struct hvp_source *base, bool *ret_more)
{
	struct perfdata_source *source = of(base);
	size_t size;

	for (size_t done = 0; done < DRAIN_BYTES && !source->is_ended; done += size) {
		/* Some of a stream was read by open(). */
		hvp_try(take_input(source));
		if (source->is_ended)
			break;
		hvp_try(fill(source, &size));
		if (!size)
			hvp_try(end(source));
	}
	source->progress.done = source->input.offset;
	*ret_more = !source->is_ended;
	return NULL;
}

/* A stream has its events as records, before those of the kernel. */
static struct hvp_error *take_stream_head(struct perfdata_source *source)
{
	struct window *window = &source->input;
	struct perf_event_header header;
	struct hvp_reader body;
	size_t size;

	for (;;) {
		pass_over(source);
		if (source->skip || !peek(window, &header) || !is_whole(window, &header)) {
			hvp_try(fill(source, &size));
			if (!size)
				return NULL;
			continue;
		}
		if (header.size < sizeof(header) || header.type < HVP_PERFDATA_FIRST_OWN ||
		    header.type == HVP_PERFDATA_COMPRESSED ||
		    header.type == HVP_PERFDATA_COMPRESSED2)
			return NULL;
		hvp_reader_init(&body, source->file->path,
				window->data + window->begin + sizeof(header),
				header.size - sizeof(header), window->offset + sizeof(header));
		window->begin += header.size;
		window->offset += header.size;
		hvp_try(skip_behind(source, &header, body.begin));
		hvp_try(hvp_perfdata_take_record(source->file, &header, &body));
	}
}

static struct hvp_error *init_buffers(struct perfdata_source *source)
{
	source->input.data = malloc(BLOCK + MAX_RECORD);
	source->plain.data = malloc(BLOCK + MAX_RECORD);
	source->zstd = ZSTD_createDStream();
	if (!source->input.data || !source->plain.data || !source->zstd)
		return hvp_error_no_memory;
	ZSTD_initDStream(source->zstd);
	return NULL;
}

static struct hvp_error *init_layouts(struct perfdata_source *source)
{
	const struct hvp_perfdata *file = source->file;
	const struct hvp_perfdata_layout *first;

	source->layouts = calloc(file->num_attrs, sizeof(*source->layouts));
	if (!source->layouts)
		return hvp_error_no_memory;
	for (size_t i = 0; i < file->num_attrs; i++)
		hvp_perfdata_layout_init(&file->attrs[i].attr, &source->layouts[i]);
	first = &source->layouts[source->events.first_attr];
	if (source->events.num > 1 && first->sample_id_at < 0)
		return hvp_error_create(HVP_ERROR_UNSUPPORTED,
					"%s has %zu events, and its samples do not say of which "
					"they are; record with perf record --sample-identifier",
					file->path, source->events.num);
	return NULL;
}

static struct hvp_error *note_missing_fields(struct perfdata_source *source)
{
	const uint64_t type = source->file->attrs[source->events.first_attr].attr.sample_type;

	if (!(type & PERF_SAMPLE_TIME))
		hvp_try(note(source, "its samples have no time: mappings that changed while perf "
				     "recorded may be mixed up; record with perf record -T"));
	if (!(type & PERF_SAMPLE_TID))
		hvp_try(note(source, "its samples do not say which process ran: user code and "
				     "guests cannot be told apart"));
	if (!(type & PERF_SAMPLE_CPU))
		hvp_try(note(source, "its samples do not say which CPU they are from: all are put "
				     "on CPU 0; record with perf record --sample-cpu"));
	return NULL;
}

static void perfdata_destroy(struct hvp_source *base)
{
	struct perfdata_source *source = of(base);

	hvp_perfdata_events_deinit(&source->events);
	hvp_perfdata_destroy(source->file);
	ZSTD_freeDStream(source->zstd);
	free(source->input.data);
	free(source->plain.data);
	free(source->layouts);
	free(source);
}

static struct hvp_error *perfdata_probe(const struct hvp_host_roots *roots)
{
	(void)roots;
	return NULL;
}

static struct hvp_error *perfdata_open(const struct hvp_record_config *config,
				       const struct hvp_sink *sink, const struct hvp_log *log,
				       struct hvp_source **ret)
{
	struct perfdata_source *source = calloc(1, sizeof(*source));
	const char *release;

	if (!source)
		return hvp_error_no_memory;
	source->base.ops = &hvp_perfdata_source_ops;
	source->sink = *sink;
	source->log = log;
	hvp_scope(hvp_source_destroy_scope) struct hvp_source *owner = &source->base;
	if (!config->input)
		return hvp_error_create(HVP_ERROR_USAGE,
					"perf.data as a source is read by hvprof import FILE");
	hvp_try(hvp_perfdata_open(config->input, &source->file));
	source->input.offset = source->file->data_begin;
	if (source->file->file_size != UINT64_MAX)
		source->progress.total = source->file->file_size;
	hvp_try(init_buffers(source));
	if (source->file->is_stream)
		hvp_try(take_stream_head(source));
	hvp_try(hvp_perfdata_events_init(source->file, &source->events));
	source->parser.event_of_id = &source->events.event_of_id;
	release = hvp_perfdata_fact(source->file, HVP_INFO_KERNEL);
	source->parser.guest_mode_by_address = release && hvp_perf_has_stale_guest_mode(release);
	hvp_try(init_layouts(source));
	hvp_log(log, HVP_LOG_DEBUG, HVP_LOG_SOURCE, "%s: %zu attributes, %zu events, %zu build ids",
		source->file->path, source->file->num_attrs, source->events.num,
		source->file->num_build_ids);
	*ret = hvp_take(owner);
	return NULL;
}

static const struct hvp_event_info *perfdata_events(const struct hvp_source *source,
						    size_t *ret_num)
{
	*ret_num = of(source)->events.num;
	return of(source)->events.items;
}

/* perf wrote the state of the world in front of the samples; it is drained with them. */
static struct hvp_error *perfdata_start(struct hvp_source *source)
{
	return note_missing_fields(of(source));
}

static int perfdata_poll_fd(const struct hvp_source *source)
{
	(void)source;
	return -1;
}

static struct hvp_error *perfdata_stop(struct hvp_source *base)
{
	struct perfdata_source *source = of(base);

	if (source->guest_mappings)
		hvp_try(note(source,
			     "%" PRIu64
			     " mappings of guests were left out: name the guests' images "
			     "to the report with --guest",
			     source->guest_mappings));
	if (source->aux_bytes)
		hvp_try(note(source, "%" PRIu64 " bytes of AUX area trace were left out",
			     source->aux_bytes));
	if (!source->malformed)
		return NULL;
	source->progress.is_degraded = true;
	hvp_try(note(source, "%" PRIu64 " records contradict themselves and count as lost",
		     source->malformed));
	return deliver_lost(source, HVP_LOST_COLLECTOR, source->malformed);
}

void hvp_perfdata_source_progress(const struct hvp_source *source,
				  struct hvp_perfdata_progress *ret)
{
	*ret = of(source)->progress;
}

const struct hvp_perfdata *hvp_perfdata_source_file(const struct hvp_source *source)
{
	return of(source)->file;
}

const struct hvp_source_ops hvp_perfdata_source_ops = {
	.name = "perf.data",
	.summary = "a file that perf record or perf kvm record wrote, for hvprof import",
	.probe = perfdata_probe,
	.open = perfdata_open,
	.events = perfdata_events,
	.start = perfdata_start,
	.poll_fd = perfdata_poll_fd,
	.drain = perfdata_drain,
	.stop = perfdata_stop,
	.destroy = perfdata_destroy,
};
