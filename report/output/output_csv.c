/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CSV: tables alone, each with its line of headings; consecutive tables with equal columns share
 * one. Heads and remarks go to people, not to spreadsheets.
 */
#include "report/output/output.h"

#include <stdlib.h>
#include <string.h>

#include "common/cli/csv_out.h"

struct csv_state {
	struct hvp_csv csv;
	const struct hvp_table *table;
	/* The columns whose headings stand last. */
	const struct hvp_table_column *headed;
	size_t num_headed;
};

static void csv_begin(struct hvp_output *output, const char *schema)
{
	struct csv_state *state = calloc(1, sizeof(*state));

	(void)schema;
	output->state = state;
	output->has_failed = !state;
	if (state)
		hvp_csv_init(&state->csv, output->out);
}

static void csv_end(struct hvp_output *output)
{
	free(output->state);
	output->state = NULL;
}

static void csv_head(struct hvp_output *output, const struct hvp_head *head)
{
	(void)output;
	(void)head;
}

static void csv_table_begin(struct hvp_output *output, const struct hvp_table *table)
{
	struct csv_state *state = output->state;

	if (!state)
		return;
	state->table = table;
	if (state->headed == table->columns && state->num_headed == table->num_columns)
		return;
	state->headed = table->columns;
	state->num_headed = table->num_columns;
	for (size_t i = 0; i < table->num_columns; i++)
		hvp_csv_string(&state->csv, table->columns[i].name);
	hvp_csv_end_row(&state->csv);
}

static void csv_cell(struct hvp_csv *csv, enum hvp_cell_type type, const struct hvp_cell *cell)
{
	char buf[512];

	switch (cell->is_null ? HVP_CELL_TEXT : type) {
	case HVP_CELL_TEXT: hvp_csv_string(csv, cell->is_null ? NULL : cell->text); break;
	case HVP_CELL_COUNT:
	case HVP_CELL_NUMBER: hvp_csv_uint(csv, cell->number); break;
	case HVP_CELL_HEX: hvp_csv_hex(csv, cell->number); break;
	case HVP_CELL_PERCENT: hvp_csv_double(csv, cell->percent); break;
	case HVP_CELL_TIME:
		snprintf(buf, sizeof(buf), "%llu.%09llu",
			 (unsigned long long)(cell->number / 1000000000),
			 (unsigned long long)(cell->number % 1000000000));
		hvp_csv_string(csv, buf);
		break;
	case HVP_CELL_VCPUS:
		hvp_vcpu_set_text(cell->vcpus, buf, sizeof(buf));
		hvp_csv_string(csv, strcmp(buf, "-") ? buf : NULL);
		break;
	}
}

static void csv_row(struct hvp_output *output, const struct hvp_cell *cells,
		    const struct hvp_tree_view *tree)
{
	struct csv_state *state = output->state;

	(void)tree;
	if (!state)
		return;
	for (size_t i = 0; i < state->table->num_columns; i++)
		csv_cell(&state->csv, state->table->columns[i].type, &cells[i]);
	hvp_csv_end_row(&state->csv);
}

static void csv_table_end(struct hvp_output *output, const char *remark)
{
	(void)output;
	(void)remark;
}

const struct hvp_output_ops hvp_output_csv = {
	.name = "csv",
	.begin = csv_begin,
	.end = csv_end,
	.head = csv_head,
	.table_begin = csv_table_begin,
	.row = csv_row,
	.table_end = csv_table_end,
};
