/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/session/stacks.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <xxhash.h>

#include "common/base/scope.h"

#define FIRST_SLOTS 4096u
#define NUM_CHAINS (1u << 16)
/* The kernel mark of a node, beside its number. */
#define IS_KERNEL (1u << 31)
/* Numbers stay below; a session would need some 10 GB of stacks alone to get there. */
#define MAX_NODES (IS_KERNEL - 1u)

/* `node` 0 is a free place. */
struct hvp_stack_slot {
	uint64_t frame;
	uint32_t parent;
	uint32_t node;
};

/*
 * A node's place follows from the frames from the root to it alone, not from its parent's number.
 * So the places of all frames of a chain are known at once, and the cache misses of a large table
 * are waited for together, not one after the other.
 */
struct places {
	uint32_t of_frame[HVP_MAX_CHAIN];
};

struct hvp_chain_slot {
	uint64_t hash;
	uint32_t num_frames;
	uint32_t node;
};

struct hvp_error *hvp_stacks_init(struct hvp_stacks *stacks, size_t memory_limit)
{
	*stacks = (struct hvp_stacks){.next = 1, .max_slots = FIRST_SLOTS};
	while (2 * stacks->max_slots * (sizeof(*stacks->slots) + sizeof(*stacks->hashes)) <=
	       memory_limit)
		stacks->max_slots *= 2;
	stacks->num_slots = FIRST_SLOTS;
	stacks->slots = calloc(stacks->num_slots, sizeof(*stacks->slots));
	stacks->hashes = calloc(stacks->num_slots, sizeof(*stacks->hashes));
	stacks->chains = calloc(NUM_CHAINS, sizeof(*stacks->chains));
	if (!stacks->slots || !stacks->hashes || !stacks->chains) {
		hvp_stacks_deinit(stacks);
		return hvp_error_no_memory;
	}
	/*
	 * So that no program can make chains that collide; without randomness it could, no worse.
	 */
	if (getrandom(&stacks->seed, sizeof(stacks->seed), GRND_NONBLOCK) < 0)
		stacks->seed = 0;
	return NULL;
}

void hvp_stacks_deinit(struct hvp_stacks *stacks)
{
	free(stacks->slots);
	free(stacks->hashes);
	free(stacks->chains);
	free(stacks->new_up);
	free(stacks->new_frame);
	free(stacks->new_is_kernel);
	*stacks = (struct hvp_stacks){0};
}

size_t hvp_stacks_memory(const struct hvp_stacks *stacks)
{
	return stacks->num_slots * (sizeof(*stacks->slots) + sizeof(*stacks->hashes)) +
	       NUM_CHAINS * sizeof(*stacks->chains) + 3 * stacks->new_capacity * sizeof(uint64_t);
}

/* Goes on from the hash of the callers. */
static uint64_t hash_frame(uint64_t callers, uint64_t frame, bool is_kernel)
{
	uint64_t hash = (callers ^ frame ^ (uint64_t)is_kernel << 63) * 0x9e3779b97f4a7c15ull;

	return hash ^ hash >> 32;
}

/* Asks for all the slots that the chain's frames should be in. */
static void find_places(const struct hvp_stacks *stacks, const struct hvp_chain *chain,
			uint32_t num_frames, struct places *ret)
{
	size_t mask = stacks->num_slots - 1;
	uint64_t hash = stacks->seed;

	for (uint32_t i = num_frames; i-- > 0;) {
		hash = hash_frame(hash, chain->frames[i], i < chain->num_kernel);
		ret->of_frame[i] = (uint32_t)hash;
		__builtin_prefetch(&stacks->slots[(uint32_t)hash & mask], 1);
	}
}

/* The slot of the node, or the free one where it belongs. */
static struct hvp_stack_slot *find_slot(const struct hvp_stacks *stacks, uint32_t place,
					uint32_t parent, uint64_t frame, uint32_t kernel)
{
	size_t mask = stacks->num_slots - 1, at = place & mask;
	struct hvp_stack_slot *slot = &stacks->slots[at];

	while (slot->node && (slot->frame != frame || slot->parent != parent ||
			      (slot->node & IS_KERNEL) != kernel)) {
		at = (at + 1) & mask;
		slot = &stacks->slots[at];
	}
	return slot;
}

static struct hvp_error *grow_slots(struct hvp_stacks *stacks)
{
	hvp_scope(hvp_free_ptr) struct hvp_stack_slot *old = stacks->slots;
	hvp_scope(hvp_free_ptr) uint32_t *old_hashes = stacks->hashes;
	size_t num_old = stacks->num_slots;
	struct hvp_stack_slot *slots = calloc(2 * num_old, sizeof(*slots));
	uint32_t *hashes = calloc(2 * num_old, sizeof(*hashes));

