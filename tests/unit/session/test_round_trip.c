/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the writer takes the reader gives back. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"

static const struct hvp_event_info events[] = {
	{.name = "cycles", .unit = "cycles", .perf_config = 7, .frequency = 2000, .scope = "all"},
	{.name = "instructions:k",
	 .unit = "instructions",
	 .perf_type = 4,
	 .perf_config = UINT64_MAX,
	 .period = 1000003,
	 .scope = ""},
};

static void add_events(struct hvp_session_writer *writer)
{
	for (uint16_t i = 0; i < 2; i++) {
		uint16_t index = UINT16_MAX;

		expect_success(hvp_session_writer_add_event(writer, &events[i], &index));
		assert_int_equal(index, i);
	}
}

static const struct hvp_session_end end = {.start_time = 5,
					   .end_time = UINT64_MAX,
					   .collector_cpu_ns = 77,
					   .collector_rss_bytes = 4096};

struct samples_case {
	const char *name;
	enum sample_style style;
	uint64_t num;
	uint64_t num_per_flush;
	/* 0: any. */
	size_t num_chunks;
};

static const struct samples_case samples_cases[] = {
	{"no sample", STYLE_REALISTIC, 0, 0, 0},
	{"one sample", STYLE_REALISTIC, 1, 0, 1},
	{"one random sample", STYLE_RANDOM, 1, 0, 1},
	{"a small shared chunk", STYLE_REALISTIC, 1000, 0, 1},
	{"a flush after each sample", STYLE_REALISTIC, 50, 1, 50},
	{"a flush in odd places", STYLE_RANDOM, 5000, 777, 7},
	{"big domains with own chunks", STYLE_REALISTIC, 100000, 0, 0},
	{"many random samples", STYLE_RANDOM, 100000, 0, 0},
	{"a million realistic samples", STYLE_REALISTIC, 1000000, 0, 0},
};

static struct hvp_session *write_and_open(int fd, const struct samples_case *test)
{
	uint64_t frames[HVP_MAX_CHAIN];
	struct hvp_session_writer *writer = open_writer(fd);

	add_events(writer);
	for (uint64_t i = 0; i < test->num; i++) {
		struct hvp_sample sample = make_sample(test->style, i, frames);

		expect_success(hvp_session_writer_add_sample(writer, &sample));
		if (test->num_per_flush && (i + 1) % test->num_per_flush == 0)
			expect_success(hvp_session_writer_flush(writer));
	}
	expect_success(hvp_session_writer_finish(writer, &end));
	hvp_session_writer_destroy(writer);
	return open_session(fd);
}

static void samples_come_back_exactly(void **state)
{
	const struct samples_case *test = *state;
	struct hvp_session_end got;
	int fd = make_file();
	struct hvp_session *session = write_and_open(fd, test);

	if (hvp_session_damage(session))
		fail_msg("%s", hvp_session_damage(session));
	assert_int_equal(hvp_session_num_samples(session), test->num);
	assert_int_equal(expect_samples(session, test->style, test->num), test->num);
	if (test->num_chunks)
		assert_int_equal(hvp_session_num_chunks(session), test->num_chunks);
	assert_true(hvp_session_end(session, &got));
	assert_memory_equal(&got, &end, sizeof(end));
	hvp_session_destroy(session);
	close(fd);
}

/* Of a host's samples, the odd one out. */
static void set_apart(struct hvp_sample *sample, int field)
{
	static const uint64_t frame = 0xffffffff81000000;

	switch (field) {
	case 0: sample->period = 49999; break;
	case 1: sample->guest_cr3 = 0x1000; break;
	case 2: sample->domain = 3; break;
	case 3: sample->vcpu = 0; break;
	case 4: sample->event = 1; break;
	case 5: sample->mode = HVP_MODE_GUEST_USER; break;
	case 6:
		sample->chain =
			(struct hvp_chain){.frames = &frame, .num_frames = 1, .num_kernel = 1};
		break;
	default: break;
	}
}

