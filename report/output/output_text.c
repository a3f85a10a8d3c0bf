/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text for people: aligned columns, colour by share, call trees below their rows. */
#include "report/output/output_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/array.h"
#include "common/cli/term.h"
#include "common/cli/text.h"

/* Shares from which on a row is hot or warm, and below which it is dim. */
#define HOT_PERCENT 10
#define WARM_PERCENT 3
#define DIM_PERCENT 0.5

/* A name is never cut to less on a narrow terminal. */
#define MIN_LAST_COLUMN 16u

struct text_row {
	/* Escaped, one for each column. */
	const char **cells;
	bool has_tree;
	struct hvp_tree_view tree;
	enum hvp_style style;
};

struct text_state {
	const struct hvp_table *table;
	struct hvp_arena arena;
	struct text_row *rows;
	size_t num_rows, capacity;
	unsigned int *widths;
	bool has_printed, has_streamed_heading;
};

static void text_begin(struct hvp_output *output, const char *schema)
{
	struct text_state *state = calloc(1, sizeof(*state));

	(void)schema;
	output->state = state;
	output->has_failed = !state;
	if (state)
		hvp_arena_init(&state->arena);
}

static void text_end(struct hvp_output *output)
{
	struct text_state *state = output->state;

	if (state) {
		hvp_arena_deinit(&state->arena);
		free(state->rows);
		free(state->widths);
	}
	free(state);
	output->state = NULL;
}

static void text_head(struct hvp_output *output, const struct hvp_head *head)
{
	struct text_state *state = output->state;

	hvp_text_head(output, head);
	if (state)
		state->has_printed = true;
}

static void text_table_begin(struct hvp_output *output, const struct hvp_table *table)
{
	struct text_state *state = output->state;

	if (!state)
		return;
	state->table = table;
	state->num_rows = 0;
	hvp_arena_deinit(&state->arena);
	hvp_arena_init(&state->arena);
	free(state->widths);
	state->widths = calloc(table->num_columns + 1, sizeof(*state->widths));
	if (!state->widths) {
		output->has_failed = true;
		return;
	}
	for (size_t i = 0; i < table->num_columns; i++) {
		state->widths[i] = table->columns[i].width;
		if (!table->is_streamed && state->widths[i] < strlen(table->columns[i].heading))
			state->widths[i] = (unsigned int)strlen(table->columns[i].heading);
	}
}

/* A cell in words, in `buf` or borrowed from the cell; not escaped. */
static const char *format_cell(enum hvp_cell_type type, const struct hvp_cell *cell, char *buf,
			       size_t size)
{
	char number[HVP_TEXT_NUMBER];

	if (cell->is_null)
		return cell->is_mixed ? "*" : "-";
	switch (type) {
	case HVP_CELL_TEXT: return cell->text;
	case HVP_CELL_COUNT:
		snprintf(buf, size, "%s", hvp_text_number(number, cell->number));
		return buf;
	case HVP_CELL_NUMBER: snprintf(buf, size, "%" PRIu64, cell->number); return buf;
	case HVP_CELL_HEX: snprintf(buf, size, "0x%" PRIx64, cell->number); return buf;
	case HVP_CELL_PERCENT: snprintf(buf, size, "%.2f%%", cell->percent); return buf;
	case HVP_CELL_TIME:
		snprintf(buf, size, "%" PRIu64 ".%06" PRIu64, cell->number / 1000000000,
			 cell->number % 1000000000 / 1000);
		return buf;
	case HVP_CELL_VCPUS: return hvp_vcpu_set_text(cell->vcpus, buf, size);
	}
	return "";
}

static enum hvp_style style_of(double percent)
{
	if (percent >= HOT_PERCENT)
		return HVP_STYLE_HOT;
	if (percent >= WARM_PERCENT)
		return HVP_STYLE_WARM;
	return percent < DIM_PERCENT ? HVP_STYLE_DIM : HVP_STYLE_PLAIN;
}

/* Escaped and kept until the table ends; NULL without memory. */
static const char *keep_cell(struct text_state *state, const char *text)
{
	size_t size = strlen(text) * HVP_TEXT_ESCAPED + 1;
	hvp_scope(hvp_free_ptr) char *escaped = malloc(size);

	return escaped ? hvp_arena_strdup(&state->arena, hvp_text_escape(escaped, size, text))
		       : NULL;
}

static bool is_numeric(enum hvp_cell_type type)
{
	return type != HVP_CELL_TEXT && type != HVP_CELL_VCPUS;
}

static void print_padded(FILE *out, const char *text, unsigned int width, bool is_right)
{
	size_t columns = hvp_text_columns(text);
	int padding = columns < width ? (int)(width - columns) : 0;

	if (is_right)
		fprintf(out, "%*s%s", padding, "", text);
	else
		fprintf(out, "%s%*s", text, padding, "");
}

