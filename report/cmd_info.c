/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `hvprof info`: what a session holds, how it was recorded, and what is wrong with it. */
#include "common/cli/commands.h"
#include "common/cli/term.h"
#include "report/info.h"
#include "report/inputs.h"

struct config {
	struct hvp_input_config input;
	int format;
};

static const char *const formats[] = {"text", "json", NULL};

static const struct hvp_option options[] = {
	HVP_SESSION_OPTIONS(struct config, input),
	{.type = HVP_OPTION_GROUP, .help = "Output:"},
	{.type = HVP_OPTION_CHOICE,
	 .name = "format",
	 .offset = offsetof(struct config, format),
	 .choices = formats,
	 .help = "how to print"},
	HVP_END_OF_OPTIONS,
};

static const char *const examples[] = {
	"hvprof info",
	"what hvprof.data holds",
	"hvprof info --format=json run1.data",
	"the same for a program",
	NULL,
};

static struct hvp_error *run(struct hvp_context *context, const void *config_arg, int argc,
			     char **argv, int *ret_status)
{
	hvp_scope(hvp_session_summary_deinit) struct hvp_session_summary summary = {0};
	hvp_scope(hvp_session_destroy_scope) struct hvp_session *session = NULL;
	const struct config *config = config_arg;
	struct hvp_pager *pager = NULL;
	FILE *out = context->out;
	const char *path;

	*ret_status = 0;
	hvp_try(hvp_inputs_path(&config->input, argc, argv, &path));
	hvp_try(hvp_session_open(path, &session));
	hvp_try(hvp_session_summary_init(&summary, session, context->interrupted));
	context->is_degraded = summary.owners[HVP_OWNER_LOST] || summary.facts.num_throttles ||
			       hvp_session_damage(session);
	if (config->format) {
		hvp_info_print_json(&summary, out);
		return NULL;
	}
	hvp_try(hvp_pager_start(&context->log, &out, &pager));
	hvp_info_print_text(&summary, out, context->has_color);
	hvp_pager_finish(pager, &out);
	return NULL;
}

const struct hvp_command hvp_cmd_info = {
	.name = "info",
	.summary = "show what a session holds and how it was recorded",
	.synopsis = "[OPTION...] [SESSION]",
	.arguments = "file",
	.options = options,
	.examples = examples,
	.config_size = sizeof(struct config),
	.run = run,
};
