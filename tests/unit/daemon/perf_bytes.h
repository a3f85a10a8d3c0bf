/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Builds records of the perf ABI field by field, as the kernel would. */
#ifndef HVP_TESTS_UNIT_DAEMON_PERF_BYTES_H
#define HVP_TESTS_UNIT_DAEMON_PERF_BYTES_H

#include <stdint.h>
#include <string.h>

#include <linux/perf_event.h>

#define PERF_BYTES_TYPE                                                                            \
	(PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU | PERF_SAMPLE_PERIOD)

struct perf_bytes {
	union {
		struct perf_event_header header;
		uint8_t bytes[65536];
	};
	size_t size;
};

static inline void perf_begin(struct perf_bytes *record, uint32_t type, uint16_t misc)
{
	record->header.type = type;
	record->header.misc = misc;
	record->size = sizeof(record->header);
}

static inline void perf_u64(struct perf_bytes *record, uint64_t value)
{
	memcpy(record->bytes + record->size, &value, sizeof(value));
	record->size += sizeof(value);
}

static inline void perf_pair(struct perf_bytes *record, uint32_t first, uint32_t second)
{
	perf_u64(record, (uint64_t)second << 32 | first);
}

/* With its NUL and padded to 8, as the kernel does. */
static inline void perf_text(struct perf_bytes *record, const char *text)
{
	size_t size = (strlen(text) + 8) & ~(size_t)7;

	memset(record->bytes + record->size, 0, size);
	memcpy(record->bytes + record->size, text, strlen(text));
	record->size += size;
}

static inline void perf_end(struct perf_bytes *record)
{
	record->header.size = (uint16_t)record->size;
}

/* The fields that end every record but a sample: tid, time, cpu. */
static inline void perf_sample_id(struct perf_bytes *record, uint32_t pid, uint32_t tid,
				  uint64_t time, uint32_t cpu)
{
	perf_pair(record, pid, tid);
	perf_u64(record, time);
	perf_pair(record, cpu, 0);
	perf_end(record);
}

/* A sample up to its period. */
static inline void perf_sample(struct perf_bytes *record, uint16_t misc, uint64_t ip, uint32_t pid,
			       uint32_t tid, uint64_t time)
{
	perf_begin(record, PERF_RECORD_SAMPLE, misc);
	perf_u64(record, ip);
	perf_pair(record, pid, tid);
	perf_u64(record, time);
	perf_pair(record, 3, 0);
	perf_u64(record, 250000);
	perf_end(record);
}

#endif