static void print_headings(struct hvp_output *output, const struct text_state *state)
{
	const struct hvp_table *table = state->table;
	size_t last = table->num_columns;

	while (last && table->columns[last - 1].is_for_machines)
		last--;
	fputs(hvp_style_begin(output->has_color, HVP_STYLE_DIM), output->out);
	for (size_t i = 0; i < last; i++) {
		const struct hvp_table_column *column = &table->columns[i];

		if (column->is_for_machines)
			continue;
		fputs("  ", output->out);
		print_padded(output->out, column->heading,
			     i + 1 < last || is_numeric(column->type) ? state->widths[i] : 0,
			     is_numeric(column->type));
	}
	fprintf(output->out, "%s\n", hvp_style_end(output->has_color));
}

/* The last name of a row, cut where a terminal ends. */
static void print_last(struct hvp_output *output, const char *text, unsigned int used)
{
	unsigned int room =
		output->width > used + MIN_LAST_COLUMN ? output->width - used : MIN_LAST_COLUMN;
	char cut[1024];

	if (!output->width || hvp_text_columns(text) <= room || room >= sizeof(cut)) {
		fputs(text, output->out);
		return;
	}
	fputs(hvp_text_escape(cut, room + 1, text), output->out);
}

static void print_row(struct hvp_output *output, const struct text_state *state,
		      const struct text_row *row)
{
	const struct hvp_table *table = state->table;
	unsigned int used = 0;
	size_t last = table->num_columns;

	while (last && table->columns[last - 1].is_for_machines)
		last--;
	fputs(hvp_style_begin(output->has_color, row->style), output->out);
	for (size_t i = 0; i < last; i++) {
		bool is_right = is_numeric(table->columns[i].type);

		if (table->columns[i].is_for_machines)
			continue;
		fputs("  ", output->out);
		used += 2;
		if (i + 1 == last && !is_right)
			print_last(output, row->cells[i], used);
		else
			print_padded(output->out, row->cells[i], state->widths[i], is_right);
		used += state->widths[i];
	}
	fprintf(output->out, "%s\n", hvp_style_end(output->has_color));
	if (row->has_tree)
		hvp_text_tree(output, &row->tree, 8);
}

static struct hvp_error *keep_row(struct text_state *state, const struct hvp_cell *cells,
				  struct text_row *row)
{
	const struct hvp_table *table = state->table;
	bool has_style = false;

	row->cells = hvp_arena_calloc(&state->arena, table->num_columns + 1, sizeof(*row->cells));
	if (!row->cells)
		return hvp_error_no_memory;
	for (size_t i = 0; i < table->num_columns; i++) {
		enum hvp_cell_type type = table->columns[i].type;
		char buf[256];
		unsigned int columns;

		row->cells[i] = keep_cell(state, format_cell(type, &cells[i], buf, sizeof(buf)));
		if (!row->cells[i])
			return hvp_error_no_memory;
		columns = (unsigned int)hvp_text_columns(row->cells[i]);
		if (!table->is_streamed && columns > state->widths[i])
			state->widths[i] = columns;
		if (type == HVP_CELL_PERCENT && !has_style) {
			row->style = style_of(cells[i].percent);
			has_style = true;
		}
	}
	return NULL;
}

static void stream_row(struct hvp_output *output, struct text_state *state,
		       const struct text_row *row)
{
	if (!state->has_streamed_heading)
		print_headings(output, state);
	state->has_streamed_heading = true;
	print_row(output, state, row);
	hvp_arena_deinit(&state->arena);
	hvp_arena_init(&state->arena);
}

static void text_row(struct hvp_output *output, const struct hvp_cell *cells,
		     const struct hvp_tree_view *tree)
{
	struct text_state *state = output->state;
	struct text_row row = {.has_tree = tree != NULL, .style = HVP_STYLE_PLAIN};
	struct hvp_error *err;

	if (!state || !state->widths)
		return;
	if (tree)
		row.tree = *tree;
	err = keep_row(state, cells, &row);
	if (!err && state->table->is_streamed) {
		stream_row(output, state, &row);
		return;
	}
	if (!err)
		err = hvp_array_reserve(&state->rows, &state->capacity, state->num_rows + 1,
					sizeof(*state->rows));
	if (err) {
		output->has_failed = true;
		hvp_error_destroy(err);
		return;
	}
	state->rows[state->num_rows++] = row;
}

static void text_table_end(struct hvp_output *output, const char *remark)
{
	struct text_state *state = output->state;

	if (!state || !state->widths || state->table->is_streamed)
		return;
	if (state->has_printed)
		fputc('\n', output->out);
	state->has_printed = true;
	if (state->table->title)
		fprintf(output->out, "%s%s%s\n",
			hvp_style_begin(output->has_color, HVP_STYLE_HEADING), state->table->title,
			hvp_style_end(output->has_color));
	if (state->num_rows)
		print_headings(output, state);
	for (size_t i = 0; i < state->num_rows; i++)
		print_row(output, state, &state->rows[i]);
	if (remark)
		fprintf(output->out, "  %s%s%s\n",
			hvp_style_begin(output->has_color, HVP_STYLE_DIM), remark,
			hvp_style_end(output->has_color));
}

static void text_remark(struct hvp_output *output, const char *text)
{
	fprintf(output->out, "%s\n", text);
}

const struct hvp_output_ops hvp_output_text = {
	.name = "text",
	.begin = text_begin,
	.end = text_end,
	.head = text_head,
	.table_begin = text_table_begin,
	.row = text_row,
	.table_end = text_table_end,
	.remark = text_remark,
};
