/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/session/columns.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "common/session/sort.h"
#include "common/session/streams.h"

/* How many differences are looked at to find the step of a ticking column. */
#define STEP_PROBES 255

/* A free place of the hash table. */
#define EMPTY UINT32_MAX
/* It begins small: most columns have few distinct values. */
#define MIN_SLOTS 1024

/* A column's dictionary, kept for the columns that follow it. */
struct dictionary {
	uint8_t column;
	size_t num_entries;
	uint32_t *codes;
};

#define MAX_DICTIONARIES 4

struct hvp_column_encoder {
	struct hvp_stream_writer streams;
	size_t max_rows;
	struct dictionary dictionaries[MAX_DICTIONARIES];
	size_t num_dictionaries;
	/*
	 * Scratch: two vectors of numbers; a hash table of indices of entries, which has up to
	 * max_slots places (a power of 2); entries of a dictionary.
	 */
	uint64_t *numbers, *others;
	uint32_t *slots;
	size_t max_slots;
	uint64_t *entries;
	uint32_t *counts;
	struct hvp_keyed *keyed, *spare;
};

static size_t power_of_two_from(size_t num)
{
	size_t power = MIN_SLOTS;

	while (power < num)
		power *= 2;
	return power;
}

struct hvp_error *hvp_column_encoder_create(size_t max_rows, int level,
					    struct hvp_column_encoder **ret)
{
	struct hvp_column_encoder *encoder = calloc(1, sizeof(*encoder));
	struct hvp_error *err;
	bool is_complete;

	if (!encoder)
		return hvp_error_no_memory;
	err = hvp_stream_writer_init(&encoder->streams, max_rows, level);
	if (err) {
		free(encoder);
		return err;
	}
	encoder->max_rows = max_rows;
	encoder->max_slots = power_of_two_from(2 * max_rows);
	encoder->numbers = malloc(max_rows * sizeof(*encoder->numbers));
	encoder->others = malloc(max_rows * sizeof(*encoder->others));
	encoder->slots = malloc(encoder->max_slots * sizeof(*encoder->slots));
	encoder->entries = malloc(max_rows * sizeof(*encoder->entries));
	encoder->counts = malloc(max_rows * sizeof(*encoder->counts));
	encoder->keyed = malloc(max_rows * sizeof(*encoder->keyed));
	encoder->spare = malloc(max_rows * sizeof(*encoder->spare));
	is_complete = encoder->numbers && encoder->others && encoder->slots && encoder->entries &&
		      encoder->counts && encoder->keyed && encoder->spare;
	for (size_t i = 0; i < MAX_DICTIONARIES; i++) {
		encoder->dictionaries[i].codes = malloc(max_rows * sizeof(uint32_t));
		is_complete = is_complete && encoder->dictionaries[i].codes;
	}
	if (!is_complete) {
		hvp_column_encoder_destroy(encoder);
		return hvp_error_no_memory;
	}
	*ret = encoder;
	return NULL;
}

void hvp_column_encoder_destroy(struct hvp_column_encoder *encoder)
{
	if (!encoder)
		return;
	hvp_stream_writer_deinit(&encoder->streams);
	for (size_t i = 0; i < MAX_DICTIONARIES; i++)
		free(encoder->dictionaries[i].codes);
	free(encoder->numbers);
	free(encoder->others);
	free(encoder->slots);
	free(encoder->entries);
	free(encoder->counts);
	free(encoder->keyed);
	free(encoder->spare);
	free(encoder);
}

/* Without the hash table, whose size is rounded up. */
static size_t plain_row_cost(void)
{
	const struct hvp_column_encoder *encoder = NULL;

	return 2 * sizeof(*encoder->numbers) + sizeof(*encoder->entries) +
	       sizeof(*encoder->counts) + 2 * sizeof(*encoder->keyed) +
	       MAX_DICTIONARIES * sizeof(uint32_t);
}

size_t hvp_column_encoder_row_cost(void)
{
	return plain_row_cost() + 4 * sizeof(uint32_t);
}

