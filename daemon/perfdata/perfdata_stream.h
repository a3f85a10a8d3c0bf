/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bytes of a perf.data file behind its header, cut into records: read block by block, compressed records
 * unpacked, what is no record passed over. The kernel's records go to the delivery, perf's own that
 * describe the recording to the file.
 */
#ifndef HVP_DAEMON_PERFDATA_STREAM_H
#define HVP_DAEMON_PERFDATA_STREAM_H

#include <zstd.h>

#include "daemon/perfdata/perfdata_delivery.h"
#include "daemon/perfdata/perfdata_file.h"

/* Bytes of the file, or of what was compressed in it, that wait to be taken as records. */
struct hvp_perfdata_window {
	uint8_t *data;
	size_t begin, end;
	/* Of data[begin] in the file; of the compressed record for what came out of one. */
	uint64_t offset;
};

struct hvp_perfdata_stream {
	/* Both borrowed. */
	struct hvp_perfdata *file;
	struct hvp_perfdata_delivery *delivery;
	struct hvp_perfdata_window input, plain;
	ZSTD_DStream *zstd;
	/* Bytes that are not records (AUX area data, tracing formats), still to be passed over. */
	uint64_t skip;
	/* All AUX area data that was passed over. */
	uint64_t aux_bytes;
	bool is_ended;
};

/* `ret` is to be deinitialised also after an error. */
struct hvp_error *hvp_perfdata_stream_init(struct hvp_perfdata *file,
					   struct hvp_perfdata_delivery *delivery,
					   struct hvp_perfdata_stream *ret) hvp_must_use;
/* Accepts a zeroed one. */
void hvp_perfdata_stream_deinit(struct hvp_perfdata_stream *stream);

/* The form without sections has its events as records, before those of the kernel: takes those. */
struct hvp_error *hvp_perfdata_stream_read_head(struct hvp_perfdata_stream *stream) hvp_must_use;
/*
 * Delivers some megabytes of records. Damage is noted: it ends the stream, and what was read
 * before it stays.
 */
struct hvp_error *hvp_perfdata_stream_drain(struct hvp_perfdata_stream *stream) hvp_must_use;

#endif
