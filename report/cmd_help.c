/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `hvprof help`: what there is, and the option tables in a form for scripts. */
#include "report/cmd_help.h"

#include <string.h>

#include "common/cli/commands.h"
#include "common/cli/help.h"
#include "common/cli/term.h"

#define COMMAND_INDENT 16u

struct config {
	const char *options_of;
	const char *manual_of;
};

static struct hvp_help help_of(const struct hvp_context *context)
{
	return (struct hvp_help){
		.out = context->out,
		.width = hvp_term_width(context->out),
		.has_color = context->has_color,
	};
}

struct hvp_error *hvp_help_print_overview(const struct hvp_context *context)
{
	static const char *const examples[] = {
		"hvprof record -a -g -- sleep 10",
		"profile the whole machine, its hypervisor and its guests, for ten seconds",
		"hvprof report --guest web1=kallsyms:web1.kallsyms",
		"where the cycles went, domain by domain, with web1's kernel functions named",
		"hvprof annotate --guest web1 memcpy_orig",
		"one function's source and machine code with the share of each line",
		NULL,
	};
	const struct hvp_help help = help_of(context);
	const bool has_color = context->has_color;

	fprintf(help.out,
		"usage: hvprof [OPTION...] COMMAND ...\n\n"
		"A profiler for virtualized machines: hypervisor, host and guests in one session.\n"
		"\n%sCommands:%s\n",
		hvp_style_begin(has_color, HVP_STYLE_HEADING), hvp_style_end(has_color));
	for (const struct hvp_command *const *c = context->commands; *c; c++) {
		char label[64];

		snprintf(label, sizeof(label), "  %s", (*c)->name);
		hvp_help_print_entry(&help, label, COMMAND_INDENT, (*c)->summary);
	}
	hvp_help_print_options(&help, context->globals->options);
	hvp_help_print_examples(&help, examples);
	fprintf(help.out, "\n\"hvprof COMMAND --help\" and hvprof(1) tell more.\n");
	return NULL;
}

struct hvp_error *hvp_help_print_for(const struct hvp_context *context,
				     const struct hvp_command *command)
{
	const struct hvp_help help = help_of(context);

	hvp_help_print_command(&help, command, context->globals->options);
	return NULL;
}

struct hvp_error *hvp_help_print_version(const struct hvp_context *context)
{
	fprintf(context->out, "hvprof " HVP_VERSION "\n");
	return NULL;
}

/* One option a line, as --help spells it. */
static void print_spellings(FILE *out, const struct hvp_option *options)
{
	char spelled[160];

	for (; options && options->type != HVP_OPTION_END; options++) {
		if (options->type != HVP_OPTION_GROUP)
			fprintf(out, "%s\n",
				hvp_help_spell_option(options, spelled, sizeof(spelled)));
	}
}

/* A command, or the one that has the options of all. */
static struct hvp_error *find(const struct hvp_context *context, const char *name,
			      const struct hvp_command **ret)
{
	*ret = strcmp(name, context->globals->name) ? hvp_command_find(context->commands, name)
						    : context->globals;
	return *ret ? NULL : hvp_command_unknown(context->commands, name);
}

static struct hvp_error *run(struct hvp_context *context, const void *config, int argc, char **argv,
			     int *ret_status)
{
	const struct config *given = config;
	const struct hvp_command *command;

	*ret_status = 0;
	if (given->options_of) {
		hvp_try(find(context, given->options_of, &command));
		print_spellings(context->out, command->options);
		return NULL;
	}
	if (given->manual_of) {
		hvp_try(find(context, given->manual_of, &command));
		hvp_help_print_manual(context, command);
		return NULL;
	}
	if (!argc)
		return hvp_help_print_overview(context);
	command = hvp_command_find(context->commands, argv[0]);
	if (!command)
		return hvp_command_unknown(context->commands, argv[0]);
	return hvp_help_print_for(context, command);
}

static const struct hvp_option options[] = {
	{.type = HVP_OPTION_STRING,
	 .name = "options-of",
	 .is_only_typed = true,
	 .value = "COMMAND",
	 .offset = offsetof(struct config, options_of),
	 .help = "print a command's options (or those of \"global\"), one a line, for scripts",
	 .completion = "command"},
	{.type = HVP_OPTION_STRING,
	 .name = "manual-of",
	 .is_only_typed = true,
	 .value = "COMMAND",
	 .offset = offsetof(struct config, manual_of),
	 .help = "print the sections OPTIONS and EXAMPLES of a command's manual page, for scdoc",
	 .completion = "command"},
	HVP_END_OF_OPTIONS,
};

static const char *const examples[] = {
	"hvprof help record",
	"the options of record, as hvprof record --help prints them",
	NULL,
};

const struct hvp_command hvp_cmd_help = {
	.name = "help",
	.summary = "show the commands, or one command's options",
	.synopsis = "[COMMAND]",
	.arguments = "command",
	.options = options,
	.examples = examples,
	.config_size = sizeof(struct config),
	.run = run,
};
