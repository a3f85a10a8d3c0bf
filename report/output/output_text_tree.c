/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A call tree in text. A chain without branches stays in one column; only where paths part do lines
 * move to the right and say how much went each way.
 */
#include <inttypes.h>
#include <string.h>

#include "common/cli/text.h"
#include "report/output/output_text.h"

/* Deeper levels share the last one's column. */
#define MAX_LEVELS 1024u
#define MAX_INDENT 60u

/* " x 7", " x 2-20": frames without a symbol that stand in one line. */
static void print_frames(struct hvp_output *output, const struct hvp_tree_node *node)
{
	if (node->max_frames < 2)
		return;
	if (node->min_frames == node->max_frames)
		fprintf(output->out, " x %" PRIu32, node->max_frames);
	else
		fprintf(output->out, " x %" PRIu32 "-%" PRIu32, node->min_frames, node->max_frames);
}

void hvp_text_tree(struct hvp_output *output, const struct hvp_tree_view *tree, unsigned int indent)
{
	const struct hvp_trees *trees = tree->trees;
	const char *arrow = trees->kind == HVP_TREE_CALLERS ? "<-" : "->";
	uint64_t whole = trees->nodes[tree->root].weight;
	unsigned int columns[MAX_LEVELS] = {indent};
	unsigned int depth = 0;
	uint32_t at = tree->root;

	while (hvp_tree_next(tree, &at, &depth)) {
		const struct hvp_tree_node *node = &trees->nodes[at];
		unsigned int level = depth < MAX_LEVELS ? depth : MAX_LEVELS - 1;
		bool is_branch = node->weight != trees->nodes[node->parent].weight;
		unsigned int column = columns[level - 1] + (is_branch && depth > 1 ? 2 : 0);
		char percent[HVP_TEXT_NUMBER];

		columns[level] = column < MAX_INDENT ? column : MAX_INDENT;
		if (is_branch || depth == 1)
			hvp_text_percent(percent, (double)node->weight, (double)whole);
		else
			*percent = '\0';
		fprintf(output->out, "%*s%7s %s ", (int)columns[level], "", percent, arrow);
		hvp_text_print(output->out, hvp_tree_symbol(trees, node));
		print_frames(output, node);
		if (node->is_inlined)
			fputs(" (inlined)", output->out);
		else if (node->image != trees->nodes[node->parent].image) {
			fputs(" (", output->out);
			hvp_text_print(output->out, hvp_tree_image(trees, node));
			fputc(')', output->out);
		}
		fputc('\n', output->out);
	}
}
