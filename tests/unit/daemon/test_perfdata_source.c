/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/array.h"
#include "common/base/scope.h"
#include "common/session/format.h"
#include "daemon/perfdata/perfdata_source.h"
#include "daemon/record_config.h"
#include "tests/unit/check.h"
#include "tests/unit/daemon/perfdata_fixture.h"

#define MAX_SAMPLES 64
#define MAX_FRAMES 8

/* What a source delivered, copied. */
struct delivered {
	struct hvp_sample samples[MAX_SAMPLES];
	uint64_t frames[MAX_SAMPLES][MAX_FRAMES];
	size_t num_samples;
	char maps[MAX_SAMPLES][64];
	struct hvp_record_mmap mmaps[MAX_SAMPLES];
	size_t num_maps;
	char notes[1024];
	char comm[32];
	uint64_t lost[HVP_NUM_LOST_WHERE];
	struct hvp_perfdata_progress progress;
	char events[128];
	char host[32];
};

static struct hvp_error *keep_sample(void *arg, struct hvp_sample *sample)
{
	struct delivered *delivered = arg;
	uint32_t num =
		sample->chain.num_frames < MAX_FRAMES ? sample->chain.num_frames : MAX_FRAMES;

	if (delivered->num_samples == MAX_SAMPLES)
		return NULL;
	if (num)
		memcpy(delivered->frames[delivered->num_samples], sample->chain.frames,
		       num * sizeof(uint64_t));
	delivered->samples[delivered->num_samples++] = *sample;
	return NULL;
}

static struct hvp_error *keep_record(void *arg, const struct hvp_record *record)
{
	struct delivered *delivered = arg;
	size_t used = strlen(delivered->notes);

	switch (record->type) {
	case HVP_RECORD_MMAP:
		if (delivered->num_maps == MAX_SAMPLES)
			break;
		snprintf(delivered->maps[delivered->num_maps], 64, "%s", record->mmap.path);
		delivered->mmaps[delivered->num_maps++] = record->mmap;
		break;
	case HVP_RECORD_COMM:
		snprintf(delivered->comm, sizeof(delivered->comm), "%s", record->comm.name);
		break;
	case HVP_RECORD_LOST: delivered->lost[record->lost.where] += record->lost.samples; break;
	case HVP_RECORD_NOTE:
		snprintf(delivered->notes + used, sizeof(delivered->notes) - used, "%s\n",
			 record->note.text);
		break;
	default: break;
	}
	return NULL;
}

static struct hvp_error *read_path(const char *path, struct delivered *ret)
{
	const struct hvp_sink sink = {keep_sample, keep_record, ret};
	const struct hvp_record_config config = {.input = path};
	hvp_scope(hvp_source_destroy_scope) struct hvp_source *source = NULL;
	const struct hvp_event_info *events;
	const char *host;
	bool has_more = true;
	size_t num;

	memset(ret, 0, sizeof(*ret));
	hvp_try(hvp_perfdata_source_ops.open(&config, &sink, NULL, &source));
	events = source->ops->events(source, &num);
	for (size_t i = 0; i < num; i++)
		snprintf(ret->events + strlen(ret->events),
			 sizeof(ret->events) - strlen(ret->events), "%s(%s) ", events[i].name,
			 events[i].unit);
	host = hvp_perfdata_fact(hvp_perfdata_source_file(source), HVP_INFO_HOSTNAME);
	snprintf(ret->host, sizeof(ret->host), "%s", host ? host : "");
	hvp_try(source->ops->start(source));
	while (has_more)
		hvp_try(source->ops->drain(source, &has_more));
	hvp_try(source->ops->stop(source));
	hvp_perfdata_source_progress(source, &ret->progress);
	return NULL;
}

static struct hvp_error *read_bytes(const void *data, size_t size, struct delivered *ret)
{
	hvp_scope(hvp_close_fd) int fd = -1;
	char path[64];

