/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Samples summed by place: one entry for all samples that no question asked of this profile can
 * tell apart. Its size follows the number of distinct places, not of samples.
 *
 * A table belongs to one thread; the threads' tables are merged when all have finished.
 */
#ifndef HVP_REPORT_PLACE_H
#define HVP_REPORT_PLACE_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"

/* What `code` of a place is. */
enum hvp_code_kind {
	/* An address in the image. */
	HVP_CODE_ADDRESS,
	/* A const struct hvp_symbol *: samples of one function are one place. */
	HVP_CODE_SYMBOL,
	/* Nothing: of what has no symbol, the reason alone is kept. */
	HVP_CODE_UNRESOLVED,
};

/* What is not asked for is 0 in all places. No padding: the key is hashed and compared as bytes. */
struct hvp_place_key {
	uint64_t code;
	/* hvp_aspace_of_row() */
	uint64_t aspace;
	/* From here to `epoch` only for places with a chain, whose frames are located later. */
	uint32_t kernel_epoch, stack;
	uint32_t epoch;
	/* Index of the image. */
	uint32_t image;
	uint32_t pid, tid;
	uint32_t domain, vcpu;
	uint32_t cpu;
	/* hvp_tasks_comm() of the thread. */
	uint32_t comm;
	uint16_t event;
	/* enum hvp_mode, hvp_owner, hvp_code_kind, hvp_unresolved */
	uint8_t mode, owner, kind, why;
	uint16_t unused;
};

struct hvp_place {
	struct hvp_place_key key;
	/* Of one of the samples: where frames of its chain are located, all are alike. */
	uint64_t time;
	uint64_t samples;
	uint64_t period;
	/* The thread also when the key does not ask for it. */
	uint32_t pid, tid;
};

struct hvp_place_slot {
	/*
	 * The high half of the hash, to avoid most comparisons, and the place's index + 1; 0 is
	 * free.
	 */
	uint32_t tag;
	uint32_t index;
};

struct hvp_place_table {
	struct hvp_place *places;
	size_t num, capacity;
	/* A power of two, at most 3/4 full. */
	struct hvp_place_slot *slots;
	size_t num_slots;
};

/* Zero-initialise. */
void hvp_place_table_deinit(struct hvp_place_table *table);

/* Adds to the place of `place->key`, which is made when it is new. */
struct hvp_error *hvp_place_table_add(struct hvp_place_table *table,
				      const struct hvp_place *place) hvp_must_use;

/* Forgets the places, keeps the memory. */
void hvp_place_table_clear(struct hvp_place_table *table);

/* Adds all of `from`, which is left empty. */
struct hvp_error *hvp_place_table_merge(struct hvp_place_table *table,
					struct hvp_place_table *from) hvp_must_use;

#endif
