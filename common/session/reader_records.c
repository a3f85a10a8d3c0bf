/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/scope.h"
#include "common/session/layout.h"
#include "common/session/reader_internal.h"

/* Stands for a string whose chunk is damaged. */
#define DAMAGED_STRING "[damaged]"

/* A number field of any width; false when the value does not fit or is no known choice. */
static bool set_number(struct hvp_record *record, const struct hvp_field_layout *field,
		       uint64_t value)
{
	uint8_t *at = (uint8_t *)record + field->offset;
	uint32_t word = (uint32_t)value;
	uint16_t half = (uint16_t)value;

	if (field->max && value > field->max)
		return false;
	if (field->width < sizeof(value) && value >> (8 * field->width))
		return false;
	switch (field->width) {
	case sizeof(half): memcpy(at, &half, sizeof(half)); break;
	case sizeof(word): memcpy(at, &word, sizeof(word)); break;
	case sizeof(value): memcpy(at, &value, sizeof(value)); break;
	default: *at = (uint8_t)value; break;
	}
	return true;
}

static void set_string(const struct hvp_session *session, struct hvp_record *record,
		       const struct hvp_field_layout *field, uint64_t number)
{
	const struct hvp_text *text = number ? hvp_session_text(session, number) : NULL;
	const char *string = number ? DAMAGED_STRING : "";

	if (text)
		string = text->data;
	memcpy((uint8_t *)record + field->offset, &string, sizeof(string));
}

static void set_build_id(const struct hvp_session *session, struct hvp_record *record,
			 const struct hvp_field_layout *field, uint64_t number)
{
	const struct hvp_text *text = number ? hvp_session_text(session, number) : NULL;
	uint8_t *bytes = (uint8_t *)record;

	if (!text || text->size > HVP_BUILD_ID_MAX)
		return;
	memcpy(bytes + field->offset, text->data, text->size);
	bytes[field->size_offset] = (uint8_t)text->size;
}

/* A blob of which a piece is damaged is handed out as empty: half a symbol table misleads. */
static bool set_blob(const struct hvp_session *session, struct hvp_record *record, uint64_t number)
{
	const struct hvp_blob_data *blob = hvp_session_blob(session, number);

	record->blob.data = (const uint8_t *)"";
	record->blob.size = 0;
	if (!blob || blob->bytes.size != blob->size)
		return false;
	if (blob->size) {
		record->blob.data = blob->bytes.data;
		record->blob.size = blob->bytes.size;
	}
	return true;
}

static struct hvp_error *set_field(const struct hvp_session *session, struct hvp_record *record,
				   const struct hvp_field_layout *field, struct hvp_reader *reader,
				   uint64_t value)
{
	switch (field->kind) {
	case HVP_FIELD_NUMBER:
		if (!set_number(record, field, value))
			return hvp_reader_error(reader, "%llu is too large for the field %s",
						(unsigned long long)value, field->name);
		return NULL;
	case HVP_FIELD_STRING: set_string(session, record, field, value); return NULL;
	case HVP_FIELD_BUILD_ID: set_build_id(session, record, field, value); return NULL;
	case HVP_FIELD_BLOB:
		if (!set_blob(session, record, value))
			return hvp_reader_error(reader, "blob %llu is not whole",
						(unsigned long long)value);
		return NULL;
	}
	return NULL;
}

/*
 * Fields that are not there (an older file) are 0 or ""; what follows the known ones (a newer file)
 * is left out. All fields are set even if one is wrong: `record` can always be used.
 */
static struct hvp_error *read_fields(const struct hvp_session *session,
				     const struct hvp_record_layout *layout,
				     struct hvp_reader *reader, struct hvp_record *record)
{
	struct hvp_error *first = NULL;

	for (size_t i = 0; i < layout->num_fields; i++) {
		struct hvp_error *err = NULL;
		uint64_t value = 0;

		if (hvp_reader_left(reader))
			err = hvp_read_varint(reader, &value);
		if (err) {
			reader->at = reader->end;
			value = 0;
		}
		if (!err && (value || layout->fields[i].kind != HVP_FIELD_BLOB))
			err = set_field(session, record, &layout->fields[i], reader, value);
		if (layout->fields[i].kind == HVP_FIELD_STRING && err)
			set_string(session, record, &layout->fields[i], 0);
		if (first)
			hvp_error_destroy(err);
		else
			first = err;
	}
	return first;
}

