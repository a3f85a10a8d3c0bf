/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A session made by code, and questions to its symbolizer in one line each. */
#ifndef HVP_TESTS_SYMBOLIZER_WORLD_H
#define HVP_TESTS_SYMBOLIZER_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "symbolizer/symbolizer.h"

struct world {
	int fd;
	struct hvp_session_writer *writer;
	struct hvp_session *session;
	struct hvp_symbolizer *symbolizer;
};

/* Records go in, in order of time; then world_open(). */
void world_begin(struct world *world);
void world_record(struct world *world, const struct hvp_record *record);
void world_mmap(struct world *world, uint64_t time, uint32_t pid, uint64_t address, uint64_t size,
		uint64_t offset, const char *path);
void world_fork(struct world *world, uint64_t time, uint32_t pid, uint32_t parent_pid);
void world_exec(struct world *world, uint64_t time, uint32_t pid);
void world_exit(struct world *world, uint64_t time, uint32_t pid);
void world_domain(struct world *world, uint32_t domain, uint32_t pid, const char *name,
		  const char *uuid);
void world_blob(struct world *world, enum hvp_blob_kind kind, uint32_t domain, uint32_t pid,
		const void *data, size_t size);
void world_text(struct world *world, enum hvp_blob_kind kind, uint32_t domain, uint32_t pid,
		const char *text);
void world_sample(struct world *world, enum hvp_mode mode, uint32_t domain, uint64_t ip);
/* Finishes the session and reads it back. `options` NULL: none. */
void world_open(struct world *world, const struct hvp_symbolizer_options *options);
void world_end(struct world *world);

/*
 * "image:symbol+0xoffset", or "image!reason" with the number of the reason. Valid until the next
 * call.
 */
const char *world_resolve(struct world *world, enum hvp_mode mode, uint32_t domain, uint32_t pid,
			  uint64_t time, uint64_t address);
void world_locate(struct world *world, enum hvp_mode mode, uint32_t domain, uint32_t pid,
		  uint64_t time, uint64_t address, struct hvp_location *ret);
/* Some note contains the text. */
bool world_notes(const struct world *world, const char *text);

/* A file with this text in the current folder; the path is the name. */
void write_text(const char *name, const char *text);
void write_bytes(const char *name, const void *data, size_t size);

#endif
