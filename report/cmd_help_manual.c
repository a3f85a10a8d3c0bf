/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of a manual page that the option table knows, as scdoc(5) source. */
#include <ctype.h>
#include <string.h>

#include "common/cli/help.h"
#include "report/cmd_help.h"

/* Text in which nothing is taken for scdoc's syntax. */
static void print_literal(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("*_\\#[]|<>~.", *text))
			putc('\\', out);
		putc(*text, out);
	}
}

/* As a sentence of its own. */
static void print_sentence(FILE *out, const char *text)
{
	size_t size = strlen(text);
	const char first[] = {(char)toupper((unsigned char)text[0]), '\0'};

	if (!size)
		return;
	print_literal(out, first);
	print_literal(out, text + 1);
	if (!strchr(".:?", text[size - 1]))
		print_literal(out, ".");
}

static void print_option(FILE *out, const struct hvp_option *option)
{
	char spelled[160];

	putc('*', out);
	print_literal(out, hvp_help_spell_option(option, spelled, sizeof(spelled)));
	fputs("*\n\t", out);
	print_sentence(out, option->help ? option->help : "");
	fputs("\n\n", out);
}

/* "Output:" */
static void print_group(FILE *out, const char *heading)
{
	size_t size = strcspn(heading, ":");

	fprintf(out, "## %.*s\n\n", (int)size, heading);
}

static void print_options(FILE *out, const struct hvp_option *options)
{
	fputs("# OPTIONS\n\n", out);
	if (!options || options->type == HVP_OPTION_END)
		fputs("None but those of *hvprof*(1).\n\n", out);
	for (; options && options->type != HVP_OPTION_END; options++) {
		if (options->type == HVP_OPTION_GROUP)
			print_group(out, options->help);
		else
			print_option(out, options);
	}
}

static void print_examples(FILE *out, const char *const *examples)
{
	if (!examples || !examples[0])
		return;
	fputs("# EXAMPLES\n\n", out);
	for (; examples[0] && examples[1]; examples += 2) {
		print_sentence(out, examples[1]);
		fputs("\n\n\t", out);
		print_literal(out, examples[0]);
		fputs("\n\n", out);
	}
}

void hvp_help_print_manual(const struct hvp_context *context, const struct hvp_command *command)
{
	print_options(context->out, command->options);
	print_examples(context->out, command->examples);
}
