/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Annotated functions for people: source and assembly side by side, mixed, or one of them. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/debug_package.h"
#include "common/cli/term.h"
#include "common/cli/text.h"
#include "report/annotate/annotate_view.h"
#include "report/annotate/function_name.h"

#define WIDE_ENOUGH 110u
#define NUM_HOT_LINES 8u
/* Instructions shown around each that has samples; between them long stretches are left out. */
#define CONTEXT 6u
#define MIN_GAP 8u
#define MAX_TEXT 512u

struct text_view {
	struct hvp_annotate_view *view;
	const struct hvp_annotation *annotation;
	/* Columns of the left pane. */
	unsigned int left;
};

static enum hvp_style style_of(double percent)
{
	if (percent >= 10)
		return HVP_STYLE_HOT;
	if (percent >= 3)
		return HVP_STYLE_WARM;
	return HVP_STYLE_PLAIN;
}

static double share(const struct text_view *text, uint64_t samples)
{
	uint64_t whole = text->annotation->function->samples;

	return whole ? 100 * (double)samples / (double)whole : 0;
}

/* "12.34" or blanks for none. */
static void print_share(const struct text_view *text, uint64_t samples)
{
	double percent = share(text, samples);
	bool has_color = text->view->has_color;

	if (samples)
		fprintf(text->view->out, "%s%6.2f%s", hvp_style_begin(has_color, style_of(percent)),
			percent, hvp_style_end(has_color));
	else
		fprintf(text->view->out, "%6s", "");
}

