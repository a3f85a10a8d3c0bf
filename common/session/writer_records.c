/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything of a session but the samples: facts, events, strings, records, blobs. */
#include <string.h>

#include "common/session/layout.h"
#include "common/session/writer_internal.h"

/* Of a blob, in one chunk. */
#define BLOB_PIECE (1u << 20)

/* A number field of any width. */
static uint64_t field_number(const struct hvp_record *record, const struct hvp_field_layout *field)
{
	const uint8_t *at = (const uint8_t *)record + field->offset;
	uint64_t wide;
	uint32_t word;
	uint16_t half;

	switch (field->width) {
	case sizeof(half): memcpy(&half, at, sizeof(half)); return half;
	case sizeof(word): memcpy(&word, at, sizeof(word)); return word;
	case sizeof(wide): memcpy(&wide, at, sizeof(wide)); return wide;
	default: return *at;
	}
}

static uint64_t field_string(struct hvp_string_table *strings, const struct hvp_record *record,
			     const struct hvp_field_layout *field)
{
	const char *text;

	memcpy(&text, (const uint8_t *)record + field->offset, sizeof(text));
	return hvp_string_table_add(strings, text, text ? strnlen(text, HVP_MAX_STRING) : 0);
}

static uint64_t field_build_id(struct hvp_string_table *strings, const struct hvp_record *record,
			       const struct hvp_field_layout *field)
{
	const uint8_t *bytes = (const uint8_t *)record;
	size_t size = bytes[field->size_offset];

	return hvp_string_table_add(strings, bytes + field->offset,
				    size < HVP_BUILD_ID_MAX ? size : HVP_BUILD_ID_MAX);
}

static struct hvp_error *queue_blob(struct hvp_session_writer *writer, uint64_t number,
				    const struct hvp_record_blob *blob)
{
	struct hvp_buf *buf = &writer->payload;

	/* An empty one has one empty piece. */
	for (size_t done = 0; done < blob->size || !done;) {
		size_t size = blob->size - done < BLOB_PIECE ? blob->size - done : BLOB_PIECE;

		hvp_buf_clear(buf);
		hvp_buf_add_varint(buf, number);
		hvp_buf_add_varint(buf, blob->size);
		hvp_buf_add_varint(buf, done);
		if (size)
			hvp_buf_add_bytes(buf, blob->data + done, size);
		hvp_try(hvp_buf_check(buf));
		hvp_try(hvp_output_chunk(&writer->output, HVP_CHUNK_BLOB, HVP_CODEC_ZSTD, buf->data,
					 buf->size, 0));
		done += size;
		if (!blob->size)
			break;
	}
	return NULL;
}

/*
 * Its contents go ahead of the record, and into the queue at once: nothing else is in it, so that
 * it never holds more than one blob.
 */
static struct hvp_error *put_blob(struct hvp_session_writer *writer,
				  const struct hvp_record_blob *blob, uint64_t *ret)
{
	struct hvp_output before;
	struct hvp_error *err;

	if (blob->size > HVP_MAX_BLOB)
		return hvp_error_create(
			HVP_ERROR_UNSUPPORTED,
			"%s: %zu bytes are more than a session takes in one piece (%u)",
			blob->path ? blob->path : "", blob->size, HVP_MAX_BLOB);
	hvp_try(hvp_writer_drain(writer));
	before = writer->output;
	err = queue_blob(writer, writer->next_blob, blob);
	if (err) {
		hvp_output_rewind(&writer->output, &before);
		return err;
	}
	*ret = writer->next_blob++;
	return NULL;
}

