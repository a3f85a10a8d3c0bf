/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One run of `hvprof record`: opens the file, the source and the program, drains until it is over,
 * and writes the end.
 */
#ifndef HVP_DAEMON_RECORD_SESSION_H
#define HVP_DAEMON_RECORD_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/cli/context.h"
#include "daemon/collector.h"
#include "daemon/kvm/guest_files.h"
#include "daemon/record_config.h"
#include "daemon/source.h"
#include "daemon/target.h"

struct hvp_record_plan {
	const struct hvp_source_ops *source;
	/* Completed here: the pid of the program that is run. */
	struct hvp_record_config config;
	struct hvp_target target;
	/* What is recorded, in words: "whole machine". */
	const char *target_text;
	/* "-": standard output. */
	const char *output;
	/* The program to run, NULL-terminated; NULL: none. */
	char *const *command;
	/* 0: until interrupted or the program ends. */
	uint64_t duration_ns;
	enum hvp_collector_symbols symbols;
	bool wants_jit_maps;
	enum hvp_qmp_use qmp;
	/* zstd level; 0: the writer's default. */
	int level;
	/* May be NULL. */
	struct hvp_guest_files *guest_files;
};

/* What there is to say at the end. */
struct hvp_record_result {
	uint64_t bytes;
	uint64_t duration_ns;
	/* Of the program; 0 without one. */
	int exit_status;
	bool is_degraded;
	/* Writing failed to the end: the file lacks what was gathered last. */
	bool is_cut;
};

struct hvp_error *hvp_record_run(struct hvp_context *context, struct hvp_record_plan *plan,
				 struct hvp_record_result *ret) hvp_must_use;

#endif
