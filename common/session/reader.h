/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads a session: opens a file or a pipe, checks it, and hands out its facts, its records, and its
 * samples chunk by chunk.
 *
 * Opening loads everything except the samples (records, stacks and strings are small beside them).
 * A file without an end - the collector was killed, the disk was full, a copy was cut short - opens
 * all the same: the reader walks the chunks, keeps every whole one, and says in
 * hvp_session_damage() what is missing. A chunk whose checksum is wrong is skipped, counted and
 * said.
 *
 * After hvp_session_open() all functions but _destroy are safe to call from several threads at
 * once.
 */
#ifndef HVP_COMMON_SESSION_READER_H
#define HVP_COMMON_SESSION_READER_H

#include "common/base/error.h"
#include "common/base/scope.h"
#include "common/model/record.h"
#include "common/session/writer.h"

struct hvp_session;

/* `path` "-" is standard input (spooled to an unlinked temporary file). */
struct hvp_error *hvp_session_open(const char *path, struct hvp_session **ret) hvp_must_use;
/* From an open file (not consumed); `name` is for messages. */
struct hvp_error *hvp_session_open_fd(int fd, const char *name,
				      struct hvp_session **ret) hvp_must_use;
/* Accepts NULL. */
void hvp_session_destroy(struct hvp_session *session);
HVP_DEFINE_SCOPE(hvp_session_destroy, struct hvp_session *);

/* All that is handed out is borrowed and lives as long as the session. */
const char *hvp_session_path(const struct hvp_session *session);
/* NULL when the key is not there. */
const char *hvp_session_info(const struct hvp_session *session, const char *key);
size_t hvp_session_num_info(const struct hvp_session *session);
void hvp_session_info_at(const struct hvp_session *session, size_t index, const char **ret_key,
			 const char **ret_value);

size_t hvp_session_num_events(const struct hvp_session *session);
const struct hvp_event_info *hvp_session_event(const struct hvp_session *session, size_t index);

/* All records, ordered by time (stable). */
size_t hvp_session_num_records(const struct hvp_session *session);
const struct hvp_record *hvp_session_record(const struct hvp_session *session, size_t index);

/*
 * False when the session has no end chunk; then `ret` holds what can be derived from the samples.
 */
bool hvp_session_end(const struct hvp_session *session, struct hvp_session_end *ret);

/* NULL when the file is whole, otherwise one line that says what is missing, with offsets. */
const char *hvp_session_damage(const struct hvp_session *session);

/*
 * The call chain of a stack number, spelled out in the caller's `frames` (which the result points
 * to); an empty chain for HVP_STACK_NONE and for numbers that do not exist. Stacks are a tree in
 * memory, as they are in the file: sum up by number first, spell out last.
 */
struct hvp_chain hvp_session_stack(const struct hvp_session *session, uint32_t stack,
				   uint64_t frames[HVP_MAX_CHAIN]);
/* One more than the largest stack number. */
uint32_t hvp_session_num_stacks(const struct hvp_session *session);

/*
 * A sample as it is stored: like struct hvp_sample, with the chain by number. `event` is below
 * hvp_session_num_events(), `mode` below HVP_NUM_MODES (modes of a later format are
 * HVP_MODE_UNKNOWN); all other fields are whatever the file says, so do not take them for array
 * indices unchecked.
 */
struct hvp_row {
	uint64_t time;
	uint64_t ip;
	uint64_t period;
	uint64_t guest_cr3;
	uint32_t pid;
	uint32_t tid;
	uint32_t cpu;
	uint32_t domain;
	uint32_t vcpu;
	uint32_t stack;
	uint16_t event;
	uint8_t mode;
};

/* hvp_chunk_info.domain of a chunk that small domains share. */
#define HVP_DOMAIN_SEVERAL UINT32_MAX

/*
 * What is known of a chunk of samples without decoding it. A domain's side (host, guest) that is
 * busy has chunks of its own; what is left over of all others shares one, so that a thousand quiet
 * domains do not make a thousand tiny chunks.
 */
struct hvp_chunk_info {
	uint64_t file_offset;
	uint64_t first_time, last_time;
	uint32_t num_samples;
	/* The one domain of all its samples, or HVP_DOMAIN_SEVERAL. */
	uint32_t domain;
	bool has_host, has_guest;
};

size_t hvp_session_num_chunks(const struct hvp_session *session);
const struct hvp_chunk_info *hvp_session_chunk(const struct hvp_session *session, size_t index);
/* False: read_chunk() of it cannot give a sample of the domain. */
bool hvp_session_chunk_has_domain(const struct hvp_session *session, size_t index, uint32_t domain);
/* Of the chunks that are whole. */
uint64_t hvp_session_num_samples(const struct hvp_session *session);

/* Columns of a batch: the fields of struct hvp_row. */
#define HVP_COLUMN_ALL UINT32_MAX
/* Who does not need the time saves a quarter of the decoding. */
#define HVP_COLUMN_TIME (1u << 1)

/* Decoded samples of one chunk; one per thread, used again for chunk after chunk. */
struct hvp_batch {
	struct hvp_row *rows;
	size_t num_rows;
	size_t capacity;
	/*
	 * The columns wanted, HVP_COLUMN_ALL after init; fields of others are 0. May be changed
	 * between reads.
	 */
	uint32_t columns;
	/* Scratch memory of the reader. */
	void *scratch;
	size_t scratch_size;
};

void hvp_batch_init(struct hvp_batch *batch);
void hvp_batch_deinit(struct hvp_batch *batch);

/*
 * Replaces the batch's contents. Within a chunk rows are grouped by CPU and ordered by time in
 * each. Chunks with a wrong checksum were already left out (and counted as damage) at open; an
 * error here is a chunk that is well-preserved nonsense or an I/O error, and names its offset.
 */
struct hvp_error *hvp_session_read_chunk(const struct hvp_session *session, size_t index,
					 struct hvp_batch *batch) hvp_must_use;

/* All samples in order of time: a bounded merge of overlapping chunks. */
struct hvp_session_cursor;
struct hvp_error *hvp_session_cursor_create(const struct hvp_session *session,
					    struct hvp_session_cursor **ret) hvp_must_use;
void hvp_session_cursor_destroy(struct hvp_session_cursor *cursor);
HVP_DEFINE_SCOPE(hvp_session_cursor_destroy, struct hvp_session_cursor *);
/* `*ret` is NULL at the end; a row is valid until the next call. */
struct hvp_error *hvp_session_cursor_next(struct hvp_session_cursor *cursor,
					  const struct hvp_row **ret) hvp_must_use;

#endif
