/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Chunks of samples: what their summaries say, and their rows. */
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/session/reader_internal.h"
#include "common/session/reference.h"

/*
 * Rows that are put together at a time: they stay in the first-level cache while their fields come
 * one by one.
 */
#define ROWS_AT_ONCE 256u

/* Those of a later format are skipped. */
#define KNOWN_COLUMNS ((1u << HVP_NUM_SAMPLE_COLUMNS) - 1)

/* The groups of a chunk, appended to session->groups. */
static struct hvp_error *read_groups(struct hvp_session *session, struct hvp_reader *reader,
				     uint64_t num_groups, struct hvp_sample_chunk *chunk)
{
	uint64_t domain = 0, total = 0, first_domain = UINT64_MAX;

	hvp_try(hvp_session_charge(session, reader, num_groups * sizeof(*session->groups)));
	hvp_try(hvp_array_reserve(&session->groups, &session->groups_capacity,
				  session->num_groups + (size_t)num_groups,
				  sizeof(*session->groups)));
	for (uint64_t i = 0; i < num_groups; i++) {
		uint64_t step, num_rows;

		hvp_try(hvp_read_bounded(reader, "a domain", 2ull * UINT32_MAX + 1, &step));
		hvp_try(hvp_read_bounded(reader, "the samples of a domain", HVP_MAX_ROWS,
					 &num_rows));
		domain += step >> 1;
		total += num_rows;
		if (domain > UINT32_MAX)
			return hvp_reader_error(reader, "a domain's number is too large");
		session->groups[session->num_groups + i] = (struct hvp_chunk_group){
			.domain = (uint32_t)domain, .num_rows = (uint32_t)num_rows};
		if (step & 1)
			chunk->info.has_guest = true;
		else
			chunk->info.has_host = true;
		if (first_domain != UINT64_MAX && domain != first_domain)
			chunk->info.domain = HVP_DOMAIN_SEVERAL;
		else
			chunk->info.domain = (uint32_t)domain;
		first_domain = first_domain == UINT64_MAX ? domain : first_domain;
	}
	if (total != chunk->info.num_samples)
		return hvp_reader_error(reader, "the domains have %llu samples, the chunk has %u",
					(unsigned long long)total, chunk->info.num_samples);
	return NULL;
}

/* The summary; the reader is then at the columns. */
static struct hvp_error *read_summary(struct hvp_reader *reader, struct hvp_chunk_info *ret,
				      uint64_t *ret_num_groups)
{
	uint64_t num, span;

	hvp_try(hvp_read_bounded(reader, "the number of samples", HVP_MAX_ROWS, &num));
	hvp_try(hvp_read_varint(reader, &ret->first_time));
	hvp_try(hvp_read_bounded(reader, "the time span", UINT64_MAX - ret->first_time, &span));
	if (!num)
		return hvp_reader_error(reader, "a chunk of samples is empty");
	ret->last_time = ret->first_time + span;
	ret->num_samples = (uint32_t)num;
	return hvp_read_bounded(reader, "the number of domains", num, ret_num_groups);
}

struct hvp_error *hvp_load_samples(struct hvp_session *session, uint64_t file_offset,
				   const struct hvp_chunk_header *header, struct hvp_reader *reader)
{
	struct hvp_sample_chunk *chunk;
	uint64_t num_groups;

	hvp_try(hvp_session_charge(session, reader, sizeof(*chunk)));
	hvp_try(hvp_array_reserve(&session->chunks, &session->chunks_capacity,
				  session->num_chunks + 1, sizeof(*session->chunks)));
	chunk = &session->chunks[session->num_chunks];
	*chunk = (struct hvp_sample_chunk){
		.info = {.file_offset = file_offset},
		.header = *header,
		.first_group = session->num_groups,
	};
	hvp_try(read_summary(reader, &chunk->info, &num_groups));
	hvp_try(read_groups(session, reader, num_groups, chunk));
	chunk->num_groups = (uint32_t)num_groups;
	session->num_groups += (size_t)num_groups;
	session->num_chunks++;
	session->num_samples += chunk->info.num_samples;
	return NULL;
}

