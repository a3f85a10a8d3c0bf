/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Streams of unsigned numbers, the stuff that columns are made of: format.h, enum hvp_stream. */
#ifndef HVP_COMMON_SESSION_STREAMS_H
#define HVP_COMMON_SESSION_STREAMS_H

#include <stddef.h>
#include <stdint.h>

#include <zstd.h>

#include "common/base/bytes.h"
#include "common/base/error.h"

struct hvp_stream_writer {
	ZSTD_CCtx *zstd;
	/* Room for a byte per number, and for two numbers per run. */
	uint8_t *bytes;
	uint64_t *runs;
	size_t max_rows;
	/* Of zstd. */
	int level;
};

struct hvp_error *hvp_stream_writer_init(struct hvp_stream_writer *writer, size_t max_rows,
					 int level) hvp_must_use;
void hvp_stream_writer_deinit(struct hvp_stream_writer *writer);
size_t hvp_stream_writer_memory(const struct hvp_stream_writer *writer);

/* Appends `num` (1 to max_rows) numbers in the form that suits them. */
void hvp_stream_put(struct hvp_stream_writer *writer, const uint64_t *numbers, size_t num,
		    struct hvp_buf *buf);
/* Whole numbers, little-endian already, among which zstd finds what it has seen before. */
void hvp_stream_put_words(struct hvp_stream_writer *writer, const uint64_t *words, size_t num,
			  struct hvp_buf *buf);

struct hvp_stream_reader {
	ZSTD_DCtx *zstd;
	uint8_t *bytes;
	uint64_t *runs;
	size_t max_rows;
};

struct hvp_error *hvp_stream_reader_init(struct hvp_stream_reader *streams) hvp_must_use;
void hvp_stream_reader_deinit(struct hvp_stream_reader *streams);
/* Makes room for streams of up to `max_rows` numbers. */
struct hvp_error *hvp_stream_reader_reserve(struct hvp_stream_reader *streams,
					    size_t max_rows) hvp_must_use;

/* Reads `num` numbers (at most max_rows). */
struct hvp_error *hvp_stream_get(struct hvp_stream_reader *streams, struct hvp_reader *reader,
				 size_t num, uint64_t *ret) hvp_must_use;
/* True and the number when the stream ahead says that all are one; the reader moves only then. */
bool hvp_stream_get_same(struct hvp_reader *reader, uint64_t *ret);

#endif
