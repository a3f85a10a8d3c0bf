/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes a session and prints what the C reader finds in it; independent_reader.py, written from the
 * manual page alone, must print the same. usage: print_session FILE
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/session/layout.h"
#include "fixture.h"

/* Several chunks of each kind, domains with chunks of their own and shared ones. */
#define NUM_SAMPLES 60000u
#define NUM_TINY_CHUNKS 5000u

static void make_session(const char *path)
{
	const struct hvp_session_end end = {.start_time = 7,
					    .end_time = UINT64_MAX,
					    .collector_cpu_ns = 123456789,
					    .collector_rss_bytes = 1u << 20};
	const struct hvp_event_info events[] = {
		{.name = "cpu-clock", .unit = "ns", .perf_type = 1, .frequency = 4000, .scope = ""},
		{.name = "cycles:k", .unit = "cycles", .perf_config = UINT64_MAX, .period = 9},
	};
	const struct hvp_record records[] = {
		{.type = HVP_RECORD_MMAP,
		 .time = 50,
		 .mmap = {.pid = HVP_PID_KERNEL,
			  .address = 0xffffffff81000000,
			  .size = 4096,
			  .path = "[kernel]",
			  .build_id = {0xde, 0xad, 0, 0xbe, 0xef},
			  .build_id_size = 20,
			  .is_exec = true}},
		{.type = HVP_RECORD_COMM,
		 .time = 40,
		 .comm = {.pid = 4000, .name = "w\303\266rker"}},
		{.type = HVP_RECORD_DOMAIN,
		 .time = 60,
		 .domain = {.domain = 1, .pid = 4001, .name = "web", .vmm = "qemu"}},
		{.type = HVP_RECORD_LOST, .time = 70, .lost = {3, HVP_LOST_RING, 5, UINT64_MAX}},
		{.type = HVP_RECORD_BLOB,
		 .time = 80,
		 .blob = {HVP_BLOB_KALLSYMS, 1, 2, "/k", (const uint8_t *)"0 T _text\n", 10}},
	};
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	struct hvp_session_writer *writer;
	uint16_t index;

	assert_true(fd >= 0);
	writer = open_writer(fd);
	expect_success(hvp_session_writer_add_info(writer, HVP_INFO_HOSTNAME, "old"));
	for (size_t i = 0; i < 2; i++)
		expect_success(hvp_session_writer_add_event(writer, &events[i], &index));
	add_samples(writer, STYLE_REALISTIC, NUM_SAMPLES / 2);
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++)
		expect_success(hvp_session_writer_add_record(writer, &records[i]));
	expect_success(hvp_session_writer_flush(writer));
	expect_success(hvp_session_writer_add_info(writer, HVP_INFO_HOSTNAME, "new"));
	add_samples(writer, STYLE_RANDOM, 300);
	expect_success(hvp_session_writer_flush(writer));
	add_samples(writer, STYLE_REALISTIC, NUM_SAMPLES / 2);
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++)
		expect_success(hvp_session_writer_add_record(writer, &records[i]));
	/* So many chunks that the index has several parts. */
	for (uint64_t i = 0; i < NUM_TINY_CHUNKS; i++) {
		add_samples(writer, STYLE_REALISTIC, 1);
		expect_success(hvp_session_writer_flush(writer));
	}
	expect_success(hvp_session_writer_finish(writer, &end));
	hvp_session_writer_destroy(writer);
	close(fd);
}

static void print_field(const struct hvp_record *record, const struct hvp_field_layout *field)
{
	const uint8_t *bytes = (const uint8_t *)record, *at = bytes + field->offset;
	uint64_t number = 0;
	const char *text;

	printf(" %s=", field->name);
	switch (field->kind) {
	case HVP_FIELD_NUMBER:
		/* Little-endian, like everything here. */
		memcpy(&number, at, field->width);
		printf("%" PRIu64, number);
		break;
	case HVP_FIELD_STRING:
		memcpy(&text, at, sizeof(text));
		printf("'%s'", text);
		break;
	case HVP_FIELD_BUILD_ID:
		for (unsigned int i = 0; i < bytes[field->size_offset]; i++)
			printf("%02x", at[i]);
		break;
	case HVP_FIELD_BLOB: printf("%zu bytes", record->blob.size); break;
	}
}

