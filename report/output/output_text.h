/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to the text output: its head. */
#ifndef HVP_REPORT_OUTPUT_TEXT_H
#define HVP_REPORT_OUTPUT_TEXT_H

#include "report/output/output.h"

void hvp_text_head(struct hvp_output *output, const struct hvp_head *head);
/* A call tree, each line indented by `indent` columns. */
void hvp_text_tree(struct hvp_output *output, const struct hvp_tree_view *tree,
		   unsigned int indent);

#endif