#define NUM_APART_FIELDS 7
#define NUM_ALIKE 300u

/* Sample number `odd` is the one. */
static struct hvp_sample make_alike(uint64_t number, uint64_t odd, int field)
{
	struct hvp_sample sample = {.time = number + 1,
				    .ip = 0x400000 + number % 7,
				    .period = 50000,
				    .pid = 10,
				    .tid = 11,
				    .vcpu = HVP_VCPU_NONE,
				    .mode = HVP_MODE_HOST_USER};

	if (number == odd)
		set_apart(&sample, field);
	return sample;
}

static void expect_alike(const struct hvp_row *row, uint64_t odd, int field)
{
	const struct hvp_sample sample = make_alike(row->time - 1, odd, field);

	assert_int_equal(row->ip, sample.ip);
	assert_int_equal(row->period, sample.period);
	assert_int_equal(row->guest_cr3, sample.guest_cr3);
	assert_int_equal(row->pid, sample.pid);
	assert_int_equal(row->tid, sample.tid);
	assert_int_equal(row->cpu, sample.cpu);
	assert_int_equal(row->domain, sample.domain);
	assert_int_equal(row->vcpu, sample.vcpu);
	assert_int_equal(row->event, sample.event);
	assert_int_equal(row->mode, sample.mode);
	assert_int_equal(row->stack != HVP_STACK_NONE, sample.chain.num_frames);
}

static void check_odd_one(uint64_t odd, int field)
{
	int fd = make_file();
	struct hvp_session_writer *writer = open_writer(fd);
	struct hvp_session *session;
	struct hvp_batch batch;
	uint64_t num = 0;

	add_events(writer);
	for (uint64_t i = 0; i < 2 * NUM_ALIKE; i++) {
		struct hvp_sample sample = make_alike(i, odd, field);

		expect_success(hvp_session_writer_add_sample(writer, &sample));
		/* What comes behind the flush is alike again. */
		if (i == NUM_ALIKE)
			expect_success(hvp_session_writer_flush(writer));
	}
	expect_success(hvp_session_writer_finish(writer, &end));
	hvp_session_writer_destroy(writer);
	session = open_session(fd);
	hvp_batch_init(&batch);
	for (size_t chunk = 0; chunk < hvp_session_num_chunks(session); chunk++) {
		expect_success(hvp_session_read_chunk(session, chunk, &batch));
		for (size_t row = 0; row < batch.num_rows; row++, num++)
			expect_alike(&batch.rows[row], odd, field);
	}
	assert_int_equal(num, 2 * NUM_ALIKE);
	hvp_batch_deinit(&batch);
	hvp_session_destroy(session);
	close(fd);
}

static void one_sample_unlike_all_others_changes_only_itself(void **state)
{
	static const uint64_t odds[] = {0, 1, NUM_ALIKE / 2, NUM_ALIKE};

	(void)state;
	for (int field = 0; field < NUM_APART_FIELDS; field++)
		for (size_t i = 0; i < sizeof(odds) / sizeof(odds[0]); i++)
			check_odd_one(odds[i], field);
}

