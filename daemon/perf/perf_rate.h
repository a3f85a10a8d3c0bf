/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How often the kernel lets anyone sample. */
#ifndef HVP_DAEMON_PERF_RATE_H
#define HVP_DAEMON_PERF_RATE_H

#include <stdint.h>

#include "common/base/error.h"
#include "daemon/host/host_files.h"
#include "daemon/source.h"

/*
 * -F above what the kernel allows is refused by it: the highest there is replaces it, and a note
 * says so, unless UINT64_MAX asked for just that.
 */
struct hvp_error *hvp_perf_limit_frequency(const struct hvp_host_roots *roots,
					   const struct hvp_sink *sink,
					   uint64_t *frequency) hvp_must_use;

#endif
