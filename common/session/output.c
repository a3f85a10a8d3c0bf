/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/session/output.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/* Entries of one segment of the index; then it is written and the next begins. */
#define MAX_INDEXED 4096
/* What the end takes beside the index itself: its head, chunk header, trailer. */
#define END_ROOM 256u
/* A queue that has grown beyond this (for a blob) is given back. */
#define MAX_KEPT_QUEUE (4u << 20)

struct hvp_error *hvp_output_init(struct hvp_output *output, int fd, const char *path, int level)
{
	uint8_t header[HVP_FILE_HEADER_SIZE];
	uint64_t session_id = 0;

	*output = (struct hvp_output){.fd = fd, .path = path, .zstd = ZSTD_createCCtx()};
	if (!output->zstd)
		return hvp_error_no_memory;
	if (ZSTD_isError(ZSTD_CCtx_setParameter(output->zstd, ZSTD_c_compressionLevel, level)))
		return hvp_error_create(HVP_ERROR_USAGE, "zstd has no level %d", level);
	/* Without randomness the id is 0: it only tells sessions apart. */
	if (getrandom(&session_id, sizeof(session_id), GRND_NONBLOCK) < 0)
		session_id = 0;
	hvp_file_header_put(header, session_id);
	hvp_buf_add_bytes(&output->queue, header, sizeof(header));
	return hvp_buf_check(&output->queue);
}

void hvp_output_deinit(struct hvp_output *output)
{
	ZSTD_freeCCtx(output->zstd);
	hvp_buf_deinit(&output->queue);
	hvp_buf_deinit(&output->index);
}

/* Behind room for the header; false when it does not pay or there is no memory. */
static bool put_compressed(struct hvp_output *output, const void *data, size_t size,
			   uint32_t *ret_stored)
{
	size_t bound = ZSTD_compressBound(size), packed;
	struct hvp_buf *queue = &output->queue;

	if (!hvp_buf_reserve(queue, HVP_CHUNK_HEADER_SIZE + bound))
		return false;
	packed = ZSTD_compress2(output->zstd, queue->data + queue->size + HVP_CHUNK_HEADER_SIZE,
				bound, data, size);
	if (ZSTD_isError(packed) || packed >= size || size / HVP_MAX_ZSTD_RATIO > packed)
		return false;
	*ret_stored = (uint32_t)packed;
	return true;
}

static void index_chunk(struct hvp_output *output, uint64_t offset, uint16_t type,
			uint32_t stored_size, uint32_t num_rows)
{
	hvp_buf_add_varint(&output->index, type);
	hvp_buf_add_varint(&output->index, offset - output->last_indexed);
	hvp_buf_add_varint(&output->index, stored_size);
	hvp_buf_add_varint(&output->index, num_rows);
	output->last_indexed = offset;
	output->num_indexed++;
}

struct hvp_error *hvp_output_chunk(struct hvp_output *output, enum hvp_chunk_type type,
				   enum hvp_codec codec, const void *data, size_t size,
				   uint32_t num_rows)
{
	struct hvp_chunk_header header = {
		.type = (uint16_t)type,
		.codec = (uint8_t)codec,
		.stored_size = (uint32_t)size,
		.raw_size = (uint32_t)size,
		.sequence = output->num_chunks,
	};
	struct hvp_buf *queue = &output->queue;
	uint64_t offset = hvp_output_offset(output);
	uint8_t *at;

	if (size > HVP_MAX_CHUNK_SIZE)
		return hvp_error_create(HVP_ERROR_OTHER,
					"%s: a chunk of %zu bytes is more than the format allows",
					output->path, size);
	if (codec == HVP_CODEC_ZSTD && !put_compressed(output, data, size, &header.stored_size))
		header.codec = HVP_CODEC_NONE;
	if (!hvp_buf_reserve(queue, HVP_CHUNK_HEADER_SIZE + header.stored_size)) {
		queue->failed = false;
		return hvp_error_no_memory;
	}
	at = queue->data + queue->size;
	if (header.codec == HVP_CODEC_NONE && size)
		memcpy(at + HVP_CHUNK_HEADER_SIZE, data, size);
	header.checksum = hvp_checksum(at + HVP_CHUNK_HEADER_SIZE, header.stored_size);
	hvp_chunk_header_put(at, &header);
	queue->size += HVP_CHUNK_HEADER_SIZE + header.stored_size;
	output->num_chunks++;
	if (type != HVP_CHUNK_INDEX)
		index_chunk(output, offset, header.type, header.stored_size, num_rows);
	return NULL;
}

