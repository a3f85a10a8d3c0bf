/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon's tests share: trees of files like /proc and debugfs in a temporary folder, and a
 * sink that keeps what it is given.
 */
#ifndef HVP_TESTS_UNIT_DAEMON_FIXTURE_H
#define HVP_TESTS_UNIT_DAEMON_FIXTURE_H

#include "tests/unit/check.h"

#include "daemon/host/host_files.h"
#include "daemon/source.h"

/* A folder with proc, sys, debugfs, tracefs, run and dev in it. */
struct fixture_tree {
	char path[64];
	char proc[80], sys[80], debugfs[80], tracefs[80], run[80], dev[80];
	struct hvp_host_roots roots;
};

void fixture_tree_init(struct fixture_tree *tree);
/* Removes everything. */
void fixture_tree_deinit(struct fixture_tree *tree);
/* A file below the tree ("proc/12/comm") with its folders. */
void fixture_write(const struct fixture_tree *tree, const char *name, const char *text);
void fixture_write_bytes(const struct fixture_tree *tree, const char *name, const void *data,
			 size_t size);
void fixture_mkdir(const struct fixture_tree *tree, const char *name);
void fixture_symlink(const struct fixture_tree *tree, const char *name, const char *target);

/*
 * Every record as one line of text: "comm 12/12 qemu", "mmap 12 1000-2000 +0 /bin/x 0102", "domain
 * 1 running pid 12 web uuid vmm cmdline", ...
 */
struct fixture_log {
	struct check_output output;
	struct hvp_sink sink;
	size_t num_samples, num_records;
	/* Fails the nth record from now on (counted from 1); 0: never. */
	size_t fails_at;
};

void fixture_log_init(struct fixture_log *log);
/* Compares all lines since the last time. */
void fixture_log_is(struct fixture_log *log, const char *expected);
/* What was written so far; valid until the next record. */
const char *fixture_log_text(struct fixture_log *log);
void fixture_log_deinit(struct fixture_log *log);

#endif
