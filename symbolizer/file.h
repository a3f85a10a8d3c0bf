/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Input files whole in memory. Files below a root folder may be a guest's, hence hostile: symbolic
 * links never lead out of the root, devices and FIFOs are not opened for reading, and contents are
 * copied rather than mapped, so that nobody can shorten the file under the reader.
 */
#ifndef HVP_SYMBOLIZER_FILE_H
#define HVP_SYMBOLIZER_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"

struct hvp_file {
	/* For messages: with the root in front. Owned. */
	char *path;
	uint8_t *data;
	size_t size;
	/* Modification time, ns since 1970. */
	int64_t modified;
	bool is_mapped;
};

/*
 * A file descriptor of `path` taken below `root` (NULL or "/": the machine's own) for reading. Only
 * regular files. HVP_ERROR_OS with ENOENT when there is none.
 */
struct hvp_error *hvp_open_below(const char *root, const char *path, int *ret_fd) hvp_must_use;

/* A folder of that path below `root`, to be walked. */
struct hvp_error *hvp_open_folder_below(const char *root, const char *path,
					int *ret_fd) hvp_must_use;

/* Maps the file, or copies it where its owner is not trusted to leave it as long as it is. */
struct hvp_error *hvp_file_load(const char *root, const char *path, bool is_trusted,
				struct hvp_file *ret) hvp_must_use;
/* Reads /proc and sysfs files too, whose size is not known before; at most `max` bytes. */
struct hvp_error *hvp_file_read_below(const char *root, const char *path, size_t max,
				      struct hvp_file *ret) hvp_must_use;
/* A copy of bytes as a file of that name. */
struct hvp_error *hvp_file_copy(const char *path, const void *data, size_t size,
				struct hvp_file *ret) hvp_must_use;
/* Accepts a zeroed one. */
void hvp_file_deinit(struct hvp_file *file);

#endif
