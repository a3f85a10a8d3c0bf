/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "common/base/array.h"
#include "common/session/reader_internal.h"

/* A varint length and the bytes. */
static struct hvp_error *read_bytes(struct hvp_reader *reader, const uint8_t **ret,
				    size_t *ret_size)
{
	uint64_t size;

	hvp_try(hvp_read_bounded(reader, "the length of a string", HVP_MAX_STRING, &size));
	*ret_size = (size_t)size;
	return hvp_read_bytes(reader, *ret_size, ret);
}

static struct hvp_error *read_text(struct hvp_session *session, struct hvp_reader *reader,
				   const char **ret, size_t *ret_size)
{
	const uint8_t *data;

	hvp_try(read_bytes(reader, &data, ret_size));
	hvp_try(hvp_session_charge(session, reader, *ret_size + 1));
	*ret = hvp_arena_strndup(&session->arena, (const char *)data, *ret_size);
	return *ret ? NULL : hvp_error_no_memory;
}

/* The head of every chunk of items: the first's number, how many. An item has a byte at least. */
static struct hvp_error *read_head(struct hvp_reader *reader, uint64_t *ret_first,
				   uint64_t *ret_num)
{
	hvp_try(hvp_read_varint(reader, ret_first));
	return hvp_read_bounded(reader, "the number of items", hvp_reader_left(reader), ret_num);
}

static struct hvp_error *set_info(struct hvp_session *session, const struct hvp_info_item *item)
{
	for (size_t i = 0; i < session->num_info; i++) {
		if (strcmp(session->info[i].key, item->key) == 0) {
			session->info[i].value = item->value;
			return NULL;
		}
	}
	hvp_try(hvp_array_reserve(&session->info, &session->info_capacity, session->num_info + 1,
				  sizeof(*session->info)));
	session->info[session->num_info++] = *item;
	return NULL;
}

struct hvp_error *hvp_load_info(struct hvp_session *session, struct hvp_reader *reader)
{
	uint64_t first, num;

	hvp_try(read_head(reader, &first, &num));
	for (uint64_t i = 0; i < num; i++) {
		struct hvp_info_item item;
		size_t size;

		if (session->num_facts++ >= HVP_MAX_INFO)
			return hvp_reader_error(reader, "more than %u facts", HVP_MAX_INFO);
		hvp_try(read_text(session, reader, &item.key, &size));
		hvp_try(read_text(session, reader, &item.value, &size));
		hvp_try(set_info(session, &item));
	}
	return NULL;
}

static struct hvp_error *read_event(struct hvp_session *session, struct hvp_reader *reader,
				    struct hvp_event_info *ret)
{
	uint64_t size, type;
	struct hvp_reader item;
	size_t length;

	hvp_try(hvp_read_bounded(reader, "the size of an event", hvp_reader_left(reader), &size));
	/* What a later version adds stands behind what is read here. */
	hvp_try(hvp_read_window(reader, (size_t)size, &item));
	hvp_try(read_text(session, &item, &ret->name, &length));
	hvp_try(read_text(session, &item, &ret->unit, &length));
	hvp_try(hvp_read_bounded(&item, "a perf event type", UINT32_MAX, &type));
	ret->perf_type = (uint32_t)type;
	hvp_try(hvp_read_varint(&item, &ret->perf_config));
	hvp_try(hvp_read_varint(&item, &ret->frequency));
	hvp_try(hvp_read_varint(&item, &ret->period));
	return read_text(session, &item, &ret->scope, &length);
}

struct hvp_error *hvp_load_events(struct hvp_session *session, struct hvp_reader *reader)
{
	uint64_t first, num;

	hvp_try(read_head(reader, &first, &num));
	if (num > HVP_MAX_EVENTS || first > HVP_MAX_EVENTS - num)
		return hvp_reader_error(reader, "more than %u events", HVP_MAX_EVENTS);
	hvp_try(hvp_array_reserve(&session->events, &session->events_capacity,
				  (size_t)(first + num) + 1, sizeof(*session->events)));
	/* Events of a damaged chunk before this one. */
	while (session->num_events < first)
		session->events[session->num_events++] =
			(struct hvp_event_info){.name = "[damaged]", .unit = "", .scope = ""};
	for (uint64_t i = 0; i < num; i++) {
		struct hvp_event_info event = {0};

		hvp_try(read_event(session, reader, &event));
		session->events[first + i] = event;
		if (session->num_events <= first + i)
			session->num_events = (size_t)(first + i) + 1;
	}
	return NULL;
}

static struct hvp_error *read_strings(struct hvp_session *session, struct hvp_reader *reader,
				      uint64_t num)
{
	hvp_try(hvp_session_charge(session, reader, num * sizeof(*session->strings)));
	hvp_try(hvp_array_reserve(&session->strings, &session->strings_capacity,
				  session->num_strings + (size_t)num, sizeof(*session->strings)));
	for (uint64_t i = 0; i < num; i++) {
		struct hvp_text *text = &session->strings[session->num_strings];
		size_t size;

		hvp_try(read_text(session, reader, &text->data, &size));
		text->size = (uint32_t)size;
		session->num_strings++;
	}
	return NULL;
}

