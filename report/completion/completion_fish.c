/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The completion script for fish: a `complete` line for each option. */
#include "report/completion/completion.h"

/* Text between single quotes. */
static void print_quoted(FILE *out, const char *text)
{
	for (; *text; text++)
		fprintf(out, *text == '\'' || *text == '\\' ? "\\%c" : "%c", *text);
}

static void print_kind(const struct hvp_context *context, enum hvp_completion kind,
		       const struct hvp_option *option, const struct hvp_command *command)
{
	FILE *out = context->out;

	switch (kind) {
	case HVP_COMPLETION_NONE: fputs(" -x", out); break;
	case HVP_COMPLETION_FILE: fputs(" -r -F", out); break;
	case HVP_COMPLETION_DIR: fputs(" -x -a '(__fish_complete_directories)'", out); break;
	case HVP_COMPLETION_GUEST: fputs(" -x -a '(__hvprof_names domains)'", out); break;
	case HVP_COMPLETION_EVENT: fputs(" -x -a '(__hvprof_names events)'", out); break;
	case HVP_COMPLETION_WORDS:
		fputs(" -x -a '", out);
		hvp_completion_print_words(context, option, command);
		putc('\'', out);
		break;
	}
}

/* `verb` is NULL for the options of all commands. */
static void print_option(const struct hvp_context *context, const struct hvp_option *option,
			 const char *verb)
{
	FILE *out = context->out;

	fputs("complete -c hvprof", out);
	if (verb)
		fprintf(out, " -n '__fish_seen_subcommand_from %s'", verb);
	if (option->letter)
		fprintf(out, " -s %c", option->letter);
	if (option->name)
		fprintf(out, " -l %s", option->name);
	if (hvp_completion_has_value(option))
		print_kind(context, hvp_completion_of_value(option), option, NULL);
	fputs(" -d '", out);
	print_quoted(out, option->help ? option->help : "");
	fputs("'\n", out);
}

void hvp_completion_print_fish(const struct hvp_context *context)
{
	FILE *out = context->out;

	fputs("# fish completion for hvprof: hvprof completion fish | source\n"
	      "function __hvprof_names\n"
	      "\thvprof list $argv[1] 2>/dev/null | awk -v of=$argv[1] "
	      "'NR > 1 && (of != \"events\" || $2 == \"yes\") { print $1 }'\n"
	      "end\n",
	      out);
	for_each_command (command, context) {
		fprintf(out, "complete -c hvprof -n __fish_use_subcommand -f -a %s -d '",
			(*command)->name);
		print_quoted(out, (*command)->summary);
		fputs("'\n", out);
	}
	for_each_option (option, context->globals)
		print_option(context, option, NULL);
	for_each_command (command, context) {
		for_each_option (option, *command)
			print_option(context, option, (*command)->name);
		fprintf(out, "complete -c hvprof -n '__fish_seen_subcommand_from %s'",
			(*command)->name);
		print_kind(context, hvp_completion_of_arguments(*command), NULL, *command);
		putc('\n', out);
	}
}
