/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Samples from a perf.data file, as `perf record` and `perf kvm record` write them: file or stream,
 * plain or compressed.
 */
#ifndef HVP_DAEMON_PERFDATA_SOURCE_H
#define HVP_DAEMON_PERFDATA_SOURCE_H

#include "daemon/perfdata/perfdata_delivery.h"
#include "daemon/perfdata/perfdata_file.h"
#include "daemon/source.h"

/* Opened with hvp_record_config.input, the path of the file ("-": standard input). */
extern const struct hvp_source_ops hvp_perfdata_source_ops;

/* Of a source that hvp_perfdata_source_ops opened. */
void hvp_perfdata_source_progress(const struct hvp_source *source,
				  struct hvp_perfdata_progress *ret);
/* What the file says of its machine; borrowed while the source lives. */
const struct hvp_perfdata *hvp_perfdata_source_file(const struct hvp_source *source);

#endif