struct hvp_error *hvp_writer_put_record(struct hvp_session_writer *writer,
					const struct hvp_record *record)
{
	const struct hvp_record_layout *layout = hvp_record_layout_find(record->type);
	/* Type, time and size, then fields of up to 10 bytes. */
	uint8_t fields[160], *at = fields;
	struct hvp_buf *buf = &writer->records;
	uint64_t blob = 0;

	if (!layout)
		return hvp_error_create(HVP_ERROR_USAGE, "%s: there is no record type %d",
					writer->path, record->type);
	if (record->type == HVP_RECORD_BLOB)
		hvp_try(put_blob(writer, &record->blob, &blob));
	for (size_t i = 0; i < layout->num_fields; i++) {
		const struct hvp_field_layout *field = &layout->fields[i];
		uint64_t number = blob;

		if (field->kind == HVP_FIELD_NUMBER)
			number = field_number(record, field);
		else if (field->kind == HVP_FIELD_STRING)
			number = field_string(&writer->strings, record, field);
		else if (field->kind == HVP_FIELD_BUILD_ID)
			number = field_build_id(&writer->strings, record, field);
		at = hvp_put_varint(at, number);
	}
	if (writer->strings.new_strings.failed) {
		writer->strings.new_strings.failed = false;
		return hvp_error_no_memory;
	}
	if (!hvp_buf_reserve(buf, 30 + (size_t)(at - fields))) {
		buf->failed = false;
		return hvp_error_no_memory;
	}
	hvp_buf_add_varint(buf, record->type);
	hvp_buf_add_signed(buf, (int64_t)(record->time - writer->record_time));
	hvp_buf_add_varint(buf, (uint64_t)(at - fields));
	hvp_buf_add_bytes(buf, fields, (size_t)(at - fields));
	writer->record_time = record->time;
	writer->num_records++;
	return NULL;
}

struct hvp_error *hvp_writer_put_losses(struct hvp_session_writer *writer)
{
	struct hvp_record record = {
		.type = HVP_RECORD_LOST,
		.time = writer->last_time,
		.lost = {.cpu = UINT32_MAX,
			 .where = HVP_LOST_FILE,
			 .samples = writer->new_lost_samples,
			 .records = writer->new_lost_records},
	};

	if (!record.lost.samples && !record.lost.records)
		return NULL;
	hvp_try(hvp_writer_put_record(writer, &record));
	writer->new_lost_samples = 0;
	writer->new_lost_records = 0;
	return NULL;
}

/* A chunk of `first`, the number of items, and the items; nothing when there are none. */
static struct hvp_error *queue_items(struct hvp_session_writer *writer, enum hvp_chunk_type type,
				     uint64_t first, size_t num, const struct hvp_buf *items)
{
	struct hvp_buf *buf = &writer->payload;

	if (!num)
		return NULL;
	hvp_buf_clear(buf);
	hvp_buf_add_varint(buf, first);
	hvp_buf_add_varint(buf, num);
	hvp_buf_add_bytes(buf, items->data, items->size);
	hvp_try(hvp_buf_check(buf));
	return hvp_output_chunk(&writer->output, type, HVP_CODEC_ZSTD, buf->data, buf->size,
				(uint32_t)num);
}

static struct hvp_error *queue_all_items(struct hvp_session_writer *writer)
{
	struct hvp_string_table *strings = &writer->strings;

	hvp_try(queue_items(writer, HVP_CHUNK_INFO, 0, writer->num_info, &writer->info));
	hvp_try(queue_items(writer, HVP_CHUNK_EVENTS, writer->next_event - writer->num_events,
			    writer->num_events, &writer->events));
	hvp_try(queue_items(writer, HVP_CHUNK_STRINGS, strings->next - strings->num_new,
			    strings->num_new, &strings->new_strings));
	return queue_items(writer, HVP_CHUNK_RECORDS, 0, writer->num_records, &writer->records);
}

struct hvp_error *hvp_writer_queue_records(struct hvp_session_writer *writer)
{
	struct hvp_output before = writer->output;
	struct hvp_error *err = queue_all_items(writer);

	if (err) {
		hvp_output_rewind(&writer->output, &before);
		return err;
	}
	hvp_buf_clear(&writer->info);
	hvp_buf_clear(&writer->events);
	hvp_buf_clear(&writer->strings.new_strings);
	hvp_buf_clear(&writer->records);
	writer->num_info = 0;
	writer->num_events = 0;
	writer->strings.num_new = 0;
	writer->num_records = 0;
	writer->record_time = 0;
	return NULL;
}