	fixture_open(data, size, path, &fd);
	return read_path(path, ret);
}

static void add_all(struct perfdata_fixture *fixture)
{
	fixture_add_comm(fixture, 20, 20, "program");
	fixture_add_mmap(fixture, PERF_RECORD_MISC_USER, 20, 0x400000, 0x2000, 0x1000,
			 "/usr/bin/program");
	for (size_t i = 0; i < FIXTURE_NUM_SAMPLES; i++)
		fixture_add_sample(fixture, &fixture_samples[i]);
}

static void check_sample(const struct hvp_sample *found, const struct fixture_sample *expected)
{
	static const uint8_t modes[] = {
		[PERF_RECORD_MISC_KERNEL] = HVP_MODE_HOST_KERNEL,
		[PERF_RECORD_MISC_USER] = HVP_MODE_HOST_USER,
		[PERF_RECORD_MISC_GUEST_KERNEL] = HVP_MODE_GUEST_KERNEL,
		[PERF_RECORD_MISC_GUEST_USER] = HVP_MODE_GUEST_USER,
	};

	assert_int_equal(found->ip, expected->ip);
	assert_int_equal(found->time, expected->time);
	assert_int_equal(found->pid, expected->pid);
	assert_int_equal(found->tid, expected->tid);
	assert_int_equal(found->mode, modes[expected->misc]);
}

static void check_all(const struct delivered *delivered)
{
	assert_int_equal(delivered->num_samples, FIXTURE_NUM_SAMPLES);
	for (size_t i = 0; i < FIXTURE_NUM_SAMPLES; i++) {
		check_sample(&delivered->samples[i], &fixture_samples[i]);
		assert_int_equal(delivered->samples[i].cpu, fixture_samples[i].cpu);
		assert_int_equal(delivered->samples[i].period, fixture_samples[i].period);
	}
	assert_string_equal(delivered->comm, "program");
	assert_int_equal(delivered->num_maps, 1);
	assert_string_equal(delivered->maps[0], "/usr/bin/program");
	assert_int_equal(delivered->mmaps[0].file_offset, 0x1000);
	assert_string_equal(delivered->events, "cpu-clock:u(ns) ");
	assert_string_equal(delivered->host, "elsewhere");
	assert_int_equal(delivered->progress.samples, FIXTURE_NUM_SAMPLES);
	assert_int_equal(delivered->progress.first_time, 1000);
	assert_int_equal(delivered->progress.last_time, 2000);
	assert_false(delivered->progress.is_degraded);
	assert_string_equal(delivered->notes, "");
}

static void both_forms_are_delivered_as_they_were_recorded(void **state)
{
	static void (*const finish[])(struct perfdata_fixture *) = {fixture_finish_file,
								    fixture_finish_stream};

	(void)state;
	for (size_t i = 0; i < sizeof(finish) / sizeof(finish[0]); i++) {
		struct perfdata_fixture fixture;
		struct delivered delivered;

		fixture_init(&fixture);
		add_all(&fixture);
		finish[i](&fixture);
		assert_ok(read_bytes(fixture.whole.data, fixture.whole.size, &delivered));
		check_all(&delivered);
		fixture_deinit(&fixture);
	}
}

/* A compressed record may end anywhere in what was compressed. */
static void compressed_records_may_be_cut_anywhere(void **state)
{
	struct perfdata_fixture fixture;
	struct delivered delivered;

	(void)state;
	for (size_t piece = 1; piece < 200; piece += 7) {
		fixture_init(&fixture);
		add_all(&fixture);
		fixture_compress(&fixture, piece);
		if (piece % 2)
			fixture_finish_file(&fixture);
		else
			fixture_finish_stream(&fixture);
		assert_ok(read_bytes(fixture.whole.data, fixture.whole.size, &delivered));
		check_all(&delivered);
		fixture_deinit(&fixture);
	}
}

/*
 * What is not records stands behind some records, by their own word. Within a compressed record
 * that cannot be: nothing is compressed but records.
 */
