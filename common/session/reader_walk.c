/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening a session walks its chunks from the first to the last, past whatever is damaged. */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/session/reader_internal.h"

/* Bytes searched for the next chunk header: at first, which is often enough, and at most at a time. */
#define FIRST_SEARCH_PIECE 1024u
#define SEARCH_PIECE (64u << 10)
/* Of memory for what is loaded at open. Real sessions need about 10 bytes for one in the file. */
#define MEMORY_PER_BYTE 64u
#define MEMORY_AT_LEAST (16u << 20)

/* Counts it, keeps the first in words, and consumes the error. */
static void note_damage(struct hvp_session *session, struct hvp_error *err)
{
	if (!session->damage.num_places++)
		session->damage.first = hvp_arena_strdup(&session->arena, hvp_error_message(err));
	hvp_error_destroy(err);
}

/* One chunk whose checksum is right. */
static struct hvp_error *load_payload(struct hvp_session *session, uint64_t offset,
				      const struct hvp_chunk_header *header,
				      struct hvp_reader *reader)
{
	switch (header->type) {
	case HVP_CHUNK_INFO: return hvp_load_info(session, reader);
	case HVP_CHUNK_EVENTS: return hvp_load_events(session, reader);
	case HVP_CHUNK_STRINGS: return hvp_load_strings(session, reader);
	case HVP_CHUNK_RECORDS: return hvp_load_records(session, reader);
	case HVP_CHUNK_BLOB: return hvp_load_blob(session, reader);
	case HVP_CHUNK_STACKS: return hvp_load_stacks(session, reader);
	case HVP_CHUNK_CHAINS: return hvp_load_chains(session, reader);
	case HVP_CHUNK_SAMPLES: return hvp_load_samples(session, offset, header, reader);
	case HVP_CHUNK_END: return hvp_load_end(session, reader);
	case HVP_CHUNK_INDEX: return hvp_load_index(session, reader);
	/* The schema is for readers that know less than this one. */
	default: return NULL;
	}
}

static bool is_known(uint16_t type)
{
	return type >= HVP_CHUNK_SCHEMA && type <= HVP_CHUNK_CHAINS;
}

static struct hvp_error *load_chunk(struct hvp_session *session, uint64_t offset,
				    const struct hvp_chunk_header *header)
{
	uint64_t payload = offset + HVP_CHUNK_HEADER_SIZE;
	struct hvp_reader reader;
	struct hvp_error *err;

	hvp_buf_clear(&session->stored);
	if (!hvp_buf_reserve(&session->stored, header->stored_size))
		return hvp_error_no_memory;
	hvp_try(hvp_session_pread(session, payload, session->stored.data, header->stored_size));
	if (hvp_checksum(session->stored.data, header->stored_size) != header->checksum) {
		note_damage(session, hvp_error_at(HVP_ERROR_FORMAT, session->path, offset,
						  "the checksum of a chunk of %u bytes is wrong",
						  header->stored_size));
		return NULL;
	}
	session->num_bytes += HVP_CHUNK_HEADER_SIZE + header->stored_size;
	session->memory_left +=
		MEMORY_PER_BYTE * (HVP_CHUNK_HEADER_SIZE + (uint64_t)header->stored_size);
	if (!is_known(header->type)) {
		if (!(header->flags & HVP_CHUNK_CRITICAL))
			return NULL;
		return hvp_error_at(
			HVP_ERROR_UNSUPPORTED, session->path, offset,
			"chunk type %u must be understood, and this hvprof does not: read the "
			"session with a newer one",
			header->type);
	}
	err = hvp_chunk_payload(header, session->stored.data, session->path, payload,
				&session->room, &reader);
	if (!err)
		err = load_payload(session, offset, header, &reader);
	if (!err || hvp_error_code(err) == HVP_ERROR_NO_MEMORY)
		return err;
	note_damage(session, err);
	return NULL;
}

/* Where the data behind `offset` begins: a hole of terabytes has no chunk, and takes hours to read. */
static uint64_t skip_hole(const struct hvp_session *session, uint64_t offset)
{
	off_t data = lseek(session->fd, (off_t)offset, SEEK_DATA);

	if (data < 0)
		return errno == ENXIO ? session->file_size : offset;
	return (uint64_t)data < session->file_size ? (uint64_t)data : session->file_size;
}

/*
 * The offset of the next intact chunk header from `offset` on; the file's end when there is none.
 */
static struct hvp_error *find_chunk(struct hvp_session *session, uint64_t offset, uint64_t *ret)
{
	const uint32_t magic = htole32(HVP_CHUNK_MAGIC);
	struct hvp_chunk_header header;
	size_t piece = FIRST_SEARCH_PIECE;

