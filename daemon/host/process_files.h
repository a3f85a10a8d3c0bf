/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What lives only as long as processes do, and is needed to read their samples later: the vDSO, and
 * the symbol maps of JIT compilers.
 */
#ifndef HVP_DAEMON_PROCESS_FILES_H
#define HVP_DAEMON_PROCESS_FILES_H

#include "common/base/error.h"
#include "daemon/kvm/domains.h"
#include "daemon/host/host_files.h"
#include "daemon/source.h"

/* The vDSO is the same in all 64-bit processes: ours serves. */
struct hvp_error *hvp_process_files_emit_vdso(const struct hvp_host_roots *roots,
					      const struct hvp_sink *sink) hvp_must_use;

/* /tmp/perf-PID.map, as the process sees it, of every process that was sampled. */
struct hvp_error *hvp_process_files_emit_jit_maps(const struct hvp_host_roots *roots,
						  struct hvp_domain_table *domains,
						  const struct hvp_sink *sink) hvp_must_use;

#endif
