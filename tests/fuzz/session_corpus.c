/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes the first inputs of the session reader's corpus: small sessions, each with other features,
 * with the bit set that makes the target mend the checksums. usage: session_corpus FOLDER
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "common/base/scope.h"
#include "common/session/writer.h"

struct seed {
	const char *name;
	unsigned int num_samples, num_per_flush, num_cpus, num_domains, num_frames;
	bool with_records, is_finished;
};

static const struct seed seeds[] = {
	{"empty", 0, 0, 1, 1, 0, false, true},	    {"one-sample", 1, 0, 1, 1, 0, false, true},
	{"records", 4, 0, 1, 1, 0, true, true},	    {"chains", 100, 0, 2, 1, 6, false, true},
	{"domains", 300, 100, 4, 5, 3, true, true}, {"no-end", 64, 32, 2, 2, 2, true, false},
	{"runs", 500, 0, 1, 1, 1, false, true},
};

static struct hvp_error *add_records(struct hvp_session_writer *writer)
{
	const struct hvp_record records[] = {
		{.type = HVP_RECORD_MMAP,
		 .mmap = {.pid = 1,
			  .address = 0x400000,
			  .size = 0x1000,
			  .path = "/bin/x",
			  .build_id = {1, 2, 3},
			  .build_id_size = 20,
			  .is_exec = true}},
		{.type = HVP_RECORD_COMM, .time = 5, .comm = {.pid = 1, .tid = 1, .name = "x"}},
		{.type = HVP_RECORD_DOMAIN,
		 .time = 4,
		 .domain = {.domain = 1, .pid = 9, .name = "web", .vmm = "qemu"}},
		{.type = HVP_RECORD_VCPU, .vcpu = {1, 0, 11, false}},
		{.type = HVP_RECORD_LOST, .lost = {1, HVP_LOST_RING, 12, 0}},
		{.type = HVP_RECORD_NOTE, .note = {"note"}},
		{.type = HVP_RECORD_BLOB,
		 .blob = {HVP_BLOB_KALLSYMS, 0, 0, "k", (const uint8_t *)"0 T _text\n", 10}},
	};

	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++)
		hvp_try(hvp_session_writer_add_record(writer, &records[i]));
	return hvp_session_writer_add_info(writer, "key", "value");
}

static struct hvp_error *add_samples(struct hvp_session_writer *writer, const struct seed *seed)
{
	for (unsigned int i = 0; i < seed->num_samples; i++) {
		const uint64_t frames[] = {i % 7 * 16, i % 3 * 16, 64, 80, 96, 112};
		struct hvp_sample sample = {
			.time = 1000u * (i / seed->num_cpus) + i % 3,
			.ip = 0xffffffff81000000ull + i * 7919 % 1000,
			.period = 1000,
			.tid = 10 + i % 3,
			.pid = 10,
			.cpu = i % seed->num_cpus,
			.domain = i % seed->num_domains,
			.mode = i % seed->num_domains ? HVP_MODE_GUEST_KERNEL
						      : HVP_MODE_HOST_KERNEL,
			.chain = {.frames = frames,
				  .num_frames = seed->num_frames,
				  .num_kernel = 1},
		};

		hvp_try(hvp_session_writer_add_sample(writer, &sample));
		if (seed->num_per_flush && (i + 1) % seed->num_per_flush == 0)
			hvp_try(hvp_session_writer_flush(writer));
	}
	return NULL;
}

static struct hvp_error *write_seed(int fd, const char *path, const struct seed *seed)
{
	const struct hvp_session_writer_options options = {.path = path};
	const struct hvp_event_info event = {.name = "cpu-clock", .unit = "ns", .scope = ""};
	const struct hvp_session_end end = {.start_time = 1, .end_time = 2};
	hvp_scope(hvp_session_writer_destroy_scope) struct hvp_session_writer *writer = NULL;
	uint16_t index;

	hvp_try(hvp_session_writer_create(fd, &options, &writer));
	hvp_try(hvp_session_writer_add_event(writer, &event, &index));
	if (seed->with_records)
		hvp_try(add_records(writer));
	hvp_try(add_samples(writer, seed));
	return seed->is_finished ? hvp_session_writer_finish(writer, &end) : NULL;
}

static int make_seed(const char *folder, const struct seed *seed)
{
	hvp_scope(hvp_free_ptr) char *path = NULL;
	hvp_scope(hvp_close_fd) int fd = -1;
	struct hvp_error *err;

	if (asprintf(&path, "%s/%s", folder, seed->name) < 0)
		return 1;
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0) {
		perror(path);
		return 1;
	}
	err = write_seed(fd, path, seed);
	if (err) {
		fprintf(stderr, "%s\n", hvp_error_message(err));
		hvp_error_destroy(err);
		return 1;
	}
	/* The same id every time, whose first bit asks for right checksums. */
	return pwrite(fd, "\1corpus\0", 8, 16) == 8 ? 0 : 1;
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	for (size_t i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++)
		if (make_seed(argv[1], &seeds[i]))
			return 1;
	return 0;
}