struct hvp_error *hvp_load_strings(struct hvp_session *session, struct hvp_reader *reader)
{
	size_t before = session->num_strings;
	struct hvp_error *err;
	uint64_t first, num;
	bool is_above;

	hvp_try(read_head(reader, &first, &num));
	err = read_strings(session, reader, num);
	if (err) {
		session->num_strings = before;
		return err;
	}
	hvp_try(hvp_ranges_add(&session->string_ranges, first, num, before, &is_above));
	if (!is_above) {
		session->num_strings = before;
		return hvp_reader_error(reader, "strings from number %llu on are there already",
					(unsigned long long)first);
	}
	return NULL;
}

const struct hvp_text *hvp_session_text(const struct hvp_session *session, uint64_t number)
{
	size_t at = hvp_ranges_find(&session->string_ranges, number);

	return at == SIZE_MAX ? NULL : &session->strings[at];
}

/* The blob that a piece belongs to: the last one, or a new one with a higher number. */
static struct hvp_error *find_or_add_blob(struct hvp_session *session, struct hvp_reader *reader,
					  uint64_t number, uint64_t size,
					  struct hvp_blob_data **ret)
{
	struct hvp_blob_data *last =
		session->num_blobs ? &session->blobs[session->num_blobs - 1] : NULL;

	if (last && number < last->number)
		return hvp_reader_error(reader, "blob %llu comes too late",
					(unsigned long long)number);
	if (!last || number > last->number) {
		hvp_try(hvp_session_charge(session, reader, sizeof(*last)));
		hvp_try(hvp_array_reserve(&session->blobs, &session->blobs_capacity,
					  session->num_blobs + 1, sizeof(*session->blobs)));
		last = &session->blobs[session->num_blobs++];
		*last = (struct hvp_blob_data){.number = number, .size = size};
	}
	*ret = last;
	return NULL;
}

struct hvp_error *hvp_load_blob(struct hvp_session *session, struct hvp_reader *reader)
{
	struct hvp_blob_data *blob;
	uint64_t number, size, offset;
	size_t piece;

	hvp_try(hvp_read_varint(reader, &number));
	hvp_try(hvp_read_bounded(reader, "the size of a blob", HVP_MAX_BLOB, &size));
	hvp_try(hvp_read_bounded(reader, "the offset in a blob", size, &offset));
	hvp_try(find_or_add_blob(session, reader, number, size, &blob));
	piece = hvp_reader_left(reader);
	if (blob->size != size || blob->bytes.size != offset || piece > size - offset)
		return hvp_reader_error(reader,
					"a piece does not belong behind the others of blob %llu",
					(unsigned long long)number);
	hvp_try(hvp_session_charge(session, reader, piece));
	hvp_buf_add_bytes(&blob->bytes, reader->at, piece);
	return hvp_buf_check(&blob->bytes);
}

const struct hvp_blob_data *hvp_session_blob(const struct hvp_session *session, uint64_t number)
{
	size_t begin = 0, end = session->num_blobs;

	while (begin < end) {
		size_t middle = begin + (end - begin) / 2;

		if (session->blobs[middle].number < number)
			begin = middle + 1;
		else
			end = middle;
	}
	if (begin == session->num_blobs || session->blobs[begin].number != number)
		return NULL;
	return &session->blobs[begin];
}

struct hvp_error *hvp_load_end(struct hvp_session *session, struct hvp_reader *reader)
{
	struct hvp_session_end end;
	uint64_t samples;

	hvp_try(hvp_read_varint(reader, &end.start_time));
	hvp_try(hvp_read_varint(reader, &end.end_time));
	hvp_try(hvp_read_varint(reader, &end.collector_cpu_ns));
	hvp_try(hvp_read_varint(reader, &end.collector_rss_bytes));
	hvp_try(hvp_read_varint(reader, &samples));
	session->end = end;
	session->end_samples = samples;
	session->has_end = true;
	return NULL;
}

struct hvp_error *hvp_load_index(struct hvp_session *session, struct hvp_reader *reader)
{
	uint64_t before, num;

	hvp_try(read_head(reader, &before, &num));
	for (uint64_t i = 0; i < num; i++) {
		uint64_t type, offset, size, rows;

		hvp_try(hvp_read_varint(reader, &type));
		hvp_try(hvp_read_varint(reader, &offset));
		hvp_try(hvp_read_varint(reader, &size));
		hvp_try(hvp_read_bounded(reader, "the rows of a chunk", HVP_MAX_ROWS, &rows));
		if (type == HVP_CHUNK_SAMPLES)
			session->index_samples += rows;
	}
	return NULL;
}
