/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The processes that were there before us, as if we had seen them start: their names, the names of
 * their threads, their executable mappings with build ids, and foreign namespaces, read from /proc.
 * A process that ends while it is being read is no error.
 */
#ifndef HVP_DAEMON_PROC_SYNTH_H
#define HVP_DAEMON_PROC_SYNTH_H

#include "common/base/error.h"
#include "daemon/host/host_files.h"
#include "daemon/source.h"

struct hvp_proc_synth_stats {
	uint64_t processes, threads, mappings, build_ids;
	/* Processes that vanished or could not be read. */
	uint64_t unreadable;
};

/*
 * `num_pids` 0: all processes. Errors are the sink's, or that there is no /proc. `ret` may be NULL.
 */
struct hvp_error *hvp_proc_synth(const struct hvp_host_roots *roots, const uint32_t *pids,
				 size_t num_pids, const struct hvp_sink *sink,
				 struct hvp_proc_synth_stats *ret) hvp_must_use;

/* One line of /proc/PID/maps. */
struct hvp_maps_line {
	uint64_t begin, end, offset, inode;
	/* (major << 32) | minor */
	uint64_t device;
	bool is_exec;
	/* In the line, whose newline became a NUL; "" for anonymous memory. */
	char *path;
};

/* `line` is NUL-terminated. False when it does not have the form proc(5) gives. */
bool hvp_maps_parse(char *line, struct hvp_maps_line *ret);

/* The threads of a process; fewer (even none) when it ends meanwhile. Caller frees the array. */
struct hvp_error *hvp_proc_threads(const struct hvp_host_roots *roots, uint32_t pid,
				   uint32_t **ret_tids, size_t *ret_num) hvp_must_use;

#endif
