/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `hvprof check`: what this host supports, and the command that mends each lack. */
#include <stddef.h>
#include <string.h>

#include "common/base/scope.h"
#include "common/cli/commands.h"
#include "common/cli/context.h"
#include "common/cli/json_out.h"
#include "common/cli/term.h"
#include "common/cli/text.h"
#include "daemon/host/host_checks.h"
#include "daemon/table.h"

#define STATUS_DEGRADED 3

enum format {
	FORMAT_TEXT,
	FORMAT_JSON,
};

static const char *const formats[] = {"text", "json", NULL};

struct check_options {
	int format;
	bool lacking;
};

static const struct hvp_option options[] = {
	{.type = HVP_OPTION_CHOICE,
	 .name = "format",
	 .offset = offsetof(struct check_options, format),
	 .choices = formats,
	 .help = "as a table or as JSON"},
	{.type = HVP_OPTION_FLAG,
	 .name = "lacking",
	 .offset = offsetof(struct check_options, lacking),
	 .help = "only what is lacking"},
	HVP_END_OF_OPTIONS,
};

static const char *const examples[] = {
	"hvprof check",
	"what this host supports, and what to do about the rest",
	"hvprof --strict check --lacking || echo not ready",
	"in a script: exit status 3 when something is lacking",
	NULL,
};

static void print_json(struct hvp_json *json, const struct hvp_check *check,
		       const struct hvp_check_result *result)
{
	hvp_json_begin_object(json, NULL);
	hvp_json_string(json, "check", check->name);
	hvp_json_string(json, "status", hvp_check_status_names[result->status]);
	hvp_json_string(json, "value", result->value);
	hvp_json_string(json, "consequence", result->consequence);
	hvp_json_string(json, "command", result->command);
	hvp_json_end_object(json);
}

/* What there is to say, below the table: one paragraph each, since the texts are long. */
static void print_advice(const struct hvp_context *context, const struct hvp_check *check,
			 const struct hvp_check_result *result)
{
	FILE *out = context->out;

	if (!*result->consequence)
		return;
	fprintf(out, "\n%s%s%s: %s\n", hvp_style_begin(context->has_color, HVP_STYLE_NAME),
		check->name, hvp_style_end(context->has_color), result->consequence);
	if (*result->command) {
		fputs("    ", out);
		hvp_text_print(out, result->command);
		putc('\n', out);
	}
}

static struct hvp_error *add_row(struct hvp_table *table, const struct hvp_check *check,
				 const struct hvp_check_result *result)
{
	const char *cells[] = {check->name, hvp_check_status_names[result->status], result->value};

	return hvp_table_add(table, cells);
}

/*
 * The table has to be measured before it is printed, and the advice stands below: each check runs
 * once.
 */
static struct hvp_error *print_text(const struct hvp_context *context,
				    const struct hvp_check_result *results, bool lacking_only)
{
	static const char *const heading[] = {"CHECK", "STATUS", "NOW"};
	hvp_scope(hvp_table_deinit) struct hvp_table table = {0};

	hvp_try(hvp_table_init(&table, heading, 3));
	for (size_t i = 0; hvp_host_checks[i].name; i++)
		if (!lacking_only || results[i].status == HVP_CHECK_LACKING)
			hvp_try(add_row(&table, &hvp_host_checks[i], &results[i]));
	if (hvp_table_num_rows(&table))
		hvp_table_print(&table, context->out, context->has_color);
	else
		fputs("nothing is lacking\n", context->out);
	for (size_t i = 0; hvp_host_checks[i].name; i++)
		if (!lacking_only || results[i].status == HVP_CHECK_LACKING)
			print_advice(context, &hvp_host_checks[i], &results[i]);
	return NULL;
}

static struct hvp_error *run(struct hvp_context *context, const void *config, int argc, char **argv,
			     int *ret_status)
{
	const struct check_options *given = config;
	struct hvp_check_result results[64];
	struct hvp_check_host host;
	struct hvp_json json;
	bool has_lack = false;

	if (argc)
		return hvp_error_create(HVP_ERROR_USAGE, "check takes no \"%s\"", argv[0]);
	hvp_check_host_init(&host, &hvp_host_roots_default);
	for (size_t i = 0; hvp_host_checks[i].name; i++) {
		results[i] = (struct hvp_check_result){.consequence = ""};
		hvp_host_checks[i].run(&host, &results[i]);
		has_lack |= results[i].status == HVP_CHECK_LACKING;
	}
	if (context->is_strict && has_lack)
		*ret_status = STATUS_DEGRADED;
	if (given->format == FORMAT_TEXT)
		return print_text(context, results, given->lacking);
	hvp_json_init(&json, context->out, true);
	hvp_json_begin_array(&json, NULL);
	for (size_t i = 0; hvp_host_checks[i].name; i++)
		if (!given->lacking || results[i].status == HVP_CHECK_LACKING)
			print_json(&json, &hvp_host_checks[i], &results[i]);
	hvp_json_end_array(&json);
	hvp_json_finish(&json);
	return NULL;
}

const struct hvp_command hvp_cmd_check = {
	.name = "check",
	.summary = "tell what this host supports, and the command that mends each lack",
	.synopsis = "[OPTION...]",
	.options = options,
	.examples = examples,
	.config_size = sizeof(struct check_options),
	.run = run,
};
