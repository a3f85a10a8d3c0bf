/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/profile/calltree.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"

/* A function of a chain: a frame, or one inlined into it. */
struct step {
	uint64_t image, symbol;
	bool is_inlined;
	/* Frames one after the other that have no symbol, for one reason, are one step. */
	uint32_t num_frames;
};

/* A chain in functions, from the sampled one outwards. */
struct path {
	struct step *steps;
	size_t num, capacity;
	/* Where the row's function stands outermost; SIZE_MAX: nowhere. */
	size_t row;
};

static void path_deinit(struct path *path)
{
	free(path->steps);
}

static struct hvp_error *push_step(struct path *path, uint64_t image, uint64_t symbol,
				   bool is_inlined)
{
	hvp_try(hvp_array_reserve(&path->steps, &path->capacity, path->num + 1,
				  sizeof(*path->steps)));
	path->steps[path->num++] = (struct step){
		.image = image, .symbol = symbol, .is_inlined = is_inlined, .num_frames = 1};
	return NULL;
}

/*
 * Where code has no frame pointers, a chain may be many addresses that mean nothing: they are
 * counted, not listed.
 */
static bool joins_last(const struct path *path, const struct hvp_spot *spot)
{
	const struct step *last = path->num ? &path->steps[path->num - 1] : NULL;
	enum hvp_unresolved why;

	return last && last->symbol == spot->values[HVP_DIM_SYMBOL] &&
	       last->image == spot->values[HVP_DIM_IMAGE] &&
	       hvp_symbol_value_is_unresolved(last->symbol, &why);
}

/* The functions inlined at a spot, innermost first. */
static struct hvp_error *push_inlines(struct hvp_trees *trees, const struct hvp_spot *spot,
				      struct path *path)
{
	struct hvp_profile *profile = trees->entries->profile;
	const struct hvp_line *lines = NULL;
	struct hvp_location location;
	size_t num = 0;

	if (!trees->has_inlines || !profile->described[spot->described].symbol)
		return NULL;
	hvp_profile_location(profile, spot->described, &location);
	hvp_try(hvp_symbolizer_lines(profile->symbolizer, &location, &lines, &num));
	for (size_t i = 0; i < num && lines[i].is_inlined; i++) {
		uint32_t name;

		hvp_try(hvp_strpool_intern(&profile->strings, lines[i].function, &name));
		hvp_try(push_step(path, spot->values[HVP_DIM_IMAGE],
				  (uint64_t)name + HVP_FIRST_NAME_VALUE, true));
	}
	return NULL;
}

static struct hvp_error *push_spot(struct hvp_trees *trees, const struct hvp_spot *spot,
				   struct path *path)
{
	if (joins_last(path, spot)) {
		path->steps[path->num - 1].num_frames++;
		return NULL;
	}
	hvp_try(push_inlines(trees, spot, path));
	return push_step(path, spot->values[HVP_DIM_IMAGE], spot->values[HVP_DIM_SYMBOL], false);
}

/* A function below a node, made when it is new. */
static struct hvp_error *child_of(struct hvp_trees *trees, uint32_t parent, const struct step *step,
				  uint32_t *ret)
{
	uint64_t hash = hvp_hash_u64((uint64_t)parent << 32 ^
				     hvp_hash_u64(step->symbol << 1 ^ step->is_inlined) ^
				     step->image << 40);
	uint64_t *slot;
	bool is_new;

	/* Several functions with one hash take the next free keys. */
	for (;; hash++) {
		const struct hvp_tree_node *node;

		slot = hvp_map_insert(&trees->children, hash, &is_new);
		if (!slot)
			return hvp_error_no_memory;
		if (is_new)
			break;
		node = &trees->nodes[*slot];
		if (node->parent == parent && node->image == step->image &&
		    node->symbol == step->symbol && node->is_inlined == step->is_inlined) {
			*ret = (uint32_t)*slot;
			return NULL;
		}
	}
	hvp_try(hvp_array_reserve(&trees->nodes, &trees->capacity, trees->num + 1,
				  sizeof(*trees->nodes)));
	*ret = (uint32_t)trees->num;
	*slot = trees->num;
	trees->nodes[trees->num++] = (struct hvp_tree_node){
		.image = step->image,
		.symbol = step->symbol,
		.is_inlined = step->is_inlined,
		.min_frames = step->num_frames,
		.max_frames = step->num_frames,
		.parent = parent,
		.next = parent ? trees->nodes[parent].first_child : 0,
	};
	if (parent)
		trees->nodes[parent].first_child = *ret;
	return NULL;
}

