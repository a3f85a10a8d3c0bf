/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Samples summed by place: one entry for all samples that no question asked of this profile can tell apart. Its size follows the
 * number of distinct places, not of samples.
 *
 * A table belongs to one thread; the threads' tables are merged when all have finished.
 */
#ifndef HVP_REPORT_PLACE_H
#define HVP_REPORT_PLACE_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"

/* What is not asked for is 0 in all places. No padding: the key is hashed and compared as bytes. */
struct hvp_place_key {
	uint64_t ip;
	uint64_t guest_cr3;
	uint32_t pid, tid;
	uint32_t domain, vcpu;
	uint32_t cpu, stack;
	/* hvp_tasks_epoch() of the address space; hvp_tasks_comm() of the thread. */
	uint32_t epoch, comm;
	uint16_t event;
	uint8_t mode, owner;
	/* The epoch of the kernel's own mappings, where the address or the chain needs it. */
	uint32_t kernel_epoch;
};

struct hvp_place {
	struct hvp_place_key key;
	/* Of one of the samples: all are in the same epoch. */
	uint64_t time;
	uint64_t samples;
	uint64_t period;
	/* The process also when the key does not ask for it: locating needs it. */
	uint32_t pid, tid;
};

struct hvp_place_slot {
	/* The high half of the hash, to avoid most comparisons, and the place's index + 1; 0 is free. */
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

/* Adds all of `from`, which is left empty. */
struct hvp_error *hvp_place_table_merge(struct hvp_place_table *table,
					struct hvp_place_table *from) hvp_must_use;

#endif
