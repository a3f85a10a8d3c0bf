/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "explore.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "common/base/array.h"

#define WORDS (sizeof(struct world) / sizeof(u64))
#define NO_NODE UINT32_MAX

/*
 * The world lives at one address, so that the pointers inside it stay right when a state is
 * unpacked over it.
 */
static struct world here;
static struct world start;

/* A state seen: its hash, and how it was reached. */
struct node {
	XXH128_hash_t hash;
	u32 parent;
	struct action action;
};

struct search {
	const struct scope *scope;
	struct node *nodes;
	u32 num_nodes;
	u32 max_nodes;
	u32 *table; /* open addressing: index + 1 of a node */
	u64 table_mask;
	/* Packed states of this depth and of the next one. */
	u64 *level;
	size_t level_words;
	u64 *next;
	size_t next_words, next_room;
	u32 first_of_level;
	struct exploration result;
};

static void *must_have(void *memory)
{
	if (memory)
		return memory;
	fprintf(stderr, "checker: out of memory\n");
	exit(1);
}

/* A state as the words in which it differs from the start: a bitmap of them, then they. */
#define BITMAP_WORDS ((WORDS + 63) / 64)

static void pack(struct search *search)
{
	const u64 *now = (const u64 *)&here, *then = (const u64 *)&start;
	u64 *bitmap, *out;

	if (search->next_room - search->next_words < BITMAP_WORDS + WORDS) {
		search->next_room = search->next_room * 2 + 16 * (BITMAP_WORDS + WORDS);
		search->next =
			must_have(realloc(search->next, search->next_room * sizeof(*search->next)));
	}
	bitmap = search->next + search->next_words;
	memset(bitmap, 0, BITMAP_WORDS * sizeof(*bitmap));
	out = bitmap + BITMAP_WORDS;
	for (size_t i = 0; i < WORDS; i++) {
		if (now[i] == then[i])
			continue;
		bitmap[i / 64] |= 1ULL << i % 64;
		*out++ = now[i];
	}
	search->next_words = (size_t)(out - search->next);
}

static const u64 *unpack(const u64 *packed)
{
	const u64 *bitmap = packed;
	u64 *words = (u64 *)&here;

	memcpy(&here, &start, sizeof(here));
	packed += BITMAP_WORDS;
	for (size_t i = 0; i < BITMAP_WORDS; i++) {
		for (u64 bits = bitmap[i]; bits; bits &= bits - 1)
			words[i * 64 + (size_t)__builtin_ctzll(bits)] = *packed++;
	}
	return packed;
}

static void grow(struct search *search)
{
	search->max_nodes = search->max_nodes ? 2 * search->max_nodes : 1 << 16;
	search->nodes =
		must_have(realloc(search->nodes, search->max_nodes * sizeof(*search->nodes)));
	search->table_mask = 4ULL * search->max_nodes - 1;
	free(search->table);
	search->table = must_have(calloc(search->table_mask + 1, sizeof(*search->table)));
	for (u32 i = 0; i < search->num_nodes; i++) {
		u64 slot = search->nodes[i].hash.low64 & search->table_mask;

		while (search->table[slot])
			slot = (slot + 1) & search->table_mask;
		search->table[slot] = i + 1;
	}
}

/* Adds the state in `here`, unless it is known. */
static bool is_new(struct search *search, u32 parent, struct action action)
{
	XXH128_hash_t hash = XXH3_128bits(&here, sizeof(here));
	u64 slot;

	if (search->num_nodes == search->max_nodes)
		grow(search);
	slot = hash.low64 & search->table_mask;
	for (; search->table[slot]; slot = (slot + 1) & search->table_mask) {
		if (XXH128_isEqual(search->nodes[search->table[slot] - 1].hash, hash))
			return false;
	}
	search->table[slot] = search->num_nodes + 1;
	search->nodes[search->num_nodes++] =
		(struct node){.hash = hash, .parent = parent, .action = action};
	pack(search);
	return true;
}

/* Replays the way to a state, a line an action. */
static void print_trace(const struct search *search, u32 parent, struct action last, FILE *trace)
{
	struct action path[256];
	size_t length = 1;
	unsigned int accesses;
	char text[200];

	path[0] = last;
	for (u32 i = parent; search->nodes[i].parent != NO_NODE && length < HVP_ARRAY_SIZE(path);
	     i = search->nodes[i].parent)
		path[length++] = search->nodes[i].action;
	fprintf(trace, "%s: after %zu steps: %s\n", search->scope->name, length,
		search->result.violation);
	memcpy(&here, &start, sizeof(here));
	for (size_t i = length; i-- > 0;) {
		action_describe(&here, path[i], text, sizeof(text));
		fprintf(trace, "  %2zu  %s\n", length - i, text);
		world_act(&here, search->scope, path[i], &accesses);
	}
}

