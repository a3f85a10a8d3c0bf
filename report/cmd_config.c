/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `hvprof config`: every setting, its value, and where that came from. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/scope.h"
#include "common/cli/commands.h"
#include "common/cli/context.h"
#include "common/cli/settings.h"
#include "common/cli/text.h"

struct config {
	bool wants_list;
	bool is_changed_only;
};

static void print_list(FILE *out, const struct hvp_strings *strings)
{
	if (!strings->num)
		putc('-', out);
	for (size_t i = 0; i < strings->num; i++) {
		fputs(i ? ", " : "", out);
		hvp_text_print(out, strings->items[i]);
	}
}

static void print_string(FILE *out, const char *value)
{
	hvp_text_print(out, value && *value ? value : "-");
}

/* Some have a value that nobody can give for "as the command thinks best". */
static void print_uint(FILE *out, const struct hvp_option *option, uint64_t value)
{
	if (value == UINT64_MAX || value < option->min)
		putc('-', out);
	else
		fprintf(out, "%" PRIu64, value);
}

static void print_value(FILE *out, const struct hvp_option *option, const void *values)
{
	const void *place = (const char *)values + option->offset;

	switch (option->type) {
	case HVP_OPTION_FLAG: fputs(*(const bool *)place ? "yes" : "no", out); break;
	case HVP_OPTION_COUNT: fprintf(out, "%u", *(const unsigned int *)place); break;
	case HVP_OPTION_UINT: print_uint(out, option, *(const uint64_t *)place); break;
	case HVP_OPTION_DOUBLE: fprintf(out, "%g", *(const double *)place); break;
	case HVP_OPTION_CHOICE: fputs(option->choices[*(const int *)place], out); break;
	case HVP_OPTION_LIST: print_list(out, place); break;
	default: print_string(out, *(const char *const *)place); break;
	}
}

static void print_setting(const struct hvp_context *context, const char *section,
			  const struct hvp_option *option, const void *values)
{
	const struct hvp_setting *from =
		hvp_settings_find(context->settings, section, option->name);

	fprintf(context->out, "%s.%s = ", section, option->name);
	print_value(context->out, option, values);
	if (from) {
		fputs("  (", context->out);
		hvp_text_print(context->out, from->file);
		fprintf(context->out, ":%u)\n", from->line);
	} else {
		fputs("  (default)\n", context->out);
	}
}

/* The settings of one section, in the order of its table. */
static struct hvp_error *print_section(const struct hvp_context *context, bool is_changed_only,
				       const struct hvp_command *command, void *values)
{
	hvp_try(hvp_settings_apply(context->settings, command->name, command, values));
	for (const struct hvp_option *o = command->options; o && o->type != HVP_OPTION_END; o++) {
		if (o->type == HVP_OPTION_GROUP || !o->name || o->is_only_typed)
			continue;
		if (!is_changed_only ||
		    hvp_settings_find(context->settings, command->name, o->name))
			print_setting(context, command->name, o, values);
	}
	return NULL;
}

static struct hvp_error *print_command(const struct hvp_context *context, bool is_changed_only,
				       const struct hvp_command *command)
{
	hvp_scope(hvp_free_ptr) void *values = calloc(1, command->config_size + 1);
	struct hvp_error *err;

	if (!values)
		return hvp_error_no_memory;
	if (command->defaults)
		memcpy(values, command->defaults, command->config_size);
	err = print_section(context, is_changed_only, command, values);
	hvp_options_deinit(command, values);
	return err;
}

static struct hvp_error *run(struct hvp_context *context, const void *config, int argc, char **argv,
			     int *ret_status)
{
	const struct config *given = config;
	const struct hvp_command *only = NULL;

	if (argc > 1)
		return hvp_error_create(HVP_ERROR_USAGE, "one command at a time");
	if (argc) {
		only = hvp_command_find(context->commands, argv[0]);
		if (!only)
			return hvp_command_unknown(context->commands, argv[0]);
	}
	if (!only)
		hvp_try(print_command(context, given->is_changed_only, context->globals));
	for (const struct hvp_command *const *c = context->commands; *c; c++) {
		if (!only || *c == only)
			hvp_try(print_command(context, given->is_changed_only, *c));
	}
	*ret_status = 0;
	return NULL;
}

static const struct hvp_option options[] = {
	{.type = HVP_OPTION_FLAG,
	 .name = "list",
	 .is_only_typed = true,
	 .offset = offsetof(struct config, wants_list),
	 .help = "list every setting with its value and where that came from; done in any case"},
	{.type = HVP_OPTION_FLAG,
	 .name = "changed",
	 .offset = offsetof(struct config, is_changed_only),
	 .help = "only what a configuration file sets"},
	HVP_END_OF_OPTIONS,
};

static const char *const examples[] = {
	"hvprof config --list",
	"every option of every command that a configuration file can set",
	"hvprof config --changed report",
	"what the files change for hvprof report",
	NULL,
};

const struct hvp_command hvp_cmd_config = {
	.name = "config",
	.summary = "show every setting and the file that it came from",
	.synopsis = "[OPTION...] [COMMAND]",
	.arguments = "command",
	.options = options,
	.examples = examples,
	.config_size = sizeof(struct config),
	.run = run,
};
