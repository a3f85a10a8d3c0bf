/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/daemon/perfdata_fixture.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>

#include "daemon/perfdata/perfdata_file.h"
#include "tests/unit/check.h"

enum {
	FEATURE_BUILD_ID = 2,
	FEATURE_HOSTNAME = 3,
	FEATURE_NRCPUS = 7,
	FEATURE_CMDLINE = 11,
	FEATURE_EVENT_DESC = 12,
};

const struct fixture_sample fixture_samples[FIXTURE_NUM_SAMPLES] = {
	{.misc = PERF_RECORD_MISC_USER,
	 .id = FIXTURE_ID,
	 .ip = 0x401000,
	 .time = 1000,
	 .period = 7,
	 .pid = 20,
	 .tid = 21,
	 .cpu = 3},
	{.misc = PERF_RECORD_MISC_KERNEL,
	 .id = FIXTURE_ID,
	 .ip = 0xffffffff81000010,
	 .time = 2000,
	 .period = 9,
	 .pid = 20,
	 .tid = 20,
	 .cpu = 0},
	{.misc = PERF_RECORD_MISC_GUEST_KERNEL,
	 .id = FIXTURE_ID,
	 .ip = 0xffffffff82000010,
	 .time = 1500,
	 .period = 8,
	 .pid = 30,
	 .tid = 31,
	 .cpu = 1},
};

void fixture_init(struct perfdata_fixture *fixture)
{
	*fixture = (struct perfdata_fixture){.sample_type = FIXTURE_SAMPLE_TYPE};
	hvp_buf_init(&fixture->records);
	hvp_buf_init(&fixture->build_ids);
	hvp_buf_init(&fixture->whole);
}

void fixture_deinit(struct perfdata_fixture *fixture)
{
	hvp_buf_deinit(&fixture->records);
	hvp_buf_deinit(&fixture->build_ids);
	hvp_buf_deinit(&fixture->whole);
}

static void add_record(struct hvp_buf *out, uint32_t type, uint16_t misc, const void *body,
		       size_t size, bool is_padded)
{
	size_t padding = is_padded ? (8 - size % 8) % 8 : 0;

	hvp_buf_add_u32(out, type);
	hvp_buf_add_u16(out, misc);
	hvp_buf_add_u16(out, (uint16_t)(8 + size + padding));
	hvp_buf_add_bytes(out, body, size);
	for (size_t i = 0; i < padding; i++)
		hvp_buf_add_u8(out, 0);
}

void fixture_add_raw(struct perfdata_fixture *fixture, uint32_t type, uint16_t misc,
		     const void *body, size_t size)
{
	add_record(&fixture->records, type, misc, body, size, true);
}

static void add_pair(struct hvp_buf *out, uint32_t first, uint32_t second)
{
	hvp_buf_add_u32(out, first);
	hvp_buf_add_u32(out, second);
}

/* A value of READ: what is in it does not matter, how long it is does. */
static void add_read(const struct perfdata_fixture *fixture, struct hvp_buf *out)
{
	uint64_t format = fixture->read_format;
	unsigned int num = format & PERF_FORMAT_GROUP ? 3 : 1;
	unsigned int times = !!(format & PERF_FORMAT_TOTAL_TIME_ENABLED) +
			     !!(format & PERF_FORMAT_TOTAL_TIME_RUNNING);
	unsigned int each = 1 + !!(format & PERF_FORMAT_ID) + !!(format & PERF_FORMAT_LOST);

	if (format & PERF_FORMAT_GROUP)
		hvp_buf_add_u64(out, num);
	for (unsigned int i = 0; i < times + num * each; i++)
		hvp_buf_add_u64(out, 0xbad0 + i);
}

