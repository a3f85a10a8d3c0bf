/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/cli/help.h"

#include <string.h>

#include "common/cli/term.h"
#include "common/cli/text.h"

/* Labels that are wider stand on a line of their own. */
#define OPTION_INDENT 32u
#define MAX_LABEL 160

/* Appends as snprintf() does, within `size`. */
static void append(char *buf, size_t size, const char *text)
{
	size_t used = strlen(buf);

	snprintf(buf + used, size - used, "%s", text);
}

static void append_value(const struct hvp_option *option, char *buf, size_t size)
{
	const char *equals = option->name ? "=" : " ";

	switch (option->type) {
	case HVP_OPTION_FLAG:
	case HVP_OPTION_COUNT: return;
	case HVP_OPTION_OPTIONAL:
		append(buf, size, "[=");
		append(buf, size, option->value ? option->value : "VALUE");
		append(buf, size, "]");
		return;
	case HVP_OPTION_CHOICE:
		append(buf, size, equals);
		for (size_t i = 0; !option->value && option->choices[i]; i++) {
			append(buf, size, i ? "|" : "");
			append(buf, size, option->choices[i]);
		}
		append(buf, size, option->value ? option->value : "");
		return;
	default:
		append(buf, size, equals);
		append(buf, size, option->value ? option->value : "VALUE");
	}
}

char *hvp_help_spell_option(const struct hvp_option *option, char *buf, size_t size)
{
	const char letter[] = {'-', option->letter, '\0'};

	buf[0] = '\0';
	if (option->letter)
		append(buf, size, letter);
	if (option->letter && option->name)
		append(buf, size, ", ");
	if (option->name) {
		append(buf, size, "--");
		append(buf, size, option->name);
	}
	append_value(option, buf, size);
	return buf;
}

/* Words of `text`, each line from column `indent` on; the cursor stands at `column`. */
static void print_wrapped(const struct hvp_help *help, unsigned int column, unsigned int indent,
			  const char *text)
{
	bool is_first = true;

	while (*text) {
		unsigned int length = (unsigned int)strcspn(text, " ");

		if (!is_first && column + 1 + length >= help->width) {
			fprintf(help->out, "\n%*s", (int)indent, "");
			column = indent;
			is_first = true;
		}
		fprintf(help->out, "%s%.*s", is_first ? "" : " ", (int)length, text);
		column += length + !is_first;
		is_first = false;
		text += length;
		text += strspn(text, " ");
	}
	putc('\n', help->out);
}

void hvp_help_print_entry(const struct hvp_help *help, const char *label, unsigned int indent,
			  const char *text)
{
	unsigned int column = (unsigned int)hvp_text_columns(label);

	fputs(label, help->out);
	if (column + 2 > indent)
		fprintf(help->out, "\n%*s", (int)indent, "");
	else
		fprintf(help->out, "%*s", (int)(indent - column), "");
	print_wrapped(help, indent, indent, text);
}

static void print_heading(const struct hvp_help *help, const char *text)
{
	fprintf(help->out, "\n%s%s%s\n", hvp_style_begin(help->has_color, HVP_STYLE_HEADING), text,
		hvp_style_end(help->has_color));
}

static void print_option(const struct hvp_help *help, const struct hvp_option *option)
{
	/* Long names stand in one column whether a letter is before them or not. */
	char spelled[MAX_LABEL], label[MAX_LABEL + 8];

	hvp_help_spell_option(option, spelled, sizeof(spelled));
	snprintf(label, sizeof(label), "  %s%s", option->letter ? "" : "    ", spelled);
	hvp_help_print_entry(help, label, OPTION_INDENT, option->help ? option->help : "");
}

void hvp_help_print_options(const struct hvp_help *help, const struct hvp_option *options)
{
	if (options && options->type != HVP_OPTION_GROUP && options->type != HVP_OPTION_END)
		print_heading(help, "Options:");
	for (; options && options->type != HVP_OPTION_END; options++) {
		if (options->type == HVP_OPTION_GROUP)
			print_heading(help, options->help);
		else
			print_option(help, options);
	}
}

void hvp_help_print_examples(const struct hvp_help *help, const char *const *examples)
{
	if (!examples || !examples[0])
		return;
	print_heading(help, "Examples:");
	for (; examples[0] && examples[1]; examples += 2) {
		fprintf(help->out, "  %s%s%s\n", hvp_style_begin(help->has_color, HVP_STYLE_NAME),
			examples[0], hvp_style_end(help->has_color));
		fprintf(help->out, "      ");
		print_wrapped(help, 6, 6, examples[1]);
	}
}

void hvp_help_print_command(const struct hvp_help *help, const struct hvp_command *command,
			    const struct hvp_option *globals)
{
	fprintf(help->out, "usage: hvprof %s", command->name);
	if (command->synopsis && *command->synopsis)
		fprintf(help->out, " %s", command->synopsis);
	fprintf(help->out, "\n\n%s\n", command->summary);
	hvp_help_print_options(help, command->options);
	hvp_help_print_options(help, globals);
	hvp_help_print_examples(help, command->examples);
}