static void facts_and_events_come_back_and_later_facts_replace(void **state)
{
	struct hvp_session_writer *writer;
	struct hvp_session *session;
	const char *key, *value;
	int fd = make_file();

	(void)state;
	writer = open_writer(fd);
	expect_success(hvp_session_writer_add_info(writer, HVP_INFO_HOSTNAME, "old"));
	expect_success(hvp_session_writer_add_info(writer, HVP_INFO_ARCH, ""));
	expect_success(hvp_session_writer_flush(writer));
	expect_success(hvp_session_writer_add_info(writer, HVP_INFO_HOSTNAME, "n\303\266w"));
	add_events(writer);
	expect_success(hvp_session_writer_finish(writer, &end));
	hvp_session_writer_destroy(writer);

	session = open_session(fd);
	assert_null(hvp_session_damage(session));
	assert_int_equal(hvp_session_num_info(session), 2);
	assert_string_equal(hvp_session_info(session, HVP_INFO_HOSTNAME), "n\303\266w");
	assert_string_equal(hvp_session_info(session, HVP_INFO_ARCH), "");
	assert_null(hvp_session_info(session, "no.such.key"));
	hvp_session_info_at(session, 1, &key, &value);
	assert_string_equal(key, HVP_INFO_ARCH);
	assert_int_equal(hvp_session_num_events(session), 2);
	for (size_t i = 0; i < 2; i++) {
		const struct hvp_event_info *event = hvp_session_event(session, i);

		assert_string_equal(event->name, events[i].name);
		assert_string_equal(event->unit, events[i].unit);
		assert_string_equal(event->scope, events[i].scope);
		assert_int_equal(event->perf_type, events[i].perf_type);
		assert_int_equal(event->perf_config, events[i].perf_config);
		assert_int_equal(event->frequency, events[i].frequency);
		assert_int_equal(event->period, events[i].period);
	}
	hvp_session_destroy(session);
	close(fd);
}

static const uint8_t blob_data[] = "ffffffff81000000 T _text\n";

/* One of each type, fields at their ends; deliberately not in order of time. */
static const struct hvp_record records[] = {
	{.type = HVP_RECORD_MMAP,
	 .time = UINT64_MAX,
	 .mmap = {.pid = HVP_PID_KERNEL,
		  .tid = 0,
		  .address = UINT64_MAX,
		  .size = UINT64_MAX,
		  .file_offset = UINT64_MAX,
		  .path = "[kernel.kallsyms]_text",
		  .build_id = {1,  2,  0,  4,  5,  6,  7,  8,  9,  10,
			       11, 12, 13, 14, 15, 16, 17, 18, 19, 20},
		  .build_id_size = 20,
		  .is_exec = true}},
	{.type = HVP_RECORD_MMAP,
	 .time = 9,
	 .mmap = {.pid = 7, .tid = 8, .address = 4096, .path = "/a"}},
	{.type = HVP_RECORD_COMM,
	 .time = 3,
	 .comm = {.pid = 1, .tid = 2, .is_exec = true, .name = "\033[31mred\n"}},
	{.type = HVP_RECORD_FORK, .time = 3, .task = {1, 2, 3, 4}},
	{.type = HVP_RECORD_EXIT, .time = 2, .task = {5, 6, UINT32_MAX, 0}},
	{.type = HVP_RECORD_KSYMBOL,
	 .time = 1,
	 .ksymbol = {.address = 1, .size = 2, .is_gone = true, .name = "bpf_prog"}},
	{.type = HVP_RECORD_NAMESPACES, .time = 4, .namespaces = {1, 2, UINT64_MAX, 4}},
	{.type = HVP_RECORD_DOMAIN,
	 .time = 5,
	 .domain = {.domain = UINT32_MAX,
		    .state = HVP_DOMAIN_ENDED,
		    .pid = 9,
		    .name = "web#2",
		    .uuid = "0-1",
		    .vmm = "qemu",
		    .identity_from = "qmp"}},
	{.type = HVP_RECORD_VCPU, .time = 6, .vcpu = {1, 2, 3, true}},
	{.type = HVP_RECORD_LOST, .time = 7, .lost = {UINT32_MAX, HVP_LOST_FILE, UINT64_MAX, 1}},
	{.type = HVP_RECORD_THROTTLE, .time = 0, .throttle = {1, UINT16_MAX, true}},
	{.type = HVP_RECORD_CPU, .time = 8, .cpu = {191, true}},
	{.type = HVP_RECORD_NOTE, .time = 10, .note = {"said once"}},
	{.type = HVP_RECORD_BLOB,
	 .time = 11,
	 .blob = {.kind = HVP_BLOB_KALLSYMS,
		  .domain = 3,
		  .pid = 4,
		  .path = "/proc/kallsyms",
		  .data = blob_data,
		  .size = sizeof(blob_data)}},
	{.type = HVP_RECORD_BLOB, .time = 12, .blob = {.kind = HVP_BLOB_VDSO, .path = ""}},
};