static void data_behind_a_compressed_record_is_refused(void **state)
{
	static const uint32_t types[] = {HVP_PERFDATA_AUXTRACE, HVP_PERFDATA_TRACING_DATA};
	const uint64_t behind[5] = {0x100000};
	hvp_scope(hvp_free_ptr) void *zeros = calloc(1, 1 << 20);
	struct perfdata_fixture fixture;
	struct delivered delivered;

	(void)state;
	assert_non_null(zeros);
	for (size_t i = 0; i < HVP_ARRAY_SIZE(types); i++) {
		fixture_init(&fixture);
		add_all(&fixture);
		fixture_add_raw(&fixture, types[i], 0, behind, sizeof(behind));
		/* More than the reader has room for at once. */
		hvp_buf_add_bytes(&fixture.records, zeros, 1 << 20);
		fixture_compress(&fixture, 1 << 21);
		fixture_finish_file(&fixture);
		assert_ok(read_bytes(fixture.whole.data, fixture.whole.size, &delivered));
		assert_int_equal(delivered.num_samples, FIXTURE_NUM_SAMPLES);
		assert_non_null(strstr(delivered.notes, "data within a compressed record"));
		assert_true(delivered.progress.is_degraded);
		fixture_deinit(&fixture);
	}
}

/* Whatever else perf was asked to put into a sample, our fields are found. */
static void every_layout_of_samples_is_understood(void **state)
{
	static const uint64_t optional[] = {
		PERF_SAMPLE_IDENTIFIER, PERF_SAMPLE_ID,	       PERF_SAMPLE_ADDR,
		PERF_SAMPLE_STREAM_ID,	PERF_SAMPLE_CPU,       PERF_SAMPLE_PERIOD,
		PERF_SAMPLE_READ,	PERF_SAMPLE_CALLCHAIN, PERF_SAMPLE_RAW,
	};
	static const uint64_t chain[] = {PERF_CONTEXT_USER, 0x401000, 0x402000};
	const size_t num = sizeof(optional) / sizeof(optional[0]);
	struct fixture_sample sample = fixture_samples[0];

	(void)state;
	sample.chain = chain;
	sample.num_chain = 3;
	for (unsigned int bits = 0; bits < 1u << num; bits++) {
		struct perfdata_fixture fixture;
		struct delivered delivered;

		fixture_init(&fixture);
		fixture.sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME;
		for (size_t i = 0; i < num; i++)
			fixture.sample_type |= bits & 1u << i ? optional[i] : 0;
		fixture.read_format = bits % 3 ? PERF_FORMAT_ID | PERF_FORMAT_LOST
					       : PERF_FORMAT_GROUP | PERF_FORMAT_TOTAL_TIME_RUNNING;
		fixture_add_comm(&fixture, 20, 20, "program");
		fixture_add_sample(&fixture, &sample);
		fixture_finish_file(&fixture);
		assert_ok(read_bytes(fixture.whole.data, fixture.whole.size, &delivered));
		assert_int_equal(delivered.num_samples, 1);
		check_sample(&delivered.samples[0], &sample);
		assert_string_equal(delivered.comm, "program");
		assert_int_equal(delivered.samples[0].cpu,
				 fixture.sample_type & PERF_SAMPLE_CPU ? sample.cpu : 0);
		assert_int_equal(delivered.samples[0].period,
				 fixture.sample_type & PERF_SAMPLE_PERIOD ? sample.period : 10000);
		if (fixture.sample_type & PERF_SAMPLE_CALLCHAIN) {
			assert_int_equal(delivered.samples[0].chain.num_frames, 1);
			assert_int_equal(delivered.frames[0][0], 0x402000);
		}
		fixture_deinit(&fixture);
	}
}

