/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * perf.data files made by hand, field by field, for tests: what perf would write, and what it never
 * would.
 */
#ifndef HVP_TESTS_UNIT_DAEMON_PERFDATA_FIXTURE_H
#define HVP_TESTS_UNIT_DAEMON_PERFDATA_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/perf_event.h>

#include "common/base/bytes.h"

/* The ids that perf gave the two events of a fixture, and the tracking one. */
#define FIXTURE_ID 77u
#define FIXTURE_OTHER_ID 78u
#define FIXTURE_TRACKING_ID 79u

/* What perf record -a -F writes here. */
#define FIXTURE_SAMPLE_TYPE                                                                        \
	(PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_ID | PERF_SAMPLE_CPU |  \
	 PERF_SAMPLE_PERIOD)

struct perfdata_fixture {
	uint64_t sample_type, read_format;
	/* A second event, "cycles". */
	bool has_other_event;
	struct hvp_buf records;
	/* Entries of the build id table. */
	struct hvp_buf build_ids;
	/* The whole, after one of the finish functions. */
	struct hvp_buf whole;
	/* Where the records begin in it. */
	size_t data_offset;
};

struct fixture_sample {
	uint16_t misc;
	uint64_t id, ip, time, period;
	uint32_t pid, tid, cpu;
	const uint64_t *chain;
	uint64_t num_chain;
};

/* One of a program, one of the host's kernel, one of a guest's kernel; without chains. */
#define FIXTURE_NUM_SAMPLES 3u
extern const struct fixture_sample fixture_samples[FIXTURE_NUM_SAMPLES];

void fixture_init(struct perfdata_fixture *fixture);
void fixture_deinit(struct perfdata_fixture *fixture);

void fixture_add_sample(struct perfdata_fixture *fixture, const struct fixture_sample *sample);
void fixture_add_comm(struct perfdata_fixture *fixture, uint32_t pid, uint32_t tid,
		      const char *name);
void fixture_add_mmap(struct perfdata_fixture *fixture, uint16_t misc, uint32_t pid,
		      uint64_t address, uint64_t size, uint64_t offset, const char *path);
void fixture_add_lost(struct perfdata_fixture *fixture, uint64_t num);
/* A record of any kind; `body` is padded to 8 bytes. */
void fixture_add_raw(struct perfdata_fixture *fixture, uint32_t type, uint16_t misc,
		     const void *body, size_t size);
void fixture_add_build_id(struct perfdata_fixture *fixture, uint16_t misc, uint8_t byte,
			  const char *path);

/* The form with sections: attributes, records, features. */
void fixture_finish_file(struct perfdata_fixture *fixture);
/* The form of `perf record -o -`. */
void fixture_finish_stream(struct perfdata_fixture *fixture);
/* Replaces the records by COMPRESSED ones with `piece` bytes of them each. */
void fixture_compress(struct perfdata_fixture *fixture, size_t piece);

/* A path that opens the bytes as a file; `*ret_fd` is closed by the caller. */
void fixture_open(const void *data, size_t size, char path[64], int *ret_fd);

#endif
