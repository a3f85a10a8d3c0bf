/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A perf.data file up to its records: header, event attributes, the facts that perf noted about the
 * machine. The form is described in the kernel's
 * tools/perf/Documentation/perf.data-file-format.txt. Both forms are read: the file, with sections
 * at offsets, and the stream that `perf record -o -` writes, where the same things come as records.
 * Nothing of it is trusted.
 */
#ifndef HVP_DAEMON_PERFDATA_FILE_H
#define HVP_DAEMON_PERFDATA_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/perf_event.h>

#include "common/base/bytes.h"
#include "common/base/error.h"
#include "common/base/map.h"
#include "common/base/scope.h"
#include "common/base/strpool.h"
#include "common/model/record.h"

/* Records of perf's own in the data section (enum perf_user_event_type); those that matter here. */
enum hvp_perfdata_record {
	HVP_PERFDATA_ATTR = 64,
	HVP_PERFDATA_TRACING_DATA = 66,
	HVP_PERFDATA_BUILD_ID = 67,
	HVP_PERFDATA_AUXTRACE = 71,
	HVP_PERFDATA_FEATURE = 80,
	HVP_PERFDATA_COMPRESSED = 81,
	HVP_PERFDATA_COMPRESSED2 = 83,
};
/* The kernel's own types are below. */
#define HVP_PERFDATA_FIRST_OWN 64u

/* hvp_perfdata_attr.event of an event that only tracks: perf's dummy. */
#define HVP_PERFDATA_NO_EVENT UINT32_MAX

struct hvp_perfdata_attr {
	/* Fields that this file's perf did not know are 0. */
	struct perf_event_attr attr;
	/* String number of the name on perf's command line; 0 when the file does not have it. */
	uint32_t name;
	/* Index among the events that are sampled, or HVP_PERFDATA_NO_EVENT. */
	uint32_t event;
};

struct hvp_perfdata_build_id {
	uint8_t bytes[HVP_BUILD_ID_MAX];
	uint8_t size;
};

struct hvp_perfdata_fact {
	/* One of format.h's keys, or a key of our own; static. */
	const char *key;
	uint32_t value;
};

struct hvp_perfdata {
	char *path;
	int fd;
	bool is_stream;
	/* perf record was killed before it wrote how many records there are. */
	bool is_unfinished;
	/*
	 * Where the records begin; where they end, UINT64_MAX when only the end of the file tells.
	 */
	uint64_t data_begin, data_end;
	/* UINT64_MAX for a stream. */
	uint64_t file_size;
	struct hvp_perfdata_attr *attrs;
	size_t num_attrs, attrs_capacity;
	/* perf's id -> index in attrs. */
	struct hvp_map attr_of_id;
	struct hvp_strpool strings;
	/* String number of a path -> index in build_ids. */
	struct hvp_map build_id_of_path;
	struct hvp_perfdata_build_id *build_ids;
	size_t num_build_ids, build_ids_capacity;
	struct hvp_perfdata_fact *facts;
	size_t num_facts, facts_capacity;
	/*
	 * Of CLOCK_DATA: one moment on the wall clock and on the clock of the samples; both 0 when
	 * not there.
	 */
	uint64_t wall_clock, sample_clock;
};

/*
 * Reads the header and, of a file, everything but the records; of a stream, what stands before them
 * follows as records. `path` "-" is standard input, which must hold the stream form unless it can
 * be sought. Damage in the notes about the machine is not an error: they are left out.
 */
struct hvp_error *hvp_perfdata_open(const char *path, struct hvp_perfdata **ret) hvp_must_use;
/* Accepts NULL. */
void hvp_perfdata_destroy(struct hvp_perfdata *file);
HVP_DEFINE_SCOPE(hvp_perfdata_destroy, struct hvp_perfdata *);

/*
 * The body of an ATTR, FEATURE or BUILD_ID record (behind its header), as a stream has them. Other
 * types are left alone.
 */
struct hvp_error *hvp_perfdata_take_record(struct hvp_perfdata *file,
					   const struct perf_event_header *header,
					   struct hvp_reader *body) hvp_must_use;

/* The build id of a file that was mapped, NULL when perf did not note it. */
const struct hvp_perfdata_build_id *hvp_perfdata_find_build_id(const struct hvp_perfdata *file,
							       const char *path);
/* NULL when the file does not have it. */
const char *hvp_perfdata_fact(const struct hvp_perfdata *file, const char *key);

#endif
