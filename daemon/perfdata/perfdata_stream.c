/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/perfdata/perfdata_stream.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_RECORD 65536u
/* Read at once; a window also has room for one record that is not whole yet. */
#define BLOCK (256u << 10)
/* Read in one drain, so that a caller can look at the clock and at Ctrl-C. */
#define DRAIN_BYTES (8u << 20)

struct hvp_error *hvp_perfdata_stream_init(struct hvp_perfdata *file,
					   struct hvp_perfdata_delivery *delivery,
					   struct hvp_perfdata_stream *ret)
{
	*ret = (struct hvp_perfdata_stream){
		.file = file,
		.delivery = delivery,
		.input = {.data = malloc(BLOCK + MAX_RECORD), .offset = file->data_begin},
		.plain = {.data = malloc(BLOCK + MAX_RECORD)},
		.zstd = ZSTD_createDStream(),
	};
	if (!ret->input.data || !ret->plain.data || !ret->zstd)
		return hvp_error_no_memory;
	ZSTD_initDStream(ret->zstd);
	return NULL;
}

void hvp_perfdata_stream_deinit(struct hvp_perfdata_stream *stream)
{
	ZSTD_freeDStream(stream->zstd);
	free(stream->input.data);
	free(stream->plain.data);
}

/* The rest of the file cannot be made sense of: what was read stays. */
static struct hvp_error *give_up(struct hvp_perfdata_stream *stream, uint64_t offset,
				 const char *why)
{
	stream->is_ended = true;
	stream->delivery->progress.is_degraded = true;
	return hvp_perfdata_note(stream->delivery,
				 "offset %#" PRIx64 ": %s; what stands behind it was left out",
				 offset, why);
}

static struct hvp_error *take_records(struct hvp_perfdata_stream *stream,
				      struct hvp_perfdata_window *window);

/* What is left moves to the front, so that there is room for a block behind it. */
static void window_compact(struct hvp_perfdata_window *window)
{
	memmove(window->data, window->data + window->begin, window->end - window->begin);
	window->end -= window->begin;
	window->begin = 0;
}

/*
 * One zstd stream goes through all compressed records; what comes out of one may end within a
 * record.
 */
static struct hvp_error *take_compressed(struct hvp_perfdata_stream *stream, uint64_t offset,
					 const uint8_t *data, size_t size)
{
	ZSTD_inBuffer in = {data, size, 0};
	ZSTD_outBuffer out;
	size_t status;

	stream->plain.offset = offset;
	do {
		window_compact(&stream->plain);
		out = (ZSTD_outBuffer){stream->plain.data + stream->plain.end, BLOCK, 0};
		status = ZSTD_decompressStream(stream->zstd, &out, &in);
		if (ZSTD_isError(status))
			return give_up(stream, offset, ZSTD_getErrorName(status));
		stream->plain.end += out.pos;
		hvp_try(take_records(stream, &stream->plain));
	} while (!stream->is_ended && (in.pos < in.size || out.pos == out.size));
	return NULL;
}

static struct hvp_error *
take_compressed_record(struct hvp_perfdata_stream *stream, const struct hvp_perfdata_window *window,
		       uint64_t offset, const struct perf_event_header *header, const uint8_t *body)
{
	size_t size = header->size - sizeof(*header);
	uint64_t used;

	if (window == &stream->plain)
		return give_up(stream, offset, "a compressed record within a compressed one");
	if (header->type == HVP_PERFDATA_COMPRESSED)
		return take_compressed(stream, offset, body, size);
	/* The newer kind says how much of it is data, so that it can be padded. */
	if (size < sizeof(used))
		return give_up(stream, offset, "a compressed record that is too short");
	memcpy(&used, body, sizeof(used));
	if (used > size - sizeof(used))
		return give_up(stream, offset, "a compressed record that is too short");
	return take_compressed(stream, offset, body + sizeof(used), used);
}

static struct hvp_error *skip_behind(struct hvp_perfdata_stream *stream,
				     const struct perf_event_header *header, const uint8_t *body)
{
	size_t size = header->size - sizeof(*header);
	uint32_t tracing_size;

	if (header->type == HVP_PERFDATA_AUXTRACE && size >= sizeof(stream->skip)) {
		memcpy(&stream->skip, body, sizeof(stream->skip));
		stream->aux_bytes += stream->skip;
	} else if (header->type == HVP_PERFDATA_TRACING_DATA && size >= sizeof(tracing_size)) {
		memcpy(&tracing_size, body, sizeof(tracing_size));
		stream->skip = tracing_size;
	}
	return NULL;
}

/* A record of perf's own. */
static struct hvp_error *take_own_record(struct hvp_perfdata_stream *stream,
					 const struct hvp_perfdata_window *window, uint64_t offset,
					 const struct perf_event_header *header,
					 const uint8_t *body)
{
	struct hvp_reader reader;

	switch (header->type) {
	case HVP_PERFDATA_COMPRESSED:
	case HVP_PERFDATA_COMPRESSED2:
		return take_compressed_record(stream, window, offset, header, body);
	case HVP_PERFDATA_AUXTRACE:
	case HVP_PERFDATA_TRACING_DATA:
		/* Only the file's own bytes are passed over; what was compressed is all records. */
		if (window == &stream->plain)
			return give_up(stream, offset, "other data within a compressed record");
		return skip_behind(stream, header, body);
	/* Events cannot come once the session knows them; perf writes them first. */
	case HVP_PERFDATA_FEATURE:
	case HVP_PERFDATA_BUILD_ID:
		if (!stream->file->is_stream)
			return NULL;
		hvp_reader_init(&reader, stream->file->path, body, header->size - sizeof(*header),
				offset + sizeof(*header));
		return hvp_perfdata_take_record(stream->file, header, &reader);
	default: return NULL;
	}
}

