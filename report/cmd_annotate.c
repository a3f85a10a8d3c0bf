/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `hvprof annotate`: source and assembly of functions with their samples. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/cli/commands.h"
#include "common/cli/suggest.h"
#include "common/cli/term.h"
#include "common/session/format.h"
#include "report/annotate/annotate_view.h"
#include "report/output/output.h"
#include "report/profile/selection.h"

/* What a page has that is not a terminal. */
#define DEFAULT_WIDTH 150u
/* Owners that a title names. */
#define MAX_NAMED_OWNERS 4u

struct config {
	struct hvp_input_config input;
	struct hvp_selection_config selection;
	const char *image;
	struct hvp_strings sources, prefixes;
	uint64_t top;
	bool has_all;
	int style, syntax, format;
};

static const char *const styles[] = {"auto", "side", "mixed", "asm", "source", NULL};
static const char *const syntaxes[] = {"att", "intel", NULL};

static const struct hvp_option options[] = {
	HVP_SESSION_OPTIONS(struct config, input),
	{.type = HVP_OPTION_GROUP, .help = "Functions:"},
	{.type = HVP_OPTION_STRING,
	 .name = "image",
	 .value = "NAME",
	 .offset = offsetof(struct config, image),
	 .help = "only functions of this program, library or kernel; name or path"},
	{.type = HVP_OPTION_UINT,
	 .name = "top",
	 .value = "N",
	 .offset = offsetof(struct config, top),
	 .help = "the N hottest functions that have code at hand (default 1)"},
	HVP_SELECTION_OPTIONS(struct config, selection, input),
	{.type = HVP_OPTION_GROUP, .help = "Source files:"},
	{.type = HVP_OPTION_LIST,
	 .name = "source",
	 .value = "DIR",
	 .offset = offsetof(struct config, sources),
	 .completion = "dir",
	 .help = "look for source files below DIR"},
	{.type = HVP_OPTION_LIST,
	 .name = "source-prefix",
	 .value = "OLD=NEW",
	 .offset = offsetof(struct config, prefixes),
	 .help = "look for OLD/... as NEW/..."},
	HVP_SYMBOL_OPTIONS(struct config, input),
	{.type = HVP_OPTION_GROUP, .help = "Output:"},
	{.type = HVP_OPTION_CHOICE,
	 .name = "style",
	 .offset = offsetof(struct config, style),
	 .choices = styles,
	 .help = "source and assembly side by side or mixed, or one alone"},
	{.type = HVP_OPTION_CHOICE,
	 .name = "syntax",
	 .offset = offsetof(struct config, syntax),
	 .choices = syntaxes,
	 .help = "of x86 assembly"},
	{.type = HVP_OPTION_FLAG,
	 .name = "all",
	 .offset = offsetof(struct config, has_all),
	 .help = "long stretches without samples too"},
	HVP_FORMAT_OPTION(struct config, format, "how to print"),
	HVP_END_OF_OPTIONS,
};

static const struct config defaults = {.input = HVP_INPUT_DEFAULTS, .top = 1};

static const char *const examples[] = {
	"hvprof annotate tcp_v4_rcv --domain web --guest web=vmlinux:web.vmlinux",
	"a kernel function of the guest web by source line and instruction",
	"hvprof annotate --top 3 --style=mixed",
	"the three hottest functions of the session",
	NULL,
};

static const struct hvp_annotate_ops *const formats[] = {
	&hvp_annotate_text,
	&hvp_annotate_csv,
	&hvp_annotate_json,
};

struct annotate {
	const struct config *config;
	struct hvp_inputs inputs;
	struct hvp_facts facts;
	struct hvp_selection selection;
	struct hvp_profile profile;
	struct hvp_sources sources;
	struct hvp_hot_functions functions;
	struct hvp_annotate_view view;
	const struct hvp_annotate_ops *ops;
};

static void annotate_deinit(struct annotate *annotate)
{
	hvp_hot_functions_deinit(&annotate->functions);
	hvp_sources_deinit(&annotate->sources);
	hvp_profile_deinit(&annotate->profile);
	hvp_selection_deinit(&annotate->selection);
	hvp_facts_deinit(&annotate->facts);
	hvp_inputs_deinit(&annotate->inputs);
}

static struct hvp_filter *filter_of(struct annotate *annotate)
{
	return annotate->selection.filter.num ? &annotate->selection.filter : NULL;
}

struct owner_share {
	uint64_t owner, domain, samples;
};

static int compare_shares(const void *left_arg, const void *right_arg)
{
	const struct owner_share *left = left_arg, *right = right_arg;

	return left->samples > right->samples ? -1 : left->samples < right->samples;
}

/* Adds a place's samples to those of its owner; at most `max` owners are told apart. */
static size_t count_owner(struct owner_share *shares, size_t num, size_t max,
			  const struct hvp_spot *spot, uint64_t samples)
{
	size_t i = 0;

	while (i < num && (shares[i].owner != spot->values[HVP_DIM_OWNER] ||
			   shares[i].domain != spot->values[HVP_DIM_DOMAIN]))
		i++;
	if (i == max)
		return num;
	if (i == num)
		shares[num++] = (struct owner_share){.owner = spot->values[HVP_DIM_OWNER],
						     .domain = spot->values[HVP_DIM_DOMAIN]};
	shares[i].samples += samples;
	return num;
}