size_t hvp_column_encoder_memory(const struct hvp_column_encoder *encoder)
{
	return sizeof(*encoder) + hvp_stream_writer_memory(&encoder->streams) +
	       encoder->max_slots * sizeof(*encoder->slots) + encoder->max_rows * plain_row_cost();
}

void hvp_column_encoder_reset(struct hvp_column_encoder *encoder)
{
	encoder->num_dictionaries = 0;
}

static void put_deltas(struct hvp_column_encoder *encoder, const uint64_t *values, size_t num,
		       struct hvp_buf *buf)
{
	uint64_t last = 0;

	for (size_t i = 0; i < num; i++) {
		encoder->numbers[i] = hvp_zigzag((int64_t)(values[i] - last));
		last = values[i];
	}
	hvp_stream_put(&encoder->streams, encoder->numbers, num, buf);
}

static int compare_numbers(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

/* The median of some of the rises; 0 when there is none to speak of. */
static uint64_t find_step(const uint64_t *values, size_t num)
{
	uint64_t rises[STEP_PROBES];
	size_t num_rises = 0, stride = num / STEP_PROBES + 1;

	for (size_t i = 1; i < num; i += stride) {
		int64_t rise = (int64_t)(values[i] - values[i - 1]);

		if (rise > 0)
			rises[num_rises++] = (uint64_t)rise;
	}
	if (!num_rises)
		return 0;
	qsort(rises, num_rises, sizeof(*rises), compare_numbers);
	return rises[num_rises / 2];
}

/*
 * Quotient and remainder of each difference; the remainder is the smaller one of the two around 0.
 */
static void put_steps(struct hvp_column_encoder *encoder, const uint64_t *values, size_t num,
		      uint64_t step, struct hvp_buf *buf)
{
	int64_t divisor = (int64_t)step, half = divisor / 2;
	uint64_t last = 0;

	for (size_t i = 0; i < num; i++) {
		int64_t delta = (int64_t)(values[i] - last), quotient, towards;
		uint64_t around = (uint64_t)delta - (uint64_t)(divisor - half);

		last = values[i];
		/* One step, as nearly always: a division takes longer than all the rest. */
		if (around < 2 * (uint64_t)half) {
			encoder->numbers[i] = hvp_zigzag(1);
			encoder->others[i] = hvp_zigzag((int64_t)((uint64_t)delta - step));
			continue;
		}
		towards = delta < 0 ? -half : half;
		/*
		 * At the ends of the range without rounding: any quotient is right, a near one is
		 * shorter.
		 */
		if (delta > INT64_MAX / 2 || delta < INT64_MIN / 2)
			towards = 0;
		quotient = (delta + towards) / divisor;
		encoder->numbers[i] = hvp_zigzag(quotient);
		encoder->others[i] = hvp_zigzag(delta - quotient * divisor);
	}
	hvp_buf_add_varint(buf, step);
	hvp_stream_put(&encoder->streams, encoder->numbers, num, buf);
	hvp_stream_put(&encoder->streams, encoder->others, num, buf);
}

static uint64_t hash_number(uint64_t number)
{
	number *= 0x9e3779b97f4a7c15ull;
	return number ^ (number >> 32);
}

/* The place of a value, or the free one where it belongs. */
static inline uint32_t *find_slot(const struct hvp_column_encoder *encoder, size_t mask,
				  uint64_t value)
{
	size_t at = hash_number(value) & mask;

	while (encoder->slots[at] != EMPTY && encoder->entries[encoder->slots[at]] != value)
		at = (at + 1) & mask;
	return &encoder->slots[at];
}

/* Makes a hash table of the entries so far. */
static void fill_slots(struct hvp_column_encoder *encoder, size_t mask, uint32_t num_entries)
{
	memset(encoder->slots, 0xff, (mask + 1) * sizeof(*encoder->slots));
	for (uint32_t i = 0; i < num_entries; i++)
		*find_slot(encoder, mask, encoder->entries[i]) = i;
}

/* Numbers the distinct values in order of appearance: entries, counts, codes. */
static void collect_entries(struct hvp_column_encoder *encoder, const uint64_t *values, size_t num,
			    struct dictionary *dictionary)
{
	size_t mask = MIN_SLOTS - 1;
	uint32_t num_entries = 0, code = 0;

	fill_slots(encoder, mask, 0);
	for (size_t i = 0; i < num; i++) {
		if (!i || values[i] != values[i - 1]) {
			uint32_t *slot = find_slot(encoder, mask, values[i]);

			if (*slot == EMPTY) {
				*slot = num_entries;
				encoder->entries[num_entries] = values[i];
				encoder->counts[num_entries++] = 0;
			}
			code = *slot;
			if (2 * (size_t)num_entries > mask + 1) {
				mask = 2 * mask + 1;
				fill_slots(encoder, mask, num_entries);
			}
		}
		encoder->counts[code]++;
		dictionary->codes[i] = code;
	}
	dictionary->num_entries = num_entries;
}

/*
 * Frequent values get small codes, which need few bits; among values about as frequent (within a
 * power of 2) the order is by value, so that the differences between entries need few bits, too.
 */
static void rank_entries(struct hvp_column_encoder *encoder, struct dictionary *dictionary)
{
	size_t places[33] = {0}, place = 0, num = dictionary->num_entries;
	uint64_t last = 0;

	for (size_t i = 0; i < num; i++) {
		encoder->keyed[i] =
			(struct hvp_keyed){.key = encoder->entries[i], .item = (uint32_t)i};
		places[__builtin_clz(encoder->counts[i])]++;
	}
	hvp_sort_keyed(encoder->keyed, encoder->spare, num);
	for (size_t tier = 0; tier < 33; tier++) {
		size_t count = places[tier];

		places[tier] = place;
		place += count;
	}
	for (size_t i = 0; i < num; i++) {
		uint32_t item = encoder->keyed[i].item;
		size_t rank = places[__builtin_clz(encoder->counts[item])]++;

		encoder->entries[rank] = encoder->keyed[i].key;
		/* The count has been used: its place now holds the rank. */
		encoder->counts[item] = (uint32_t)rank;
	}
	for (size_t i = 0; i < num; i++) {
		encoder->numbers[i] = hvp_zigzag((int64_t)(encoder->entries[i] - last));
		last = encoder->entries[i];
	}
}

static void put_dictionary(struct hvp_column_encoder *encoder, uint8_t column,
			   const uint64_t *values, size_t num, struct hvp_buf *buf)
{
	struct dictionary *dictionary = &encoder->dictionaries[encoder->num_dictionaries++];

	dictionary->column = column;
	collect_entries(encoder, values, num, dictionary);
	rank_entries(encoder, dictionary);
	hvp_buf_add_varint(buf, dictionary->num_entries);
	hvp_stream_put(&encoder->streams, encoder->numbers, dictionary->num_entries, buf);
	for (size_t i = 0; i < num; i++) {
		dictionary->codes[i] = encoder->counts[dictionary->codes[i]];
		encoder->numbers[i] = dictionary->codes[i];
	}
	hvp_stream_put(&encoder->streams, encoder->numbers, num, buf);
}

static const struct dictionary *find_dictionary(const struct hvp_column_encoder *encoder,
						uint8_t column)
{
	for (size_t i = 0; i < encoder->num_dictionaries; i++)
		if (encoder->dictionaries[i].column == column)
			return &encoder->dictionaries[i];
	return NULL;
}

/*
 * Whether the leader's code determines the value; then encoder->numbers has the value of each code.
 */
static bool values_follow(struct hvp_column_encoder *encoder, const struct dictionary *leader,
			  const uint64_t *values, size_t num)
{
	uint64_t differs = 0;

	for (size_t i = 0; i < num; i++)
		encoder->numbers[leader->codes[i]] = values[i];
	for (size_t i = 0; i < num; i++)
		differs |= encoder->numbers[leader->codes[i]] ^ values[i];
	return !differs;
}

static bool put_following(struct hvp_column_encoder *encoder,
			  const struct hvp_column_layout *layout, const uint64_t *values,
			  size_t num, struct hvp_buf *buf)
{
	const struct dictionary *leader = find_dictionary(encoder, layout->leader);

	if (!leader || !values_follow(encoder, leader, values, num))
		return false;
	hvp_buf_add_u8(buf, HVP_ENCODING_BY_COLUMN);
	hvp_buf_add_u8(buf, layout->leader);
	hvp_stream_put(&encoder->streams, encoder->numbers, leader->num_entries, buf);
	return true;
}

static void put_words(struct hvp_column_encoder *encoder, const uint64_t *values, size_t num,
		      struct hvp_buf *buf)
{
	for (size_t i = 0; i < num; i++)
		encoder->numbers[i] = htole64(values[i]);
	hvp_stream_put_words(&encoder->streams, encoder->numbers, num, buf);
}

static void put_contents(struct hvp_column_encoder *encoder, const struct hvp_column_layout *layout,
			 const uint64_t *values, size_t num, struct hvp_buf *buf)
{
	uint64_t step;

	if (layout->kind == HVP_COLUMN_FOLLOWS && put_following(encoder, layout, values, num, buf))
		return;
	if (layout->kind == HVP_COLUMN_CODED && encoder->num_dictionaries < MAX_DICTIONARIES) {
		hvp_buf_add_u8(buf, HVP_ENCODING_DICTIONARY);
		put_dictionary(encoder, layout->id, values, num, buf);
		return;
	}
	if (layout->kind == HVP_COLUMN_PATTERN) {
		hvp_buf_add_u8(buf, HVP_ENCODING_VALUES);
		put_words(encoder, values, num, buf);
		return;
	}
	step = layout->kind == HVP_COLUMN_TICKING ? find_step(values, num) : 0;
	if (step) {
		hvp_buf_add_u8(buf, HVP_ENCODING_STEPS);
		put_steps(encoder, values, num, step, buf);
		return;
	}
	if (layout->kind == HVP_COLUMN_NUMBER || layout->kind == HVP_COLUMN_FOLLOWS) {
		hvp_buf_add_u8(buf, HVP_ENCODING_VALUES);
		hvp_stream_put(&encoder->streams, values, num, buf);
		return;
	}
	hvp_buf_add_u8(buf, HVP_ENCODING_DELTAS);
	put_deltas(encoder, values, num, buf);
}

/* A column's id and room for its size; returns where that is. */
static size_t begin_column(const struct hvp_column_layout *layout, struct hvp_buf *buf)
{
	hvp_buf_add_u8(buf, layout->id);
	hvp_buf_add_u32(buf, 0);
	return buf->size - sizeof(uint32_t);
}

static bool end_column(size_t begin, struct hvp_buf *buf)
{
	uint32_t size;

	if (buf->failed)
		return false;
	size = htole32((uint32_t)(buf->size - begin - sizeof(size)));
	memcpy(buf->data + begin, &size, sizeof(size));
	return true;
}

bool hvp_column_encode_same(struct hvp_column_encoder *encoder,
			    const struct hvp_column_layout *layout, uint64_t value,
			    struct hvp_buf *buf)
{
	size_t begin;

	if (!value)
		return false;
	begin = begin_column(layout, buf);
	hvp_buf_add_u8(buf, HVP_ENCODING_VALUES);
	hvp_stream_put(&encoder->streams, &value, 1, buf);
	return end_column(begin, buf);
}

bool hvp_column_encode(struct hvp_column_encoder *encoder, const struct hvp_column_layout *layout,
		       const uint64_t *values, size_t num_rows, struct hvp_buf *buf)
{
	size_t begin;

	/* Each value is the same as the one behind it. */
	if (!memcmp(values, values + 1, (num_rows - 1) * sizeof(*values)))
		return hvp_column_encode_same(encoder, layout, values[0], buf);
	begin = begin_column(layout, buf);
	put_contents(encoder, layout, values, num_rows, buf);
	return end_column(begin, buf);
}
