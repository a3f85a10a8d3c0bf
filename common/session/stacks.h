/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The writer's side of call chains: a tree whose nodes are numbered as they appear. A chain's
 * number is that of its innermost frame's node; its parent is the caller. What two chains have in
 * common from the root on is stored once.
 *
 * Memory is bounded: when the tree has grown to its limit it is forgotten and grows anew with
 * higher numbers (a generation); then some nodes are in the file twice, no more.
 */
#ifndef HVP_COMMON_SESSION_STACKS_H
#define HVP_COMMON_SESSION_STACKS_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/model/record.h"

struct hvp_stack_slot;
struct hvp_chain_slot;

struct hvp_stacks {
	/* Known nodes by parent and frame: a power of 2, at most max_slots. */
	struct hvp_stack_slot *slots;
	/* What the slots are found by, for growing. */
	uint32_t *hashes;
	size_t num_slots, num_used, max_slots;
	/* Whole chains seen lately. */
	struct hvp_chain_slot *chains;
	uint64_t seed;
	/* The next node's number. */
	uint32_t next;
	/* Chains that found no number: 2^31 nodes are all there are, after some 10 GB of stacks. */
	uint64_t num_dropped;
	/* Nodes that are not in the file yet; their numbers end before `next`. */
	uint64_t *new_up, *new_frame, *new_is_kernel;
	size_t num_new, new_capacity;
};

/* `memory_limit` in bytes is for the known nodes. */
struct hvp_error *hvp_stacks_init(struct hvp_stacks *stacks, size_t memory_limit) hvp_must_use;
void hvp_stacks_deinit(struct hvp_stacks *stacks);
size_t hvp_stacks_memory(const struct hvp_stacks *stacks);

/* The chain's number; adds what is new of it. Frames beyond HVP_MAX_CHAIN are left out. */
struct hvp_error *hvp_stacks_add(struct hvp_stacks *stacks, const struct hvp_chain *chain,
				 uint32_t *ret) hvp_must_use;

#endif