#define NUM_RECORDS (sizeof(records) / sizeof(records[0]))

static const struct hvp_record *record_at(const struct hvp_session *session,
					  enum hvp_record_type type, uint64_t time)
{
	for (size_t i = 0; i < hvp_session_num_records(session); i++) {
		const struct hvp_record *record = hvp_session_record(session, i);

		if (record->type == type && record->time == time)
			return record;
	}
	fail_msg("no record of type %d at %llu", type, (unsigned long long)time);
	return NULL;
}

static void expect_records_of_processes(const struct hvp_session *session)
{
	const struct hvp_record *got;

	got = record_at(session, HVP_RECORD_MMAP, UINT64_MAX);
	assert_int_equal(got->mmap.pid, HVP_PID_KERNEL);
	assert_true(got->mmap.address == UINT64_MAX && got->mmap.size == UINT64_MAX &&
		    got->mmap.file_offset == UINT64_MAX && got->mmap.is_exec);
	assert_string_equal(got->mmap.path, records[0].mmap.path);
	assert_int_equal(got->mmap.build_id_size, 20);
	assert_memory_equal(got->mmap.build_id, records[0].mmap.build_id, 20);
	got = record_at(session, HVP_RECORD_MMAP, 9);
	assert_int_equal(got->mmap.build_id_size, 0);
	assert_false(got->mmap.is_exec);
	got = record_at(session, HVP_RECORD_COMM, 3);
	assert_string_equal(got->comm.name, records[2].comm.name);
	assert_true(got->comm.is_exec && got->comm.pid == 1 && got->comm.tid == 2);
	got = record_at(session, HVP_RECORD_EXIT, 2);
	assert_memory_equal(&got->task, &records[4].task, sizeof(got->task));
	got = record_at(session, HVP_RECORD_KSYMBOL, 1);
	assert_string_equal(got->ksymbol.name, "bpf_prog");
	assert_true(got->ksymbol.is_gone && got->ksymbol.size == 2);
	got = record_at(session, HVP_RECORD_NAMESPACES, 4);
	assert_true(got->namespaces.pid_namespace == UINT64_MAX &&
		    got->namespaces.mount_namespace == 4);
}

static void expect_records_of_domains_and_the_machine(const struct hvp_session *session)
{
	const struct hvp_record *got;

	got = record_at(session, HVP_RECORD_DOMAIN, 5);
	assert_true(got->domain.domain == UINT32_MAX && got->domain.state == HVP_DOMAIN_ENDED);
	assert_string_equal(got->domain.name, "web#2");
	assert_string_equal(got->domain.uuid, "0-1");
	assert_string_equal(got->domain.vmm, "qemu");
	assert_string_equal(got->domain.identity_from, "qmp");
	got = record_at(session, HVP_RECORD_VCPU, 6);
	assert_true(got->vcpu.is_gone && got->vcpu.tid == 3 && got->vcpu.vcpu == 2);
	got = record_at(session, HVP_RECORD_LOST, 7);
	assert_true(got->lost.samples == UINT64_MAX && got->lost.where == HVP_LOST_FILE);
	got = record_at(session, HVP_RECORD_THROTTLE, 0);
	assert_true(got->throttle.event == UINT16_MAX && got->throttle.is_end);
	got = record_at(session, HVP_RECORD_CPU, 8);
	assert_true(got->cpu.cpu == 191 && got->cpu.is_online);
	assert_string_equal(record_at(session, HVP_RECORD_NOTE, 10)->note.text, "said once");
	got = record_at(session, HVP_RECORD_BLOB, 11);
	assert_int_equal(got->blob.size, sizeof(blob_data));
	assert_memory_equal(got->blob.data, blob_data, sizeof(blob_data));
	assert_string_equal(got->blob.path, "/proc/kallsyms");
	got = record_at(session, HVP_RECORD_BLOB, 12);
	assert_int_equal(got->blob.size, 0);
	assert_non_null(got->blob.data);
}

