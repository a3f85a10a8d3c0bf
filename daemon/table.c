/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/table.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/cli/term.h"
#include "common/cli/text.h"

struct hvp_error *hvp_table_init(struct hvp_table *table, const char *const *heading,
				 size_t num_columns)
{
	*table = (struct hvp_table){.num_columns = num_columns};
	return hvp_table_add(table, heading);
}

void hvp_table_deinit(struct hvp_table *table)
{
	free(table->cells);
	hvp_arena_deinit(&table->arena);
	*table = (struct hvp_table){0};
}

struct hvp_error *hvp_table_add(struct hvp_table *table, const char *const *cells)
{
	hvp_try(hvp_array_reserve(&table->cells, &table->capacity,
				  table->num_cells + table->num_columns, sizeof(*table->cells)));
	for (size_t i = 0; i < table->num_columns; i++) {
		char text[1024];
		const char *copy;

		hvp_text_escape(text, sizeof(text), cells[i] ? cells[i] : "");
		copy = hvp_arena_strdup(&table->arena, text);
		if (!copy)
			return hvp_error_no_memory;
		table->cells[table->num_cells + i] = copy;
	}
	table->num_cells += table->num_columns;
	return NULL;
}

static void print_row(const struct hvp_table *table, FILE *out, size_t row, const size_t *widths)
{
	const char *const *cells = table->cells + row * table->num_columns;
	size_t last = table->num_columns - 1;

	/* No blanks at the end of a line. */
	while (last && !*cells[last])
		last--;
	for (size_t i = 0; i <= last; i++) {
		int blanks = (int)(widths[i] - hvp_text_columns(cells[i]));
		bool is_number = table->numbers >> i & 1;

		fprintf(out, "%*s%s", is_number ? blanks : 0, "", cells[i]);
		if (i < last)
			fprintf(out, "%*s", (is_number ? 0 : blanks) + 2, "");
	}
}

void hvp_table_print(const struct hvp_table *table, FILE *out, bool has_color)
{
	size_t widths[HVP_TABLE_MAX_COLUMNS] = {0};

	for (size_t i = 0; i < table->num_cells; i++) {
		size_t width = hvp_text_columns(table->cells[i]);

		if (width > widths[i % table->num_columns])
			widths[i % table->num_columns] = width;
	}
	for (size_t row = 0; row < table->num_cells / table->num_columns; row++) {
		if (!row)
			fputs(hvp_style_begin(has_color, HVP_STYLE_HEADING), out);
		print_row(table, out, row, widths);
		if (!row)
			fputs(hvp_style_end(has_color), out);
		putc('\n', out);
	}
}