/*
 * The index is a chain from the last segment to the first, so that the writer need not keep it all.
 */
static struct hvp_error *queue_index(struct hvp_output *output)
{
	uint64_t offset = hvp_output_offset(output);
	struct hvp_buf head;
	struct hvp_error *err;

	hvp_buf_init(&head);
	hvp_buf_add_varint(&head, output->last_index);
	hvp_buf_add_varint(&head, output->num_indexed);
	hvp_buf_add_bytes(&head, output->index.data, output->index.size);
	err = hvp_buf_check(&head);
	if (!err)
		err = hvp_buf_check(&output->index);
	if (!err)
		err = hvp_output_chunk(output, HVP_CHUNK_INDEX, HVP_CODEC_ZSTD, head.data,
				       head.size, 0);
	hvp_buf_deinit(&head);
	if (err)
		return err;
	hvp_buf_clear(&output->index);
	output->num_indexed = 0;
	output->last_indexed = 0;
	output->last_index = offset;
	return NULL;
}

struct hvp_error *hvp_output_checkpoint(struct hvp_output *output)
{
	return output->num_indexed < MAX_INDEXED ? NULL : queue_index(output);
}

void hvp_output_rewind(struct hvp_output *output, const struct hvp_output *before)
{
	output->queue.size = before->queue.size;
	output->queue.failed = false;
	output->index.size = before->index.size;
	output->index.failed = false;
	output->num_chunks = before->num_chunks;
	output->num_indexed = before->num_indexed;
	output->last_indexed = before->last_indexed;
}

/* Room first: an index without its trailer would be there twice after another try. */
struct hvp_error *hvp_output_end(struct hvp_output *output)
{
	uint8_t trailer[HVP_TRAILER_SIZE] = {0};
	uint64_t value;

	if (!hvp_buf_reserve(&output->queue, ZSTD_compressBound(output->index.size) + END_ROOM)) {
		output->queue.failed = false;
		return hvp_error_no_memory;
	}
	hvp_try(queue_index(output));
	value = htole64(output->last_index);
	memcpy(trailer, &value, sizeof(value));
	/* The size of the whole file, so that a reader sees what was appended or cut. */
	value = htole64(hvp_output_offset(output) + HVP_TRAILER_SIZE);
	memcpy(trailer + 8, &value, sizeof(value));
	value = htole64(hvp_checksum(trailer, 16));
	memcpy(trailer + 16, &value, sizeof(value));
	memcpy(trailer + 24, HVP_TRAILER_MAGIC, 8);
	hvp_buf_add_bytes(&output->queue, trailer, sizeof(trailer));
	return hvp_buf_check(&output->queue);
}

/* Of a pipe in non-blocking mode: until there is room again. */
static void wait_for_room(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};

	/* A failure shows itself at the next write. */
	(void)poll(&poll_fd, 1, -1);
}

struct hvp_error *hvp_output_drain(struct hvp_output *output)
{
	struct hvp_buf *queue = &output->queue;

	while (!hvp_output_is_drained(output)) {
		ssize_t n = write(output->fd, queue->data + output->num_written,
				  queue->size - output->num_written);

		if (n > 0) {
			output->num_written += (size_t)n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			wait_for_room(output->fd);
			continue;
		}
		return hvp_error_from_errno(
			n < 0 ? errno : ENOSPC,
			"%s: cannot write the session at "
			"offset %llu",
			output->path, (unsigned long long)(output->base + output->num_written));
	}
	output->base += queue->size;
	output->num_written = 0;
	if (queue->capacity > MAX_KEPT_QUEUE)
		hvp_buf_deinit(queue);
	hvp_buf_clear(queue);
	return NULL;
}

size_t hvp_output_memory(const struct hvp_output *output)
{
	return output->queue.capacity + output->index.capacity + ZSTD_sizeof_CCtx(output->zstd);
}