static void records_of_every_type_come_back_in_order_of_time(void **state)
{
	struct hvp_session_writer *writer;
	struct hvp_session *session;
	int fd = make_file();

	(void)state;
	writer = open_writer(fd);
	for (size_t i = 0; i < NUM_RECORDS; i++)
		expect_success(hvp_session_writer_add_record(writer, &records[i]));
	expect_success(hvp_session_writer_finish(writer, &end));
	hvp_session_writer_destroy(writer);

	session = open_session(fd);
	if (hvp_session_damage(session))
		fail_msg("%s", hvp_session_damage(session));
	assert_int_equal(hvp_session_num_records(session), NUM_RECORDS);
	for (size_t i = 1; i < NUM_RECORDS; i++)
		assert_true(hvp_session_record(session, i)->time >=
			    hvp_session_record(session, i - 1)->time);
	/* Equal times keep their order. */
	assert_int_equal(hvp_session_record(session, 3)->type, HVP_RECORD_COMM);
	assert_int_equal(hvp_session_record(session, 4)->type, HVP_RECORD_FORK);
	expect_records_of_processes(session);
	expect_records_of_domains_and_the_machine(session);
	hvp_session_destroy(session);
	close(fd);
}

static void a_blob_of_many_pieces_comes_back(void **state)
{
	struct hvp_record record = {.type = HVP_RECORD_BLOB,
				    .blob = {.kind = HVP_BLOB_KALLSYMS, .size = 5000001}};
	struct hvp_session_writer *writer;
	struct hvp_session *session;
	const struct hvp_record *got;
	uint64_t random = 1;
	int fd = make_file();
	uint8_t *data;

	(void)state;
	data = malloc(record.blob.size);
	assert_non_null(data);
	for (size_t i = 0; i < record.blob.size; i++)
		data[i] = (uint8_t)next_random(&random);
	record.blob.data = data;
	record.blob.path = "big";
	writer = open_writer(fd);
	for (unsigned int i = 0; i < 3; i++)
		expect_success(hvp_session_writer_add_record(writer, &record));
	expect_success(hvp_session_writer_finish(writer, &end));
	hvp_session_writer_destroy(writer);
	session = open_session(fd);
	assert_null(hvp_session_damage(session));
	for (unsigned int i = 0; i < 3; i++) {
		got = hvp_session_record(session, i);
		assert_int_equal(got->blob.size, record.blob.size);
		assert_memory_equal(got->blob.data, data, record.blob.size);
	}
	hvp_session_destroy(session);
	free(data);
	close(fd);
}

static void the_cursor_gives_all_samples_in_order_of_time(void **state)
{
	const struct samples_case *test = *state;
	struct hvp_session_cursor *cursor;
	int fd = make_file();
	struct hvp_session *session = write_and_open(fd, test);
	const struct hvp_row *row;
	uint64_t num = 0, last = 0;

	expect_success(hvp_session_cursor_create(session, &cursor));
	for (;;) {
		expect_success(hvp_session_cursor_next(cursor, &row));
		if (!row)
			break;
		assert_true(row->time >= last);
		last = row->time;
		num++;
	}
	assert_int_equal(num, test->num);
	hvp_session_cursor_destroy(cursor);
	hvp_session_destroy(session);
	close(fd);
}

