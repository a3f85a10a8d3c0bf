/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/session/streams.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "common/session/format.h"

/* Matches are all there is to gain in words: a few levels above the others' pay. */
#define WORDS_LEVELS 2
/*
 * Bit lengths and codes hardly ever come again in the same order: what zstd gains by is their
 * frequencies. Its fast levels find many short matches, which cost more bytes and time than they
 * spare; a small table, in which only long ones are looked up, does better in both.
 */
#define LAST_FAST_LEVEL 2
#define FAST_HASH_LOG 8
#define FAST_MIN_MATCH 7
/* A block below this is not worth a zstd frame. */
#define MIN_ZSTD_SIZE 48
/* Runs pay when there are at most one per so many numbers. */
#define RUNS_PER_NUMBER 6

/* 0 leaves it to the level. Levels that zstd has not are cut to those it has; so no call fails. */
static void set_zstd(struct hvp_stream_writer *writer, int level, int hash_log, int min_match)
{
	(void)ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_compressionLevel, level);
	(void)ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_hashLog, hash_log);
	(void)ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_minMatch, min_match);
}

static void set_zstd_for_bytes(struct hvp_stream_writer *writer)
{
	if (writer->level <= LAST_FAST_LEVEL)
		set_zstd(writer, writer->level, FAST_HASH_LOG, FAST_MIN_MATCH);
	else
		set_zstd(writer, writer->level, 0, 0);
}

struct hvp_error *hvp_stream_writer_init(struct hvp_stream_writer *writer, size_t max_rows,
					 int level)
{
	*writer = (struct hvp_stream_writer){
		.zstd = ZSTD_createCCtx(),
		.bytes = malloc(max_rows),
		.runs = malloc(2 * (max_rows / RUNS_PER_NUMBER + 1) * sizeof(*writer->runs)),
		.max_rows = max_rows,
		.level = level,
	};
	if (!writer->zstd || !writer->bytes || !writer->runs) {
		hvp_stream_writer_deinit(writer);
		return hvp_error_no_memory;
	}
	set_zstd_for_bytes(writer);
	return NULL;
}

void hvp_stream_writer_deinit(struct hvp_stream_writer *writer)
{
	ZSTD_freeCCtx(writer->zstd);
	free(writer->bytes);
	free(writer->runs);
	*writer = (struct hvp_stream_writer){0};
}

size_t hvp_stream_writer_memory(const struct hvp_stream_writer *writer)
{
	return ZSTD_sizeof_CCtx(writer->zstd) + writer->max_rows +
	       2 * (writer->max_rows / RUNS_PER_NUMBER + 1) * sizeof(*writer->runs);
}

/* Compressed behind room for the longest head, then moved up to the real one. */
static bool put_zstd_block(struct hvp_stream_writer *writer, const uint8_t *data, size_t size,
			   struct hvp_buf *buf)
{
	size_t bound = ZSTD_compressBound(size), head_size, packed;
	uint8_t head[10];

	if (!hvp_buf_reserve(buf, sizeof(head) + bound))
		return false;
	packed = ZSTD_compress2(writer->zstd, buf->data + buf->size + sizeof(head), bound, data,
				size);
	if (ZSTD_isError(packed) || packed >= size)
		return false;
	head_size = (size_t)(hvp_put_varint(head, packed * 2 + 1) - head);
	memcpy(buf->data + buf->size, head, head_size);
	memmove(buf->data + buf->size + head_size, buf->data + buf->size + sizeof(head), packed);
	buf->size += head_size + packed;
	return true;
}

/* A block: varint of stored size * 2 + is it compressed, and the bytes. */
static void put_block(struct hvp_stream_writer *writer, const uint8_t *data, size_t size,
		      struct hvp_buf *buf)
{
	if (size >= MIN_ZSTD_SIZE && put_zstd_block(writer, data, size, buf))
		return;
	hvp_buf_add_varint(buf, size * 2);
	hvp_buf_add_bytes(buf, data, size);
}

/* How many bits are below a number's highest: 0 also for 0, which has none at all. */
static inline unsigned int num_low_bits(uint64_t number)
{
	return 63 ^ (unsigned int)__builtin_clzll(number | 1);
}

/* So many bits fit at once behind the up to 7 that wait. */
#define MAX_AT_ONCE 56

