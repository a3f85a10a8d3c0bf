/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Small files of the running host: /proc, /sys, debugfs. The places are parameters, so that tests
 * bring trees of their own.
 */
#ifndef HVP_DAEMON_HOST_FILES_H
#define HVP_DAEMON_HOST_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "common/base/error.h"

/* Where the kernel's file systems, and /run, are mounted. No trailing slash. */
struct hvp_host_roots {
	const char *proc;
	const char *sys;
	const char *debugfs;
	const char *tracefs;
	/* What running daemons write down. */
	const char *run;
	const char *dev;
};

/* /proc, /sys, /sys/kernel/debug, /sys/kernel/tracing, /run, /dev. */
extern const struct hvp_host_roots hvp_host_roots_default;

/*
 * The whole file with a NUL behind it. A file longer than `max` is HVP_ERROR_UNSUPPORTED. The
 * caller frees `*ret`; `ret_size` (without the NUL) may be NULL.
 */
struct hvp_error *hvp_file_read(const char *path, size_t max, char **ret,
				size_t *ret_size) hvp_must_use;

/* The same of an open file, read from where it stands; `path` is for errors. */
struct hvp_error *hvp_file_read_fd(int fd, const char *path, size_t max, char **ret,
				   size_t *ret_size) hvp_must_use;

/*
 * For files that fit in a small buffer: at most size - 1 bytes, NUL-terminated, trailing newlines
 * cut. `dir_fd` as for openat(2). Returns the length, or -1 with errno. Allocates nothing.
 */
long hvp_file_read_small(int dir_fd, const char *path, char *buf, size_t size);

/*
 * Opens a regular file for reading, close-on-exec; -1 for anything else. A name that others choose
 * may be a FIFO's, which waits, or a device's, the mere opening of which has effects (a watchdog, a
 * tape): neither is ever opened. `flags` may be O_NOFOLLOW. `ret` is what fstat(2) says of it.
 */
int hvp_file_open_regular(int dir_fd, const char *path, int flags, struct stat *ret);

/* False when the file is not there or does not begin with a decimal number. */
bool hvp_file_read_u64(const char *path, uint64_t *ret);
bool hvp_file_read_i64(const char *path, int64_t *ret);

/* A decimal number that is the whole of `text` and at most `max`. */
bool hvp_parse_u64(const char *text, uint64_t max, uint64_t *ret);

/* CPU numbers, ascending and each once. */
struct hvp_cpu_list {
	uint32_t *cpus;
	size_t num;
};

/* No machine has more; also bounds what a hostile list can make us allocate. */
#define HVP_MAX_CPUS 65536u

/* "0-3,7"; empty text is an empty list. HVP_ERROR_USAGE says what is wrong. */
struct hvp_error *hvp_cpu_list_parse(const char *text, struct hvp_cpu_list *ret) hvp_must_use;
/* /sys/devices/system/cpu/NAME ("online", "possible"). */
struct hvp_error *hvp_cpu_list_read(const struct hvp_host_roots *roots, const char *name,
				    struct hvp_cpu_list *ret) hvp_must_use;
bool hvp_cpu_list_has(const struct hvp_cpu_list *list, uint32_t cpu);
void hvp_cpu_list_deinit(struct hvp_cpu_list *list);

/* The session's clock: CLOCK_MONOTONIC in ns. */
uint64_t hvp_clock_now(void);

#endif