static void samples_go_to_the_event_that_their_id_names(void **state)
{
	struct fixture_sample sample = fixture_samples[0];
	struct perfdata_fixture fixture;
	struct delivered delivered;

	(void)state;
	fixture_init(&fixture);
	fixture.has_other_event = true;
	fixture_add_sample(&fixture, &sample);
	sample.id = FIXTURE_OTHER_ID;
	fixture_add_sample(&fixture, &sample);
	/* perf's own dummy samples nothing; an id that no event has is damage. */
	sample.id = FIXTURE_TRACKING_ID;
	fixture_add_sample(&fixture, &sample);
	sample.id = 12345;
	fixture_add_sample(&fixture, &sample);
	fixture_finish_file(&fixture);
	assert_ok(read_bytes(fixture.whole.data, fixture.whole.size, &delivered));
	assert_string_equal(delivered.events, "cpu-clock:u(ns) my-cycles(cycles) ");
	assert_int_equal(delivered.num_samples, 2);
	assert_int_equal(delivered.samples[0].event, 0);
	assert_int_equal(delivered.samples[1].event, 1);
	assert_int_equal(delivered.lost[HVP_LOST_COLLECTOR], 1);
	assert_non_null(strstr(delivered.notes, "1 records contradict themselves"));
	assert_true(delivered.progress.is_degraded);
	fixture_deinit(&fixture);
}

static void several_events_need_an_id_in_the_samples(void **state)
{
	struct perfdata_fixture fixture;
	struct delivered delivered;

	(void)state;
	fixture_init(&fixture);
	fixture.has_other_event = true;
	fixture.sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_TID;
	fixture_finish_file(&fixture);
	assert_error(read_bytes(fixture.whole.data, fixture.whole.size, &delivered),
		     HVP_ERROR_UNSUPPORTED, "perf record --sample-identifier");
	fixture_deinit(&fixture);
}

static void build_ids_and_names_of_kernel_mappings_come_from_the_header(void **state)
{
	struct perfdata_fixture fixture;
	struct delivered delivered;

	(void)state;
	fixture_init(&fixture);
	fixture_add_build_id(&fixture, PERF_RECORD_MISC_USER, 0x11, "/usr/bin/program");
	fixture_add_build_id(&fixture, PERF_RECORD_MISC_KERNEL, 0x22, "[kernel.kallsyms]");
	fixture_add_build_id(&fixture, PERF_RECORD_MISC_GUEST_KERNEL, 0x33, "/usr/lib/other");
	fixture_add_mmap(&fixture, PERF_RECORD_MISC_USER, 20, 0x400000, 0x2000, 0,
			 "/usr/bin/program");
	fixture_add_mmap(&fixture, PERF_RECORD_MISC_KERNEL, UINT32_MAX, 0xffffffff81000000,
			 0x1000000, 0xffffffff81000000, "[kernel.kallsyms]_text");
	fixture_add_mmap(&fixture, PERF_RECORD_MISC_KERNEL, UINT32_MAX, 0xffffffffc0000000, 0x1000,
			 0, "/lib/modules/6.1.0/kernel/arch/x86/kvm/kvm-amd.ko.xz");
	fixture_add_mmap(&fixture, PERF_RECORD_MISC_USER, 20, 0x500000, 0x2000, 0,
			 "/usr/lib/other");
	fixture_finish_file(&fixture);
	assert_ok(read_bytes(fixture.whole.data, fixture.whole.size, &delivered));
	assert_int_equal(delivered.num_maps, 4);
	assert_int_equal(delivered.mmaps[0].build_id_size, 20);
	assert_int_equal(delivered.mmaps[0].build_id[7], 0x11);
	assert_string_equal(delivered.maps[1], "[kernel.kallsyms]_text");
	assert_int_equal(delivered.mmaps[1].build_id[0], 0x22);
	assert_string_equal(delivered.maps[2], "[kvm_amd]");
	/* A guest's file of the same name is another one. */
	assert_int_equal(delivered.mmaps[3].build_id_size, 0);
	fixture_deinit(&fixture);
}