static void columns_that_are_not_wanted_cost_nothing_and_the_others_are_right(void **state)
{
	struct hvp_session_writer *writer;
	struct hvp_session *session;
	struct hvp_batch all, some;
	int fd = make_file();

	(void)state;
	writer = open_writer(fd);
	add_events(writer);
	add_samples(writer, STYLE_REALISTIC, 20000);
	expect_success(hvp_session_writer_finish(writer, &end));
	hvp_session_writer_destroy(writer);
	session = open_session(fd);
	hvp_batch_init(&all);
	hvp_batch_init(&some);
	some.columns = HVP_COLUMN_ALL & ~HVP_COLUMN_TIME;
	for (size_t chunk = 0; chunk < hvp_session_num_chunks(session); chunk++) {
		expect_success(hvp_session_read_chunk(session, chunk, &all));
		expect_success(hvp_session_read_chunk(session, chunk, &some));
		for (size_t i = 0; i < all.num_rows; i++) {
			assert_true(all.rows[i].time && !some.rows[i].time);
			all.rows[i].time = 0;
			/* Up to the padding. */
			assert_memory_equal(&all.rows[i], &some.rows[i],
					    offsetof(struct hvp_row, mode) + 1);
		}
	}
	hvp_batch_deinit(&all);
	hvp_batch_deinit(&some);
	hvp_session_destroy(session);
	close(fd);
}

struct reading {
	const struct hvp_session *session;
	uint64_t sum;
};

static void *read_all(void *arg)
{
	struct reading *reading = arg;
	uint64_t frames[HVP_MAX_CHAIN];
	struct hvp_batch batch;

	hvp_batch_init(&batch);
	for (size_t i = 0; i < hvp_session_num_chunks(reading->session); i++) {
		hvp_error_destroy(hvp_session_read_chunk(reading->session, i, &batch));
		for (size_t row = 0; row < batch.num_rows; row++)
			reading->sum +=
				batch.rows[row].ip ^
				hvp_session_stack(reading->session, batch.rows[row].stack, frames)
					.num_frames;
	}
	hvp_batch_deinit(&batch);
	return NULL;
}

static void several_threads_read_one_session_at_once(void **state)
{
	struct reading readings[4] = {0};
	struct hvp_session_writer *writer;
	struct hvp_session *session;
	pthread_t threads[4];
	int fd = make_file();

	(void)state;
	writer = open_writer(fd);
	add_events(writer);
	add_samples(writer, STYLE_REALISTIC, 50000);
	expect_success(hvp_session_writer_finish(writer, &end));
	hvp_session_writer_destroy(writer);
	session = open_session(fd);
	for (size_t i = 0; i < 4; i++) {
		readings[i].session = session;
		assert_int_equal(pthread_create(&threads[i], NULL, read_all, &readings[i]), 0);
	}
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < 4; i++)
		assert_true(readings[i].sum && readings[i].sum == readings[0].sum);
	hvp_session_destroy(session);
	close(fd);
}

int main(void)
{
	struct CMUnitTest tests[40];
	const size_t num_cases = sizeof(samples_cases) / sizeof(samples_cases[0]);
	const struct CMUnitTest others[] = {
		cmocka_unit_test(one_sample_unlike_all_others_changes_only_itself),
		cmocka_unit_test(facts_and_events_come_back_and_later_facts_replace),
		cmocka_unit_test(records_of_every_type_come_back_in_order_of_time),
		cmocka_unit_test(a_blob_of_many_pieces_comes_back),
		cmocka_unit_test(several_threads_read_one_session_at_once),
		cmocka_unit_test(columns_that_are_not_wanted_cost_nothing_and_the_others_are_right),
	};
	size_t num = 0;

	for (size_t i = 0; i < num_cases; i++) {
		void *test = (void *)&samples_cases[i];

		tests[num++] = (struct CMUnitTest){.name = samples_cases[i].name,
						   .test_func = samples_come_back_exactly,
						   .initial_state = test};
		/* The order of a million takes long under a sanitizer and shows nothing new. */
		if (samples_cases[i].num > 100000)
			continue;
		tests[num++] = (struct CMUnitTest){
			.name = samples_cases[i].name,
			.test_func = the_cursor_gives_all_samples_in_order_of_time,
			.initial_state = test};
	}
	memcpy(tests + num, others, sizeof(others));
	num += sizeof(others) / sizeof(others[0]);
	return _cmocka_run_group_tests("round trip", tests, num, NULL, NULL);
}