/* One transition out of the packed state; *ret_accesses as of world_act(). false: a violation. */
static bool step(struct search *search, const u64 *packed, u32 from, struct action action,
		 unsigned int *ret_accesses, FILE *trace)
{
	unpack(packed);
	*ret_accesses = 0;
	if (!world_act(&here, search->scope, action, ret_accesses))
		return true;
	search->result.num_transitions++;
	search->result.violation = world_check(&here, search->scope);
	if (search->result.violation) {
		print_trace(search, from, action, trace);
		return false;
	}
	world_normalize(&here);
	is_new(search, from, action);
	return true;
}

/* The action without an NMI, then with the latched one before each access that the core made. */
static bool step_with_nmis(struct search *search, const u64 *packed, u32 from, struct action action,
			   FILE *trace)
{
	unsigned int accesses, ignored;
	bool has_nmi;

	action.nmi_at = NMI_NEVER;
	unpack(packed);
	has_nmi = here.rig.cpu[action.cpu].machine.nmi_pending;
	if (!step(search, packed, from, action, &accesses, trace))
		return false;
	for (unsigned int at = 0; has_nmi && action.kind != ACTION_NMI && at < accesses; at++) {
		action.nmi_at = (u8)at;
		if (!step(search, packed, from, action, &ignored, trace))
			return false;
	}
	return true;
}

/* Every action of a CPU in this state that makes sense in the scope. */
static bool step_all(struct search *search, const u64 *packed, u32 from, int cpu, FILE *trace)
{
	const struct scope *scope = search->scope;
	bool has_status = scope->machine.version >= 2;
	bool can_set =
		scope->machine.vendor == MACHINE_AMD ? has_status : scope->machine.version >= 4;
	struct {
		enum action_kind kind;
		unsigned int arguments, values;
	} all[] = {
		{ACTION_COUNT, 1, 1},
		{ACTION_SELECT, scope->used_gp, 3},
		{ACTION_COUNTER, scope->used_gp, 2},
		{ACTION_FIXED_CTRL, scope->guest_fixed, 2},
		/* The first counter alone, where one in hardware may be one that is not in use. */
		{ACTION_GLOBAL_CTRL, has_status, scope->loads_all && scope->used_gp > 1 ? 3 : 2},
		{ACTION_STATUS_CLEAR, has_status, 1},
		{ACTION_STATUS_SET, can_set, 1},
		{ACTION_READ_STATUS, has_status, 1},
		{ACTION_READ_COUNTER, 1, 1},
		{ACTION_FORBIDDEN, NUM_FORBIDDEN, 1},
		{ACTION_UNMASK, 1, 1},
		{ACTION_EXIT, 1, 1},
		{ACTION_ENTER, 1, 1},
		{ACTION_PUT, 1, 1},
		{ACTION_LOAD, (unsigned int)scope->num_vcpus, 1},
		{ACTION_NMI, 1, 1},
		{ACTION_HOST_COUNT, 1, 1},
		{ACTION_FILTER, 1, 1},
		{ACTION_FREEZE, 1, 1},
		{ACTION_EMULATE, 1, 1},
		{ACTION_SAVE_RESTORE, 1, 1},
	};

	for (size_t i = 0; i < HVP_ARRAY_SIZE(all); i++) {
		for (unsigned int choice = 0; choice < all[i].arguments * all[i].values; choice++) {
			struct action action = {
				.kind = (u8)all[i].kind,
				.cpu = (u8)cpu,
				.argument = (u8)(choice / all[i].values),
				.value = (u8)(choice % all[i].values),
			};

			if (!step_with_nmis(search, packed, from, action, trace))
				return false;
		}
	}
	return true;
}

static bool explore_level(struct search *search, u64 max_states, FILE *trace)
{
	const u64 *packed = search->level;
	u32 from = search->first_of_level;

	while (packed < search->level + search->level_words) {
		const u64 *after = unpack(packed);

		for (int cpu = 0; cpu < search->scope->num_cpus; cpu++) {
			if (!step_all(search, packed, from, cpu, trace))
				return false;
		}
		if (search->num_nodes >= max_states)
			return false;
		packed = after;
		from++;
	}
	search->first_of_level = from;
	return true;
}

static void swap_levels(struct search *search)
{
	free(search->level);
	search->level = search->next;
	search->level_words = search->next_words;
	search->next = NULL;
	search->next_words = 0;
	search->next_room = 0;
}

struct exploration explore(const struct scope *scope, u64 max_states, FILE *trace)
{
	struct search search = {.scope = scope};

	if (!world_init(&here, scope)) {
		search.result.violation = "this scope has no partition";
		return search.result;
	}
	memcpy(&start, &here, sizeof(start));
	is_new(&search, NO_NODE, (struct action){.kind = 0});
	do {
		swap_levels(&search);
		search.result.is_complete = explore_level(&search, max_states, trace);
		search.result.depth++;
	} while (search.result.is_complete && search.next_words);
	search.result.num_states = search.num_nodes;
	free(search.level);
	free(search.next);
	free(search.nodes);
	free(search.table);
	return search.result;
}
