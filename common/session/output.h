/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way of chunks into a file or pipe. A chunk is queued whole and written in order; when a write
 * stops in the middle (ENOSPC, EPIPE, a signal) the rest stays queued and the next drain goes on
 * exactly where it stopped, so that the file never has a hole or a torn chunk before another.
 */
#ifndef HVP_COMMON_SESSION_OUTPUT_H
#define HVP_COMMON_SESSION_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zstd.h>

#include "common/base/bytes.h"
#include "common/base/error.h"
#include "common/session/chunk.h"

struct hvp_output {
	int fd;
	/* Borrowed: for errors. */
	const char *path;
	struct hvp_buf queue;
	/* Bytes of the queue that are written. */
	size_t num_written;
	/* Bytes of the file before the queue. */
	uint64_t base;
	uint32_t num_chunks;
	ZSTD_CCtx *zstd;
	/* Payloads of the current segment of the index, and where the one before is (0: none). */
	struct hvp_buf index;
	uint32_t num_indexed;
	uint64_t last_index;
	uint64_t last_indexed;
};

/* Queues the file header. Borrows `fd` and `path`. */
struct hvp_error *hvp_output_init(struct hvp_output *output, int fd, const char *path,
				  int level) hvp_must_use;
void hvp_output_deinit(struct hvp_output *output);

/* Where the next chunk will be. */
static inline uint64_t hvp_output_offset(const struct hvp_output *output)
{
	return output->base + output->queue.size;
}

static inline bool hvp_output_is_drained(const struct hvp_output *output)
{
	return output->num_written == output->queue.size;
}

/* Queues a chunk, compressed when `codec` says so and it pays. `num_rows` is for the index. */
struct hvp_error *hvp_output_chunk(struct hvp_output *output, enum hvp_chunk_type type,
				   enum hvp_codec codec, const void *data, size_t size,
				   uint32_t num_rows) hvp_must_use;

/*
 * Takes back what was queued since `before`, a copy of *output. No checkpoint, no drain in between.
 */
void hvp_output_rewind(struct hvp_output *output, const struct hvp_output *before);

/* To be called now and then: queues a segment of the index when there is enough for one. */
struct hvp_error *hvp_output_checkpoint(struct hvp_output *output) hvp_must_use;

/* Queues the last part of the index and the trailer. */
struct hvp_error *hvp_output_end(struct hvp_output *output) hvp_must_use;

/* Writes all that is queued. */
struct hvp_error *hvp_output_drain(struct hvp_output *output) hvp_must_use;

size_t hvp_output_memory(const struct hvp_output *output);

#endif
