/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/session/stacks.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define WAYS 4u
/*
 * 64 bytes a set. User space has far more places to be called from; but larger tables than a CPU has
 * L2 cache cost more time than they spare.
 */
#define NUM_KERNEL_SETS (1u << 11)
#define NUM_USER_SETS (1u << 13)
#define NUM_MEMOS (1u << 13)
#define NUM_CHAINS (1u << 14)
/* New nodes and chains do not wait for more than this. */
#define MAX_NEW (1u << 16)
/* Numbers stay below, so that those of a chunk always fit in 32 bits. */
#define MAX_NUMBER (UINT32_MAX - 2 * HVP_MAX_ROWS)

/* `node` 0 is a free place. */
struct hvp_stack_slot {
	uint64_t frame;
	uint32_t parent;
	uint32_t node;
};

/* A cache line; what was used last comes first. */
struct hvp_stack_set {
	_Alignas(64) struct hvp_stack_slot slots[WAYS];
};

struct hvp_stack_memo {
	uint64_t hash;
	uint32_t node;
};

/* The nodes of both sides, and the chain's number; 0 is a free place. */
struct hvp_chain_slot {
	uint32_t nodes[HVP_NUM_SIDES];
	uint32_t chain;
};

/*
 * A node's set follows from the frames from the root to it alone, not from its parent's number. So
 * the sets of all frames of a chain are known at once, and their cache misses are waited for
 * together, not one after the other.
 */
struct path {
	uint32_t hashes[HVP_MAX_CHAIN];
};

static struct hvp_error *init_tree(struct hvp_stack_tree *tree, size_t num_sets)
{
	tree->next = 1;
	tree->num_sets = num_sets;
	tree->sets = aligned_alloc(_Alignof(struct hvp_stack_set), num_sets * sizeof(*tree->sets));
	tree->memos = calloc(NUM_MEMOS, sizeof(*tree->memos));
	tree->new_up = malloc((MAX_NEW + HVP_MAX_CHAIN) * sizeof(*tree->new_up));
	tree->new_frame = malloc((MAX_NEW + HVP_MAX_CHAIN) * sizeof(*tree->new_frame));
	if (!tree->sets || !tree->memos || !tree->new_up || !tree->new_frame)
		return hvp_error_no_memory;
	memset(tree->sets, 0, num_sets * sizeof(*tree->sets));
	return NULL;
}

static struct hvp_error *init_all(struct hvp_stacks *stacks)
{
	hvp_try(init_tree(&stacks->trees[HVP_SIDE_KERNEL], NUM_KERNEL_SETS));
	hvp_try(init_tree(&stacks->trees[HVP_SIDE_USER], NUM_USER_SETS));
	stacks->chains = calloc(NUM_CHAINS, sizeof(*stacks->chains));
	for (size_t side = 0; side < HVP_NUM_SIDES; side++) {
		stacks->new_nodes[side] = malloc(MAX_NEW * sizeof(*stacks->new_nodes[side]));
		if (!stacks->new_nodes[side])
			return hvp_error_no_memory;
	}
	return stacks->chains ? NULL : hvp_error_no_memory;
}

struct hvp_error *hvp_stacks_init(struct hvp_stacks *stacks)
{
	struct hvp_error *err;

	*stacks = (struct hvp_stacks){.next = 1};
	err = init_all(stacks);
	if (err) {
		hvp_stacks_deinit(stacks);
		return err;
	}
	/*
	 * So that no program can make a stack that is taken for another; without randomness it
	 * could, no worse.
	 */
	if (getrandom(&stacks->seed, sizeof(stacks->seed), GRND_NONBLOCK) < 0)
		stacks->seed = 0;
	return NULL;
}

void hvp_stacks_deinit(struct hvp_stacks *stacks)
{
	for (size_t side = 0; side < HVP_NUM_SIDES; side++) {
		free(stacks->trees[side].sets);
		free(stacks->trees[side].memos);
		free(stacks->trees[side].new_up);
		free(stacks->trees[side].new_frame);
		free(stacks->new_nodes[side]);
	}
	free(stacks->chains);
	*stacks = (struct hvp_stacks){0};
}

size_t hvp_stacks_memory(const struct hvp_stacks *stacks)
{
	size_t memory = NUM_CHAINS * sizeof(*stacks->chains) +
			HVP_NUM_SIDES * MAX_NEW * sizeof(*stacks->new_nodes[0]);

	for (size_t side = 0; side < HVP_NUM_SIDES; side++)
		memory += stacks->trees[side].num_sets * sizeof(struct hvp_stack_set) +
			  NUM_MEMOS * sizeof(struct hvp_stack_memo) +
			  (MAX_NEW + HVP_MAX_CHAIN) * 2 * sizeof(uint64_t);
	return memory;
}

bool hvp_stacks_are_full(const struct hvp_stacks *stacks)
{
	return stacks->num_new >= MAX_NEW || stacks->trees[HVP_SIDE_USER].num_new >= MAX_NEW ||
	       stacks->trees[HVP_SIDE_KERNEL].num_new >= MAX_NEW;
}