struct bits {
	uint64_t word;
	unsigned int fill;
	uint8_t *at;
};

/* Without a branch: how many bits come next nobody can guess. */
static inline void add_bits(struct bits *bits, uint64_t low, unsigned int num)
{
	uint64_t le;

	bits->word |= low << bits->fill;
	le = htole64(bits->word);
	memcpy(bits->at, &le, sizeof(le));
	bits->fill += num;
	bits->at += bits->fill / 8;
	bits->word >>= bits->fill & ~7u;
	bits->fill %= 8;
}

/* The highest bit of a number is known from its length: the others follow, lowest first. */
static void put_bits(struct hvp_stream_writer *writer, const uint64_t *numbers, size_t num,
		     struct hvp_buf *buf)
{
	uint8_t *lengths = writer->bytes;
	struct bits bits = {0};
	size_t total = 0;

	for (size_t i = 0; i < num; i++) {
		unsigned int low = num_low_bits(numbers[i]);

		lengths[i] = (uint8_t)(low + (numbers[i] != 0));
		total += low;
	}
	put_block(writer, lengths, num, buf);
	if (!hvp_buf_reserve(buf, total / 8 + sizeof(bits.word)))
		return;
	bits.at = buf->data + buf->size;
	for (size_t i = 0; i < num; i++) {
		unsigned int low = num_low_bits(numbers[i]);
		uint64_t rest = numbers[i] & ~(1ull << low);

		if (__builtin_expect(low > MAX_AT_ONCE, 0)) {
			add_bits(&bits, rest & UINT32_MAX, 32);
			rest >>= 32;
			low -= 32;
		}
		add_bits(&bits, rest, low);
	}
	buf->size += (total + 7) / 8;
}

/* Lengths of runs minus 1 to runs[0..], their numbers to runs[num_runs..]. */
static void put_runs(struct hvp_stream_writer *writer, const uint64_t *numbers, size_t num,
		     size_t num_runs, struct hvp_buf *buf)
{
	uint64_t *lengths = writer->runs, *values = writer->runs + num_runs;
	size_t run = 0, begin = 0;

	for (size_t i = 1; i <= num; i++) {
		if (i < num && numbers[i] == numbers[begin])
			continue;
		lengths[run] = i - begin - 1;
		values[run++] = numbers[begin];
		begin = i;
	}
	hvp_buf_add_u8(buf, HVP_STREAM_RUNS);
	hvp_buf_add_varint(buf, num_runs);
	/* The inner streams have no runs in turn: this ends at once. */
	for (size_t part = 0; part < 2; part++) {
		hvp_buf_add_u8(buf, HVP_STREAM_BITS);
		put_bits(writer, writer->runs + part * num_runs, num_runs, buf);
	}
}

void hvp_stream_put(struct hvp_stream_writer *writer, const uint64_t *numbers, size_t num,
		    struct hvp_buf *buf)
{
	size_t num_runs = 1;
	uint64_t any = numbers[0];

	for (size_t i = 1; i < num; i++) {
		num_runs += numbers[i] != numbers[i - 1];
		any |= numbers[i];
	}
	if (num_runs == 1) {
		hvp_buf_add_u8(buf, HVP_STREAM_SAME);
		hvp_buf_add_varint(buf, numbers[0]);
		return;
	}
	if (num_runs <= num / RUNS_PER_NUMBER) {
		put_runs(writer, numbers, num, num_runs, buf);
		return;
	}
	if (any < 256) {
		hvp_buf_add_u8(buf, HVP_STREAM_BYTES);
		for (size_t i = 0; i < num; i++)
			writer->bytes[i] = (uint8_t)numbers[i];
		put_block(writer, writer->bytes, num, buf);
		return;
	}
	hvp_buf_add_u8(buf, HVP_STREAM_BITS);
	put_bits(writer, numbers, num, buf);
}

void hvp_stream_put_words(struct hvp_stream_writer *writer, const uint64_t *words, size_t num,
			  struct hvp_buf *buf)
{
	hvp_buf_add_u8(buf, HVP_STREAM_WORDS);
	set_zstd(writer, writer->level + WORDS_LEVELS, 0, 0);
	put_block(writer, (const uint8_t *)words, num * sizeof(*words), buf);
	set_zstd_for_bytes(writer);
}