static struct hvp_error *root_of(struct hvp_trees *trees, struct hvp_entry *entry,
				 const struct step *step, uint32_t *ret)
{
	if (entry->tree == HVP_NO_TREE) {
		hvp_try(hvp_array_reserve(&trees->nodes, &trees->capacity, trees->num + 1,
					  sizeof(*trees->nodes)));
		entry->tree = (uint32_t)trees->num;
		trees->nodes[trees->num++] =
			(struct hvp_tree_node){.image = step->image, .symbol = step->symbol};
	}
	*ret = entry->tree;
	return NULL;
}

static void count_step(struct hvp_tree_node *node, const struct step *step, uint64_t weight)
{
	node->weight += weight;
	if (step->num_frames < node->min_frames)
		node->min_frames = step->num_frames;
	if (step->num_frames > node->max_frames)
		node->max_frames = step->num_frames;
}

/* Adds a path to the tree of the row that it meets at `path->row`. */
static struct hvp_error *add_path(struct hvp_trees *trees, struct hvp_entry *entry,
				  const struct path *path, uint64_t weight)
{
	bool is_inwards = trees->kind == HVP_TREE_CALLEES;
	size_t at = path->row;
	uint32_t node;

	hvp_try(root_of(trees, entry, &path->steps[at], &node));
	trees->nodes[node].weight += weight;
	while (is_inwards ? at > 0 : at + 1 < path->num) {
		at = is_inwards ? at - 1 : at + 1;
		hvp_try(child_of(trees, node, &path->steps[at], &node));
		count_step(&trees->nodes[node], &path->steps[at], weight);
	}
	return NULL;
}

/*
 * What of a place's chain is needed to put it into trees: functions, and the shown rows they are.
 */
struct walk {
	struct path path;
	struct {
		struct hvp_entry *entry;
		size_t step;
	} met[HVP_MAX_CHAIN + 1];
	size_t num_met;
};

/* Notes which row the step just pushed is; a row met again moves outwards. */
static void meet_row(struct hvp_trees *trees, struct walk *walk, const struct hvp_spot *spot)
{
	struct hvp_entry *entry = hvp_entries_find(trees->entries, spot);
	size_t i = 0;

	if (!entry || !entry->is_shown)
		return;
	while (i < walk->num_met && walk->met[i].entry != entry)
		i++;
	walk->met[i].entry = entry;
	walk->met[i].step = walk->path.num - 1;
	walk->num_met += i == walk->num_met;
}

static struct hvp_error *walk_chain(struct hvp_trees *trees, struct walk *walk, size_t index,
				    const struct hvp_spot *spot)
{
	struct hvp_profile *profile = trees->entries->profile;
	uint64_t frames[HVP_MAX_CHAIN];
	struct hvp_chain chain = hvp_profile_chain(profile, index, frames);

	walk->path.num = 0;
	walk->num_met = 0;
	hvp_try(push_spot(trees, spot, &walk->path));
	meet_row(trees, walk, spot);
	for (uint32_t i = 0; i < chain.num_frames && i < HVP_MAX_CHAIN; i++) {
		struct hvp_spot frame;

		hvp_try(hvp_profile_resolve_frame(profile, index, spot, chain.frames[i],
						  i < chain.num_kernel, &frame));
		hvp_try(push_spot(trees, &frame, &walk->path));
		if (trees->entries->options->has_children)
			meet_row(trees, walk, &frame);
	}
	return NULL;
}

static struct hvp_error *add_place(struct hvp_trees *trees, struct walk *walk, size_t index)
{
	const struct hvp_entries *entries = trees->entries;
	const struct hvp_place *place = &entries->profile->scan.places.places[index];
	struct hvp_spot spot;
	bool is_wanted = true;