static bool peek(const struct hvp_perfdata_window *window, struct perf_event_header *ret)
{
	if (window->end - window->begin < sizeof(*ret))
		return false;
	memcpy(ret, window->data + window->begin, sizeof(*ret));
	return true;
}

static bool is_whole(const struct hvp_perfdata_window *window,
		     const struct perf_event_header *header)
{
	return window->end - window->begin >= header->size;
}

/* All whole records of a window. */
static struct hvp_error *take_records(struct hvp_perfdata_stream *stream,
				      struct hvp_perfdata_window *window)
{
	struct perf_event_header header;

	while (!stream->is_ended && !stream->skip && peek(window, &header)) {
		const uint8_t *record = window->data + window->begin;
		uint64_t offset = window->offset;

		if (header.size < sizeof(header))
			return give_up(stream, offset, "a record smaller than its own header");
		if (!is_whole(window, &header))
			return NULL;
		window->begin += header.size;
		if (window == &stream->input)
			window->offset += header.size;
		if (header.type < HVP_PERFDATA_FIRST_OWN)
			hvp_try(hvp_perfdata_deliver(stream->delivery, offset, &header, record));
		else
			hvp_try(take_own_record(stream, window, offset, &header,
						record + sizeof(header)));
	}
	return NULL;
}

/* Reads a block behind what the window has; nothing more when `*ret_size` is 0. */
static struct hvp_error *fill(struct hvp_perfdata_stream *stream, size_t *ret_size)
{
	struct hvp_perfdata_window *window = &stream->input;
	uint64_t at, left;
	ssize_t n;

	window_compact(window);
	at = window->offset + window->end;
	left = stream->file->data_end - at;
	if (left > BLOCK)
		left = BLOCK;
	do
		n = read(stream->file->fd, window->data + window->end, left);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return hvp_error_from_errno(errno, "%s: offset %#" PRIx64 ": read",
					    stream->file->path, at);
	window->end += (size_t)n;
	*ret_size = (size_t)n;
	return NULL;
}

static void pass_over(struct hvp_perfdata_stream *stream)
{
	struct hvp_perfdata_window *window = &stream->input;
	size_t size = window->end - window->begin;

	if (size > stream->skip)
		size = (size_t)stream->skip;
	window->begin += size;
	window->offset += size;
	stream->skip -= size;
}

/* The end of the file, where perf says it is or earlier. */
static struct hvp_error *end(struct hvp_perfdata_stream *stream)
{
	const struct hvp_perfdata *file = stream->file;
	const struct hvp_perfdata_window *window = &stream->input;
	uint64_t at = window->offset + (window->end - window->begin);

	stream->is_ended = true;
	if (file->is_unfinished) {
		stream->delivery->progress.is_degraded = true;
		hvp_try(hvp_perfdata_note(
			stream->delivery,
			"perf record did not finish this file; it ends at %#" PRIx64, at));
	} else if (file->data_end != UINT64_MAX && at < file->data_end) {
		stream->delivery->progress.is_degraded = true;
		hvp_try(hvp_perfdata_note(stream->delivery,
					  "the file ends at %#" PRIx64
					  ", its records should end at %#" PRIx64
					  ": it was not copied whole",
					  at, file->data_end));
	}
	if (window->begin == window->end && stream->plain.begin == stream->plain.end &&
	    !stream->skip)
		return NULL;
	stream->delivery->progress.is_degraded = true;
	return hvp_perfdata_note(stream->delivery, "the last record, at %#" PRIx64 ", is cut short",
				 window->offset);
}

/* All that the window has, records and what is no record between them. */
static struct hvp_error *take_input(struct hvp_perfdata_stream *stream)
{
	do {
		pass_over(stream);
		hvp_try(take_records(stream, &stream->input));
	} while (stream->skip && stream->input.begin < stream->input.end);
	return NULL;
}

struct hvp_error *hvp_perfdata_stream_drain(struct hvp_perfdata_stream *stream)
{
	size_t size;

	for (size_t done = 0; done < DRAIN_BYTES && !stream->is_ended; done += size) {
		/* Some of a stream was read with its head. */
		hvp_try(take_input(stream));
		if (stream->is_ended)
			break;
		hvp_try(fill(stream, &size));
		if (!size)
			hvp_try(end(stream));
	}
	stream->delivery->progress.done = stream->input.offset;
	return NULL;
}

struct hvp_error *hvp_perfdata_stream_read_head(struct hvp_perfdata_stream *stream)
{
	struct hvp_perfdata_window *window = &stream->input;
	struct perf_event_header header;
	struct hvp_reader body;
	size_t size;

	for (;;) {
		pass_over(stream);
		if (stream->skip || !peek(window, &header) || !is_whole(window, &header)) {
			hvp_try(fill(stream, &size));
			if (!size)
				return NULL;
			continue;
		}
		if (header.size < sizeof(header) || header.type < HVP_PERFDATA_FIRST_OWN ||
		    header.type == HVP_PERFDATA_COMPRESSED ||
		    header.type == HVP_PERFDATA_COMPRESSED2)
			return NULL;
		hvp_reader_init(&body, stream->file->path,
				window->data + window->begin + sizeof(header),
				header.size - sizeof(header), window->offset + sizeof(header));
		window->begin += header.size;
		window->offset += header.size;
		hvp_try(skip_behind(stream, &header, body.begin));
		hvp_try(hvp_perfdata_take_record(stream->file, &header, &body));
	}
}
