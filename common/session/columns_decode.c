/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/session/columns.h"

#include <stdlib.h>
#include <string.h>

#include "common/session/streams.h"

struct hvp_column_decoder {
	struct hvp_stream_reader streams;
	struct hvp_column columns[HVP_MAX_COLUMNS];
	/* Room for a column's values and codes, taken when first needed: max_rows of each. */
	uint64_t *values[HVP_MAX_COLUMNS];
	uint32_t *codes[HVP_MAX_COLUMNS];
	/* Scratch: numbers of a stream. */
	uint64_t *numbers;
	size_t max_rows;
};

struct hvp_error *hvp_column_decoder_create(struct hvp_column_decoder **ret)
{
	struct hvp_column_decoder *decoder = calloc(1, sizeof(*decoder));
	struct hvp_error *err;

	if (!decoder)
		return hvp_error_no_memory;
	err = hvp_stream_reader_init(&decoder->streams);
	if (err) {
		free(decoder);
		return err;
	}
	*ret = decoder;
	return NULL;
}

static void free_room(struct hvp_column_decoder *decoder)
{
	for (size_t i = 0; i < HVP_MAX_COLUMNS; i++) {
		free(decoder->values[i]);
		free(decoder->codes[i]);
		decoder->values[i] = NULL;
		decoder->codes[i] = NULL;
	}
	free(decoder->numbers);
	decoder->numbers = NULL;
	decoder->max_rows = 0;
}

/* What a chunk of so many rows needs; a larger chunk than any before begins with new room. */
static struct hvp_error *reserve_room(struct hvp_column_decoder *decoder, size_t num_rows)
{
	if (num_rows <= decoder->max_rows)
		return NULL;
	free_room(decoder);
	hvp_try(hvp_stream_reader_reserve(&decoder->streams, num_rows));
	decoder->numbers = malloc(num_rows * sizeof(*decoder->numbers));
	if (!decoder->numbers)
		return hvp_error_no_memory;
	decoder->max_rows = num_rows;
	return NULL;
}

void hvp_column_decoder_destroy(struct hvp_column_decoder *decoder)
{
	if (!decoder)
		return;
	free_room(decoder);
	hvp_stream_reader_deinit(&decoder->streams);
	free(decoder);
}

static struct hvp_error *take_values(struct hvp_column_decoder *decoder, uint8_t id)
{
	if (!decoder->values[id])
		decoder->values[id] = malloc(decoder->max_rows * sizeof(uint64_t));
	decoder->columns[id].values = decoder->values[id];
	return decoder->values[id] ? NULL : hvp_error_no_memory;
}

static struct hvp_error *take_codes(struct hvp_column_decoder *decoder, uint8_t id)
{
	if (!decoder->codes[id])
		decoder->codes[id] = malloc(decoder->max_rows * sizeof(uint32_t));
	decoder->columns[id].codes = decoder->codes[id];
	return decoder->codes[id] ? NULL : hvp_error_no_memory;
}

static void add_up(uint64_t *numbers, size_t num)
{
	uint64_t value = 0;

	for (size_t i = 0; i < num; i++) {
		value += (uint64_t)hvp_unzigzag(numbers[i]);
		numbers[i] = value;
	}
}

static struct hvp_error *get_steps(struct hvp_column_decoder *decoder, struct hvp_reader *reader,
				   size_t num, uint64_t *ret)
{
	uint64_t step, value = 0;

	hvp_try(hvp_read_varint(reader, &step));
	hvp_try(hvp_stream_get(&decoder->streams, reader, num, decoder->numbers));
	hvp_try(hvp_stream_get(&decoder->streams, reader, num, ret));
	for (size_t i = 0; i < num; i++) {
		value += (uint64_t)hvp_unzigzag(decoder->numbers[i]) * step +
			 (uint64_t)hvp_unzigzag(ret[i]);
		ret[i] = value;
	}
	return NULL;
}

static struct hvp_error *get_dictionary(struct hvp_column_decoder *decoder,
					struct hvp_reader *reader, uint8_t id, size_t num)
{
	struct hvp_column *column = &decoder->columns[id];
	uint64_t num_entries, largest = 0, same;

