/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes a session: the file (or pipe) that a collector makes and every report reads. The format is
 * described in docs/hvprof.data.5.scd; format.h has its constants.
 *
 * Samples are gathered in columns, and leave as compressed, checksummed chunks when there are
 * enough or hvp_session_writer_flush() says so: a domain's side (host, guest) that has many of them
 * in a chunk of its own, all others together in one. What samples need (events, stacks, strings,
 * records added before) always reaches the file before the chunk of samples that needs it. Memory
 * is bounded whatever the number of domains.
 *
 * Not thread-safe: one writer, one thread. The caller ignores SIGPIPE.
 */
#ifndef HVP_COMMON_SESSION_WRITER_H
#define HVP_COMMON_SESSION_WRITER_H

#include "common/base/error.h"
#include "common/base/scope.h"
#include "common/model/record.h"

struct hvp_session_writer;

struct hvp_session_writer_options {
	/* Named in errors. */
	const char *path;
	/* zstd level, 1 to 19; 0 takes the default (the cheapest that keeps the size goals). */
	int level;
	/*
	 * All buffers together, in bytes; 0 takes the default (64 MiB), less than 20 MiB is 20 MiB.
	 */
	size_t memory_limit;
};

/* Borrows `fd` (regular file or pipe) and writes the file header. */
struct hvp_error *hvp_session_writer_create(int fd,
					    const struct hvp_session_writer_options *options,
					    struct hvp_session_writer **ret) hvp_must_use;
/* Frees without finishing: the file keeps what was flushed. Accepts NULL. */
void hvp_session_writer_destroy(struct hvp_session_writer *writer);
HVP_DEFINE_SCOPE(hvp_session_writer_destroy, struct hvp_session_writer *);

/*
 * A fact about the session (see format.h for the keys in use); a later value of the same key
 * replaces it.
 */
struct hvp_error *hvp_session_writer_add_info(struct hvp_session_writer *writer, const char *key,
					      const char *value) hvp_must_use;

/* Strings are copied. `ret_index` is the number that samples carry in `event`. */
struct hvp_error *hvp_session_writer_add_event(struct hvp_session_writer *writer,
					       const struct hvp_event_info *event,
					       uint16_t *ret_index) hvp_must_use;

/* Everything the record points to is copied. */
struct hvp_error *hvp_session_writer_add_record(struct hvp_session_writer *writer,
						const struct hvp_record *record) hvp_must_use;

/*
 * The hot path. The chain is copied (stored once per distinct chain). An error (ENOSPC, EPIPE)
 * names the path; the writer can be used again afterwards: what could not be written stays buffered
 * and is tried again at the next flush. What then has no room in the buffers is counted as lost,
 * never silently dropped: the call succeeds, and the writer puts an HVP_RECORD_LOST (HVP_LOST_FILE)
 * into the session as soon as it can write again.
 */
struct hvp_error *hvp_session_writer_add_sample(struct hvp_session_writer *writer,
						const struct hvp_sample *sample) hvp_must_use;

/*
 * Everything gathered so far reaches the file. The price of a kill -9 is what was gathered since
 * the last flush; the price of a flush is a chunk's dictionaries (some kB), so every few seconds is
 * right and every drain is too often.
 */
struct hvp_error *hvp_session_writer_flush(struct hvp_session_writer *writer) hvp_must_use;

/* The last words of the collector about itself. */
struct hvp_session_end {
	/* Session clock at start and stop. */
	uint64_t start_time, end_time;
	/* CPU time of the collector, user + system. */
	uint64_t collector_cpu_ns;
	/* Peak resident set. */
	uint64_t collector_rss_bytes;
};

/* Flushes, writes end, index and trailer. The writer takes nothing more afterwards. */
struct hvp_error *hvp_session_writer_finish(struct hvp_session_writer *writer,
					    const struct hvp_session_end *end) hvp_must_use;

struct hvp_session_writer_stats {
	uint64_t samples;
	uint64_t lost_samples;
	uint64_t lost_records;
	uint64_t bytes_written;
	uint64_t chunks;
	/* The most memory that the buffers held. */
	size_t peak_memory;
};

void hvp_session_writer_get_stats(const struct hvp_session_writer *writer,
				  struct hvp_session_writer_stats *ret);

#endif