/* Text without control characters, tabs spread, cut and padded to `width` columns; 0: neither. */
static void print_fitted(FILE *out, const char *text, unsigned int width, bool is_padded)
{
	char spread[MAX_TEXT], escaped[MAX_TEXT * 4];
	size_t used = 0, columns;

	for (; *text && used + 9 < sizeof(spread); text++) {
		if (*text != '\t') {
			spread[used++] = *text;
			continue;
		}
		do {
			spread[used++] = ' ';
		} while (used % 8);
	}
	spread[used] = '\0';
	hvp_text_escape(escaped, width && width < sizeof(escaped) ? width + 1 : sizeof(escaped),
			spread);
	columns = hvp_text_columns(escaped);
	fprintf(out, "%s%*s", escaped, is_padded && columns < width ? (int)(width - columns) : 0,
		"");
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static const struct hvp_annotated_line *line_of(const struct hvp_annotation *annotation,
						size_t index)
{
	return &annotation->lines[annotation->instructions[index].line];
}

/* "file.c:12" and the text, or what there is. */
static void spell_line(const struct hvp_annotated_line *line, bool has_file, char *buf, size_t size)
{
	char place[128] = "", inlined[128] = "";
	const char *text = line->text ? line->text : "";

	if (!line->file) {
		snprintf(buf, size, "(no line)");
		return;
	}
	if (has_file || !line->text)
		snprintf(place, sizeof(place), "%s:%u", base_name(line->file), line->line);
	else
		snprintf(place, sizeof(place), "%u", line->line);
	if (line->inlined) {
		size_t length;
		const char *name = hvp_function_short_name(line->inlined, &length);

		snprintf(inlined, sizeof(inlined), " {%.*s}", (int)length, name);
	}
	snprintf(buf, size, "%-5s%s%s%s", place, inlined, *text ? " " : "", text);
}

static void print_instruction(const struct text_view *text, size_t index, unsigned int width)
{
	const struct hvp_annotated_instruction *instruction =
		&text->annotation->instructions[index];
	char buf[MAX_TEXT], label[16] = "";

	print_share(text, instruction->samples);
	if (instruction->label)
		snprintf(label, sizeof(label), ".L%u:", instruction->label);
	fprintf(text->view->out, " %8" PRIx64 " %-6s ", instruction->code->address, label);
	print_fitted(text->view->out,
		     hvp_annotation_text(text->annotation, instruction, buf, sizeof(buf)), width,
		     false);
	fputc('\n', text->view->out);
}

/* Whether an instruction stands near one with samples, or near the beginning. */
static bool *choose_shown(const struct text_view *text)
{
	const struct hvp_annotation *annotation = text->annotation;
	size_t num = annotation->num_instructions;
	bool *shown = calloc(num + 1, sizeof(*shown));

	for (size_t i = 0; shown && i < num; i++) {
		size_t from = i > CONTEXT ? i - CONTEXT : 0;

		if (!text->view->has_all && !annotation->instructions[i].samples)
			continue;
		for (size_t j = from; j <= i + CONTEXT && j < num; j++)
			shown[j] = true;
	}
	/* A gap that is hardly longer than the line that would say so. */
	for (size_t i = 0, gap = 0; shown && i < num; i++) {
		gap = shown[i] ? 0 : gap + 1;
		if (i + 1 < num && shown[i + 1] && gap && gap < MIN_GAP)
			memset(shown + i + 1 - gap, true, gap);
	}
	return shown;
}

/* One row of the two panes; `line` is NULL when the source line goes on. */
static void print_side(const struct text_view *text, size_t index,
		       const struct hvp_annotated_line *line)
{
	char buf[MAX_TEXT];
	bool has_file = index && line && line->file != line_of(text->annotation, index - 1)->file;

	if (line) {
		print_share(text, line->samples);
		fputc(' ', text->view->out);
		spell_line(line, has_file || !index, buf, sizeof(buf));
		print_fitted(text->view->out, buf, text->left - 7, true);
	} else {
		fprintf(text->view->out, "%*s", (int)text->left, "");
	}
	fputs(" | ", text->view->out);
	print_instruction(text, index,
			  text->view->width > text->left + 30 ? text->view->width - text->left - 27
							      : 0);
}

static void print_mixed(const struct text_view *text, size_t index,
			const struct hvp_annotated_line *line)
{
	char buf[MAX_TEXT];

	if (line && text->annotation->has_lines) {
		print_share(text, line->samples);
		fprintf(text->view->out, " %s",
			hvp_style_begin(text->view->has_color, HVP_STYLE_NAME));
		spell_line(line, true, buf, sizeof(buf));
		print_fitted(text->view->out, buf, 0, false);
		fprintf(text->view->out, "%s\n", hvp_style_end(text->view->has_color));
	}
	fputs("    ", text->view->out);
	print_instruction(text, index, 0);
}

static void print_asm(const struct text_view *text, size_t index,
		      const struct hvp_annotated_line *line)
{
	(void)line;
	print_instruction(text, index, 0);
}

static void print_gap(const struct text_view *text, size_t num)
{
	fprintf(text->view->out, "       ... %zu instruction%s without samples ...\n", num,
		num == 1 ? "" : "s");
}

static struct hvp_error *print_code(const struct text_view *text,
				    void (*print)(const struct text_view *text, size_t index,
						  const struct hvp_annotated_line *line))
{
	const struct hvp_annotation *annotation = text->annotation;
	hvp_scope(hvp_free_ptr) bool *shown = choose_shown(text);
	size_t gap = 0;

	if (!shown)
		return hvp_error_no_memory;
	for (size_t i = 0; i < annotation->num_instructions; i++) {
		bool is_new =
			!i || gap ||
			annotation->instructions[i].line != annotation->instructions[i - 1].line;

		if (!shown[i]) {
			gap++;
			continue;
		}
		if (gap)
			print_gap(text, gap);
		gap = 0;
		print(text, i, is_new ? line_of(annotation, i) : NULL);
	}
	if (gap)
		print_gap(text, gap);
	return NULL;
}

/* The lines of the file that the function begins in, from its first to its last. */
static void print_source(const struct text_view *text)
{
	const struct hvp_annotation *annotation = text->annotation;
	const struct hvp_annotated_line *start = NULL;
	uint32_t first = UINT32_MAX, last = 0;

	for (size_t i = 0; i < annotation->num_lines; i++) {
		const struct hvp_annotated_line *line = &annotation->lines[i];

		if (!line->file || line->inlined || (start && line->file != start->file))
			continue;
		start = start ? start : line;
		first = line->line && line->line < first ? line->line : first;
		last = line->line > last ? line->line : last;
	}
	if (!start)
		return;
	for (uint32_t number = first; number <= last; number++) {
		const char *source = hvp_sources_line(text->view->sources, start->file, number);
		uint64_t samples = 0;

		for (size_t i = 0; i < annotation->num_lines; i++) {
			if (annotation->lines[i].line == number &&
			    annotation->lines[i].file == start->file)
				samples += annotation->lines[i].samples;
		}
		if (!source && !samples)
			continue;
		print_share(text, samples);
		fprintf(text->view->out, " %5u  ", number);
		print_fitted(text->view->out, source ? source : "", 0, false);
		fputc('\n', text->view->out);
	}
}

static struct hvp_error *print_hot_lines(const struct text_view *text)
{
	const struct hvp_annotation *annotation = text->annotation;
	hvp_scope(hvp_free_ptr) uint32_t *order = NULL;

	if (!annotation->has_lines)
		return NULL;
	hvp_try(hvp_annotation_hot_lines(annotation, &order));
	fputs("  hottest lines\n", text->view->out);
	for (size_t i = 0; i < annotation->num_lines && i < NUM_HOT_LINES; i++) {
		const struct hvp_annotated_line *line = &annotation->lines[order[i]];
		char buf[MAX_TEXT];

		if (!line->samples)
			break;
		fputs("  ", text->view->out);
		print_share(text, line->samples);
		fputc(' ', text->view->out);
		spell_line(line, true, buf, sizeof(buf));
		print_fitted(text->view->out, buf, 0, false);
		fputc('\n', text->view->out);
	}
	return NULL;
}

/* Of code that no file has, and what would bring the source to it. */
static void print_live(const struct text_view *text)
{
	const struct hvp_annotate_view *view = text->view;
	char command[256];

	fputs("  code of the running kernel, from its memory (/proc/kcore)\n", view->out);
	if (text->annotation->has_lines)
		return;
	if (hvp_debug_package_command(NULL, view->kernel_release, command, sizeof(command)))
		fprintf(view->out, "  no source lines: %s\n", command);
	else
		fputs("  no source lines: give the vmlinux of this kernel, built with "
		      "CONFIG_DEBUG_INFO, as --vmlinux FILE\n",
		      view->out);
}

/* The first source file that is not here, and how to give it. */
static void print_missing_source(const struct text_view *text)
{
	const struct hvp_annotation *annotation = text->annotation;

	if (annotation->is_live)
		print_live(text);
	if (!annotation->has_lines && annotation->is_live)
		return;
	if (!annotation->has_lines) {
		fputs("  no line information: install the debug symbols (or --debuginfod, "
		      "--vmlinux, "
		      "--debug-dir) for source lines\n",
		      text->view->out);
		return;
	}
	for (size_t i = 0; i < annotation->num_lines; i++) {
		const struct hvp_annotated_line *line = &annotation->lines[i];

		if (!line->file || line->text || hvp_sources_has(text->view->sources, line->file))
			continue;
		fputs("  source not here: ", text->view->out);
		hvp_text_print(text->view->out, line->file);
		fputs(" (--source DIR, or --source-prefix OLD=NEW)\n", text->view->out);
		return;
	}
}

static void print_remarks(const struct text_view *text)
{
	const struct hvp_annotation *annotation = text->annotation;
	char number[HVP_TEXT_NUMBER];

	print_missing_source(text);
	if (annotation->misplaced)
		fprintf(text->view->out,
			"  %s samples are between instructions: the code that ran is not quite the "
			"file's (patched at run time?)\n",
			hvp_text_number(number, annotation->misplaced));
	if (annotation->outside)
		fprintf(text->view->out,
			"  %s samples are behind the end of the function and not shown\n",
			hvp_text_number(number, annotation->outside));
}

static struct hvp_error *text_begin(struct hvp_annotate_view *view)
{
	(void)view;
	return NULL;
}

static void print_title(const struct text_view *text, const char *whose)
{
	const struct hvp_annotation *annotation = text->annotation;
	const struct hvp_hot_function *function = annotation->function;
	FILE *out = text->view->out;
	char number[HVP_TEXT_NUMBER], percent[HVP_TEXT_NUMBER];

	fputs(hvp_style_begin(text->view->has_color, HVP_STYLE_HEADING), out);
	hvp_text_print(out, function->symbol->name);
	fputs(" in ", out);
	hvp_text_print(out, hvp_image_path(annotation->image));
	fprintf(out, ": %s samples, %s of the selection%s\n  of ",
		hvp_text_number(number, function->samples),
		hvp_text_percent(percent, (double)function->samples, (double)annotation->total),
		hvp_style_end(text->view->has_color));
	hvp_text_print(out, whose);
	fputc('\n', out);
}

static struct hvp_error *text_function(struct hvp_annotate_view *view,
				       const struct hvp_annotation *annotation, const char *whose)
{
	struct text_view text = {.view = view, .annotation = annotation};
	enum hvp_annotate_style style = view->style;

	if (style == HVP_STYLE_AUTO_PANES)
		style = view->width >= WIDE_ENOUGH ? HVP_STYLE_SIDE : HVP_STYLE_MIXED;
	/* Without lines there is nothing to put left. */
	if (!annotation->has_lines)
		style = HVP_STYLE_ASM;
	text.left = view->width * 2 / 5;
	if (text.left < 40)
		text.left = 40;
	print_title(&text, whose);
	print_remarks(&text);
	if (style != HVP_STYLE_SOURCE)
		hvp_try(print_hot_lines(&text));
	fputc('\n', view->out);
	switch (style) {
	case HVP_STYLE_SIDE: hvp_try(print_code(&text, print_side)); break;
	case HVP_STYLE_MIXED: hvp_try(print_code(&text, print_mixed)); break;
	case HVP_STYLE_SOURCE: print_source(&text); break;
	default: hvp_try(print_code(&text, print_asm)); break;
	}
	fputc('\n', view->out);
	return NULL;
}

static void text_remark(struct hvp_annotate_view *view, const char *text)
{
	fputs("  ", view->out);
	hvp_text_print(view->out, text);
	fputc('\n', view->out);
}

static void text_end(struct hvp_annotate_view *view)
{
	(void)view;
}

const struct hvp_annotate_ops hvp_annotate_text = {
	.name = "text",
	.begin = text_begin,
	.function = text_function,
	.remark = text_remark,
	.end = text_end,
};
