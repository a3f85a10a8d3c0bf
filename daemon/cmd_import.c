/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hvprof import: a perf.data file becomes a session that every report reads. */
#include <stddef.h>

#include "common/base/scope.h"
#include "common/cli/commands.h"
#include "common/cli/context.h"
#include "common/cli/options.h"
#include "common/cli/progress.h"
#include "common/cli/text.h"
#include "common/session/format.h"
#include "daemon/perfdata/import.h"
#include "daemon/record_output.h"

struct import_config {
	const char *output;
	const char *kallsyms;
	struct hvp_strings names;
};

static const struct hvp_option import_options[] = {
	{.type = HVP_OPTION_STRING,
	 .letter = 'o',
	 .name = "output",
	 .value = "FILE",
	 .offset = offsetof(struct import_config, output),
	 .completion = "file",
	 .help = "the session to write; \"-\" is standard output; one that is there becomes "
		 "FILE.old"},
	{.type = HVP_OPTION_LIST,
	 .name = "name",
	 .value = "PID=NAME",
	 .offset = offsetof(struct import_config, names),
	 .help = "call the guest of the VMM process PID by this name (repeatable)"},
	{.type = HVP_OPTION_STRING,
	 .name = "kallsyms",
	 .value = "FILE",
	 .offset = offsetof(struct import_config, kallsyms),
	 .completion = "file",
	 .help = "put this copy of the recorded machine's /proc/kallsyms into the session"},
	HVP_END_OF_OPTIONS,
};

static const char *const import_examples[] = {
	"hvprof import perf.data",
	"make hvprof.data of perf.data; then: hvprof report",
	"hvprof import perf.data.guest --name 4711=web -o web.hvprof",
	"a recording by perf kvm, with a name for the guest of process 4711",
	"perf record -a -o - -- sleep 10 | hvprof import - -o - | hvprof report -",
	"without files",
	NULL,
};

static const struct import_config import_defaults = {.output = "hvprof.data"};

static void show_progress(void *arg, const char *stage, uint64_t done, uint64_t total)
{
	struct hvp_progress *progress = arg;

	if (progress->stage != stage)
		hvp_progress_stage(progress, stage, "bytes", total);
	hvp_progress_update(progress, done);
}

static void say_what(const struct hvp_context *context, const struct import_config *config,
		     const struct hvp_import_stats *stats)
{
	char samples[HVP_TEXT_NUMBER], guest[HVP_TEXT_NUMBER];

	if (context->is_quiet)
		return;
	fprintf(context->err, "hvprof: %s samples, %s of them in %u guest%s -> ",
		hvp_text_number(samples, stats->samples),
		hvp_text_number(guest, stats->guest_samples), stats->domains,
		stats->domains == 1 ? "" : "s");
	hvp_text_print(context->err, config->output);
	fprintf(context->err, "\n");
}

static struct hvp_error *import_to(struct hvp_context *context, const struct import_config *config,
				   const char *input, int fd, struct hvp_import_stats *ret)
{
	const struct hvp_session_writer_options writer_options = {.path = config->output};
	hvp_scope(hvp_session_writer_destroy_scope) struct hvp_session_writer *writer = NULL;
	struct hvp_progress progress;
	struct hvp_error *err;
	const struct hvp_import_options options = {
		.input = input,
		.names = config->names.items,
		.num_names = config->names.num,
		.kallsyms = config->kallsyms,
		.roots = &hvp_host_roots_default,
		.log = &context->log,
		.interrupted = context->interrupted,
		.progress = show_progress,
		.progress_arg = &progress,
	};

	hvp_progress_init(&progress, context->err, context->has_progress);
	hvp_try(hvp_session_writer_create(fd, &writer_options, &writer));
	hvp_try(hvp_session_writer_add_info(writer, HVP_INFO_COMMAND, context->command_line));
	err = hvp_import(&options, writer, ret);
	hvp_progress_clear(&progress);
	return err;
}

static struct hvp_error *run_import(struct hvp_context *context, const void *configuration,
				    int argc, char **argv, int *ret_status)
{
	const struct import_config *config = configuration;
	hvp_scope(hvp_record_output_deinit) struct hvp_record_output output = {.fd = -1};
	struct hvp_import_stats stats;

	if (argc > 1)
		return hvp_error_create(HVP_ERROR_USAGE,
					"one perf.data at a time; there are %d on the command line",
					argc);
	hvp_try(hvp_record_output_open(&output, config->output));
	hvp_try(import_to(context, config, argc ? argv[0] : "perf.data", output.fd, &stats));
	hvp_try(hvp_record_output_commit(&output));
	say_what(context, config, &stats);
	*ret_status = context->is_strict && stats.is_degraded ? 3 : 0;
	return NULL;
}

const struct hvp_command hvp_cmd_import = {
	.name = "import",
	.summary = "make a session of a perf.data file",
	.synopsis = "[OPTION...] [PERF.DATA]",
	.arguments = "file",
	.options = import_options,
	.examples = import_examples,
	.config_size = sizeof(struct import_config),
	.defaults = &import_defaults,
	.run = run_import,
};
