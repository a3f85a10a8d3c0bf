/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes the first inputs of fuzz_perfdata: small perf.data files of every form. */
#include <fcntl.h>
#include <unistd.h>

#include "daemon/perfdata/perfdata_file.h"
#include "tests/unit/check.h"
#include "tests/unit/daemon/perfdata_fixture.h"

static const uint64_t chain[] = {PERF_CONTEXT_KERNEL, 0xffffffff81000010, 0xffffffff81000110,
				 PERF_CONTEXT_USER,   0x401000,		  0x402000};

/* The host's samples have chains, and the kernel's is of the second event. */
static void add_samples(struct perfdata_fixture *fixture)
{
	struct fixture_sample samples[FIXTURE_NUM_SAMPLES];

	memcpy(samples, fixture_samples, sizeof(samples));
	samples[0].chain = chain + 3;
	samples[0].num_chain = 3;
	samples[1].id = FIXTURE_OTHER_ID;
	samples[1].chain = chain;
	samples[1].num_chain = 6;
	for (size_t i = 0; i < FIXTURE_NUM_SAMPLES; i++)
		fixture_add_sample(fixture, &samples[i]);
}

static void put(const char *folder, const char *name, struct perfdata_fixture *fixture)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, fixture->whole.data, fixture->whole.size),
			 (ssize_t)fixture->whole.size);
	close(fd);
	fixture_deinit(fixture);
}

static void fill(struct perfdata_fixture *fixture, uint64_t sample_type, uint64_t read_format,
		 bool has_other_event)
{
	fixture_init(fixture);
	fixture->sample_type = sample_type;
	fixture->read_format = read_format;
	fixture->has_other_event = has_other_event;
	fixture_add_build_id(fixture, PERF_RECORD_MISC_KERNEL, 0x22, "[kernel.kallsyms]");
	fixture_add_mmap(fixture, PERF_RECORD_MISC_KERNEL, UINT32_MAX, 0xffffffff81000000,
			 0x1000000, 0xffffffff81000000, "[kernel.kallsyms]_text");
	fixture_add_mmap(fixture, PERF_RECORD_MISC_KERNEL, UINT32_MAX, 0xffffffffc0000000, 0x1000,
			 0, "/lib/modules/6.1/kvm-amd.ko");
	fixture_add_comm(fixture, 20, 20, "program");
	add_samples(fixture);
	fixture_add_lost(fixture, 3);
}

static void put_forms(const char *folder)
{
	struct perfdata_fixture fixture;

	fill(&fixture, FIXTURE_SAMPLE_TYPE, 0, false);
	fixture_finish_file(&fixture);
	put(folder, "file", &fixture);
	fill(&fixture, FIXTURE_SAMPLE_TYPE, 0, false);
	fixture_finish_stream(&fixture);
	put(folder, "stream", &fixture);
	fill(&fixture, FIXTURE_SAMPLE_TYPE, 0, false);
	fixture_compress(&fixture, 100);
	fixture_finish_file(&fixture);
	put(folder, "compressed-file", &fixture);
	fill(&fixture, FIXTURE_SAMPLE_TYPE, 0, false);
	fixture_compress(&fixture, 100);
	fixture_finish_stream(&fixture);
	put(folder, "compressed-stream", &fixture);
}

static void put_layouts(const char *folder)
{
	const uint64_t most = PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP | PERF_SAMPLE_TID |
			      PERF_SAMPLE_TIME | PERF_SAMPLE_ADDR | PERF_SAMPLE_ID |
			      PERF_SAMPLE_STREAM_ID | PERF_SAMPLE_CPU | PERF_SAMPLE_PERIOD |
			      PERF_SAMPLE_READ | PERF_SAMPLE_CALLCHAIN | PERF_SAMPLE_RAW;
	struct perfdata_fixture fixture;

	fill(&fixture, FIXTURE_SAMPLE_TYPE | PERF_SAMPLE_CALLCHAIN, 0, true);
	fixture_finish_file(&fixture);
	put(folder, "chains-two-events", &fixture);
	fill(&fixture, most, PERF_FORMAT_GROUP | PERF_FORMAT_ID | PERF_FORMAT_TOTAL_TIME_ENABLED,
	     true);
	fixture_finish_file(&fixture);
	put(folder, "all-fields", &fixture);
	fill(&fixture, PERF_SAMPLE_IP, 0, false);
	fixture_finish_file(&fixture);
	put(folder, "no-fields", &fixture);
}

/* Bytes between the records that are none. */
static void put_aux(const char *folder)
{
	static const uint64_t body[] = {80, 0, 0, 0, 0};
	static const uint8_t data[80];
	struct perfdata_fixture fixture;

	fill(&fixture, FIXTURE_SAMPLE_TYPE, 0, false);
	fixture_add_raw(&fixture, HVP_PERFDATA_AUXTRACE, 0, body, sizeof(body));
	hvp_buf_add_bytes(&fixture.records, data, sizeof(data));
	fixture_add_raw(&fixture, HVP_PERFDATA_TRACING_DATA, 0, body, sizeof(body[0]));
	hvp_buf_add_bytes(&fixture.records, data, sizeof(data));
	fixture_add_comm(&fixture, 1, 1, "behind");
	fixture_finish_file(&fixture);
	put(folder, "auxtrace", &fixture);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: %s CORPUS-FOLDER\n", argv[0]);
		return 2;
	}
	put_forms(argv[1]);
	put_layouts(argv[1]);
	put_aux(argv[1]);
	return 0;
}