static void a_guests_mappings_are_never_the_hosts(void **state)
{
	struct perfdata_fixture fixture;
	struct delivered delivered;

	(void)state;
	fixture_init(&fixture);
	fixture_add_mmap(&fixture, PERF_RECORD_MISC_GUEST_KERNEL, 30, 0xffffffff81000000, 0x1000000,
			 0, "[guest.kernel.kallsyms.30]_text");
	fixture_finish_file(&fixture);
	assert_ok(read_bytes(fixture.whole.data, fixture.whole.size, &delivered));
	assert_int_equal(delivered.num_maps, 0);
	assert_non_null(strstr(delivered.notes, "1 mappings of guests were left out"));
	fixture_deinit(&fixture);
}

/*
 * Another profiler's event on the machine wants build ids; ours does not, and has device and inode
 * in their place.
 */
static void a_build_id_that_was_not_asked_for_is_none(void **state)
{
	struct hvp_buf body __attribute__((cleanup(hvp_buf_deinit)));
	struct perfdata_fixture fixture;
	struct delivered delivered;

	(void)state;
	fixture_init(&fixture);
	fixture.sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_TID;
	hvp_buf_init(&body);
	for (int i = 0; i < 2; i++)
		hvp_buf_add_u32(&body, 20);
	hvp_buf_add_u64(&body, 0x400000);
	hvp_buf_add_u64(&body, 0x1000);
	hvp_buf_add_u64(&body, 0);
	/* Device 254:0, inode, generation. */
	hvp_buf_add_u64(&body, 254);
	hvp_buf_add_u64(&body, 333576);
	hvp_buf_add_u64(&body, 0);
	hvp_buf_add_u64(&body, 5);
	hvp_buf_add_bytes(&body, "/bin/a\0", 8);
	hvp_buf_add_u64(&body, 0);
	fixture_add_raw(&fixture, PERF_RECORD_MMAP2,
			PERF_RECORD_MISC_USER | PERF_RECORD_MISC_MMAP_BUILD_ID, body.data,
			body.size);
	fixture_finish_file(&fixture);
	assert_ok(read_bytes(fixture.whole.data, fixture.whole.size, &delivered));
	assert_int_equal(delivered.num_maps, 1);
	assert_string_equal(delivered.maps[0], "/bin/a");
	assert_int_equal(delivered.mmaps[0].build_id_size, 0);
	assert_int_equal(delivered.lost[HVP_LOST_COLLECTOR], 0);
	fixture_deinit(&fixture);
}

static void lost_samples_are_counted(void **state)
{
	struct perfdata_fixture fixture;
	struct delivered delivered;

	(void)state;
	fixture_init(&fixture);
	fixture_add_lost(&fixture, 41);
	fixture_add_lost(&fixture, 1);
	fixture_finish_file(&fixture);
	assert_ok(read_bytes(fixture.whole.data, fixture.whole.size, &delivered));
	assert_int_equal(delivered.lost[HVP_LOST_RING], 42);
	fixture_deinit(&fixture);
}

/* AUX area data is no record, whatever it looks like. */
static void data_that_is_no_record_is_passed_over(void **state)
{
	struct perfdata_fixture fixture;
	struct delivered delivered;
	const uint64_t auxtrace[] = {80, 0, 0, 0, 0};

	(void)state;
	fixture_init(&fixture);
	fixture_add_raw(&fixture, HVP_PERFDATA_AUXTRACE, 0, auxtrace, sizeof(auxtrace));
	for (int i = 0; i < 80; i++)
		hvp_buf_add_u8(&fixture.records, 0);
	add_all(&fixture);
	fixture_finish_file(&fixture);
	assert_ok(read_bytes(fixture.whole.data, fixture.whole.size, &delivered));
	assert_int_equal(delivered.num_samples, FIXTURE_NUM_SAMPLES);
	assert_non_null(strstr(delivered.notes, "80 bytes of AUX area trace"));
	fixture_deinit(&fixture);
}

