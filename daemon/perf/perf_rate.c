/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/perf/perf_rate.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/scope.h"

struct hvp_error *hvp_perf_limit_frequency(const struct hvp_host_roots *roots,
					   const struct hvp_sink *sink, uint64_t *frequency)
{
	hvp_scope(hvp_free_ptr) char *path = NULL;
	uint64_t limit, asked = *frequency;

	if (asprintf(&path, "%s/sys/kernel/perf_event_max_sample_rate", roots->proc) < 0)
		return hvp_error_no_memory;
	if (!hvp_file_read_u64(path, &limit) || asked <= limit)
		return NULL;
	*frequency = limit;
	if (asked == UINT64_MAX)
		return NULL;
	return hvp_sink_note(sink,
			     "sampled at %" PRIu64 " Hz instead of %" PRIu64
			     ": the limit is kernel.perf_event_max_sample_rate",
			     limit, asked);
}
