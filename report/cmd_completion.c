/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `hvprof completion`: a shell's completion script, made from the option tables. */
#include <string.h>

#include "common/cli/commands.h"
#include "report/completion/completion.h"

bool hvp_completion_has_value(const struct hvp_option *option)
{
	return option->type != HVP_OPTION_FLAG && option->type != HVP_OPTION_COUNT &&
	       option->type != HVP_OPTION_OPTIONAL;
}

/* By the word that a table has for it. */
static enum hvp_completion kind_of(const char *word)
{
	static const struct {
		const char *word;
		enum hvp_completion kind;
	} kinds[] = {
		{"file", HVP_COMPLETION_FILE},	   {"dir", HVP_COMPLETION_DIR},
		{"command", HVP_COMPLETION_WORDS}, {"guest", HVP_COMPLETION_GUEST},
		{"event", HVP_COMPLETION_EVENT},
	};

	for (size_t i = 0; word && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!strcmp(word, kinds[i].word))
			return kinds[i].kind;
	}
	return word && strchr(word, ' ') ? HVP_COMPLETION_WORDS : HVP_COMPLETION_NONE;
}

enum hvp_completion hvp_completion_of_value(const struct hvp_option *option)
{
	return option->choices ? HVP_COMPLETION_WORDS : kind_of(option->completion);
}

enum hvp_completion hvp_completion_of_arguments(const struct hvp_command *command)
{
	enum hvp_completion kind = kind_of(command->arguments);

	return command->arguments && kind == HVP_COMPLETION_NONE ? HVP_COMPLETION_WORDS : kind;
}

void hvp_completion_print_commands(const struct hvp_context *context, const char *separator)
{
	const char *before = "";

	for_each_command (command, context) {
		fprintf(context->out, "%s%s", before, (*command)->name);
		before = separator;
	}
}

void hvp_completion_print_words(const struct hvp_context *context, const struct hvp_option *option,
				const struct hvp_command *command)
{
	const char *words = option ? option->completion : command->arguments;

	if (option && option->choices) {
		for (size_t i = 0; option->choices[i]; i++)
			fprintf(context->out, "%s%s", i ? " " : "", option->choices[i]);
	} else if (!strcmp(words, "command")) {
		hvp_completion_print_commands(context, " ");
	} else {
		fputs(words, context->out);
	}
}

static const struct {
	const char *name;
	void (*print)(const struct hvp_context *context);
} shells[] = {
	{"bash", hvp_completion_print_bash},
	{"zsh", hvp_completion_print_zsh},
	{"fish", hvp_completion_print_fish},
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
	"hvprof completion fish | source",
	"in this fish",
	NULL,
};

const struct hvp_command hvp_cmd_completion = {
	.name = "completion",
	.summary = "print a completion script for bash, zsh or fish",
	.synopsis = "bash|zsh|fish",
	.arguments = "bash zsh fish",
	.options = options,
	.examples = examples,
	.run = run,
};
