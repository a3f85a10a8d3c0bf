/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `hvprof completion`: a shell's completion script, made from the option tables. */
#include <string.h>

#include "common/cli/commands.h"
#include "common/cli/context.h"

static bool is_real(const struct hvp_option *option)
{
	return option->type != HVP_OPTION_GROUP;
}

#define for_each_option(option, command)                                                           \
	for (const struct hvp_option *option = (command)->options;                                 \
	     option && option->type != HVP_OPTION_END; option++)

#define for_each_command(command, context)                                                         \
	for (const struct hvp_command *const *command = (context)->commands; *command; command++)

/* Whether a value follows, so that the next word is not an option or a file of the command. */
static bool has_value(const struct hvp_option *option)
{
	return option->type != HVP_OPTION_FLAG && option->type != HVP_OPTION_COUNT &&
	       option->type != HVP_OPTION_OPTIONAL;
}

static bool completes(const struct hvp_option *option, const char *what)
{
	return option->completion && !strcmp(option->completion, what);
}

/* The words of a choice, or nothing. */
static void print_choices(FILE *out, const struct hvp_option *option)
{
	for (size_t i = 0; option->choices && option->choices[i]; i++)
		fprintf(out, "%s%s", i ? " " : "", option->choices[i]);
}

static void print_commands(const struct hvp_context *context)
{
	const char *separator = "";

	for_each_command(command, context)
	{
		fprintf(context->out, "%s%s", separator, (*command)->name);
		separator = " ";
	}
}

/* "-o --output ", for bash. */
static void print_words(FILE *out, const struct hvp_command *command)
{
	for_each_option(option, command)
	{
		if (!is_real(option))
			continue;
		if (option->letter)
			fprintf(out, "-%c ", option->letter);
		if (option->name)
			fprintf(out, "--%s ", option->name);
	}
}

/* One arm of bash's `case`: how the value of an option is completed. */
static void print_bash_value(const struct hvp_context *context, const char *scope,
			     const struct hvp_option *option)
{
	FILE *out = context->out;

	if (!is_real(option) || !has_value(option))
		return;
	fputs("\t", out);
	if (option->letter)
		fprintf(out, "%s:-%c%s", scope, option->letter, option->name ? "|" : "");
	if (option->name)
		fprintf(out, "%s:--%s", scope, option->name);
	fputs(") ", out);
	if (option->choices) {
		fputs("words=\"", out);
		print_choices(out, option);
		fputs("\" ;;\n", out);
	} else if (completes(option, "command")) {
		fputs("words=\"", out);
		print_commands(context);
		fputs("\" ;;\n", out);
	} else if (completes(option, "dir")) {
		fputs("kind=-d ;;\n", out);
	} else if (completes(option, "file")) {
		fputs("kind=-f ;;\n", out);
	} else {
		fputs("kind=none ;;\n", out);
	}
}

static void print_bash(const struct hvp_context *context)
{
	FILE *out = context->out;

	fputs("# bash completion for hvprof: source <(hvprof completion bash)\n"
	      "_hvprof()\n{\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
	      "\tlocal verb= words= kind= i\n"
	      "\tif [[ $cur == = ]]; then cur=\n"
	      "\telif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
	      "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	      "\t\tcase ${COMP_WORDS[i]} in\n\t\t",
	      out);
	for_each_command(command, context)
		fprintf(out, "%s%s", command == context->commands ? "" : "|", (*command)->name);
	fputs(") verb=${COMP_WORDS[i]}; break ;;\n\t\tesac\n\tdone\n"
	      "\tcase $verb:$prev in\n",
	      out);
	for_each_command(command, context)
	{
		for_each_option(option, *command)
			print_bash_value(context, (*command)->name, option);
	}
	for_each_option(option, context->globals) print_bash_value(context, "*", option);
	fputs("\tesac\n"
	      "\tif [[ -z $words$kind && $cur == -* ]]; then\n"
	      "\t\tcase $verb in\n",
	      out);
	for_each_command(command, context)
	{
		fprintf(out, "\t\t%s) words=\"", (*command)->name);
		print_words(out, *command);
		fputs("\" ;;\n", out);
	}
	fputs("\t\tesac\n\t\twords+=\" --help ", out);
	print_words(out, context->globals);
	fputs("\"\n"
	      "\telif [[ -z $words$kind ]]; then\n"
	      "\t\tcase $verb in\n"
	      "\t\t'' | help | config) words=\"",
	      out);
	print_commands(context);
	fputs("\" ;;\n"
	      "\t\tcompletion) words=\"bash zsh fish\" ;;\n"
	      "\t\t*) kind=-f ;;\n"
	      "\t\tesac\n"
	      "\tfi\n"
	      "\tif [[ $kind == -? ]]; then\n"
	      "\t\tcompopt -o filenames 2>/dev/null\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen \"$kind\" -- \"$cur\")\n"
	      "\telse\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	      "\tfi\n"
	      "}\ncomplete -F _hvprof hvprof\n",
	      out);
}

/* Text between single quotes of zsh or fish, without what _arguments takes for syntax. */
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

static void print_zsh_spec(FILE *out, const struct hvp_option *option, const char *spelled,
			   const char *joint)
{
	bool repeats = option->type == HVP_OPTION_LIST || option->type == HVP_OPTION_COUNT;

	fprintf(out, "\t\t'%s%s%s[", repeats ? "*" : "", spelled, has_value(option) ? joint : "");
	print_quoted(out, option->help ? option->help : "");
	putc(']', out);
	if (has_value(option)) {
		putc(':', out);
		print_quoted(out, option->value ? option->value : "value");
		putc(':', out);
		if (option->choices) {
			putc('(', out);
			print_choices(out, option);
			putc(')', out);
		} else if (completes(option, "dir")) {
			fputs("_files -/", out);
		} else if (completes(option, "file")) {
			fputs("_files", out);
		}
	}
	fputs("' \\\n", out);
}