size_t hvp_session_num_chunks(const struct hvp_session *session)
{
	return session->num_chunks;
}

const struct hvp_chunk_info *hvp_session_chunk(const struct hvp_session *session, size_t index)
{
	return &session->chunks[index].info;
}

bool hvp_session_chunk_has_domain(const struct hvp_session *session, size_t index, uint32_t domain)
{
	const struct hvp_sample_chunk *chunk = &session->chunks[index];
	const struct hvp_chunk_group *groups = session->groups + chunk->first_group;

	for (uint32_t i = 0; i < chunk->num_groups; i++)
		if (groups[i].domain == domain)
			return true;
	return false;
}

/* A batch's scratch memory. */
struct batch_scratch {
	struct hvp_column_decoder *decoder;
	struct hvp_buf stored, room;
};

void hvp_batch_init(struct hvp_batch *batch)
{
	*batch = (struct hvp_batch){.columns = HVP_COLUMN_ALL};
}

void hvp_batch_deinit(struct hvp_batch *batch)
{
	struct batch_scratch *scratch = batch->scratch;

	if (scratch) {
		hvp_column_decoder_destroy(scratch->decoder);
		hvp_buf_deinit(&scratch->stored);
		hvp_buf_deinit(&scratch->room);
		free(scratch);
	}
	free(batch->rows);
	hvp_batch_init(batch);
}

static struct hvp_error *prepare_batch(struct hvp_batch *batch, size_t num_rows)
{
	struct batch_scratch *scratch = batch->scratch;

	if (!scratch) {
		scratch = calloc(1, sizeof(*scratch));
		if (!scratch)
			return hvp_error_no_memory;
		batch->scratch = scratch;
		batch->scratch_size = sizeof(*scratch);
	}
	if (!scratch->decoder)
		hvp_try(hvp_column_decoder_create(&scratch->decoder));
	return hvp_array_reserve(&batch->rows, &batch->capacity, num_rows, sizeof(*batch->rows));
}

/* One field of some rows. */
#define FILL(field, id, type)                                                                      \
	do {                                                                                       \
		const struct hvp_column *column = &columns[id];                                    \
                                                                                                   \
		switch (column->form) {                                                            \
		case HVP_FORM_SAME:                                                                \
			for (size_t i = begin; i < end; i++)                                       \
				rows[i].field = (type)column->same;                                \
			break;                                                                     \
		case HVP_FORM_VALUES:                                                              \
			for (size_t i = begin; i < end; i++)                                       \
				rows[i].field = (type)column->values[i];                           \
			break;                                                                     \
		case HVP_FORM_CODED:                                                               \
			for (size_t i = begin; i < end; i++)                                       \
				rows[i].field = (type)column->values[column->codes[i]];            \
			break;                                                                     \
		}                                                                                  \
	} while (0)

/*
 * References, which begin anew with each CPU; `highest` is theirs from the first row of the chunk
 * on.
 */
static void fill_stacks(const struct hvp_column *columns, struct hvp_row *rows, size_t begin,
			size_t end, uint32_t *highest)
{
	const struct hvp_column *stack = &columns[HVP_SAMPLE_STACK];

	for (size_t i = begin; i < end; i++) {
		if (i && rows[i].cpu != rows[i - 1].cpu)
			*highest = 0;
		rows[i].stack = hvp_reference_get(highest, hvp_column_at(stack, i));
	}
}

static void fill_rows(const struct hvp_column *columns, struct hvp_row *rows, size_t begin,
		      size_t end)
{
	FILL(time, HVP_SAMPLE_TIME, uint64_t);
	FILL(ip, HVP_SAMPLE_IP, uint64_t);
	FILL(period, HVP_SAMPLE_PERIOD, uint64_t);
	FILL(guest_cr3, HVP_SAMPLE_GUEST_CR3, uint64_t);
	FILL(pid, HVP_SAMPLE_PID, uint32_t);
	FILL(tid, HVP_SAMPLE_TID, uint32_t);
	FILL(cpu, HVP_SAMPLE_CPU, uint32_t);
	FILL(domain, HVP_SAMPLE_DOMAIN, uint32_t);
	FILL(vcpu, HVP_SAMPLE_VCPU, uint32_t);
	FILL(event, HVP_SAMPLE_EVENT, uint16_t);
	FILL(mode, HVP_SAMPLE_MODE, uint8_t);
}