	hvp_try(hvp_profile_resolve(entries->profile, index, &spot));
	if (entries->options->filter)
		hvp_try(hvp_filter_match(entries->options->filter, entries->profile, &spot,
					 &is_wanted));
	if (!is_wanted)
		return NULL;
	hvp_try(walk_chain(trees, walk, index, &spot));
	for (size_t i = 0; i < walk->num_met; i++) {
		walk->path.row = walk->met[i].step;
		hvp_try(add_path(trees, walk->met[i].entry, &walk->path,
				 hvp_weigh(entries, place->samples, place->period)));
	}
	return NULL;
}

static int compare_nodes(const void *left_arg, const void *right_arg, void *arg)
{
	const uint32_t *left_index = left_arg, *right_index = right_arg;
	const struct hvp_trees *trees = arg;
	const struct hvp_tree_node *left = &trees->nodes[*left_index];
	const struct hvp_tree_node *right = &trees->nodes[*right_index];

	if (left->weight != right->weight)
		return left->weight > right->weight ? -1 : 1;
	return strcmp(hvp_tree_symbol(trees, left), hvp_tree_symbol(trees, right));
}

/* Orders the children of a node; `order` has room for all nodes. */
static void order_children(struct hvp_trees *trees, struct hvp_tree_node *node, uint32_t *order)
{
	uint32_t *link = &node->first_child;
	size_t num = 0;

	for (uint32_t child = node->first_child; child; child = trees->nodes[child].next)
		order[num++] = child;
	if (num < 2)
		return;
	qsort_r(order, num, sizeof(*order), compare_nodes, trees);
	for (size_t i = 0; i < num; i++) {
		*link = order[i];
		link = &trees->nodes[order[i]].next;
	}
	*link = 0;
}

static struct hvp_error *order_all(struct hvp_trees *trees)
{
	hvp_scope(hvp_free_ptr) uint32_t *order = calloc(trees->num + 1, sizeof(*order));

	if (!order)
		return hvp_error_no_memory;
	for (size_t i = 1; i < trees->num; i++)
		order_children(trees, &trees->nodes[i], order);
	return NULL;
}

static void walk_free(struct walk **walk)
{
	if (*walk)
		path_deinit(&(*walk)->path);
	free(*walk);
}

struct hvp_error *hvp_trees_init(struct hvp_trees *ret, struct hvp_entries *entries,
				 enum hvp_tree_kind kind, bool has_inlines)
{
	hvp_scope(walk_free) struct walk *walk = calloc(1, sizeof(*walk));

	*ret = (struct hvp_trees){.entries = entries, .kind = kind, .has_inlines = has_inlines};
	hvp_map_init(&ret->children);
	if (!walk)
		return hvp_error_no_memory;
	hvp_try(hvp_array_reserve(&ret->nodes, &ret->capacity, 1, sizeof(*ret->nodes)));
	ret->nodes[ret->num++] = (struct hvp_tree_node){0};
	for (size_t i = 0; i < entries->profile->scan.places.num; i++)
		hvp_try(add_place(ret, walk, i));
	return order_all(ret);
}

void hvp_trees_deinit(struct hvp_trees *trees)
{
	free(trees->nodes);
	hvp_map_deinit(&trees->children);
}

const char *hvp_tree_symbol(const struct hvp_trees *trees, const struct hvp_tree_node *node)
{
	char unused[HVP_VALUE_TEXT];

	return hvp_profile_text(trees->entries->profile, HVP_DIM_SYMBOL, node->symbol, unused);
}

const char *hvp_tree_image(const struct hvp_trees *trees, const struct hvp_tree_node *node)
{
	char unused[HVP_VALUE_TEXT];

	return hvp_profile_text(trees->entries->profile, HVP_DIM_IMAGE, node->image, unused);
}

bool hvp_tree_next(const struct hvp_tree_view *view, uint32_t *node, unsigned int *depth)
{
	const struct hvp_tree_node *nodes = view->trees->nodes;
	double least = view->percent_limit / 100 * (double)nodes[view->root].weight;
	uint32_t next = nodes[*node].first_child;

	/* Lists are ordered: behind a light node come only lighter ones. */
	if (next && (double)nodes[next].weight >= least) {
		*node = next;
		++*depth;
		return true;
	}
	while (*node != view->root) {
		next = nodes[*node].next;
		if (next && (double)nodes[next].weight >= least) {
			*node = next;
			return true;
		}
		*node = nodes[*node].parent;
		--*depth;
	}
	return false;
}
