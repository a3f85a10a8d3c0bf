/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/session/streams.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "common/session/format.h"

struct hvp_error *hvp_stream_reader_init(struct hvp_stream_reader *streams)
{
	*streams = (struct hvp_stream_reader){.zstd = ZSTD_createDCtx()};
	return streams->zstd ? NULL : hvp_error_no_memory;
}

void hvp_stream_reader_deinit(struct hvp_stream_reader *streams)
{
	ZSTD_freeDCtx(streams->zstd);
	free(streams->bytes);
	free(streams->runs);
	*streams = (struct hvp_stream_reader){0};
}

struct hvp_error *hvp_stream_reader_reserve(struct hvp_stream_reader *streams, size_t max_rows)
{
	if (max_rows <= streams->max_rows)
		return NULL;
	free(streams->bytes);
	free(streams->runs);
	streams->max_rows = 0;
	streams->bytes = malloc(max_rows);
	streams->runs = malloc(2 * max_rows * sizeof(*streams->runs));
	if (!streams->bytes || !streams->runs)
		return hvp_error_no_memory;
	streams->max_rows = max_rows;
	return NULL;
}

/* `size` bytes, decompressed into `room` or borrowed from the input. */
static struct hvp_error *get_block(struct hvp_stream_reader *streams, struct hvp_reader *reader,
				   size_t size, void *room, const uint8_t **ret)
{
	const uint8_t *data;
	uint64_t head;
	size_t got;

	hvp_try(hvp_read_bounded(reader, "the size of a block", 2ull * HVP_MAX_CHUNK_SIZE + 1,
				 &head));
	if (!(head & 1)) {
		if (head >> 1 != size)
			return hvp_reader_error(reader, "a block has %llu bytes, %zu expected",
						(unsigned long long)(head >> 1), size);
		return hvp_read_bytes(reader, size, ret);
	}
	hvp_try(hvp_read_bytes(reader, (size_t)(head >> 1), &data));
	got = ZSTD_decompressDCtx(streams->zstd, room, size, data, (size_t)(head >> 1));
	if (ZSTD_isError(got) || got != size)
		return hvp_reader_error(
			reader, "a block does not decompress to the %zu bytes it should", size);
	*ret = room;
	return NULL;
}

/* `length` (1 to 63) bits from bit `position` on; 16 bytes from its byte on are readable. */
static uint64_t bits_at(const uint8_t *data, size_t position, unsigned int length)
{
	unsigned int shift = position & 7;
	uint64_t low, high;

	memcpy(&low, data + (position >> 3), sizeof(low));
	low = le64toh(low) >> shift;
	if (shift + length > 64) {
		memcpy(&high, data + (position >> 3) + sizeof(low), sizeof(high));
		low |= le64toh(high) << (64 - shift);
	}
	return low & ((1ull << length) - 1);
}

/* The same at the very end of the input. */
static uint64_t bits_at_end(const uint8_t *data, const uint8_t *end, size_t position,
			    unsigned int length)
{
	uint8_t copy[16] = {0};
	size_t left = (size_t)(end - (data + (position >> 3)));

	memcpy(copy, data + (position >> 3), left < sizeof(copy) ? left : sizeof(copy));
	return bits_at(copy, position & 7, length);
}

static struct hvp_error *get_bits(struct hvp_stream_reader *streams, struct hvp_reader *reader,
				  size_t num, uint64_t *ret)
{
	const uint8_t *lengths, *data;
	size_t total = 0, position = 0, safe, size;
	uint8_t longest = 0;

	hvp_try(get_block(streams, reader, num, streams->bytes, &lengths));
	for (size_t i = 0; i < num; i++) {
		total += lengths[i] - (lengths[i] > 0);
		longest = lengths[i] > longest ? lengths[i] : longest;
	}
	if (longest > 64)
		return hvp_reader_error(reader, "a number has %u bits", longest);
	size = (total + 7) / 8;
	hvp_try(hvp_read_bytes(reader, size, &data));
	/* Up to here 16 bytes can be loaded, even if only the input's own end limits that. */
	safe = (size_t)(reader->end - data);
	safe = safe >= 16 ? (safe - 16) * 8 : 0;
	for (size_t i = 0; i < num; i++) {
		unsigned int length = lengths[i];

		if (length < 2) {
			ret[i] = length;
			continue;
		}
		length--;
		ret[i] = 1ull << length |
			 (position < safe ? bits_at(data, position, length)
					  : bits_at_end(data, reader->end, position, length));
		position += length;
	}
	return NULL;
}

