/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A perf.data file as a session. A guest sample's process is a VMM, so its samples become a domain
 * of that process, in all of the recording: the file is read twice, first to learn which processes
 * those are. Standard input is read once; there a VMM's host samples before its first guest sample
 * count as the host's.
 */
#ifndef HVP_DAEMON_IMPORT_H
#define HVP_DAEMON_IMPORT_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/cli/log.h"
#include "common/session/writer.h"
#include "daemon/host/host_files.h"

struct hvp_import_options {
	/* The perf.data file; "-" is standard input. */
	const char *input;
	/*
	 * "PID=NAME": what the guest of a VMM process is called; the process's own name otherwise.
	 */
	const char *const *names;
	size_t num_names;
	/*
	 * The kernel's symbols on the recorded machine, NULL: this machine's if it is the same
	 * boot.
	 */
	const char *kallsyms;
	const struct hvp_host_roots *roots;
	/* All may be NULL. */
	const struct hvp_log *log;
	const volatile sig_atomic_t *interrupted;
	void (*progress)(void *arg, const char *stage, uint64_t done, uint64_t total);
	void *progress_arg;
};

struct hvp_import_stats {
	uint64_t samples, guest_samples;
	uint32_t domains;
	/* The file was damaged, or Ctrl-C ended the import early; the session's notes say so. */
	bool is_degraded;
};

/* Writes everything, the end included. HVP_ERROR_USAGE for names that do not parse. */
struct hvp_error *hvp_import(const struct hvp_import_options *options,
			     struct hvp_session_writer *writer,
			     struct hvp_import_stats *ret) hvp_must_use;

#endif
