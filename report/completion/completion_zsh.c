/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The completion script for zsh: specs for _arguments. */
#include "report/completion/completion.h"

/* Text between single quotes, without what _arguments takes for syntax. */
static void print_quoted(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", out);
		else if (*text == '[' || *text == ']' || *text == ':')
			fprintf(out, "\\%c", *text);
		else
			putc(*text, out);
	}
}

static void print_action(const struct hvp_context *context, enum hvp_completion kind,
			 const struct hvp_option *option, const struct hvp_command *command)
{
	FILE *out = context->out;

	switch (kind) {
	case HVP_COMPLETION_NONE: putc(' ', out); break;
	case HVP_COMPLETION_FILE: fputs("_files", out); break;
	case HVP_COMPLETION_DIR: fputs("_files -/", out); break;
	case HVP_COMPLETION_GUEST: fputs("{_hvprof_names domains}", out); break;
	case HVP_COMPLETION_EVENT: fputs("{_hvprof_names events}", out); break;
	case HVP_COMPLETION_WORDS:
		putc('(', out);
		hvp_completion_print_words(context, option, command);
		putc(')', out);
		break;
	}
}

/*
 * `joint` says how a value follows: "+" as -oFILE or -o FILE, "=" as --output=FILE or --output
 * FILE.
 */
static void print_spec(const struct hvp_context *context, const struct hvp_option *option,
		       const char *spelled, const char *joint)
{
	bool repeats = option->type == HVP_OPTION_LIST || option->type == HVP_OPTION_COUNT;
	bool has_value = hvp_completion_has_value(option);
	FILE *out = context->out;

	fprintf(out, "\t\t'%s%s%s[", repeats ? "*" : "", spelled, has_value ? joint : "");
	print_quoted(out, option->help ? option->help : "");
	putc(']', out);
	if (has_value) {
		putc(':', out);
		print_quoted(out, option->value ? option->value : "value");
		putc(':', out);
		print_action(context, hvp_completion_of_value(option), option, NULL);
	}
	fputs("' \\\n", out);
}

static void print_specs(const struct hvp_context *context, const struct hvp_command *command)
{
	for_each_option (option, command) {
		char spelled[80];

		if (option->letter) {
			snprintf(spelled, sizeof(spelled), "-%c", option->letter);
			print_spec(context, option, spelled, "+");
		}
		if (option->name) {
			snprintf(spelled, sizeof(spelled), "--%s", option->name);
			print_spec(context, option, spelled, "=");
		}
	}
}

void hvp_completion_print_zsh(const struct hvp_context *context)
{
	FILE *out = context->out;

	fputs("#compdef hvprof\n"
	      "# zsh completion for hvprof: put it as _hvprof in a folder of $fpath\n"
	      "_hvprof_names() {\n"
	      "\tlocal -a names\n"
	      "\tnames=(${(f)\"$(hvprof list $1 2>/dev/null |\n"
	      "\t\tawk -v of=$1 'NR > 1 && (of != \"events\" || $2 == \"yes\") { print $1 "
	      "}')\"})\n"
	      "\tcompadd -a names\n"
	      "}\n\n"
	      "_hvprof() {\n"
	      "\tlocal curcontext=$curcontext state line\n"
	      "\tlocal -a verbs\n"
	      "\tverbs=(\n",
	      out);
	for_each_command (command, context) {
		fprintf(out, "\t\t'%s:", (*command)->name);
		print_quoted(out, (*command)->summary);
		fputs("'\n", out);
	}
	fputs("\t)\n\t_arguments -C \\\n", out);
	print_specs(context, context->globals);
	fputs("\t\t'--help[show what there is]' \\\n"
	      "\t\t'1:command:->verb' '*::argument:->rest'\n"
	      "\tcase $state in\n"
	      "\tverb) _describe command verbs; return ;;\n"
	      "\tesac\n"
	      "\tcase $words[1] in\n",
	      out);
	for_each_command (command, context) {
		fprintf(out, "\t%s) _arguments -s \\\n", (*command)->name);
		print_specs(context, *command);
		print_specs(context, context->globals);
		fputs("\t\t'--help[show what there is]' '*:argument:", out);
		print_action(context, hvp_completion_of_arguments(*command), NULL, *command);
		fputs("' ;;\n", out);
	}
	fputs("\tesac\n}\n"
	      "if [ \"$funcstack[1]\" = _hvprof ]; then _hvprof \"$@\"; "
	      "else compdef _hvprof hvprof; fi\n",
	      out);
}
