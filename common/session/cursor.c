/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All samples in order of time. Chunks are opened when the time of their first sample has come and
 * closed behind their last, so that no more are in memory than overlap in time; a heap has the next
 * sample of each.
 */
#include <stdlib.h>

#include "common/base/array.h"
#include "common/session/reader_internal.h"
#include "common/session/sort.h"

/* More than overlap in any real session (a drain of many seconds); what claims more is hostile. */
#define MAX_OPEN 1024u
/* Their rows: so many for each byte of the file, and a million. */
#define MAX_ROWS_PER_BYTE 16u
#define MAX_ROWS_AT_LEAST (1u << 20)

/* A chunk in memory, its rows in order of time. */
struct open_chunk {
	struct hvp_row *rows;
	struct hvp_keyed *order;
	size_t num, next;
	/* Its place in the file: equal times keep that order. */
	size_t chunk;
};

struct hvp_session_cursor {
	const struct hvp_session *session;
	/* Chunks by first time. */
	struct hvp_keyed *starts;
	size_t next_start;
	/* A heap: the chunk with the earliest next row first. */
	struct open_chunk **heap;
	size_t num_open, heap_capacity;
	uint64_t num_open_rows;
	/* Whose row was handed out last. */
	struct open_chunk *current;
	struct hvp_batch batch;
};

static void close_chunk(struct open_chunk *open)
{
	if (!open)
		return;
	free(open->rows);
	free(open->order);
	free(open);
}

static uint64_t next_time(const struct open_chunk *open)
{
	return open->order[open->next].key;
}

static bool is_before(const struct open_chunk *a, const struct open_chunk *b)
{
	if (next_time(a) != next_time(b))
		return next_time(a) < next_time(b);
	return a->chunk < b->chunk;
}

static void heap_swap(struct hvp_session_cursor *cursor, size_t a, size_t b)
{
	struct open_chunk *chunk = cursor->heap[a];

	cursor->heap[a] = cursor->heap[b];
	cursor->heap[b] = chunk;
}

static void heap_push(struct hvp_session_cursor *cursor, struct open_chunk *open)
{
	size_t at = cursor->num_open++;

	cursor->heap[at] = open;
	while (at && is_before(cursor->heap[at], cursor->heap[(at - 1) / 2])) {
		heap_swap(cursor, at, (at - 1) / 2);
		at = (at - 1) / 2;
	}
}

/* Puts the first back into its place after its next row has changed. */
static void heap_sink(struct hvp_session_cursor *cursor)
{
	size_t at = 0;

	for (;;) {
		size_t least = at, child = 2 * at + 1;

		for (size_t i = child; i < child + 2 && i < cursor->num_open; i++)
			if (is_before(cursor->heap[i], cursor->heap[least]))
				least = i;
		if (least == at)
			return;
		heap_swap(cursor, at, least);
		at = least;
	}
}

struct hvp_error *hvp_session_cursor_create(const struct hvp_session *session,
					    struct hvp_session_cursor **ret)
{
	hvp_scope(hvp_session_cursor_destroy_scope) struct hvp_session_cursor *cursor =
		calloc(1, sizeof(*cursor));
	hvp_scope(hvp_free_ptr) struct hvp_keyed *spare = NULL;
	size_t num = session->num_chunks;

	if (!cursor)
		return hvp_error_no_memory;
	cursor->session = session;
	hvp_batch_init(&cursor->batch);
	cursor->starts = malloc((num + 1) * sizeof(*cursor->starts));
	spare = malloc((num + 1) * sizeof(*spare));
	if (!cursor->starts || !spare)
		return hvp_error_no_memory;
	for (size_t i = 0; i < num; i++)
		cursor->starts[i] = (struct hvp_keyed){.key = session->chunks[i].info.first_time,
						       .item = (uint32_t)i};
	hvp_sort_keyed(cursor->starts, spare, num);
	*ret = hvp_take(cursor);
	return NULL;
}

void hvp_session_cursor_destroy(struct hvp_session_cursor *cursor)
{
	if (!cursor)
		return;
	for (size_t i = 0; i < cursor->num_open; i++)
		close_chunk(cursor->heap[i]);
	free(cursor->heap);
	free(cursor->starts);
	hvp_batch_deinit(&cursor->batch);
	free(cursor);
}

static struct hvp_error *sort_rows(struct open_chunk *open)
{
	hvp_scope(hvp_free_ptr) struct hvp_keyed *spare = malloc(open->num * sizeof(*spare));

	open->order = malloc(open->num * sizeof(*open->order));
	if (!open->order || !spare)
		return hvp_error_no_memory;
	for (size_t i = 0; i < open->num; i++)
		open->order[i] = (struct hvp_keyed){.key = open->rows[i].time, .item = (uint32_t)i};
	hvp_sort_keyed(open->order, spare, open->num);
	return NULL;
}

static struct hvp_error *open_chunk(struct hvp_session_cursor *cursor, size_t chunk)
{
	const struct hvp_session *session = cursor->session;
	const struct hvp_chunk_info *info = &session->chunks[chunk].info;
	struct open_chunk *open;
	struct hvp_error *err;

	if (cursor->num_open >= MAX_OPEN ||
	    cursor->num_open_rows + info->num_samples >
		    MAX_ROWS_AT_LEAST + MAX_ROWS_PER_BYTE * session->num_bytes)
		return hvp_error_at(HVP_ERROR_FORMAT, session->path, info->file_offset,
				    "%zu chunks with %llu samples overlap in time with this one, "
				    "more than in any real session",
				    cursor->num_open, (unsigned long long)cursor->num_open_rows);
	hvp_try(hvp_array_reserve(&cursor->heap, &cursor->heap_capacity, cursor->num_open + 1,
				  sizeof(*cursor->heap)));
	hvp_try(hvp_session_read_chunk(session, chunk, &cursor->batch));
	open = calloc(1, sizeof(*open));
	if (!open)
		return hvp_error_no_memory;
	/* The rows change hands. */
	open->rows = hvp_take(cursor->batch.rows);
	open->num = cursor->batch.num_rows;
	open->chunk = chunk;
	cursor->batch.capacity = 0;
	cursor->batch.num_rows = 0;
	cursor->num_open_rows += open->num;
	err = sort_rows(open);
	if (err) {
		close_chunk(open);
		return err;
	}
	heap_push(cursor, open);
	return NULL;
}

/* Moves on from the row that was handed out last. */
static void leave_current(struct hvp_session_cursor *cursor)
{
	struct open_chunk *open = cursor->current;

	cursor->current = NULL;
	if (!open)
		return;
	if (++open->next < open->num) {
		heap_sink(cursor);
		return;
	}
	cursor->num_open_rows -= open->num;
	cursor->heap[0] = cursor->heap[--cursor->num_open];
	heap_sink(cursor);
	close_chunk(open);
}

struct hvp_error *hvp_session_cursor_next(struct hvp_session_cursor *cursor,
					  const struct hvp_row **ret)
{
	const struct hvp_keyed *starts = cursor->starts;
	struct open_chunk *open;

	leave_current(cursor);
	while (cursor->next_start < cursor->session->num_chunks &&
	       (!cursor->num_open || starts[cursor->next_start].key <= next_time(cursor->heap[0])))
		hvp_try(open_chunk(cursor, starts[cursor->next_start++].item));
	*ret = NULL;
	if (!cursor->num_open)
		return NULL;
	open = cursor->heap[0];
	cursor->current = open;
	*ret = &open->rows[open->order[open->next].item];
	return NULL;
}