	if (!slots || !hashes) {
		free(slots);
		free(hashes);
		hvp_take(old);
		hvp_take(old_hashes);
		return hvp_error_no_memory;
	}
	stacks->slots = slots;
	stacks->hashes = hashes;
	stacks->num_slots = 2 * num_old;
	for (size_t i = 0; i < num_old; i++) {
		struct hvp_stack_slot *slot;

		if (!old[i].node)
			continue;
		slot = find_slot(stacks, old_hashes[i], old[i].parent, old[i].frame,
				 old[i].node & IS_KERNEL);
		*slot = old[i];
		hashes[slot - slots] = old_hashes[i];
	}
	return NULL;
}

/*
 * Makes room for the nodes of one more chain among the known ones: grows, or begins a new
 * generation.
 */
static struct hvp_error *make_room(struct hvp_stacks *stacks)
{
	if ((stacks->num_used + HVP_MAX_CHAIN) * 4 <= stacks->num_slots * 3)
		return NULL;
	if (stacks->num_slots < stacks->max_slots)
		return grow_slots(stacks);
	memset(stacks->slots, 0, stacks->num_slots * sizeof(*stacks->slots));
	stacks->num_used = 0;
	return NULL;
}

static struct hvp_error *grow_column(uint64_t **column, size_t capacity)
{
	uint64_t *grown = realloc(*column, capacity * sizeof(*grown));

	if (!grown)
		return hvp_error_no_memory;
	*column = grown;
	return NULL;
}

static struct hvp_error *make_new_room(struct hvp_stacks *stacks)
{
	size_t capacity = stacks->new_capacity ? 2 * stacks->new_capacity : 4 * HVP_MAX_CHAIN;

	if (stacks->new_capacity - stacks->num_new >= HVP_MAX_CHAIN)
		return NULL;
	hvp_try(grow_column(&stacks->new_up, capacity));
	hvp_try(grow_column(&stacks->new_frame, capacity));
	hvp_try(grow_column(&stacks->new_is_kernel, capacity));
	stacks->new_capacity = capacity;
	return NULL;
}

/* From the outermost frame inwards. There is room for all. */
static uint32_t add_nodes(struct hvp_stacks *stacks, const struct hvp_chain *chain,
			  uint32_t num_frames)
{
	struct places places;
	uint32_t parent = 0;

	find_places(stacks, chain, num_frames, &places);
	for (uint32_t i = num_frames; i-- > 0;) {
		uint32_t kernel = i < chain->num_kernel ? IS_KERNEL : 0;
		struct hvp_stack_slot *slot =
			find_slot(stacks, places.of_frame[i], parent, chain->frames[i], kernel);

		if (!slot->node) {
			stacks->hashes[slot - stacks->slots] = places.of_frame[i];
			*slot = (struct hvp_stack_slot){.frame = chain->frames[i],
							.parent = parent,
							.node = stacks->next | kernel};
			stacks->num_used++;
			stacks->new_up[stacks->num_new] = parent ? stacks->next - parent : 0;
			stacks->new_frame[stacks->num_new] = chain->frames[i];
			stacks->new_is_kernel[stacks->num_new++] = kernel ? 1 : 0;
			stacks->next++;
		}
		parent = slot->node & ~IS_KERNEL;
	}
	return parent;
}

struct hvp_error *hvp_stacks_add(struct hvp_stacks *stacks, const struct hvp_chain *chain,
				 uint32_t *ret)
{
	uint32_t num = chain->num_frames < HVP_MAX_CHAIN ? chain->num_frames : HVP_MAX_CHAIN;
	struct hvp_chain_slot *slot;
	uint64_t hash;

	*ret = HVP_STACK_NONE;
	if (!num)
		return NULL;
	hash = XXH3_64bits_withSeed(chain->frames, num * sizeof(*chain->frames),
				    stacks->seed + chain->num_kernel);
	slot = &stacks->chains[hash & (NUM_CHAINS - 1)];
	if (slot->node && slot->hash == hash && slot->num_frames == num) {
		*ret = slot->node;
		return NULL;
	}
	if (stacks->next > MAX_NODES - HVP_MAX_CHAIN) {
		stacks->num_dropped++;
		return NULL;
	}
	hvp_try(make_room(stacks));
	hvp_try(make_new_room(stacks));
	*ret = add_nodes(stacks, chain, num);
	*slot = (struct hvp_chain_slot){.hash = hash, .num_frames = num, .node = *ret};
	return NULL;
}
