/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the writer share: writer.c (what is handed in, and when it is written),
 * writer_records.c, writer_samples.c (chunks), writer_drain.c (to the file).
 */
#ifndef HVP_COMMON_SESSION_WRITER_INTERNAL_H
#define HVP_COMMON_SESSION_WRITER_INTERNAL_H

#include "common/session/columns.h"
#include "common/session/output.h"
#include "common/session/sort.h"
#include "common/session/stacks.h"
#include "common/session/string_table.h"
#include "common/session/writer.h"

/*
 * Samples in order of arrival, column by column: appending is a few stores, encoding a few tight
 * loops.
 */
struct hvp_rows {
	size_t num, max;
	/*
	 * Some row has a stack, is a guest's, or differs in one of the five from row 0, which has
	 * `first`. Until then row 0 alone is stored in these columns and that of the stacks.
	 */
	bool has_rare;
	struct hvp_rare {
		uint64_t period, guest_cr3;
		uint32_t domain, vcpu;
		uint16_t event;
	} first;
	uint64_t *time, *ip, *period, *guest_cr3;
	uint32_t *pid, *tid, *cpu, *domain, *vcpu, *stack;
	uint16_t *event;
	uint8_t *mode;
	/* The memory that all columns are in. */
	void *memory;
	size_t memory_size;
};

/* Samples of one domain and side (guest or host) among the rows. */
struct hvp_group {
	uint32_t domain;
	bool is_guest;
	uint32_t num_rows;
	/* Which chunk: 0 is the shared one. */
	uint8_t part;
};

/* At most so many groups get a chunk of their own in one flush. */
#define HVP_MAX_PARTS 64

struct hvp_session_writer {
	char *path;
	struct hvp_output output;
	struct hvp_string_table strings;
	struct hvp_stacks stacks;
	struct hvp_column_encoder *encoder;

	/* Contents of the next chunks of their kind, and how many items that is. */
	struct hvp_buf info, events, records;
	size_t num_info, num_events, num_records;
	/* Of all events, also those in the file. */
	uint16_t next_event;
	uint64_t next_blob;
	/* Of the last record in `records`. */
	uint64_t record_time;
	/* Latest time of any sample. */
	uint64_t last_time;

	struct hvp_rows rows;
	/* Scratch of the flush, for rows.max rows. */
	struct hvp_keyed *keyed, *spare;
	/* The rows in the order of the file, as spans of rows that lie behind each other. */
	struct hvp_keyed *order;
	struct hvp_group *groups;
	size_t num_groups;
	uint8_t *parts;
	uint64_t *gathered;
	/* Bit ID of a column: the same number in all rows. */
	uint32_t same_columns;
	struct hvp_buf payload;

	/*
	 * The last attempt to write failed. What arrives then is kept while there is room, later
	 * counted here, and written as a lost record when writing works again.
	 */
	bool is_failing;
	uint64_t new_lost_samples, new_lost_records;
	/* Samples until add_sample() tries again by itself. */
	uint32_t retry_in;
	/* What finish has queued. */
	bool has_end, is_finished;
	struct hvp_session_writer_stats stats;
};

/* writer_records.c */

/* Appends the fields of a record to writer->records; on error nothing has changed. */
struct hvp_error *hvp_writer_put_record(struct hvp_session_writer *writer,
					const struct hvp_record *record) hvp_must_use;
/* Queues what was gathered of info, events, strings, records. */
struct hvp_error *hvp_writer_queue_records(struct hvp_session_writer *writer) hvp_must_use;
/* Puts the losses of a time of failure into writer->records. */
struct hvp_error *hvp_writer_put_losses(struct hvp_session_writer *writer) hvp_must_use;

/* writer_drain.c */

/* Drains the queue and keeps account of failures. */
struct hvp_error *hvp_writer_drain(struct hvp_session_writer *writer) hvp_must_use;

/* writer_samples.c */

/* For rows.max rows. */
struct hvp_error *hvp_writer_init_rows(struct hvp_session_writer *writer,
				       size_t max_rows) hvp_must_use;
void hvp_writer_deinit_rows(struct hvp_session_writer *writer);
/* Bytes that each row of rows.max takes. */
size_t hvp_writer_row_cost(void);
/* Queues all rows as chunks; on error no row is queued and all are still there. */
struct hvp_error *hvp_writer_queue_samples(struct hvp_session_writer *writer) hvp_must_use;
/* Queues the new nodes of call chains. */
struct hvp_error *hvp_writer_queue_stacks(struct hvp_session_writer *writer) hvp_must_use;

#endif
