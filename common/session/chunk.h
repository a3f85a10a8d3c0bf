/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The envelope of everything in a session file: a header with sizes and checksums, and a payload.
 */
#ifndef HVP_COMMON_SESSION_CHUNK_H
#define HVP_COMMON_SESSION_CHUNK_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/bytes.h"
#include "common/base/error.h"
#include "common/session/format.h"

struct hvp_chunk_header {
	uint16_t type;
	uint8_t codec;
	uint8_t flags;
	/* Bytes in the file behind the header, and bytes after decompression. */
	uint32_t stored_size;
	uint32_t raw_size;
	/* Counts the chunks of a file from 0, so that a gap is seen. */
	uint32_t sequence;
	/* XXH64 (seed 0) of the stored payload. */
	uint64_t checksum;
};

/* XXH64 with seed 0, the one checksum of the format. */
uint64_t hvp_checksum(const void *data, size_t size);

/* Writes HVP_CHUNK_HEADER_SIZE bytes with a checksum of their own. */
void hvp_chunk_header_put(uint8_t *at, const struct hvp_chunk_header *header);

/* False when the bytes are not an intact chunk header whose sizes are within the limits. */
bool hvp_chunk_header_get(const uint8_t *at, struct hvp_chunk_header *ret);

/*
 * The payload of a chunk with a right checksum: `stored` itself, or decompressed into `room`
 * (replaced). `name` and `offset` (of the payload) are for errors. `ret` borrows from whichever it
 * is.
 */
struct hvp_error *hvp_chunk_payload(const struct hvp_chunk_header *header, const uint8_t *stored,
				    const char *name, uint64_t offset, struct hvp_buf *room,
				    struct hvp_reader *ret) hvp_must_use;

/* The file's first HVP_FILE_HEADER_SIZE bytes. `session_id` is random. */
void hvp_file_header_put(uint8_t *at, uint64_t session_id);
/*
 * `*ret_is_intact` is false when the magic is right but the checksum is not. `*ret_size` is where
 * the first chunk begins.
 */
struct hvp_error *hvp_file_header_get(const uint8_t *at, const char *name, bool *ret_is_intact,
				      uint32_t *ret_size) hvp_must_use;

#endif
