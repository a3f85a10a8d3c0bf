/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The writer's side of call chains. The frames of a side, kernel and user, are a tree whose nodes
 * are numbered as they appear: a node's parent is the caller, and what two stacks have in common
 * from the root on is stored once. A chain is a pair of nodes, the innermost of each side; so a
 * system call's frames in the kernel are stored once, whoever calls it.
 *
 * Memory is fixed: tables remember what was seen lately, and what they have forgotten gets another
 * number when it comes again. Most chains of programs without frame pointers never do.
 */
#ifndef HVP_COMMON_SESSION_STACKS_H
#define HVP_COMMON_SESSION_STACKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/model/record.h"
#include "common/session/format.h"

struct hvp_stack_set;
struct hvp_stack_memo;
struct hvp_chain_slot;

struct hvp_stack_tree {
	/* Known nodes. */
	struct hvp_stack_set *sets;
	size_t num_sets;
	/* Whole stacks, by their hash. */
	struct hvp_stack_memo *memos;
	/* The next node's number. */
	uint32_t next;
	/* Nodes that are not in the file yet; their numbers end before `next`. */
	uint64_t *new_up, *new_frame;
	size_t num_new;
};

struct hvp_stacks {
	struct hvp_stack_tree trees[HVP_NUM_SIDES];
	struct hvp_chain_slot *chains;
	uint64_t seed;
	/* As in a tree, of the chains. */
	uint32_t next;
	uint32_t *new_nodes[HVP_NUM_SIDES];
	size_t num_new;
	/* Chains that found no number: after some 10 GB of stacks there are no more. */
	uint64_t num_dropped;
};

struct hvp_error *hvp_stacks_init(struct hvp_stacks *stacks) hvp_must_use;
void hvp_stacks_deinit(struct hvp_stacks *stacks);
size_t hvp_stacks_memory(const struct hvp_stacks *stacks);

/* Whether what is new must be written and forgotten (hvp_stacks_clear_new()) before the next. */
bool hvp_stacks_are_full(const struct hvp_stacks *stacks);
void hvp_stacks_clear_new(struct hvp_stacks *stacks);

/*
 * The chain's number; remembers what is new of it. Frames beyond HVP_MAX_CHAIN are left out. The
 * stacks must not be full.
 */
uint32_t hvp_stacks_add(struct hvp_stacks *stacks, const struct hvp_chain *chain);

#endif