void hvp_stacks_clear_new(struct hvp_stacks *stacks)
{
	stacks->num_new = 0;
	for (size_t side = 0; side < HVP_NUM_SIDES; side++)
		stacks->trees[side].num_new = 0;
}

/* Goes on from the hash of the callers. */
static uint64_t hash_frame(uint64_t callers, uint64_t frame)
{
	uint64_t hash = (callers ^ frame) * 0x9e3779b97f4a7c15ull;

	return hash ^ hash >> 32;
}

static uint64_t hash_path(uint64_t seed, const uint64_t *frames, uint32_t num, struct path *ret)
{
	uint64_t hash = seed;

	for (uint32_t i = num; i-- > 0;) {
		hash = hash_frame(hash, frames[i]);
		ret->hashes[i] = (uint32_t)hash;
	}
	return hash;
}

static uint32_t new_node(struct hvp_stack_tree *tree, uint32_t parent, uint64_t frame)
{
	tree->new_up[tree->num_new] = parent ? tree->next - parent : 0;
	tree->new_frame[tree->num_new++] = frame;
	return tree->next++;
}

/* The node's number: of the known one, or of a new one instead of the one unused for longest. */
static uint32_t find_node(struct hvp_stack_tree *tree, struct hvp_stack_slot *slots,
			  uint32_t parent, uint64_t frame)
{
	struct hvp_stack_slot found = {.frame = frame, .parent = parent};
	size_t way = 0;

	while (way < WAYS &&
	       (slots[way].frame != frame || slots[way].parent != parent || !slots[way].node))
		way++;
	if (way == WAYS) {
		found.node = new_node(tree, parent, frame);
		way--;
	} else {
		found.node = slots[way].node;
	}
	for (; way; way--)
		slots[way] = slots[way - 1];
	slots[0] = found;
	return found.node;
}

/* The node of the innermost of `num` frames; 0 when there is none. */
static uint32_t add_stack(struct hvp_stack_tree *tree, uint64_t seed, const uint64_t *frames,
			  uint32_t num)
{
	size_t mask = tree->num_sets - 1;
	struct hvp_stack_memo *memo;
	uint32_t node = 0;
	struct path path;
	uint64_t hash;

	if (!num)
		return 0;
	hash = hash_path(seed, frames, num, &path);
	memo = &tree->memos[hash & (NUM_MEMOS - 1)];
	if (memo->node && memo->hash == hash)
		return memo->node;
	for (uint32_t i = 0; i < num; i++)
		__builtin_prefetch(&tree->sets[path.hashes[i] & mask], 1);
	for (uint32_t i = num; i-- > 0;)
		node = find_node(tree, tree->sets[path.hashes[i] & mask].slots, node, frames[i]);
	*memo = (struct hvp_stack_memo){.hash = hash, .node = node};
	return node;
}

static uint32_t add_chain(struct hvp_stacks *stacks, uint32_t kernel, uint32_t user)
{
	uint64_t hash = hash_frame(kernel, user);
	struct hvp_chain_slot *slot = &stacks->chains[hash & (NUM_CHAINS - 1)];

	if (slot->chain && slot->nodes[HVP_SIDE_KERNEL] == kernel &&
	    slot->nodes[HVP_SIDE_USER] == user)
		return slot->chain;
	slot->nodes[HVP_SIDE_KERNEL] = kernel;
	slot->nodes[HVP_SIDE_USER] = user;
	slot->chain = stacks->next++;
	stacks->new_nodes[HVP_SIDE_KERNEL][stacks->num_new] = kernel;
	stacks->new_nodes[HVP_SIDE_USER][stacks->num_new++] = user;
	return slot->chain;
}

static bool has_numbers(const struct hvp_stacks *stacks)
{
	return stacks->next < MAX_NUMBER && stacks->trees[HVP_SIDE_USER].next < MAX_NUMBER &&
	       stacks->trees[HVP_SIDE_KERNEL].next < MAX_NUMBER;
}

uint32_t hvp_stacks_add(struct hvp_stacks *stacks, const struct hvp_chain *chain)
{
	uint32_t num = chain->num_frames < HVP_MAX_CHAIN ? chain->num_frames : HVP_MAX_CHAIN;
	uint32_t num_kernel = chain->num_kernel < num ? chain->num_kernel : num;
	uint32_t kernel, user;

	if (!num)
		return HVP_STACK_NONE;
	if (!has_numbers(stacks)) {
		stacks->num_dropped++;
		return HVP_STACK_NONE;
	}
	kernel =
		add_stack(&stacks->trees[HVP_SIDE_KERNEL], stacks->seed, chain->frames, num_kernel);
	user = add_stack(&stacks->trees[HVP_SIDE_USER], stacks->seed, chain->frames + num_kernel,
			 num - num_kernel);
	return add_chain(stacks, kernel, user);
}
