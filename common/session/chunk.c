/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/session/chunk.h"

#include <endian.h>
#include <string.h>

#include <xxhash.h>
#include <zstd.h>

/* What the checksums of the fixed-size structures cover: all before themselves. */
#define FILE_HEADER_CHECKED 24
#define CHUNK_HEADER_CHECKED 28

static void put16(uint8_t *at, uint16_t value)
{
	value = htole16(value);
	memcpy(at, &value, sizeof(value));
}

static void put32(uint8_t *at, uint32_t value)
{
	value = htole32(value);
	memcpy(at, &value, sizeof(value));
}

static void put64(uint8_t *at, uint64_t value)
{
	value = htole64(value);
	memcpy(at, &value, sizeof(value));
}

static uint16_t get16(const uint8_t *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof(value));
	return le16toh(value);
}

static uint32_t get32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return le32toh(value);
}

static uint64_t get64(const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return le64toh(value);
}

uint64_t hvp_checksum(const void *data, size_t size)
{
	return XXH64(data, size, 0);
}

void hvp_chunk_header_put(uint8_t *at, const struct hvp_chunk_header *header)
{
	put32(at, HVP_CHUNK_MAGIC);
	put16(at + 4, header->type);
	at[6] = header->codec;
	at[7] = header->flags;
	put32(at + 8, header->stored_size);
	put32(at + 12, header->raw_size);
	put32(at + 16, header->sequence);
	put64(at + 20, header->checksum);
	put32(at + 28, (uint32_t)hvp_checksum(at, CHUNK_HEADER_CHECKED));
}

static bool sizes_are_allowed(const struct hvp_chunk_header *header)
{
	if (header->stored_size > HVP_MAX_CHUNK_SIZE || header->raw_size > HVP_MAX_CHUNK_SIZE)
		return false;
	if (header->codec == HVP_CODEC_NONE)
		return header->raw_size == header->stored_size;
	return header->raw_size / HVP_MAX_ZSTD_RATIO <= header->stored_size;
}

bool hvp_chunk_header_get(const uint8_t *at, struct hvp_chunk_header *ret)
{
	if (get32(at) != HVP_CHUNK_MAGIC ||
	    get32(at + 28) != (uint32_t)hvp_checksum(at, CHUNK_HEADER_CHECKED))
		return false;
	*ret = (struct hvp_chunk_header){
		.type = get16(at + 4),
		.codec = at[6],
		.flags = at[7],
		.stored_size = get32(at + 8),
		.raw_size = get32(at + 12),
		.sequence = get32(at + 16),
		.checksum = get64(at + 20),
	};
	return sizes_are_allowed(ret);
}

struct hvp_error *hvp_chunk_payload(const struct hvp_chunk_header *header, const uint8_t *stored,
				    const char *name, uint64_t offset, struct hvp_buf *room,
				    struct hvp_reader *ret)
{
	size_t size;

	if (header->codec == HVP_CODEC_NONE) {
		hvp_reader_init(ret, name, stored, header->stored_size, offset);
		return NULL;
	}
	if (header->codec != HVP_CODEC_ZSTD)
		return hvp_error_at(
			HVP_ERROR_UNSUPPORTED, name, offset,
			"chunk type %u is packed by the unknown method %u: made by a newer "
			"hvprof?",
			header->type, header->codec);
	hvp_buf_clear(room);
	if (!hvp_buf_reserve(room, header->raw_size ? header->raw_size : 1))
		return hvp_error_no_memory;
	size = ZSTD_decompress(room->data, header->raw_size, stored, header->stored_size);
	if (ZSTD_isError(size) || size != header->raw_size)
		return hvp_error_at(
			HVP_ERROR_FORMAT, name, offset,
			"chunk type %u does not decompress to the %u bytes it should: %s",
			header->type, header->raw_size,
			ZSTD_isError(size) ? ZSTD_getErrorName(size) : "it is shorter");
	room->size = size;
	hvp_reader_init(ret, name, room->data, size, offset);
	return NULL;
}

void hvp_file_header_put(uint8_t *at, uint64_t session_id)
{
	memcpy(at, HVP_FILE_MAGIC, HVP_FILE_MAGIC_SIZE);
	put16(at + 8, HVP_FORMAT_MAJOR);
	put16(at + 10, HVP_FORMAT_MINOR);
	put32(at + 12, HVP_FILE_HEADER_SIZE);
	put64(at + 16, session_id);
	put64(at + 24, hvp_checksum(at, FILE_HEADER_CHECKED));
}

struct hvp_error *hvp_file_header_get(const uint8_t *at, const char *name, bool *ret_is_intact,
				      uint32_t *ret_size)
{
	*ret_size = HVP_FILE_HEADER_SIZE;
	if (!memcmp(at, "PERFILE2", HVP_FILE_MAGIC_SIZE))
		return hvp_error_create(HVP_ERROR_FORMAT,
					"%s: a recording of perf's, not an hvprof session: `hvprof "
					"import` makes one of it",
					name);
	if (memcmp(at, HVP_FILE_MAGIC, HVP_FILE_MAGIC_SIZE) != 0)
		return hvp_error_create(
			HVP_ERROR_FORMAT,
			"%s: not an hvprof session (the first 8 bytes are not its magic)", name);
	*ret_is_intact = get64(at + 24) == hvp_checksum(at, FILE_HEADER_CHECKED);
	if (*ret_is_intact && get16(at + 8) < HVP_FORMAT_MAJOR)
		return hvp_error_create(
			HVP_ERROR_UNSUPPORTED,
			"%s: session format %u.%u is of an hvprof before its first release: record "
			"it again",
			name, get16(at + 8), get16(at + 10));
	if (*ret_is_intact && get16(at + 8) > HVP_FORMAT_MAJOR)
		return hvp_error_create(
			HVP_ERROR_UNSUPPORTED,
			"%s: session format %u.%u is newer than this hvprof's %u.%u: read it "
			"with a newer hvprof",
			name, get16(at + 8), get16(at + 10), HVP_FORMAT_MAJOR, HVP_FORMAT_MINOR);
	if (*ret_is_intact && get32(at + 12) > HVP_FILE_HEADER_SIZE)
		*ret_size = get32(at + 12);
	return NULL;
}
