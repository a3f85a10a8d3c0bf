/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Annotated functions for programs: CSV has a row for each instruction, JSON has instructions and
 * lines.
 */
#include <stdlib.h>

#include "common/cli/csv_out.h"
#include "common/cli/json_out.h"
#include "report/annotate/annotate_view.h"

#define MAX_TEXT 512u

static double percent_of(uint64_t part, uint64_t whole)
{
	return whole ? 100 * (double)part / (double)whole : 0;
}

static struct hvp_error *csv_begin(struct hvp_annotate_view *view)
{
	static const char *const headings[] = {"image", "symbol", "address", "samples", "share",
					       "text",	"file",	  "line",    "inlined", "source"};
	struct hvp_csv csv;

	hvp_csv_init(&csv, view->out);
	for (size_t i = 0; i < sizeof(headings) / sizeof(*headings); i++)
		hvp_csv_string(&csv, headings[i]);
	hvp_csv_end_row(&csv);
	return NULL;
}

static struct hvp_error *csv_function(struct hvp_annotate_view *view,
				      const struct hvp_annotation *annotation, const char *whose)
{
	const struct hvp_hot_function *function = annotation->function;
	struct hvp_csv csv;

	(void)whose;
	hvp_csv_init(&csv, view->out);
	for (size_t i = 0; i < annotation->num_instructions; i++) {
		const struct hvp_annotated_instruction *instruction = &annotation->instructions[i];
		const struct hvp_annotated_line *line = &annotation->lines[instruction->line];
		char text[MAX_TEXT];

		hvp_csv_string(&csv, hvp_image_path(annotation->image));
		hvp_csv_string(&csv, function->symbol->name);
		hvp_csv_hex(&csv, instruction->code->address);
		hvp_csv_uint(&csv, instruction->samples);
		hvp_csv_double(&csv, percent_of(instruction->samples, function->samples));
		hvp_csv_string(&csv,
			       hvp_annotation_text(annotation, instruction, text, sizeof(text)));
		hvp_csv_string(&csv, line->file);
		if (line->file)
			hvp_csv_uint(&csv, line->line);
		else
			hvp_csv_string(&csv, NULL);
		hvp_csv_string(&csv, line->inlined);
		hvp_csv_string(&csv, line->text);
		hvp_csv_end_row(&csv);
	}
	return NULL;
}

static void no_remark(struct hvp_annotate_view *view, const char *text)
{
	(void)view;
	(void)text;
}

static void csv_end(struct hvp_annotate_view *view)
{
	(void)view;
}

const struct hvp_annotate_ops hvp_annotate_csv = {
	.name = "csv",
	.begin = csv_begin,
	.function = csv_function,
	.remark = no_remark,
	.end = csv_end,
};

static struct hvp_error *json_begin(struct hvp_annotate_view *view)
{
	struct hvp_json *json = calloc(1, sizeof(*json));

	if (!json)
		return hvp_error_no_memory;
	view->state = json;
	hvp_json_init(json, view->out, true);
	hvp_json_begin_object(json, NULL);
	hvp_json_string(json, "schema", "hvprof-annotate/1");
	hvp_json_begin_array(json, "functions");
	return NULL;
}

static void write_line(struct hvp_json *json, const struct hvp_annotation *annotation,
		       const struct hvp_annotated_line *line)
{
	hvp_json_begin_object(json, NULL);
	hvp_json_string(json, "file", line->file);
	if (line->file)
		hvp_json_uint(json, "line", line->line);
	else
		hvp_json_null(json, "line");
	hvp_json_string(json, "inlined", line->inlined);
	hvp_json_uint(json, "samples", line->samples);
	hvp_json_double(json, "share", percent_of(line->samples, annotation->function->samples));
	hvp_json_string(json, "text", line->text);
	hvp_json_end_object(json);
}

static void write_instruction(struct hvp_json *json, const struct hvp_annotation *annotation,
			      const struct hvp_annotated_instruction *instruction)
{
	char text[MAX_TEXT];

	hvp_json_begin_object(json, NULL);
	hvp_json_hex(json, "address", instruction->code->address);
	hvp_json_uint(json, "size", instruction->code->size);
	hvp_json_uint(json, "samples", instruction->samples);
	hvp_json_double(json, "share",
			percent_of(instruction->samples, annotation->function->samples));
	hvp_json_string(json, "text",
			hvp_annotation_text(annotation, instruction, text, sizeof(text)));
	if (instruction->label)
		hvp_json_uint(json, "label", instruction->label);
	if (instruction->code->has_target)
		hvp_json_hex(json, "target", instruction->code->target);
	if (instruction->target_symbol)
		hvp_json_string(json, "target_symbol", instruction->target_symbol->name);
	/* An index in "lines". */
	hvp_json_uint(json, "line", instruction->line);
	hvp_json_end_object(json);
}

static struct hvp_error *json_function(struct hvp_annotate_view *view,
				       const struct hvp_annotation *annotation, const char *whose)
{
	const struct hvp_hot_function *function = annotation->function;
	struct hvp_json *json = view->state;

	hvp_json_begin_object(json, NULL);
	hvp_json_string(json, "symbol", function->symbol->name);
	hvp_json_string(json, "image", hvp_image_name(annotation->image));
	hvp_json_string(json, "path", hvp_image_path(annotation->image));
	hvp_json_hex(json, "address", function->symbol->address);
	hvp_json_uint(json, "size", annotation->size);
	hvp_json_uint(json, "samples", function->samples);
	hvp_json_double(json, "share_total", percent_of(function->samples, annotation->total));
	hvp_json_string(json, "owners", whose);
	hvp_json_bool(json, "has_lines", annotation->has_lines);
	hvp_json_uint(json, "misplaced", annotation->misplaced);
	hvp_json_uint(json, "outside", annotation->outside);
	hvp_json_begin_array(json, "lines");
	for (size_t i = 0; i < annotation->num_lines; i++)
		write_line(json, annotation, &annotation->lines[i]);
	hvp_json_end_array(json);
	hvp_json_begin_array(json, "instructions");
	for (size_t i = 0; i < annotation->num_instructions; i++)
		write_instruction(json, annotation, &annotation->instructions[i]);
	hvp_json_end_array(json);
	hvp_json_end_object(json);
	return NULL;
}

static void json_end(struct hvp_annotate_view *view)
{
	struct hvp_json *json = view->state;

	hvp_json_end_array(json);
	hvp_json_end_object(json);
	hvp_json_finish(json);
	free(json);
	view->state = NULL;
}

const struct hvp_annotate_ops hvp_annotate_json = {
	.name = "json",
	.begin = json_begin,
	.function = json_function,
	.remark = no_remark,
	.end = json_end,
};