/* "domain web 80.00%, hypervisor for db 20.00%" */
static void spell_owners(const struct annotate *annotate, const struct owner_share *shares,
			 size_t num, uint64_t whole, struct hvp_buf *buf)
{
	for (size_t i = 0; i < num && i < MAX_NAMED_OWNERS; i++) {
		char unused[HVP_VALUE_TEXT], percent[64];
		const char *owner = hvp_owner_names[shares[i].owner];
		const char *domain = hvp_profile_text(&annotate->profile, HVP_DIM_DOMAIN,
						      shares[i].domain, unused);

		if (i)
			hvp_buf_add_bytes(buf, ", ", 2);
		hvp_buf_add_bytes(buf, owner, strlen(owner));
		if (shares[i].domain != HVP_VALUE_NONE) {
			hvp_buf_add_bytes(buf, shares[i].owner == HVP_OWNER_DOMAIN ? " " : " for ",
					  shares[i].owner == HVP_OWNER_DOMAIN ? 1 : 5);
			hvp_buf_add_bytes(buf, domain, strlen(domain));
		}
		snprintf(percent, sizeof(percent), " %.2f%%",
			 100 * (double)shares[i].samples / (double)whole);
		hvp_buf_add_bytes(buf, percent, strlen(percent));
	}
	if (num > MAX_NAMED_OWNERS)
		hvp_buf_add_bytes(buf, ", ...", 5);
	hvp_buf_add_u8(buf, 0);
}

/* Whose samples a function's are. */
static struct hvp_error *describe_owners(struct annotate *annotate,
					 const struct hvp_hot_function *function,
					 struct hvp_buf *ret)
{
	struct hvp_profile *profile = &annotate->profile;
	struct owner_share shares[256];
	size_t num = 0;

	for (size_t i = 0; i < profile->scan.places.num; i++) {
		struct hvp_spot spot;
		bool is_wanted = true;

		hvp_try(hvp_profile_resolve(profile, i, &spot));
		if (profile->described[spot.described].symbol != function->symbol)
			continue;
		if (filter_of(annotate))
			hvp_try(hvp_filter_match(filter_of(annotate), profile, &spot, &is_wanted));
		if (is_wanted)
			num = count_owner(shares, num, HVP_ARRAY_SIZE(shares), &spot,
					  profile->scan.places.places[i].samples);
	}
	qsort(shares, num, sizeof(*shares), compare_shares);
	spell_owners(annotate, shares, num, function->samples, ret);
	return hvp_buf_check(ret);
}

static struct hvp_error *print_function(struct annotate *annotate,
					const struct hvp_hot_function *function)
{
	const struct hvp_annotate_options annotate_options = {
		.filter = filter_of(annotate),
		.syntax = (enum hvp_asm_syntax)annotate->config->syntax,
		.sources = &annotate->sources,
	};
	hvp_scope(hvp_annotation_deinit) struct hvp_annotation annotation = {0};
	hvp_scope(hvp_buf_deinit) struct hvp_buf whose = {0};

	hvp_buf_init(&whose);
	hvp_try(hvp_annotation_init(&annotation, &annotate->profile, &annotate->functions, function,
				    &annotate_options));
	hvp_try(describe_owners(annotate, function, &whose));
	hvp_progress_clear(&annotate->inputs.progress);
	return annotate->ops->function(&annotate->view, &annotation, (const char *)whose.data);
}

/* The function has no samples: is there one of the name, or one with a similar name? */
static struct hvp_error *no_function(struct annotate *annotate, const char *name)
{
	hvp_scope(hvp_hot_functions_deinit) struct hvp_hot_functions all = {0};
	struct hvp_suggestion suggestion;

	hvp_try(hvp_hot_functions_init(&all, &annotate->profile, filter_of(annotate), NULL,
				       annotate->config->image));
	hvp_suggestion_init(&suggestion, name);
	for (size_t i = 0; i < all.num; i++)
		hvp_suggestion_try(&suggestion, all.items[i].symbol->name);
	return hvp_error_create(
		HVP_ERROR_NOT_FOUND,
		"no sample is in a function called \"%s\"%s%s%s%s; \"hvprof report\" "
		"lists those that have samples",
		name, annotate->config->image ? " of that image" : "",
		suggestion.nearest ? ", did you mean \"" : "",
		suggestion.nearest ? suggestion.nearest : "", suggestion.nearest ? "\"?" : "");
}

/*
 * Prints the hottest functions of the list until `max` are printed; those without code are named
 * behind them.
 */
static struct hvp_error *print_list(struct annotate *annotate, uint64_t max)
{
	struct hvp_error *first_err = NULL;
	uint64_t num_printed = 0;

