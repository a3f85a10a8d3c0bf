/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Call trees under the rows that are shown. Callers: who called the row's function, outwards from
 * it. Callees: what it called, inwards to where the samples fell. A recursive function counts each
 * sample once: its outermost occurrence in the chain is taken.
 */
#ifndef HVP_REPORT_CALLTREE_H
#define HVP_REPORT_CALLTREE_H

#include "report/profile/entries.h"

enum hvp_tree_kind {
	HVP_TREE_NONE,
	HVP_TREE_CALLERS,
	HVP_TREE_CALLEES,
};

struct hvp_tree_node {
	/* Values of HVP_DIM_IMAGE and HVP_DIM_SYMBOL; inlined functions too. */
	uint64_t image, symbol;
	bool is_inlined;
	/* How many frames without a symbol it stands for, in the shortest and the longest chain; others are 1. */
	uint32_t min_frames, max_frames;
	uint64_t weight;
	/* Indices; 0 ends a list. Children are ordered by weight once sealed. */
	uint32_t parent, first_child, next;
};

struct hvp_trees {
	const struct hvp_entries *entries;
	enum hvp_tree_kind kind;
	/* Inlined functions get nodes of their own. */
	bool has_inlines;
	/* Node 0 is no node. */
	struct hvp_tree_node *nodes;
	size_t num, capacity;
	/* Hash of parent and function -> node. */
	struct hvp_map children;
};

/* What an output needs to print one row's tree. */
struct hvp_tree_view {
	const struct hvp_trees *trees;
	uint32_t root;
	/* Nodes below this share of the row are left out. */
	double percent_limit;
};

/* Builds the trees of all rows that are shown. `ret` is to be deinitialised also after an error. */
struct hvp_error *hvp_trees_init(struct hvp_trees *ret, struct hvp_entries *entries,
				 enum hvp_tree_kind kind, bool has_inlines) hvp_must_use;
void hvp_trees_deinit(struct hvp_trees *trees);

/* A node's function, unescaped. */
const char *hvp_tree_symbol(const struct hvp_trees *trees, const struct hvp_tree_node *node);
const char *hvp_tree_image(const struct hvp_trees *trees, const struct hvp_tree_node *node);

/*
 * The nodes to be shown, parents before children, heaviest first. Start with *node = root and
 * *depth = 0; false at the end. What a node has and none of its shown children has is its own.
 */
bool hvp_tree_next(const struct hvp_tree_view *view, uint32_t *node, unsigned int *depth);

#endif
