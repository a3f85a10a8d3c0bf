/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The completion script for bash: one function with a `case` of options and one of commands. */
#include "report/completion/completion.h"

/* What is offered ends up in $words, or a compgen option in $kind. */
static void print_kind(const struct hvp_context *context, enum hvp_completion kind,
		       const struct hvp_option *option, const struct hvp_command *command)
{
	FILE *out = context->out;

	switch (kind) {
	case HVP_COMPLETION_FILE: fputs("kind=-f ;;\n", out); break;
	case HVP_COMPLETION_DIR: fputs("kind=-d ;;\n", out); break;
	case HVP_COMPLETION_GUEST: fputs("words=$(_hvprof_names domains) ;;\n", out); break;
	case HVP_COMPLETION_EVENT: fputs("words=$(_hvprof_names events) ;;\n", out); break;
	case HVP_COMPLETION_NONE: fputs("kind=none ;;\n", out); break;
	case HVP_COMPLETION_WORDS:
		fputs("words=\"", out);
		hvp_completion_print_words(context, option, command);
		fputs("\" ;;\n", out);
		break;
	}
}

/* The arm for the word behind an option; `scope` is a command or "*". */
static void print_value(const struct hvp_context *context, const char *scope,
			const struct hvp_option *option)
{
	FILE *out = context->out;

	if (!hvp_completion_has_value(option))
		return;
	putc('\t', out);
	if (option->letter)
		fprintf(out, "%s:-%c%s", scope, option->letter, option->name ? " | " : "");
	if (option->name)
		fprintf(out, "%s:--%s", scope, option->name);
	fputs(") ", out);
	print_kind(context, hvp_completion_of_value(option), option, NULL);
}

static void print_options(FILE *out, const struct hvp_command *command)
{
	for_each_option (option, command) {
		if (option->letter)
			fprintf(out, "-%c ", option->letter);
		if (option->name)
			fprintf(out, "--%s ", option->name);
	}
}

/* What stands where, before anything is offered: $cur, $prev and $verb. */
static void print_scan(const struct hvp_context *context)
{
	FILE *out = context->out;

	fputs("# bash completion for hvprof: source <(hvprof completion bash)\n"
	      "_hvprof_names()\n{\n"
	      "\thvprof list \"$1\" 2>/dev/null |\n"
	      "\t\tawk -v of=\"$1\" 'NR > 1 && (of != \"events\" || $2 == \"yes\") { print $1 }'\n"
	      "}\n\n"
	      "_hvprof()\n{\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
	      "\tlocal verb= words= kind= before= i\n"
	      "\tif [[ $cur == = ]]; then cur=\n"
	      "\telif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
	      "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	      "\t\tcase ${COMP_WORDS[i]} in\n"
	      "\t\t--) compopt -o default 2>/dev/null; return ;;\n"
	      "\t\t",
	      out);
	hvp_completion_print_commands(context, " | ");
	fputs(") [[ $verb ]] || verb=${COMP_WORDS[i]} ;;\n"
	      "\t\tesac\n"
	      "\tdone\n",
	      out);
}

void hvp_completion_print_bash(const struct hvp_context *context)
{
	FILE *out = context->out;

	print_scan(context);
	fputs("\tcase $verb:$prev in\n", out);
	for_each_command (command, context) {
		for_each_option (option, *command)
			print_value(context, (*command)->name, option);
	}
	for_each_option (option, context->globals)
		print_value(context, "*", option);
	fputs("\tesac\n"
	      "\tif [[ -z $words$kind && $cur == -* ]]; then\n"
	      "\t\tcase $verb in\n",
	      out);
	for_each_command (command, context) {
		fprintf(out, "\t\t%s) words=\"", (*command)->name);
		print_options(out, *command);
		fputs("\" ;;\n", out);
	}
	fputs("\t\tesac\n\t\twords+=\" --help ", out);
	print_options(out, context->globals);
	fputs("\"\n"
	      "\telif [[ -z $words$kind ]]; then\n"
	      "\t\tcase $verb in\n"
	      "\t\t'') words=\"",
	      out);
	hvp_completion_print_commands(context, " ");
	fputs("\" ;;\n", out);
	for_each_command (command, context) {
		fprintf(out, "\t\t%s) ", (*command)->name);
		print_kind(context, hvp_completion_of_arguments(*command), NULL, *command);
	}
	fputs("\t\tesac\n"
	      "\tfi\n"
	      "\tif [[ $kind == -? ]]; then\n"
	      "\t\tcompopt -o filenames 2>/dev/null\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen \"$kind\" -- \"$cur\")\n"
	      "\telse\n"
	      "\t\t[[ $cur == *,* ]] && before=${cur%,*},\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -P \"$before\" -W \"$words\" -- "
	      "\"${cur##*,}\")\n"
	      "\tfi\n"
	      "}\ncomplete -F _hvprof hvprof\n",
	      out);
}
