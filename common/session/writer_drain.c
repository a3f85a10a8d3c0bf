/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/session/writer_internal.h"

/* Samples that are lost before add_sample() tries to write again. */
#define RETRY_SAMPLES 4096u

static void note_memory(struct hvp_session_writer *writer)
{
	size_t memory =
		sizeof(*writer) + writer->rows.max * hvp_writer_row_cost() +
		hvp_column_encoder_memory(writer->encoder) + hvp_stacks_memory(&writer->stacks) +
		hvp_string_table_memory(&writer->strings) + hvp_output_memory(&writer->output) +
		writer->info.capacity + writer->events.capacity + writer->records.capacity +
		writer->payload.capacity;

	if (memory > writer->stats.peak_memory)
		writer->stats.peak_memory = memory;
}

struct hvp_error *hvp_writer_drain(struct hvp_session_writer *writer)
{
	uint64_t queued = writer->output.queue.size - writer->output.num_written;
	struct hvp_error *err;

	if (queued)
		note_memory(writer);
	err = hvp_output_drain(&writer->output);
	writer->is_failing = err != NULL;
	if (err) {
		queued -= writer->output.queue.size - writer->output.num_written;
		writer->retry_in = RETRY_SAMPLES;
	}
	writer->stats.bytes_written += queued;
	writer->stats.chunks = writer->output.num_chunks;
	return err;
}