static struct hvp_error *get_bytes(struct hvp_stream_reader *streams, struct hvp_reader *reader,
				   size_t num, uint64_t *ret)
{
	const uint8_t *data;

	hvp_try(get_block(streams, reader, num, streams->bytes, &data));
	for (size_t i = 0; i < num; i++)
		ret[i] = data[i];
	return NULL;
}

static struct hvp_error *get_words(struct hvp_stream_reader *streams, struct hvp_reader *reader,
				   size_t num, uint64_t *ret)
{
	const uint8_t *data;

	hvp_try(get_block(streams, reader, num * sizeof(*ret), ret, &data));
	if (data != (const uint8_t *)ret)
		memcpy(ret, data, num * sizeof(*ret));
	for (size_t i = 0; i < num; i++)
		ret[i] = le64toh(ret[i]);
	return NULL;
}

static void fill(uint64_t *numbers, size_t num, uint64_t number)
{
	for (size_t i = 0; i < num; i++)
		numbers[i] = number;
}

/* A stream without runs in it. */
static struct hvp_error *get_plain(struct hvp_stream_reader *streams, struct hvp_reader *reader,
				   uint8_t form, size_t num, uint64_t *ret)
{
	uint64_t same;

	switch (form) {
	case HVP_STREAM_SAME:
		hvp_try(hvp_read_varint(reader, &same));
		fill(ret, num, same);
		return NULL;
	case HVP_STREAM_BYTES: return get_bytes(streams, reader, num, ret);
	case HVP_STREAM_BITS: return get_bits(streams, reader, num, ret);
	case HVP_STREAM_WORDS: return get_words(streams, reader, num, ret);
	default: return hvp_reader_error(reader, "a stream has the unknown form %u here", form);
	}
}

static struct hvp_error *get_runs(struct hvp_stream_reader *streams, struct hvp_reader *reader,
				  size_t num, uint64_t *ret)
{
	uint64_t num_runs, *lengths = streams->runs, *values;
	size_t at = 0;
	uint8_t form;

	hvp_try(hvp_read_bounded(reader, "the number of runs", num, &num_runs));
	values = lengths + num_runs;
	hvp_try(hvp_read_u8(reader, &form));
	hvp_try(get_plain(streams, reader, form, num_runs, lengths));
	hvp_try(hvp_read_u8(reader, &form));
	hvp_try(get_plain(streams, reader, form, num_runs, values));
	for (size_t run = 0; run < num_runs; run++) {
		if (lengths[run] >= num - at)
			return hvp_reader_error(reader,
						"the runs of a stream are longer than its %zu "
						"numbers",
						num);
		fill(ret + at, (size_t)lengths[run] + 1, values[run]);
		at += (size_t)lengths[run] + 1;
	}
	if (at != num)
		return hvp_reader_error(reader, "the runs of a stream end after %zu of %zu numbers",
					at, num);
	return NULL;
}

struct hvp_error *hvp_stream_get(struct hvp_stream_reader *streams, struct hvp_reader *reader,
				 size_t num, uint64_t *ret)
{
	uint8_t form;

	hvp_try(hvp_read_u8(reader, &form));
	if (form == HVP_STREAM_RUNS)
		return get_runs(streams, reader, num, ret);
	return get_plain(streams, reader, form, num, ret);
}

bool hvp_stream_get_same(struct hvp_reader *reader, uint64_t *ret)
{
	struct hvp_reader ahead = *reader;
	struct hvp_error *err;
	uint8_t form;

	err = hvp_read_u8(&ahead, &form);
	if (!err && form == HVP_STREAM_SAME)
		err = hvp_read_varint(&ahead, ret);
	if (err || form != HVP_STREAM_SAME) {
		hvp_error_destroy(err);
		return false;
	}
	*reader = ahead;
	return true;
}