void fixture_add_sample(struct perfdata_fixture *fixture, const struct fixture_sample *sample)
{
	struct hvp_buf body __attribute__((cleanup(hvp_buf_deinit)));
	uint64_t type = fixture->sample_type;

	hvp_buf_init(&body);
	if (type & PERF_SAMPLE_IDENTIFIER)
		hvp_buf_add_u64(&body, sample->id);
	if (type & PERF_SAMPLE_IP)
		hvp_buf_add_u64(&body, sample->ip);
	if (type & PERF_SAMPLE_TID)
		add_pair(&body, sample->pid, sample->tid);
	if (type & PERF_SAMPLE_TIME)
		hvp_buf_add_u64(&body, sample->time);
	if (type & PERF_SAMPLE_ADDR)
		hvp_buf_add_u64(&body, 0xbadadd);
	if (type & PERF_SAMPLE_ID)
		hvp_buf_add_u64(&body, sample->id);
	if (type & PERF_SAMPLE_STREAM_ID)
		hvp_buf_add_u64(&body, 0xbad1d);
	if (type & PERF_SAMPLE_CPU)
		add_pair(&body, sample->cpu, 0);
	if (type & PERF_SAMPLE_PERIOD)
		hvp_buf_add_u64(&body, sample->period);
	if (type & PERF_SAMPLE_READ)
		add_read(fixture, &body);
	if (type & PERF_SAMPLE_CALLCHAIN) {
		hvp_buf_add_u64(&body, sample->num_chain);
		for (uint64_t i = 0; i < sample->num_chain; i++)
			hvp_buf_add_u64(&body, sample->chain[i]);
	}
	if (type & PERF_SAMPLE_RAW)
		add_pair(&body, 4, 0xbad);
	fixture_add_raw(fixture, PERF_RECORD_SAMPLE, sample->misc, body.data, body.size);
}

/* What ends the other records; perf writes zeroes into those that it makes up itself. */
static void add_sample_id(const struct perfdata_fixture *fixture, struct hvp_buf *body)
{
	static const uint64_t fields[] = {PERF_SAMPLE_TID, PERF_SAMPLE_TIME,
					  PERF_SAMPLE_ID,  PERF_SAMPLE_STREAM_ID,
					  PERF_SAMPLE_CPU, PERF_SAMPLE_IDENTIFIER};

	while (body->size % 8)
		hvp_buf_add_u8(body, 0);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (fixture->sample_type & fields[i])
			hvp_buf_add_u64(body, 0);
}

void fixture_add_comm(struct perfdata_fixture *fixture, uint32_t pid, uint32_t tid,
		      const char *name)
{
	struct hvp_buf body __attribute__((cleanup(hvp_buf_deinit)));

	hvp_buf_init(&body);
	add_pair(&body, pid, tid);
	hvp_buf_add_bytes(&body, name, strlen(name) + 1);
	add_sample_id(fixture, &body);
	fixture_add_raw(fixture, PERF_RECORD_COMM, 0, body.data, body.size);
}

void fixture_add_mmap(struct perfdata_fixture *fixture, uint16_t misc, uint32_t pid,
		      uint64_t address, uint64_t size, uint64_t offset, const char *path)
{
	struct hvp_buf body __attribute__((cleanup(hvp_buf_deinit)));

	hvp_buf_init(&body);
	add_pair(&body, pid, pid);
	hvp_buf_add_u64(&body, address);
	hvp_buf_add_u64(&body, size);
	hvp_buf_add_u64(&body, offset);
	hvp_buf_add_bytes(&body, path, strlen(path) + 1);
	add_sample_id(fixture, &body);
	fixture_add_raw(fixture, PERF_RECORD_MMAP, misc, body.data, body.size);
}

void fixture_add_lost(struct perfdata_fixture *fixture, uint64_t num)
{
	struct hvp_buf body __attribute__((cleanup(hvp_buf_deinit)));

	hvp_buf_init(&body);
	hvp_buf_add_u64(&body, FIXTURE_ID);
	hvp_buf_add_u64(&body, num);
	add_sample_id(fixture, &body);
	fixture_add_raw(fixture, PERF_RECORD_LOST, 0, body.data, body.size);
}

void fixture_add_build_id(struct perfdata_fixture *fixture, uint16_t misc, uint8_t byte,
			  const char *path)
{
	struct hvp_buf body __attribute__((cleanup(hvp_buf_deinit)));
	uint8_t bytes[24] = {0};

	memset(bytes, byte, 20);
	hvp_buf_init(&body);
	hvp_buf_add_u32(&body, UINT32_MAX);
	hvp_buf_add_bytes(&body, bytes, sizeof(bytes));
	hvp_buf_add_bytes(&body, path, strlen(path) + 1);
	add_record(&fixture->build_ids, HVP_PERFDATA_BUILD_ID, misc, body.data, body.size, true);
}

