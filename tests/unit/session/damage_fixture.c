/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "damage_fixture.h"

#include <stdlib.h>
#include <unistd.h>

#include "common/session/chunk.h"

const struct hvp_session_end damage_end = {.start_time = 1, .end_time = 2};

uint8_t *damage_session(size_t *ret_size)
{
	const struct hvp_event_info event = {.name = "cpu-clock", .unit = "ns", .scope = "all"};
	const struct hvp_record comm = {.type = HVP_RECORD_COMM, .comm = {.name = "worker"}};
	const struct hvp_record blob = {.type = HVP_RECORD_BLOB,
					.blob = {.kind = HVP_BLOB_KALLSYMS,
						 .path = "k",
						 .data = (const uint8_t *)"0 T _text\n",
						 .size = 10}};
	uint64_t frames[HVP_MAX_CHAIN];
	struct hvp_session_writer *writer;
	int fd = make_file();
	uint16_t index;
	uint8_t *data;

	writer = open_writer(fd);
	expect_success(hvp_session_writer_add_info(writer, HVP_INFO_HOSTNAME, "host"));
	expect_success(hvp_session_writer_add_event(writer, &event, &index));
	expect_success(hvp_session_writer_add_record(writer, &comm));
	expect_success(hvp_session_writer_add_record(writer, &blob));
	for (uint64_t i = 0; i < DAMAGE_SAMPLES; i++) {
		struct hvp_sample sample = make_sample(STYLE_REALISTIC, i, frames);

		expect_success(hvp_session_writer_add_sample(writer, &sample));
		if ((i + 1) % DAMAGE_CHUNK_SAMPLES == 0)
			expect_success(hvp_session_writer_flush(writer));
	}
	expect_success(hvp_session_writer_finish(writer, &damage_end));
	hvp_session_writer_destroy(writer);
	data = read_file(fd, ret_size);
	close(fd);
	return data;
}

uint32_t damage_stored_size(const uint8_t *chunk)
{
	return (uint32_t)chunk[8] | (uint32_t)chunk[9] << 8 | (uint32_t)chunk[10] << 16 |
	       (uint32_t)chunk[11] << 24;
}

uint64_t damage_read_all(const struct hvp_session *session)
{
	uint64_t frames[HVP_MAX_CHAIN], num = 0;
	struct hvp_batch batch;

	hvp_batch_init(&batch);
	for (size_t chunk = 0; chunk < hvp_session_num_chunks(session); chunk++) {
		struct hvp_error *err = hvp_session_read_chunk(session, chunk, &batch);

		if (err) {
			hvp_error_destroy(err);
			continue;
		}
		num += batch.num_rows;
		for (size_t row = 0; row < batch.num_rows; row++) {
			assert_true(batch.rows[row].event < hvp_session_num_events(session));
			assert_true(batch.rows[row].mode < HVP_NUM_MODES);
			hvp_session_stack(session, batch.rows[row].stack, frames);
		}
	}
	hvp_batch_deinit(&batch);
	for (size_t i = 0; i < hvp_session_num_records(session); i++)
		assert_true(hvp_session_record(session, i)->type <= HVP_RECORD_BLOB);
	return num;
}

uint8_t *damage_find_chunk(uint8_t *data, uint16_t type)
{
	uint8_t *at = data + HVP_FILE_HEADER_SIZE;

	while ((at[4] | at[5] << 8) != type)
		at += HVP_CHUNK_HEADER_SIZE + damage_stored_size(at);
	return at;
}