/* What every record begins with; `ret_fields` is a window on the rest. */
static struct hvp_error *read_frame(struct hvp_reader *reader, uint64_t *ret_type,
				    uint64_t *ret_time, struct hvp_reader *ret_fields)
{
	uint64_t size;
	int64_t delta;

	hvp_try(hvp_read_varint(reader, ret_type));
	hvp_try(hvp_read_signed(reader, &delta));
	*ret_time += (uint64_t)delta;
	hvp_try(hvp_read_bounded(reader, "the size of a record", hvp_reader_left(reader), &size));
	return hvp_read_window(reader, (size_t)size, ret_fields);
}

static struct hvp_error *add_record(struct hvp_session *session, uint64_t type, uint64_t time,
				    struct hvp_reader *fields, struct hvp_error **ret_damage)
{
	const struct hvp_record_layout *layout = hvp_record_layout_find(type);
	struct hvp_record *record;
	struct hvp_error *err;

	/* A later version's. */
	if (!layout)
		return NULL;
	hvp_try(hvp_session_charge(session, fields, sizeof(*record)));
	hvp_try(hvp_array_reserve(&session->records, &session->records_capacity,
				  session->num_records + 1, sizeof(*session->records)));
	record = &session->records[session->num_records++];
	memset(record, 0, sizeof(*record));
	record->type = layout->type;
	record->time = time;
	if (record->type == HVP_RECORD_BLOB)
		record->blob.data = (const uint8_t *)"";
	err = read_fields(session, layout, fields, record);
	if (*ret_damage)
		hvp_error_destroy(err);
	else
		*ret_damage = err;
	return NULL;
}

struct hvp_error *hvp_load_records(struct hvp_session *session, struct hvp_reader *reader)
{
	struct hvp_error *damage = NULL, *err = NULL;
	uint64_t unused, num, time = 0;

	hvp_try(hvp_read_varint(reader, &unused));
	hvp_try(hvp_read_bounded(reader, "the number of records", hvp_reader_left(reader), &num));
	/* Wrong fields spoil one record, a wrong frame all that follow. */
	for (uint64_t i = 0; i < num && !err; i++) {
		struct hvp_reader fields;
		uint64_t type;

		err = read_frame(reader, &type, &time, &fields);
		if (!err)
			err = add_record(session, type, time, &fields, &damage);
	}
	if (!err)
		return damage;
	hvp_error_destroy(damage);
	return err;
}

struct place {
	uint64_t time;
	size_t index;
};

static int compare_places(const void *a, const void *b)
{
	const struct place *left = a, *right = b;

	if (left->time != right->time)
		return left->time < right->time ? -1 : 1;
	return left->index < right->index ? -1 : left->index > right->index;
}

static bool are_in_order(const struct hvp_session *session)
{
	for (size_t i = 1; i < session->num_records; i++)
		if (session->records[i].time < session->records[i - 1].time)
			return false;
	return true;
}

struct hvp_error *hvp_sort_records(struct hvp_session *session)
{
	hvp_scope(hvp_free_ptr) struct place *places = NULL;
	struct hvp_record *sorted;
	size_t num = session->num_records;

	if (are_in_order(session))
		return NULL;
	places = malloc(num * sizeof(*places));
	sorted = malloc(num * sizeof(*sorted));
	if (!places || !sorted) {
		free(sorted);
		return hvp_error_no_memory;
	}
	for (size_t i = 0; i < num; i++)
		places[i] = (struct place){.time = session->records[i].time, .index = i};
	qsort(places, num, sizeof(*places), compare_places);
	for (size_t i = 0; i < num; i++)
		sorted[i] = session->records[places[i].index];
	free(session->records);
	session->records = sorted;
	session->records_capacity = num;
	return NULL;
}