struct event {
	uint64_t id;
	const char *name;
	uint32_t type;
	uint64_t config;
};

/* The events of a fixture, the tracking one last; returns how many. */
static size_t events_of(const struct perfdata_fixture *fixture, struct event events[3])
{
	size_t num = 0;

	events[num++] = (struct event){FIXTURE_ID, "cpu-clock:u", PERF_TYPE_SOFTWARE,
				       PERF_COUNT_SW_CPU_CLOCK};
	if (fixture->has_other_event)
		events[num++] = (struct event){FIXTURE_OTHER_ID, "my-cycles", PERF_TYPE_HARDWARE,
					       PERF_COUNT_HW_CPU_CYCLES};
	events[num++] = (struct event){FIXTURE_TRACKING_ID, "dummy:HG", PERF_TYPE_SOFTWARE,
				       PERF_COUNT_SW_DUMMY};
	return num;
}

static void add_attr(const struct perfdata_fixture *fixture, const struct event *event,
		     struct hvp_buf *out)
{
	const struct perf_event_attr attr = {
		.type = event->type,
		.size = sizeof(attr),
		.config = event->config,
		.sample_period = 10000,
		.sample_type = fixture->sample_type,
		.read_format = fixture->read_format,
		.sample_id_all = 1,
	};

	hvp_buf_add_bytes(out, &attr, sizeof(attr));
}

static void add_string(struct hvp_buf *out, const char *text)
{
	/* perf pads its strings. */
	char padded[64] = "";

	snprintf(padded, sizeof(padded), "%s", text);
	hvp_buf_add_u32(out, sizeof(padded));
	hvp_buf_add_bytes(out, padded, sizeof(padded));
}

static void add_event_names(const struct perfdata_fixture *fixture, struct hvp_buf *out)
{
	struct event events[3];
	size_t num = events_of(fixture, events);

	add_pair(out, (uint32_t)num, sizeof(struct perf_event_attr));
	for (size_t i = 0; i < num; i++) {
		add_attr(fixture, &events[i], out);
		hvp_buf_add_u32(out, 1);
		add_string(out, events[i].name);
		hvp_buf_add_u64(out, events[i].id);
	}
}

static void add_feature(const struct perfdata_fixture *fixture, unsigned int feature,
			struct hvp_buf *out)
{
	switch (feature) {
	case FEATURE_BUILD_ID:
		hvp_buf_add_bytes(out, fixture->build_ids.data, fixture->build_ids.size);
		break;
	case FEATURE_HOSTNAME: add_string(out, "elsewhere"); break;
	case FEATURE_NRCPUS: add_pair(out, 8, 4); break;
	case FEATURE_CMDLINE:
		hvp_buf_add_u32(out, 2);
		add_string(out, "perf");
		add_string(out, "record");
		break;
	default: add_event_names(fixture, out); break;
	}
}

static const unsigned int features[] = {FEATURE_BUILD_ID, FEATURE_HOSTNAME, FEATURE_NRCPUS,
					FEATURE_CMDLINE, FEATURE_EVENT_DESC};
#define NUM_FEATURES (sizeof(features) / sizeof(features[0]))

static void add_features(struct perfdata_fixture *fixture)
{
	struct hvp_buf *out = &fixture->whole;
	struct hvp_buf bodies __attribute__((cleanup(hvp_buf_deinit)));
	uint64_t begin = out->size + NUM_FEATURES * 16;

	hvp_buf_init(&bodies);
	for (size_t i = 0; i < NUM_FEATURES; i++) {
		size_t before = bodies.size;

		add_feature(fixture, features[i], &bodies);
		hvp_buf_add_u64(out, begin + before);
		hvp_buf_add_u64(out, bodies.size - before);
	}
	hvp_buf_add_bytes(out, bodies.data, bodies.size);
}