static void print_tables(const struct hvp_session *session)
{
	for (size_t i = 0; i < hvp_session_num_info(session); i++) {
		const char *key, *value;

		hvp_session_info_at(session, i, &key, &value);
		printf("info %s=%s\n", key, value);
	}
	for (size_t i = 0; i < hvp_session_num_events(session); i++) {
		const struct hvp_event_info *event = hvp_session_event(session, i);

		printf("event '%s' '%s' %u %" PRIu64 " %" PRIu64 " %" PRIu64 " '%s'\n", event->name,
		       event->unit, event->perf_type, event->perf_config, event->frequency,
		       event->period, event->scope);
	}
	for (size_t i = 0; i < hvp_session_num_records(session); i++) {
		const struct hvp_record *record = hvp_session_record(session, i);
		const struct hvp_record_layout *layout = hvp_record_layout_find(record->type);

		printf("record %s at %" PRIu64 ":", layout->name, record->time);
		for (size_t field = 0; field < layout->num_fields; field++)
			print_field(record, &layout->fields[field]);
		printf("\n");
	}
}

/* A sum in which the order of rows counts. */
static void mix(uint64_t *sum, uint64_t value)
{
	*sum = (*sum ^ value) * 0x9e3779b97f4a7c15;
}

static void print_chunk(const struct hvp_session *session, size_t index, struct hvp_batch *batch)
{
	const struct hvp_chunk_info *info = hvp_session_chunk(session, index);
	uint64_t frames[HVP_MAX_CHAIN], rows = 0, chains = 0;

	expect_success(hvp_session_read_chunk(session, index, batch));
	for (size_t i = 0; i < batch->num_rows; i++) {
		const struct hvp_row *row = &batch->rows[i];
		struct hvp_chain chain = hvp_session_stack(session, row->stack, frames);
		const uint64_t fields[] = {row->time, row->ip,	  row->period, row->guest_cr3,
					   row->pid,  row->tid,	  row->cpu,    row->domain,
					   row->vcpu, row->stack, row->event,  row->mode};

		for (size_t field = 0; field < 12; field++)
			mix(&rows, fields[field]);
		mix(&chains, chain.num_kernel);
		for (uint32_t frame = 0; frame < chain.num_frames; frame++)
			mix(&chains, chain.frames[frame]);
	}
	printf("chunk of %u samples from %" PRIu64 " to %" PRIu64 ": rows %016" PRIx64
	       " chains %016" PRIx64 "\n",
	       info->num_samples, info->first_time, info->last_time, rows, chains);
}

int main(int argc, char **argv)
{
	struct hvp_session *session;
	struct hvp_session_end end;
	struct hvp_batch batch;
	int fd;

	if (argc != 2) {
		fprintf(stderr, "usage: %s FILE\n", argv[0]);
		return 2;
	}
	make_session(argv[1]);
	fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	session = open_session(fd);
	assert_null(hvp_session_damage(session));
	print_tables(session);
	hvp_batch_init(&batch);
	for (size_t i = 0; i < hvp_session_num_chunks(session); i++)
		print_chunk(session, i, &batch);
	hvp_batch_deinit(&batch);
	assert_true(hvp_session_end(session, &end));
	printf("samples %" PRIu64 "\n", hvp_session_num_samples(session));
	printf("end %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", end.start_time,
	       end.end_time, end.collector_cpu_ns, end.collector_rss_bytes);
	hvp_session_destroy(session);
	close(fd);
	return 0;
}