	hvp_try(take_values(decoder, id));
	hvp_try(take_codes(decoder, id));
	hvp_try(hvp_read_bounded(reader, "the size of a dictionary", num, &num_entries));
	if (!num_entries)
		return hvp_reader_error(reader, "a dictionary is empty");
	hvp_try(hvp_stream_get(&decoder->streams, reader, num_entries, column->values));
	add_up(column->values, num_entries);
	column->num_values = num_entries;
	column->form = HVP_FORM_CODED;
	if (num_entries == 1 && hvp_stream_get_same(reader, &same)) {
		memset(column->codes, 0, num * sizeof(*column->codes));
		return same ? hvp_reader_error(reader, "a code is not in its dictionary") : NULL;
	}
	hvp_try(hvp_stream_get(&decoder->streams, reader, num, decoder->numbers));
	for (size_t i = 0; i < num; i++) {
		largest = decoder->numbers[i] > largest ? decoder->numbers[i] : largest;
		column->codes[i] = (uint32_t)decoder->numbers[i];
	}
	if (largest >= num_entries)
		return hvp_reader_error(reader, "a code is not in its dictionary of %llu values",
					(unsigned long long)num_entries);
	return NULL;
}

static struct hvp_error *get_following(struct hvp_column_decoder *decoder,
				       struct hvp_reader *reader, uint8_t id)
{
	struct hvp_column *column = &decoder->columns[id];
	const struct hvp_column *leader;
	uint8_t leader_id;

	hvp_try(hvp_read_u8(reader, &leader_id));
	leader = leader_id < HVP_MAX_COLUMNS && leader_id != id ? &decoder->columns[leader_id]
								: NULL;
	if (!leader || leader->form != HVP_FORM_CODED)
		return hvp_reader_error(reader,
					"column %u follows column %u, which has no dictionary "
					"before it",
					id, leader_id);
	hvp_try(take_values(decoder, id));
	hvp_try(hvp_stream_get(&decoder->streams, reader, leader->num_values, column->values));
	column->num_values = leader->num_values;
	column->codes = leader->codes;
	column->form = HVP_FORM_CODED;
	return NULL;
}

/* VALUES, DELTAS and STEPS. */
static struct hvp_error *get_values(struct hvp_column_decoder *decoder, struct hvp_reader *reader,
				    uint8_t id, uint8_t encoding, size_t num)
{
	struct hvp_column *column = &decoder->columns[id];

	if (encoding == HVP_ENCODING_VALUES && hvp_stream_get_same(reader, &column->same))
		return NULL;
	hvp_try(take_values(decoder, id));
	if (encoding == HVP_ENCODING_STEPS) {
		hvp_try(get_steps(decoder, reader, num, column->values));
	} else {
		hvp_try(hvp_stream_get(&decoder->streams, reader, num, column->values));
		if (encoding == HVP_ENCODING_DELTAS)
			add_up(column->values, num);
	}
	column->num_values = num;
	column->form = HVP_FORM_VALUES;
	return NULL;
}

static struct hvp_error *get_column(struct hvp_column_decoder *decoder, struct hvp_reader *reader,
				    uint8_t id, size_t num, bool is_wanted)
{
	uint8_t encoding;

	hvp_try(hvp_read_u8(reader, &encoding));
	switch (encoding) {
	case HVP_ENCODING_VALUES:
	case HVP_ENCODING_DELTAS:
	case HVP_ENCODING_STEPS:
		return is_wanted ? get_values(decoder, reader, id, encoding, num) : NULL;
	case HVP_ENCODING_DICTIONARY: return get_dictionary(decoder, reader, id, num);
	case HVP_ENCODING_BY_COLUMN: return is_wanted ? get_following(decoder, reader, id) : NULL;
	default:
		return is_wanted ? hvp_reader_error(reader, "column %u has the unknown encoding %u",
						    id, encoding)
				 : NULL;
	}
}

struct hvp_error *hvp_column_decode(struct hvp_column_decoder *decoder, struct hvp_reader *reader,
				    size_t num_rows, uint32_t wanted, const struct hvp_column **ret)
{
	uint32_t seen = 0;

	hvp_try(reserve_room(decoder, num_rows));
	memset(decoder->columns, 0, sizeof(decoder->columns));
	while (hvp_reader_left(reader)) {
		struct hvp_reader contents;
		uint32_t size;
		uint8_t id;

		hvp_try(hvp_read_u8(reader, &id));
		hvp_try(hvp_read_u32(reader, &size));
		hvp_try(hvp_read_window(reader, size, &contents));
		if (id >= HVP_MAX_COLUMNS)
			continue;
		if (seen & (1u << id))
			return hvp_reader_error(reader, "column %u is there twice", id);
		seen |= 1u << id;
		hvp_try(get_column(decoder, &contents, id, num_rows, wanted & (1u << id)));
	}
	*ret = decoder->columns;
	return NULL;
}