/* What is cut off is gone and said; what is there is there. */
static void check_cut(const struct perfdata_fixture *fixture, bool is_stream)
{
	size_t data_end = fixture->data_offset + fixture->records.size, last = 0;
	struct delivered delivered;

	for (size_t size = 0; size < fixture->whole.size; size++) {
		struct hvp_error *err = read_bytes(fixture->whole.data, size, &delivered);

		if (err) {
			assert_true(size < fixture->data_offset);
			assert_non_null(strstr(hvp_error_message(err), "/proc/self/fd/"));
			hvp_error_destroy(err);
			continue;
		}
		assert_true(delivered.num_samples >= last);
		last = delivered.num_samples;
		/*
		 * A stream does not say how long it should have been: cut between records it looks
		 * whole.
		 */
		if (!is_stream && size < data_end)
			assert_true(delivered.progress.is_degraded);
		if (size >= data_end)
			assert_int_equal(delivered.num_samples, FIXTURE_NUM_SAMPLES);
	}
}

static void a_file_that_is_cut_short_keeps_its_whole_records(void **state)
{
	struct perfdata_fixture fixture;

	(void)state;
	fixture_init(&fixture);
	add_all(&fixture);
	fixture_finish_file(&fixture);
	check_cut(&fixture, false);
	fixture_finish_stream(&fixture);
	check_cut(&fixture, true);
	fixture_compress(&fixture, 100);
	fixture_finish_file(&fixture);
	check_cut(&fixture, false);
	fixture_deinit(&fixture);
}