/* The promises of struct hvp_row. */
static struct hvp_error *check_rows(const struct hvp_session *session,
				    const struct hvp_sample_chunk *chunk, struct hvp_batch *batch)
{
	for (size_t i = 0; i < batch->num_rows; i++) {
		struct hvp_row *row = &batch->rows[i];

		if (row->mode >= HVP_NUM_MODES)
			row->mode = HVP_MODE_UNKNOWN;
		if (row->event < session->num_events)
			continue;
		if (session->unknown_event == UINT16_MAX) {
			batch->num_rows = 0;
			return hvp_error_at(HVP_ERROR_FORMAT, session->path,
					    chunk->info.file_offset,
					    "a sample is of event %u, the session has only %zu",
					    row->event, session->num_events);
		}
		row->event = session->unknown_event;
	}
	return NULL;
}

static struct hvp_error *has_changed(const struct hvp_session *session,
				     const struct hvp_sample_chunk *chunk)
{
	return hvp_error_at(HVP_ERROR_FORMAT, session->path, chunk->info.file_offset,
			    "the file has changed while it was read");
}

static struct hvp_error *decode_chunk(const struct hvp_session *session,
				      const struct hvp_sample_chunk *chunk,
				      struct batch_scratch *scratch, uint32_t wanted,
				      const struct hvp_column **ret)
{
	uint64_t offset = chunk->info.file_offset + HVP_CHUNK_HEADER_SIZE, num_groups;
	struct hvp_chunk_info info = {0};
	struct hvp_reader reader;
	size_t size = chunk->header.stored_size;

	hvp_buf_clear(&scratch->stored);
	if (!hvp_buf_reserve(&scratch->stored, size))
		return hvp_error_no_memory;
	hvp_try(hvp_session_pread(session, offset, scratch->stored.data, size));
	/* It was right when the session was opened. */
	if (hvp_checksum(scratch->stored.data, size) != chunk->header.checksum)
		return has_changed(session, chunk);
	hvp_try(hvp_chunk_payload(&chunk->header, scratch->stored.data, session->path, offset,
				  &scratch->room, &reader));
	hvp_try(read_summary(&reader, &info, &num_groups));
	/* XXH64 is no proof against who means it: other contents can have the same. */
	if (info.num_samples != chunk->info.num_samples)
		return has_changed(session, chunk);
	for (uint64_t i = 0; i < 2 * num_groups; i++) {
		uint64_t skipped;

		hvp_try(hvp_read_varint(&reader, &skipped));
	}
	return hvp_column_decode(scratch->decoder, &reader, info.num_samples,
				 wanted & KNOWN_COLUMNS, ret);
}

struct hvp_error *hvp_session_read_chunk(const struct hvp_session *session, size_t index,
					 struct hvp_batch *batch)
{
	const struct hvp_sample_chunk *chunk = &session->chunks[index];
	const struct hvp_column *columns;
	size_t num = chunk->info.num_samples, end;
	uint32_t highest = 0;

	batch->num_rows = 0;
	hvp_try(prepare_batch(batch, num));
	hvp_try(decode_chunk(session, chunk, batch->scratch, batch->columns, &columns));
	for (size_t begin = 0; begin < num; begin = end) {
		end = num - begin < ROWS_AT_ONCE ? num : begin + ROWS_AT_ONCE;
		fill_rows(columns, batch->rows, begin, end);
		fill_stacks(columns, batch->rows, begin, end, &highest);
	}
	batch->num_rows = num;
	return check_rows(session, chunk, batch);
}