void fixture_finish_file(struct perfdata_fixture *fixture)
{
	struct hvp_buf *out = &fixture->whole;
	struct event events[3];
	size_t num = events_of(fixture, events);
	uint64_t ids = 104, attrs = ids + num * 8, entry = sizeof(struct perf_event_attr) + 16;
	uint64_t bits = 0;

	for (size_t i = 0; i < NUM_FEATURES; i++)
		bits |= 1ULL << features[i];
	fixture->data_offset = attrs + num * entry;
	hvp_buf_clear(out);
	hvp_buf_add_bytes(out, "PERFILE2", 8);
	hvp_buf_add_u64(out, 104);
	hvp_buf_add_u64(out, entry);
	hvp_buf_add_u64(out, attrs);
	hvp_buf_add_u64(out, num * entry);
	hvp_buf_add_u64(out, fixture->data_offset);
	hvp_buf_add_u64(out, fixture->records.size);
	hvp_buf_add_u64(out, 0);
	hvp_buf_add_u64(out, 0);
	hvp_buf_add_u64(out, bits);
	for (int i = 0; i < 3; i++)
		hvp_buf_add_u64(out, 0);
	for (size_t i = 0; i < num; i++)
		hvp_buf_add_u64(out, events[i].id);
	for (size_t i = 0; i < num; i++) {
		add_attr(fixture, &events[i], out);
		hvp_buf_add_u64(out, ids + i * 8);
		hvp_buf_add_u64(out, 8);
	}
	hvp_buf_add_bytes(out, fixture->records.data, fixture->records.size);
	add_features(fixture);
	assert_ok(hvp_buf_check(out));
}

void fixture_finish_stream(struct perfdata_fixture *fixture)
{
	struct hvp_buf *out = &fixture->whole;
	struct hvp_buf body __attribute__((cleanup(hvp_buf_deinit)));
	struct event events[3];
	size_t num = events_of(fixture, events);

	hvp_buf_init(&body);
	hvp_buf_clear(out);
	hvp_buf_add_bytes(out, "PERFILE2", 8);
	hvp_buf_add_u64(out, 16);
	for (size_t i = 0; i < num; i++) {
		hvp_buf_clear(&body);
		add_attr(fixture, &events[i], &body);
		hvp_buf_add_u64(&body, events[i].id);
		add_record(out, HVP_PERFDATA_ATTR, 0, body.data, body.size, true);
	}
	for (size_t i = 0; i < NUM_FEATURES; i++) {
		hvp_buf_clear(&body);
		hvp_buf_add_u64(&body, features[i]);
		add_feature(fixture, features[i], &body);
		add_record(out, HVP_PERFDATA_FEATURE, 0, body.data, body.size, true);
	}
	fixture->data_offset = out->size;
	hvp_buf_add_bytes(out, fixture->records.data, fixture->records.size);
	assert_ok(hvp_buf_check(out));
}

void fixture_compress(struct perfdata_fixture *fixture, size_t piece)
{
	struct hvp_buf out;
	uint8_t packed[32768];
	ZSTD_CStream *zstd = ZSTD_createCStream();

	assert_non_null(zstd);
	hvp_buf_init(&out);
	for (size_t at = 0; at < fixture->records.size; at += piece) {
		size_t left = fixture->records.size - at;
		ZSTD_inBuffer in = {fixture->records.data + at, left < piece ? left : piece, 0};
		ZSTD_outBuffer to = {packed, sizeof(packed), 0};

		assert_false(ZSTD_isError(ZSTD_compressStream(zstd, &to, &in)));
		assert_int_equal(ZSTD_flushStream(zstd, &to), 0);
		/* Of any size, unlike the kernel's records. */
		add_record(&out, HVP_PERFDATA_COMPRESSED, 0, packed, to.pos, false);
	}
	ZSTD_freeCStream(zstd);
	hvp_buf_deinit(&fixture->records);
	fixture->records = out;
}

void fixture_open(const void *data, size_t size, char path[64], int *ret_fd)
{
	int fd = memfd_create("perf.data", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), (ssize_t)size);
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	*ret_fd = fd;
}