static void no_flipped_bit_does_harm(void **state)
{
	struct perfdata_fixture fixture;
	struct delivered delivered;

	(void)state;
	for (int form = 0; form < 3; form++) {
		fixture_init(&fixture);
		add_all(&fixture);
		if (form == 2)
			fixture_compress(&fixture, 90);
		if (form == 1)
			fixture_finish_stream(&fixture);
		else
			fixture_finish_file(&fixture);
		for (size_t bit = 0; bit < fixture.whole.size * 8; bit++) {
			fixture.whole.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
			hvp_error_destroy(
				read_bytes(fixture.whole.data, fixture.whole.size, &delivered));
			fixture.whole.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		fixture_deinit(&fixture);
	}
}

static void perf_that_was_killed_left_records_all_the_same(void **state)
{
	struct perfdata_fixture fixture;
	struct delivered delivered;

	(void)state;
	fixture_init(&fixture);
	add_all(&fixture);
	fixture_finish_file(&fixture);
	/* The size of the records, which perf writes last. */
	memset(fixture.whole.data + 48, 0, 8);
	assert_ok(read_bytes(fixture.whole.data, fixture.data_offset + fixture.records.size,
			     &delivered));
	assert_int_equal(delivered.num_samples, FIXTURE_NUM_SAMPLES);
	assert_non_null(strstr(delivered.notes, "did not finish"));
	fixture_deinit(&fixture);
}

static void an_impossible_record_ends_the_file_and_names_its_offset(void **state)
{
	struct perfdata_fixture fixture;
	struct delivered delivered;
	char offset[32];

	(void)state;
	fixture_init(&fixture);
	add_all(&fixture);
	snprintf(offset, sizeof(offset), "offset %#zx",
		 fixture.records.size + 104 + 2 * 8 + 2 * (sizeof(struct perf_event_attr) + 16));
	hvp_buf_add_u64(&fixture.records, PERF_RECORD_SAMPLE);
	add_all(&fixture);
	fixture_finish_file(&fixture);
	assert_ok(read_bytes(fixture.whole.data, fixture.whole.size, &delivered));
	assert_int_equal(delivered.num_samples, FIXTURE_NUM_SAMPLES);
	assert_non_null(strstr(delivered.notes, offset));
	assert_non_null(strstr(delivered.notes, "smaller than its own header"));
	fixture_deinit(&fixture);
}

struct bad_header {
	const char *part;
	size_t at;
	uint64_t value;
	enum hvp_error_code code;
};

static void headers_that_cannot_be_are_refused_with_a_reason(void **state)
{
	static const struct bad_header bad[] = {
		{"not a perf.data file", 0, 0x1111111111111111, HVP_ERROR_FORMAT},
		{"big-endian", 0, 0x50455246494c4532 /* "2ELIFREP" */, HVP_ERROR_UNSUPPORTED},
		{"header of 96 bytes", 8, 96, HVP_ERROR_UNSUPPORTED},
		{"event attributes of 8 bytes", 16, 8, HVP_ERROR_FORMAT},
		{"event attributes of 1099511627776 bytes", 16, 1ULL << 40, HVP_ERROR_FORMAT},
		{"the event attributes of", 24, 1ULL << 50, HVP_ERROR_TRUNCATED},
		{"the event attributes of", 32, UINT64_MAX, HVP_ERROR_TRUNCATED},
		{"the event ids of", 120 + sizeof(struct perf_event_attr) + 8, UINT64_MAX,
		 HVP_ERROR_TRUNCATED},
		{"describes no event", 32, 0, HVP_ERROR_FORMAT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct perfdata_fixture fixture;
		struct delivered delivered;

		fixture_init(&fixture);
		add_all(&fixture);
		fixture_finish_file(&fixture);
		memcpy(fixture.whole.data + bad[i].at, &bad[i].value, 8);
		assert_error(read_bytes(fixture.whole.data, fixture.whole.size, &delivered),
			     bad[i].code, bad[i].part);
		fixture_deinit(&fixture);
	}
}

static void other_things_than_files_are_refused_with_a_reason(void **state)
{
	struct perfdata_fixture fixture;
	struct delivered delivered;
	char path[64];
	int pipes[2];

	(void)state;
	assert_error(read_path("/nonexistent/perf.data", &delivered), HVP_ERROR_OS,
		     "/nonexistent/perf.data");
	assert_error(read_path("/proc", &delivered), HVP_ERROR_UNSUPPORTED, "is a directory");
	assert_error(read_path(NULL, &delivered), HVP_ERROR_USAGE, "hvprof import");
	fixture_init(&fixture);
	add_all(&fixture);
	fixture_finish_file(&fixture);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(write(pipes[1], fixture.whole.data, 1000), 1000);
	close(pipes[1]);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", pipes[0]);
	assert_error(read_path(path, &delivered), HVP_ERROR_UNSUPPORTED, "from a pipe");
	close(pipes[0]);
	fixture_deinit(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_forms_are_delivered_as_they_were_recorded),
		cmocka_unit_test(compressed_records_may_be_cut_anywhere),
		cmocka_unit_test(data_behind_a_compressed_record_is_refused),
		cmocka_unit_test(every_layout_of_samples_is_understood),
		cmocka_unit_test(samples_go_to_the_event_that_their_id_names),
		cmocka_unit_test(several_events_need_an_id_in_the_samples),
		cmocka_unit_test(build_ids_and_names_of_kernel_mappings_come_from_the_header),
		cmocka_unit_test(a_guests_mappings_are_never_the_hosts),
		cmocka_unit_test(a_build_id_that_was_not_asked_for_is_none),
		cmocka_unit_test(lost_samples_are_counted),
		cmocka_unit_test(data_that_is_no_record_is_passed_over),
		cmocka_unit_test(a_file_that_is_cut_short_keeps_its_whole_records),
		cmocka_unit_test(no_flipped_bit_does_harm),
		cmocka_unit_test(perf_that_was_killed_left_records_all_the_same),
		cmocka_unit_test(an_impossible_record_ends_the_file_and_names_its_offset),
		cmocka_unit_test(headers_that_cannot_be_are_refused_with_a_reason),
		cmocka_unit_test(other_things_than_files_are_refused_with_a_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
