/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/inputs.h"

#include <stdlib.h>
#include <string.h>

#include "common/cli/text.h"

struct hvp_error *hvp_inputs_path(const struct hvp_input_config *config, int argc, char **argv,
				  const char **ret)
{
	*ret = config->input ? config->input : HVP_DEFAULT_SESSION;
	if (argc > 1 || (argc && config->input))
		return hvp_error_create(HVP_ERROR_USAGE,
					"one session is enough: \"%s\" is one too many",
					argv[argc - 1]);
	if (argc)
		*ret = argv[0];
	return NULL;
}

/* --guest NAME=images, or NAME alone, which selects. */
static struct hvp_error *parse_guests(struct hvp_inputs *inputs,
				      const struct hvp_input_config *config)
{
	inputs->guests = calloc(config->guests.num + 1, sizeof(*inputs->guests));
	if (!inputs->guests)
		return hvp_error_no_memory;
	for (size_t i = 0; i < config->guests.num; i++) {
		const char *spec = config->guests.items[i];

		if (!strchr(spec, '=')) {
			hvp_try(hvp_strings_add(&inputs->domains, spec));
			continue;
		}
		hvp_try(hvp_guest_images_parse(spec, &inputs->guests[inputs->num_guests]));
		inputs->num_guests++;
	}
	for (size_t i = 0; i < config->domains.num; i++)
		hvp_try(hvp_strings_add(&inputs->domains, config->domains.items[i]));
	return NULL;
}

static struct hvp_error *copy_debug_dirs(struct hvp_inputs *inputs,
					 const struct hvp_input_config *config)
{
	inputs->debug_dirs = calloc(config->debug_dirs.num + 1, sizeof(*inputs->debug_dirs));
	if (!inputs->debug_dirs)
		return hvp_error_no_memory;
	for (size_t i = 0; i < config->debug_dirs.num; i++)
		inputs->debug_dirs[i] = config->debug_dirs.items[i];
	return NULL;
}

/* Paths are others' words: their control characters stay out of the terminal. */
static void show_stage(void *arg, const char *stage, const char *path)
{
	char shown[256];

	hvp_text_escape(shown, sizeof(shown), path);
	hvp_progress_show(arg, stage, shown);
}

struct hvp_error *hvp_inputs_open(struct hvp_inputs *ret, const struct hvp_context *context,
				  const struct hvp_input_config *config, const char *path)
{
	struct hvp_symbolizer_options options = {
		.symfs = config->symfs,
		.vmlinux = config->vmlinux,
		.kallsyms = config->kallsyms,
		.use_debuginfod = config->use_debuginfod,
		.naming = !config->demangles	   ? HVP_NAMING_MANGLED
			  : config->has_full_names ? HVP_NAMING_FULL
						   : HVP_NAMING_SHORT,
		.interrupted = context->interrupted,
		.progress = show_stage,
		.log = &context->log,
	};

	*ret = (struct hvp_inputs){0};
	hvp_progress_init(&ret->progress, context->err, context->has_progress);
	hvp_try(parse_guests(ret, config));
	hvp_try(copy_debug_dirs(ret, config));
	hvp_progress_stage(&ret->progress, "Opening the session", NULL, 0);
	hvp_try(hvp_session_open(path, &ret->session));
	options.guests = ret->guests;
	options.num_guests = ret->num_guests;
	options.debug_dirs = ret->debug_dirs;
	options.progress_arg = &ret->progress;
	return hvp_symbolizer_create(ret->session, &options, &ret->symbolizer);
}

void hvp_inputs_deinit(struct hvp_inputs *inputs)
{
	hvp_progress_clear(&inputs->progress);
	hvp_symbolizer_destroy(inputs->symbolizer);
	hvp_session_destroy(inputs->session);
	for (size_t i = 0; i < inputs->num_guests; i++)
		hvp_guest_images_deinit(&inputs->guests[i]);
	free(inputs->guests);
	free(inputs->debug_dirs);
	hvp_strings_deinit(&inputs->domains);
}