static void print_zsh_specs(FILE *out, const struct hvp_command *command)
{
	for_each_option(option, command)
	{
		char spelled[80];

		if (!is_real(option))
			continue;
		if (option->letter) {
			snprintf(spelled, sizeof(spelled), "-%c", option->letter);
			print_zsh_spec(out, option, spelled, "+");
		}
		if (option->name) {
			snprintf(spelled, sizeof(spelled), "--%s", option->name);
			print_zsh_spec(out, option, spelled, "=");
		}
	}
}

static void print_zsh(const struct hvp_context *context)
{
	FILE *out = context->out;

	fputs("#compdef hvprof\n"
	      "# zsh completion for hvprof: put it as _hvprof in a folder of $fpath\n"
	      "_hvprof() {\n"
	      "\tlocal curcontext=$curcontext state line\n"
	      "\tlocal -a verbs\n"
	      "\tverbs=(\n",
	      out);
	for_each_command(command, context)
	{
		fprintf(out, "\t\t'%s:", (*command)->name);
		print_quoted(out, (*command)->summary);
		fputs("'\n", out);
	}
	fputs("\t)\n\t_arguments -C \\\n", out);
	print_zsh_specs(out, context->globals);
	fputs("\t\t'--help[show what there is]' \\\n"
	      "\t\t'1:command:->verb' '*::argument:->rest'\n"
	      "\tcase $state in\n"
	      "\tverb) _describe command verbs; return ;;\n"
	      "\tesac\n"
	      "\tcase $words[1] in\n",
	      out);
	for_each_command(command, context)
	{
		fprintf(out, "\t%s) _arguments -s \\\n", (*command)->name);
		print_zsh_specs(out, *command);
		print_zsh_specs(out, context->globals);
		fprintf(out, "\t\t'--help[show what there is]' '*:argument:%s' ;;\n",
			!strcmp((*command)->name, "completion") ? "(bash zsh fish)" : "_files");
	}
	fputs("\tesac\n}\nif [ \"$funcstack[1]\" = _hvprof ]; then _hvprof \"$@\"; "
	      "else compdef _hvprof hvprof; fi\n",
	      out);
}

static void print_fish_text(FILE *out, const char *text)
{
	for (; *text; text++)
		fprintf(out, *text == '\'' || *text == '\\' ? "\\%c" : "%c", *text);
}

/* `condition` is a fish command, or "" for always. */
static void print_fish_options(const struct hvp_context *context, const struct hvp_command *command,
			       const char *condition)
{
	FILE *out = context->out;

	for_each_option(option, command)
	{
		if (!is_real(option))
			continue;
		fputs("complete -c hvprof", out);
		if (*condition)
			fprintf(out, " -n '%s'", condition);
		if (option->letter)
			fprintf(out, " -s %c", option->letter);
		if (option->name)
			fprintf(out, " -l %s", option->name);
		if (has_value(option))
			fputs(completes(option, "file") || completes(option, "dir") ? " -r -F"
										    : " -x",
			      out);
		if (option->choices) {
			fputs(" -a '", out);
			print_choices(out, option);
			putc('\'', out);
		}
		fputs(" -d '", out);
		print_fish_text(out, option->help ? option->help : "");
		fputs("'\n", out);
	}
}

static void print_fish(const struct hvp_context *context)
{
	FILE *out = context->out;

	fputs("# fish completion for hvprof: hvprof completion fish | source\n", out);
	for_each_command(command, context)
	{
		fputs("complete -c hvprof -n __fish_use_subcommand -f -a ", out);
		fprintf(out, "%s -d '", (*command)->name);
		print_fish_text(out, (*command)->summary);
		fputs("'\n", out);
	}
	print_fish_options(context, context->globals, "");
	for_each_command(command, context)
	{
		char condition[96];

		snprintf(condition, sizeof(condition), "__fish_seen_subcommand_from %s",
			 (*command)->name);
		print_fish_options(context, *command, condition);
	}
	fputs("complete -c hvprof -n '__fish_seen_subcommand_from completion' -f -a "
	      "'bash zsh fish'\n",
	      out);
}

static const struct {
	const char *name;
	void (*print)(const struct hvp_context *context);
} shells[] = {
	{"bash", print_bash},
	{"zsh", print_zsh},
	{"fish", print_fish},
};

static struct hvp_error *run(struct hvp_context *context, const void *config, int argc, char **argv,
			     int *ret_status)
{
	(void)config;
	if (argc != 1)
		return hvp_error_create(HVP_ERROR_USAGE, "for which shell: bash, zsh or fish?");
	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
		if (strcmp(shells[i].name, argv[0]))
			continue;
		shells[i].print(context);
		*ret_status = 0;
		return NULL;
	}
	return hvp_error_create(
		HVP_ERROR_USAGE,
		"there is no completion for \"%s\"; there is for bash, zsh and fish", argv[0]);
}

static const struct hvp_option options[] = {HVP_END_OF_OPTIONS};

static const char *const examples[] = {
	"source <(hvprof completion bash)",
	"complete hvprof's command lines in this bash",
	"hvprof completion zsh > ~/.zfunc/_hvprof",
	"for zsh, in a folder of $fpath",
	NULL,
};

const struct hvp_command hvp_cmd_completion = {
	.name = "completion",
	.summary = "print a completion script for bash, zsh or fish",
	.synopsis = "bash|zsh|fish",
	.options = options,
	.examples = examples,
	.run = run,
};
