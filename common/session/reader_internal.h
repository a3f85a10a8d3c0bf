/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the reader share: reader.c (opening, and what is handed out), reader_walk.c
 * (chunk after chunk), reader_tables.c (what is in them), reader_records.c, reader_stacks.c,
 * reader_samples.c, and reader_input.c below them all.
 */
#ifndef HVP_COMMON_SESSION_READER_INTERNAL_H
#define HVP_COMMON_SESSION_READER_INTERNAL_H

#include "common/base/arena.h"
#include "common/base/bytes.h"
#include "common/session/chunk.h"
#include "common/session/columns.h"
#include "common/session/reader.h"

/* Facts, the replaced ones included; no collector has a hundred. */
#define HVP_MAX_INFO 4096u

struct hvp_info_item {
	const char *key;
	const char *value;
};

/* Bytes with a NUL behind. */
struct hvp_text {
	const char *data;
	uint32_t size;
};

/* Numbered things that came without a gap: numbers first.. are at array index base.. */
struct hvp_range {
	uint64_t first;
	uint64_t num;
	size_t base;
};

struct hvp_ranges {
	struct hvp_range *ranges;
	size_t num, capacity;
};

struct hvp_blob_data {
	uint64_t number;
	uint64_t size;
	struct hvp_buf bytes;
};

/* Of a sample chunk: where a domain's side is in it. */
struct hvp_chunk_group {
	uint32_t domain;
	uint32_t num_rows;
};

struct hvp_sample_chunk {
	struct hvp_chunk_info info;
	struct hvp_chunk_header header;
	/* Its groups are session->groups[first_group..]. */
	size_t first_group;
	uint32_t num_groups;
};

/* The tree of one side's frames: frame and parent's number. */
struct hvp_stack_nodes {
	uint64_t *frames;
	uint32_t *parents;
	size_t num, frames_capacity, parents_capacity;
	struct hvp_ranges ranges;
};

/* Call chains: the number of each side's innermost node. */
struct hvp_chain_pairs {
	uint32_t (*nodes)[HVP_NUM_SIDES];
	size_t num, capacity;
	struct hvp_ranges ranges;
};

/* What is wrong with a file, for one line to the user. */
struct hvp_damage {
	/* Chunks that are not intact, or not understood, and places without a chunk header. */
	uint64_t num_places;
	/* The first of them in words. */
	char *first;
	/* Bytes behind the last whole chunk of a file without an end. */
	uint64_t end_offset, num_bytes_behind;
	/* Chunks that are not there by their numbers. */
	uint64_t num_chunks_missing;
	bool is_header_damaged, has_trailer;
	char *text;
};

struct hvp_session {
	char *path;
	int fd;
	uint64_t file_size;
	struct hvp_arena arena;
	struct hvp_damage damage;

	struct hvp_info_item *info;
	size_t num_info, info_capacity;
	/* Those that came, also when they replaced others. */
	size_t num_facts;
	struct hvp_event_info *events;
	size_t num_events, events_capacity;
	/* Stands for events whose description is damaged; UINT16_MAX: there is none. */
	uint16_t unknown_event;

	struct hvp_text *strings;
	size_t num_strings, strings_capacity;
	struct hvp_ranges string_ranges;
	struct hvp_blob_data *blobs;
	size_t num_blobs, blobs_capacity;
	struct hvp_record *records;
	size_t num_records, records_capacity;

	struct hvp_stack_nodes stacks[HVP_NUM_SIDES];
	struct hvp_chain_pairs chains;

	struct hvp_sample_chunk *chunks;
	size_t num_chunks, chunks_capacity;
	struct hvp_chunk_group *groups;
	size_t num_groups, groups_capacity;
	uint64_t num_samples;

	bool has_end;
	struct hvp_session_end end;
	/* All samples that were written: by the end chunk, and by the index. */
	uint64_t end_samples, index_samples;

	/* Of the chunks that were read: a file's own size may be a hole. */
	uint64_t num_bytes;
	/* While opening. */
	uint64_t memory_left;
	struct hvp_column_decoder *decoder;
	struct hvp_buf stored, room;
};

/* reader_input.c */

/* Reads `size` bytes at `offset`; HVP_ERROR_TRUNCATED when they are not there. */
struct hvp_error *hvp_session_pread(const struct hvp_session *session, uint64_t offset, void *data,
				    size_t size) hvp_must_use;
/*
 * Takes `size` bytes of what the chunks up to here may make the reader hold (64 times their size,
 * and 16 MiB): equal columns and zstd can claim far more rows than anyone ever wrote.
 */
struct hvp_error *hvp_session_charge(struct hvp_session *session, const struct hvp_reader *reader,
				     uint64_t size) hvp_must_use;

/* Adds numbers first.. at array index `base`; false when they are not above all that are there. */
struct hvp_error *hvp_ranges_add(struct hvp_ranges *ranges, uint64_t first, uint64_t num,
				 size_t base, bool *ret_is_above) hvp_must_use;
/* Takes the last `num` numbers back. */
void hvp_ranges_cut(struct hvp_ranges *ranges, uint64_t num);
/* The array index of a number; SIZE_MAX when it is not there. */
size_t hvp_ranges_find(const struct hvp_ranges *ranges, uint64_t number);

/* reader_walk.c */

/* Loads everything there is; errors are only those that leave nothing to read. */
struct hvp_error *hvp_session_walk(struct hvp_session *session) hvp_must_use;

/* reader_tables.c: each takes one payload. Errors other than HVP_ERROR_NO_MEMORY are damage. */
struct hvp_error *hvp_load_info(struct hvp_session *session,
				struct hvp_reader *reader) hvp_must_use;
struct hvp_error *hvp_load_events(struct hvp_session *session,
				  struct hvp_reader *reader) hvp_must_use;
struct hvp_error *hvp_load_strings(struct hvp_session *session,
				   struct hvp_reader *reader) hvp_must_use;
struct hvp_error *hvp_load_blob(struct hvp_session *session,
				struct hvp_reader *reader) hvp_must_use;
struct hvp_error *hvp_load_end(struct hvp_session *session, struct hvp_reader *reader) hvp_must_use;
struct hvp_error *hvp_load_index(struct hvp_session *session,
				 struct hvp_reader *reader) hvp_must_use;
/* NULL when there is no such string. */
const struct hvp_text *hvp_session_text(const struct hvp_session *session, uint64_t number);
const struct hvp_blob_data *hvp_session_blob(const struct hvp_session *session, uint64_t number);

/* reader_records.c */
struct hvp_error *hvp_load_records(struct hvp_session *session,
				   struct hvp_reader *reader) hvp_must_use;
/* Into the order of time. */
struct hvp_error *hvp_sort_records(struct hvp_session *session) hvp_must_use;

/* reader_stacks.c */
struct hvp_error *hvp_load_stacks(struct hvp_session *session,
				  struct hvp_reader *reader) hvp_must_use;
struct hvp_error *hvp_load_chains(struct hvp_session *session,
				  struct hvp_reader *reader) hvp_must_use;
void hvp_free_stacks(struct hvp_session *session);

/* reader_samples.c */

/* The summary of a chunk of samples; its columns are left alone. */
struct hvp_error *hvp_load_samples(struct hvp_session *session, uint64_t file_offset,
				   const struct hvp_chunk_header *header,
				   struct hvp_reader *reader) hvp_must_use;

#endif
