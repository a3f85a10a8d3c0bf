/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: any bytes as a session file. For inputs that ask for it with an odd byte 16 (of the
 * session id) the checksums are made right first, so that what is behind them is reached.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/session/chunk.h"
#include "common/session/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Larger inputs only take longer. */
#define MAX_SIZE (64u << 10)
/* Rows that are read of one input. */
#define MAX_ROWS (1u << 19)

/* Whether the first bit of the session id asks for right checksums. */
static bool wants_right_checksums(const uint8_t *data, size_t size)
{
	return size > HVP_FILE_HEADER_SIZE && (data[16] & 1);
}

static uint32_t get32(const uint8_t *at)
{
	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* From chunk to chunk, as far as the sizes lead. */
static void right_checksums(uint8_t *data, size_t size)
{
	uint64_t checksum = hvp_checksum(data, 24);
	size_t at = HVP_FILE_HEADER_SIZE;

	memcpy(data + 24, &checksum, sizeof(checksum));
	while (size - at >= HVP_CHUNK_HEADER_SIZE && get32(data + at) == HVP_CHUNK_MAGIC) {
		struct hvp_chunk_header header = {
			.type = (uint16_t)(data[at + 4] | data[at + 5] << 8),
			.codec = data[at + 6],
			.flags = data[at + 7],
			.stored_size = get32(data + at + 8),
			.raw_size = get32(data + at + 12),
			.sequence = get32(data + at + 16),
		};

		if (header.stored_size > size - at - HVP_CHUNK_HEADER_SIZE)
			return;
		header.checksum =
			hvp_checksum(data + at + HVP_CHUNK_HEADER_SIZE, header.stored_size);
		hvp_chunk_header_put(data + at, &header);
		at += HVP_CHUNK_HEADER_SIZE + header.stored_size;
	}
}

static volatile size_t seen_bytes;

static void read_tables(const struct hvp_session *session)
{
	size_t sum = 0;

	for (size_t i = 0; i < hvp_session_num_info(session); i++) {
		const char *key, *value;

		hvp_session_info_at(session, i, &key, &value);
		sum += strlen(key) + strlen(value);
	}
	for (size_t i = 0; i < hvp_session_num_events(session); i++)
		sum += strlen(hvp_session_event(session, i)->name);
	for (size_t i = 0; i < hvp_session_num_records(session); i++) {
		const struct hvp_record *record = hvp_session_record(session, i);

		if (record->type == HVP_RECORD_MMAP)
			sum += strlen(record->mmap.path) + record->mmap.build_id_size;
		if (record->type == HVP_RECORD_COMM)
			sum += strlen(record->comm.name);
		if (record->type == HVP_RECORD_BLOB)
			for (size_t at = 0; at < record->blob.size; at++)
				sum += record->blob.data[at];
	}
	/* Used, so that the reads are not optimised away. */
	seen_bytes = sum;
}

static void read_samples(const struct hvp_session *session)
{
	uint64_t frames[HVP_MAX_CHAIN], num = 0;
	struct hvp_batch batch;

	hvp_batch_init(&batch);
	for (size_t i = 0; i < hvp_session_num_chunks(session) && num < MAX_ROWS; i++) {
		num += hvp_session_chunk(session, i)->num_samples;
		hvp_error_destroy(hvp_session_read_chunk(session, i, &batch));
		for (size_t row = 0; row < batch.num_rows; row++) {
			if (batch.rows[row].event >= hvp_session_num_events(session) ||
			    batch.rows[row].mode >= HVP_NUM_MODES)
				abort();
			if (row % 64 == 0)
				hvp_session_stack(session, batch.rows[row].stack, frames);
		}
	}
	hvp_batch_deinit(&batch);
}

static void read_in_order(const struct hvp_session *session)
{
	struct hvp_session_cursor *cursor;
	const struct hvp_row *row = NULL;
	struct hvp_error *err = hvp_session_cursor_create(session, &cursor);

	if (err) {
		hvp_error_destroy(err);
		return;
	}
	for (uint64_t num = 0; num < MAX_ROWS; num++) {
		err = hvp_session_cursor_next(cursor, &row);
		if (err || !row)
			break;
	}
	hvp_error_destroy(err);
	hvp_session_cursor_destroy(cursor);
}

static void read_session(int fd)
{
	struct hvp_session *session = NULL;
	struct hvp_error *err = hvp_session_open_fd(fd, "input", &session);

	if (err) {
		/* Never without words. */
		if (!strlen(hvp_error_message(err)))
			abort();
		hvp_error_destroy(err);
		return;
	}
	read_tables(session);
	read_samples(session);
	if (hvp_session_num_samples(session) < MAX_ROWS)
		read_in_order(session);
	hvp_session_destroy(session);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy;
	int fd;

	if (size > MAX_SIZE)
		return 0;
	fd = memfd_create("input", MFD_CLOEXEC);
	copy = malloc(size + 1);
	if (fd < 0 || !copy)
		abort();
	memcpy(copy, data, size);
	if (wants_right_checksums(data, size))
		right_checksums(copy, size);
	if (write(fd, copy, size) != (ssize_t)size)
		abort();
	free(copy);
	read_session(fd);
	close(fd);
	return 0;
}