	hvp_buf_clear(&session->stored);
	if (!hvp_buf_reserve(&session->stored, SEARCH_PIECE))
		return hvp_error_no_memory;
	for (offset = skip_hole(session, offset);
	     session->file_size - offset >= HVP_CHUNK_HEADER_SIZE;
	     offset = skip_hole(session, offset)) {
		uint64_t left = session->file_size - offset;
		size_t size = left < piece ? (size_t)left : piece;
		const uint8_t *data = session->stored.data, *at = data, *end = data + size;

		hvp_try(hvp_session_pread(session, offset, session->stored.data, size));
		while ((at = memmem(at, (size_t)(end - at), &magic, sizeof(magic))) &&
		       end - at >= HVP_CHUNK_HEADER_SIZE) {
			if (hvp_chunk_header_get(at, &header)) {
				*ret = offset + (uint64_t)(at - data);
				return NULL;
			}
			at++;
		}
		/* A header may lie across two pieces. */
		offset += size - HVP_CHUNK_HEADER_SIZE + 1;
		piece = piece < SEARCH_PIECE ? 2 * piece : piece;
	}
	*ret = session->file_size;
	return NULL;
}

/* Whether the file's last bytes are the trailer, intact. */
static struct hvp_error *look_for_trailer(struct hvp_session *session, uint64_t header_size)
{
	uint8_t trailer[HVP_TRAILER_SIZE];
	uint64_t checksum, size;

	if (session->file_size < header_size + HVP_TRAILER_SIZE)
		return NULL;
	hvp_try(hvp_session_pread(session, session->file_size - HVP_TRAILER_SIZE, trailer,
				  sizeof(trailer)));
	memcpy(&size, trailer + 8, sizeof(size));
	memcpy(&checksum, trailer + 16, sizeof(checksum));
	session->damage.has_trailer = memcmp(trailer + 24, HVP_TRAILER_MAGIC, 8) == 0 &&
				      le64toh(checksum) == hvp_checksum(trailer, 16);
	if (session->damage.has_trailer && le64toh(size) != session->file_size)
		note_damage(session,
			    hvp_error_create(HVP_ERROR_FORMAT,
					     "%s: has %llu bytes, %llu were written", session->path,
					     (unsigned long long)session->file_size,
					     (unsigned long long)le64toh(size)));
	return NULL;
}

/* Chunks are counted: tells how many are missing where one could not be found. */
static void note_sequence(struct hvp_session *session, uint32_t sequence, uint64_t *next)
{
	if (sequence > *next)
		session->damage.num_chunks_missing += sequence - *next;
	*next = (uint64_t)sequence + 1;
}

static struct hvp_error *walk_chunks(struct hvp_session *session, uint64_t offset, uint64_t end)
{
	uint64_t next_sequence = 0;

	while (end - offset >= HVP_CHUNK_HEADER_SIZE) {
		uint8_t bytes[HVP_CHUNK_HEADER_SIZE];
		struct hvp_chunk_header header;

		hvp_try(hvp_session_pread(session, offset, bytes, sizeof(bytes)));
		if (!hvp_chunk_header_get(bytes, &header)) {
			uint64_t found = end;

			hvp_try(find_chunk(session, offset + 1, &found));
			if (found >= end)
				break;
			note_damage(session,
				    hvp_error_at(HVP_ERROR_FORMAT, session->path, offset,
						 "here should be a chunk, but its header is "
						 "damaged"));
			offset = found;
			continue;
		}
		if (header.stored_size > end - offset - HVP_CHUNK_HEADER_SIZE)
			break;
		note_sequence(session, header.sequence, &next_sequence);
		hvp_try(load_chunk(session, offset, &header));
		offset += HVP_CHUNK_HEADER_SIZE + header.stored_size;
	}
	session->damage.end_offset = offset;
	session->damage.num_bytes_behind = end - offset;
	return NULL;
}

struct hvp_error *hvp_session_walk(struct hvp_session *session)
{
	uint8_t bytes[HVP_FILE_HEADER_SIZE];
	uint32_t header_size;
	bool is_intact;

	if (session->file_size < HVP_FILE_HEADER_SIZE)
		return hvp_error_create(
			HVP_ERROR_TRUNCATED,
			"%s: %llu bytes are not a session, which has %u at least: empty or "
			"cut short",
			session->path, (unsigned long long)session->file_size,
			HVP_FILE_HEADER_SIZE);
	hvp_try(hvp_session_pread(session, 0, bytes, sizeof(bytes)));
	hvp_try(hvp_file_header_get(bytes, session->path, &is_intact, &header_size));
	session->damage.is_header_damaged = !is_intact;
	session->memory_left = MEMORY_AT_LEAST;
	if (header_size > session->file_size)
		header_size = HVP_FILE_HEADER_SIZE;
	hvp_try(look_for_trailer(session, header_size));
	return walk_chunks(session, header_size,
			   session->file_size -
				   (session->damage.has_trailer ? HVP_TRAILER_SIZE : 0));
}
