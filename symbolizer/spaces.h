/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The address spaces of the host's processes over time, from the session's MMAP, FORK, COMM (exec)
 * and EXIT records.
 *
 * A process number can live several lives: each fork (of a process) and each exec begins a new one.
 * A life holds pieces of mappings that are rectangles in address and time, none of which overlap: a
 * later mapping cuts those it covers. A forked life sees its parent's pieces as they were at the
 * fork, by reference. Filled in order of time, then frozen, then only read.
 */
#ifndef HVP_SYMBOLIZER_SPACES_H
#define HVP_SYMBOLIZER_SPACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/map.h"

struct hvp_image;

/* Address range [begin, end) during [from, until). */
struct hvp_piece {
	uint64_t begin, end;
	uint64_t from, until;
	/* What to add to an address to get the offset in the file. */
	uint64_t bias;
	struct hvp_image *image;
	/* Largest `end` of this and all pieces before it in the array. */
	uint64_t max_end;
};

#define HVP_NO_LIFE UINT32_MAX

struct hvp_life {
	uint64_t from, until;
	struct hvp_piece *pieces;
	size_t num, capacity;
	/* Pieces still in force, ordered by address: indices in `pieces`; only while filling. */
	uint32_t *current;
	size_t num_current, capacity_current;
	/* Once frozen: `begin` of each piece close together, because a lookup reads little else. */
	uint64_t *begins;
	/*
	 * The life whose pieces this one inherited when it was forked, and the time of it that
	 * counts.
	 */
	uint32_t parent;
	uint64_t parent_time;
	/* The same process number's life before this one. */
	uint32_t previous;
	/* Host process id. */
	uint32_t pid;
};

struct hvp_spaces {
	struct hvp_life *lives;
	size_t num, capacity;
	/* pid -> index of its last life. */
	struct hvp_map last;
};

void hvp_spaces_init(struct hvp_spaces *spaces);
void hvp_spaces_deinit(struct hvp_spaces *spaces);

struct hvp_mapping {
	uint64_t begin, size, file_offset;
	struct hvp_image *image;
};

/* Times must not decrease from call to call. */
struct hvp_error *hvp_spaces_map(struct hvp_spaces *spaces, uint32_t pid, uint64_t time,
				 const struct hvp_mapping *mapping) hvp_must_use;
/* What was mapped in [begin, begin + size) is gone. */
struct hvp_error *hvp_spaces_unmap(struct hvp_spaces *spaces, uint32_t pid, uint64_t time,
				   uint64_t begin, uint64_t size) hvp_must_use;
struct hvp_error *hvp_spaces_fork(struct hvp_spaces *spaces, uint32_t pid, uint32_t parent_pid,
				  uint64_t time) hvp_must_use;
struct hvp_error *hvp_spaces_exec(struct hvp_spaces *spaces, uint32_t pid,
				  uint64_t time) hvp_must_use;
/*
 * A thread ended; the process is gone when its leader was among those that ended, from the last
 * one's end on.
 */
void hvp_spaces_exit(struct hvp_spaces *spaces, uint32_t pid, uint32_t tid, uint64_t time);
/* Nothing more comes: prepares the lookup. */
struct hvp_error *hvp_spaces_freeze(struct hvp_spaces *spaces) hvp_must_use;

/* The piece in force at that address and time, or NULL. Thread-safe once frozen. */
const struct hvp_piece *hvp_spaces_find(const struct hvp_spaces *spaces, uint32_t pid,
					uint64_t time, uint64_t address);

#endif