	for (size_t i = 0; i < annotate->functions.num && num_printed < max; i++) {
		const struct hvp_hot_function *function = &annotate->functions.items[i];
		struct hvp_error *err = print_function(annotate, function);

		num_printed += !err;
		if (!err)
			continue;
		if (first_err)
			hvp_error_destroy(err);
		else
			first_err = hvp_error_wrap(err, "%s is not shown", function->symbol->name);
	}
	if (!num_printed)
		return first_err;
	if (first_err)
		annotate->ops->remark(&annotate->view, hvp_error_message(first_err));
	hvp_error_destroy(first_err);
	return NULL;
}

static struct hvp_error *print_functions(struct annotate *annotate, const char *name, uint64_t max)
{
	hvp_hot_functions_deinit(&annotate->functions);
	hvp_try(hvp_hot_functions_init(&annotate->functions, &annotate->profile,
				       filter_of(annotate), name, annotate->config->image));
	if (annotate->functions.num)
		return print_list(annotate, max);
	if (name)
		return no_function(annotate, name);
	return hvp_error_create(
		HVP_ERROR_NOT_FOUND,
		"no sample is in a function that is known: \"hvprof report\" says why");
}

static struct hvp_error *print_all(struct annotate *annotate, int num_names, char **names)
{
	char text[128];

	if (!num_names)
		hvp_try(print_functions(annotate, NULL, annotate->config->top));
	for (int i = 0; i < num_names; i++)
		hvp_try(print_functions(annotate, names[i], UINT64_MAX));
	if (annotate->functions.wrong_build) {
		snprintf(text, sizeof(text),
			 "%" PRIu64 " samples are in files that are here in another build only",
			 annotate->functions.wrong_build);
		annotate->ops->remark(&annotate->view, text);
	}
	return NULL;
}

static struct hvp_error *print_document(struct annotate *annotate, struct hvp_context *context,
					int num_names, char **names)
{
	struct hvp_pager *pager = NULL;
	struct hvp_error *err;

	if (annotate->config->format == 0)
		hvp_try(hvp_pager_start(&context->log, &annotate->view.out, &pager));
	err = annotate->ops->begin(&annotate->view);
	if (!err)
		err = print_all(annotate, num_names, names);
	if (annotate->config->format != 2 || annotate->view.state)
		annotate->ops->end(&annotate->view);
	hvp_pager_finish(pager, &annotate->view.out);
	context->is_degraded = hvp_session_damage(annotate->inputs.session) != NULL;
	return err;
}

static struct hvp_error *read_samples(struct annotate *annotate, const struct hvp_context *context)
{
	const struct hvp_profile_options profile_options = {
		.scan =
			{
				.event = annotate->selection.event,
				.time_from = annotate->selection.time_from,
				.time_until = annotate->selection.time_until,
				.by_address = true,
				.interrupted = context->interrupted,
			},
		.dims = annotate->selection.filter.dims,
	};

	hvp_progress_stage(&annotate->inputs.progress, "Reading samples", "samples",
			   hvp_session_num_samples(annotate->inputs.session));
	hvp_try(hvp_profile_init(&annotate->profile, annotate->inputs.session,
				 annotate->inputs.symbolizer, &profile_options));
	return hvp_selection_check_domains(&annotate->inputs, &annotate->profile.domains);
}

static struct hvp_error *run(struct hvp_context *context, const void *config_arg, int argc,
			     char **argv, int *ret_status)
{
	const struct config *config = config_arg;
	hvp_scope(annotate_deinit) struct annotate annotate = {.config = config};
	bool is_terminal = isatty(fileno(context->out));
	const char *path;

	*ret_status = 0;
	hvp_try(hvp_inputs_path(&config->input, 0, NULL, &path));
	hvp_try(hvp_sources_init(&annotate.sources, &config->prefixes, &config->sources));
	hvp_try(hvp_inputs_open(&annotate.inputs, context, &config->input, path));
	hvp_try(hvp_facts_init(&annotate.facts, annotate.inputs.session));
	hvp_try(hvp_selection_init(&annotate.selection, &config->selection, &annotate.inputs,
				   &annotate.facts));
	hvp_try(read_samples(&annotate, context));
	annotate.ops = formats[config->format];
	annotate.view = (struct hvp_annotate_view){
		.out = context->out,
		.has_color = context->has_color,
		.width = is_terminal ? hvp_term_width(context->out) : DEFAULT_WIDTH,
		.style = (enum hvp_annotate_style)config->style,
		.has_all = config->has_all,
		.sources = &annotate.sources,
		.kernel_release = hvp_session_info(annotate.inputs.session, HVP_INFO_KERNEL),
	};
	return print_document(&annotate, context, argc, argv);
}

const struct hvp_command hvp_cmd_annotate = {
	.name = "annotate",
	.summary = "show a function's source and assembly with its samples",
	.synopsis = "[OPTION...] [SYMBOL...]",
	.options = options,
	.examples = examples,
	.config_size = sizeof(struct config),
	.defaults = &defaults,
	.run = run,
};
