/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `hvprof report`: where the samples went, by domain, hypervisor, host and idle. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/cli/commands.h"
#include "common/cli/term.h"
#include "common/cli/text.h"
#include "common/session/format.h"
#include "report/output/columns.h"
#include "report/profile/sections.h"
#include "report/profile/selection.h"

#define DEFAULT_SORT "domain,image,symbol"
/* Rows of a section when text is printed and nothing else is said. */
#define DEFAULT_TEXT_ROWS 25u
#define LIMIT_UNSET UINT64_MAX
/* Branches of a call tree below this share of their row are left out. */
#define TREE_PERCENT_LIMIT 2.0

struct config {
	struct hvp_input_config input;
	struct hvp_selection_config selection;
	const char *sort, *fields, *call_graph;
	double percent_limit;
	uint64_t limit, threads;
	bool has_children, has_callers, has_callees, has_inlines;
	int weight, format;
};

static const char *const weights[] = {"samples", "period", NULL};

static const struct hvp_option options[] = {
	HVP_SESSION_OPTIONS(struct config, input),
	HVP_SELECTION_OPTIONS(struct config, selection, input),
	{.type = HVP_OPTION_GROUP, .help = "Rows and columns:"},
	{.type = HVP_OPTION_STRING,
	 .letter = 's',
	 .name = "sort",
	 .value = "KEYS",
	 .offset = offsetof(struct config, sort),
	 .completion = "owner domain vcpu mode cpu pid tid comm image symbol line event address "
		       "aspace",
	 .help = "what rows are told apart by: owner, domain, vcpu, mode, cpu, pid, tid, comm, "
		 "image, symbol, line, event, address, aspace (default domain,image,symbol)"},
	HVP_FIELDS_OPTION(struct config, fields, HVP_REPORT_FIELDS,
			  "the columns, or +NAME,-NAME to add and remove some; "
			  "there are " HVP_REPORT_FIELDS),
	{.type = HVP_OPTION_DOUBLE,
	 .name = "percent-limit",
	 .value = "PERCENT",
	 .offset = offsetof(struct config, percent_limit),
	 .help = "leave out rows below this share of the total"},
	{.type = HVP_OPTION_UINT,
	 .name = "limit",
	 .value = "ROWS",
	 .offset = offsetof(struct config, limit),
	 .help = "rows of each section, 0 for all (default 25 in text, all in CSV and JSON)"},
	{.type = HVP_OPTION_CHOICE,
	 .name = "weight",
	 .offset = offsetof(struct config, weight),
	 .choices = weights,
	 .help = "what shares are of: samples, or the events they stand for"},
	{.type = HVP_OPTION_FLAG,
	 .name = "children",
	 .offset = offsetof(struct config, has_children),
	 .help = "count callees into their callers, by call chains"},
	{.type = HVP_OPTION_OPTIONAL,
	 .letter = 'g',
	 .name = "call-graph",
	 .value = "VIEW",
	 .offset = offsetof(struct config, call_graph),
	 .help = "call trees below the rows: callers (default) or callees"},
	{.type = HVP_OPTION_FLAG,
	 .name = "callers",
	 .offset = offsetof(struct config, has_callers),
	 .help = "the same as --call-graph=callers"},
	{.type = HVP_OPTION_FLAG,
	 .name = "callees",
	 .offset = offsetof(struct config, has_callees),
	 .help = "the same as --call-graph=callees"},
	{.type = HVP_OPTION_FLAG,
	 .name = "inline",
	 .offset = offsetof(struct config, has_inlines),
	 .help = "show inlined functions in call trees (default yes)"},
	HVP_SYMBOL_OPTIONS(struct config, input),
	{.type = HVP_OPTION_GROUP, .help = "Output:"},
	HVP_FORMAT_OPTION(struct config, format, "how to print"),
	{.type = HVP_OPTION_UINT,
	 .name = "threads",
	 .value = "N",
	 .offset = offsetof(struct config, threads),
	 .help = "threads that read samples (default one for each CPU)"},
	HVP_END_OF_OPTIONS,
};

static const struct config defaults = {
	.input = HVP_INPUT_DEFAULTS,
	.limit = LIMIT_UNSET,
	.has_inlines = true,
};

static const char *const examples[] = {
	"hvprof report",
	"the hottest functions of each domain, the hypervisor and the host",
	"hvprof report --domain web --sort vcpu,symbol --time 10-20",
	"one domain by vCPU, ten seconds of it",
	"hvprof report --children -g --guest web=kallsyms:web.kallsyms",
	"inclusive shares with callers, the guest's kernel resolved",
	"hvprof report --format=json",
	"everything for a program (docs/report-json.md)",
	NULL,
};

/* Everything a report is made of. */
struct report {
	const struct config *config;
	struct hvp_inputs inputs;
	struct hvp_facts facts;
	struct hvp_selection selection;
	struct hvp_profile profile;
	struct hvp_entries_options entries_options;
	struct hvp_entries entries;
	struct hvp_trees trees;
	enum hvp_tree_kind tree_kind;
	struct hvp_fields fields;
	/* --fields named exactly what is wanted. */
	bool has_exact_fields;
	struct hvp_output output;
};

static void report_deinit(struct report *report)
{
	hvp_trees_deinit(&report->trees);
	hvp_entries_deinit(&report->entries);
	hvp_profile_deinit(&report->profile);
	hvp_selection_deinit(&report->selection);
	hvp_facts_deinit(&report->facts);
	hvp_inputs_deinit(&report->inputs);
}

static struct hvp_error *choose_tree(struct report *report)
{
	const struct config *config = report->config;
	const char *view = config->call_graph;

	if (config->has_callers || (view && (!*view || !strcmp(view, "callers"))))
		report->tree_kind = HVP_TREE_CALLERS;
	else if (config->has_callees || (view && !strcmp(view, "callees")))
		report->tree_kind = HVP_TREE_CALLEES;
	else if (view)
		return hvp_error_create(HVP_ERROR_USAGE,
					"--call-graph: no view \"%s\"; there are callers and "
					"callees",
					view);
	return NULL;
}

/* Machines get one set of columns for all sections: whose row it is, what people see, and more. */
static void make_machine_fields(struct hvp_fields *fields, const struct config *config)
{
	static const char *const names[] = {"period", "vcpu", "vcpus", NULL};
	const struct hvp_fields usual = *fields;

	*fields = (struct hvp_fields){0};
	hvp_fields_add(fields, "owner");
	hvp_fields_add(fields, "domain");
	for (size_t i = 0; i < usual.num; i++)
		hvp_fields_add(fields, usual.columns[i]->table.name);
	for (size_t i = 0; names[i]; i++)
		hvp_fields_add(fields, names[i]);
	if (config->has_children)
		hvp_fields_add(fields, "children_samples");
	if (fields->dims & HVP_DIM_BIT(HVP_DIM_SYMBOL))
		hvp_fields_add(fields, "unresolved");
}

static struct hvp_error *choose_columns(struct report *report)
{
	const struct config *config = report->config;
	struct hvp_dim_list *sort = &report->entries_options.sort;

	hvp_try(hvp_dim_list_parse("--sort", config->sort ? config->sort : DEFAULT_SORT, sort));
	if (sort->set & HVP_DIM_BIT(HVP_DIM_DOMAIN) && !(sort->set & HVP_DIM_BIT(HVP_DIM_OWNER))) {
		sort->dims[sort->num++] = HVP_DIM_OWNER;
		sort->set |= HVP_DIM_BIT(HVP_DIM_OWNER);
	}
	hvp_fields_init(&report->fields, sort, config->has_children);
	if (config->format != 0)
		make_machine_fields(&report->fields, config);
	if (!config->fields)
		return NULL;
	report->has_exact_fields = *config->fields != '+' && *config->fields != '-';
	return hvp_fields_parse(&report->fields, config->fields);
}

static void show_progress(void *arg, uint64_t done)
{
	hvp_progress_update(arg, done);
}

static struct hvp_error *read_profile(struct report *report, const struct hvp_context *context)
{
	const struct config *config = report->config;
	struct hvp_inputs *inputs = &report->inputs;
	bool has_default_fields = !config->sort && !report->has_exact_fields;
	struct hvp_profile_options profile_options = {
		.scan =
			{
				.event = report->selection.event,
				.time_from = report->selection.time_from,
				.time_until = report->selection.time_until,
				.by_stack =
					config->has_children || report->tree_kind != HVP_TREE_NONE,
				/* The innermost function of a tree can be an inlined one. */
				.by_address =
					report->tree_kind != HVP_TREE_NONE && config->has_inlines,
				.num_threads = (unsigned int)config->threads,
				.interrupted = context->interrupted,
				.progress = show_progress,
				.progress_arg = &inputs->progress,
			},
		.dims = report->entries_options.sort.set | report->fields.dims |
			report->selection.filter.dims,
		.comm_owners = has_default_fields && config->format == 0
				       ? 1u << HVP_OWNER_HOST | 1u << HVP_OWNER_IDLE
				       : 0,
	};

	hvp_progress_stage(&inputs->progress, "Reading samples", "samples",
			   hvp_session_num_samples(inputs->session));
	return hvp_profile_init(&report->profile, inputs->session, inputs->symbolizer,
				&profile_options);
}

static struct hvp_error *compute(struct report *report)
{
	const struct config *config = report->config;
	struct hvp_entries_options *entries_options = &report->entries_options;

	entries_options->filter = report->selection.filter.num ? &report->selection.filter : NULL;
	entries_options->weight = (enum hvp_weight)config->weight;
	entries_options->has_children = config->has_children;
	entries_options->percent_limit = config->percent_limit;
	entries_options->limit = config->limit != LIMIT_UNSET ? config->limit
				 : config->format == 0	      ? DEFAULT_TEXT_ROWS
							      : 0;
	entries_options->time_from = report->selection.time_from;
	entries_options->time_until = report->selection.time_until;
	hvp_progress_stage(&report->inputs.progress, "Finding symbols", NULL, 0);
	hvp_try(hvp_entries_init(&report->entries, &report->profile, entries_options));
	hvp_try(hvp_sections_make(&report->entries));
	if (report->tree_kind == HVP_TREE_NONE)
		return NULL;
	hvp_progress_stage(&report->inputs.progress, "Building call trees", NULL, 0);
	return hvp_trees_init(&report->trees, &report->entries, report->tree_kind,
			      config->has_inlines);
}

/* Of one command or some processes nothing is said of the machine. */
static bool is_of_machine(const struct report *report)
{
	const char *target = hvp_session_info(report->inputs.session, HVP_INFO_TARGET);

	return !target || (strcmp(target, "one command") && strcmp(target, "some processes"));
}

/* "web (qemu, ..., 2 vCPUs): 41.20% of the machine's samples" */
static void section_title(const struct report *report, const struct hvp_section *section, char *buf,
			  size_t size)
{
	static const char *const names[HVP_NUM_OWNERS] = {"domains", "hypervisor", "host",
							  "idle",    "unknown",	   "lost"};
	const struct hvp_entries *entries = &report->entries;
	const struct hvp_domain_info *info =
		section->domain == HVP_VALUE_NONE
			? NULL
			: hvp_domains_find(&report->profile.domains, (uint32_t)section->domain);
	uint64_t weight = hvp_weigh(entries, section->samples, section->period);
	char title[600], percent[HVP_TEXT_NUMBER];

	if (info)
		hvp_domain_title(info, title, sizeof(title));
	else
		snprintf(title, sizeof(title), "%s",
			 section->owner < HVP_NUM_OWNERS ? names[section->owner] : "all samples");
	snprintf(buf, size, "%s: %s of %s %s", title,
		 hvp_text_percent(percent, (double)weight, (double)entries->weight),
		 is_of_machine(report) ? "the machine's" : "the",
		 entries->options->weight == HVP_WEIGHT_SAMPLES ? "samples" : "events");
}

/* The fields that say something in a section of text. */
static void section_fields(const struct report *report, const struct hvp_section *section,
			   struct hvp_fields *ret)
{
	bool is_host = section->owner == HVP_OWNER_HOST || section->owner == HVP_OWNER_IDLE;

	*ret = report->fields;
	if (report->has_exact_fields || report->config->format != 0)
		return;
	/* Nothing but dashes, where there are no guests. */
	if (!report->profile.domains.num && !report->config->fields)
		hvp_fields_remove(ret, "vcpus");
	if (section->domain != HVP_VALUE_NONE || is_host || section->owner == HVP_OWNER_UNKNOWN)
		hvp_fields_remove(ret, "domain");
	if (!is_host || report->config->sort)
		return;
	hvp_fields_remove(ret, "vcpus");
	/* In front of the image, as perf has it. */
	for (size_t i = 0; i < ret->num; i++) {
		if (strcmp(ret->columns[i]->table.name, "image") || ret->num == HVP_MAX_FIELDS)
			continue;
		hvp_fields_add(ret, "comm");
		memmove(&ret->columns[i + 1], &ret->columns[i],
			(ret->num - 1 - i) * sizeof(*ret->columns));
		for (size_t j = 0; j < hvp_num_columns; j++) {
			if (!strcmp(hvp_columns[j].table.name, "comm"))
				ret->columns[i] = &hvp_columns[j];
		}
		return;
	}
}

static void print_rows(struct report *report, const struct hvp_section *section,
		       const struct hvp_fields *fields)
{
	for (size_t i = 0; i < section->num_shown; i++) {
		const struct hvp_entry *entry = &report->entries.items[section->first + i];
		struct hvp_row_view view = {&report->entries, section, entry};
		struct hvp_tree_view tree = {&report->trees, entry->tree, TREE_PERCENT_LIMIT};
		struct hvp_cell cells[HVP_MAX_FIELDS] = {0};

		for (size_t j = 0; j < fields->num; j++)
			fields->columns[j]->get(&view, fields->columns[j], &cells[j]);
		report->output.ops->row(&report->output, cells,
					entry->tree == HVP_NO_TREE ? NULL : &tree);
	}
}

static void print_section(struct report *report, const struct hvp_section *section,
			  struct hvp_table_column *columns)
{
	struct hvp_table table = {.key = "entries", .columns = columns};
	char title[700], remark[160], percent[HVP_TEXT_NUMBER], number[HVP_TEXT_NUMBER];
	uint64_t omitted =
		hvp_weigh(&report->entries, section->omitted_samples, section->omitted_period);
	struct hvp_fields fields;

	section_fields(report, section, &fields);
	for (size_t i = 0; i < fields.num; i++) {
		columns[i] = fields.columns[i]->table;
		if (section->owner == HVP_OWNER_DOMAIN && !strcmp(columns[i].name, "share_owner"))
			columns[i].heading = "of domain";
		if (section->owner == HVP_OWNER_HYPERVISOR && !strcmp(columns[i].name, "domain"))
			columns[i].heading = "for domain";
	}
	table.num_columns = fields.num;
	section_title(report, section, title, sizeof(title));
	table.title = title;
	report->output.ops->table_begin(&report->output, &table);
	print_rows(report, section, &fields);
	snprintf(remark, sizeof(remark), "%s more rows with %s of the total (--limit 0 shows all)",
		 hvp_text_number(number, section->num - section->num_shown),
		 hvp_text_percent(percent, (double)omitted, (double)report->entries.weight));
	report->output.ops->table_end(&report->output,
				      section->num > section->num_shown ? remark : NULL);
}

static struct hvp_error *print_report(struct report *report, struct hvp_context *context)
{
	struct hvp_head head = {
		.facts = &report->facts,
		.entries = &report->entries,
		.selection = (const char *)report->selection.text.data,
		.event = report->selection.event,
	};
	struct hvp_output *output = &report->output;
	struct hvp_table_column columns[HVP_MAX_FIELDS];
	struct hvp_table nothing = {.key = "entries", .columns = columns};
	struct hvp_pager *pager = NULL;
	struct hvp_error *err;

	hvp_try(hvp_head_conclude(&head, &report->facts));
	hvp_progress_clear(&report->inputs.progress);
	context->is_degraded = hvp_head_is_degraded(&head);
	if (report->config->format == 0)
		hvp_try(hvp_pager_start(&context->log, &output->out, &pager));
	output->ops->begin(output, "hvprof-report/1");
	output->ops->head(output, &head);
	for (size_t i = 0; i < report->entries.num_sections; i++)
		print_section(report, &report->entries.sections[i], columns);
	if (!report->entries.num_sections && report->config->format != 0) {
		for (size_t i = 0; i < report->fields.num; i++)
			columns[i] = report->fields.columns[i]->table;
		nothing.num_columns = report->fields.num;
		output->ops->table_begin(output, &nothing);
		output->ops->table_end(output, NULL);
	}
	output->ops->end(output);
	err = hvp_output_finish(output);
	hvp_pager_finish(pager, &output->out);
	return err;
}

static struct hvp_error *run_report(struct report *report, struct hvp_context *context,
				    const char *path)
{
	hvp_try(choose_tree(report));
	hvp_try(choose_columns(report));
	hvp_try(hvp_inputs_open(&report->inputs, context, &report->config->input, path));
	hvp_try(hvp_facts_init(&report->facts, report->inputs.session));
	hvp_try(hvp_selection_init(&report->selection, &report->config->selection, &report->inputs,
				   &report->facts));
	hvp_try(read_profile(report, context));
	hvp_try(hvp_selection_check_domains(&report->inputs, &report->profile.domains));
	hvp_try(compute(report));
	return print_report(report, context);
}

static struct hvp_error *run(struct hvp_context *context, const void *config_arg, int argc,
			     char **argv, int *ret_status)
{
	const struct config *config = config_arg;
	hvp_scope(report_deinit) struct report report = {.config = config};
	const char *path;

	*ret_status = 0;
	hvp_try(hvp_inputs_path(&config->input, argc, argv, &path));
	report.output = (struct hvp_output){
		.ops = hvp_output_by_index(config->format),
		.out = context->out,
		.has_color = context->has_color,
		.width = isatty(fileno(context->out)) ? hvp_term_width(context->out) : 0,
	};
	return run_report(&report, context, path);
}

const struct hvp_command hvp_cmd_report = {
	.name = "report",
	.summary = "show where the samples went, by domain, hypervisor and host",
	.synopsis = "[OPTION...] [SESSION]",
	.arguments = "file",
	.options = options,
	.examples = examples,
	.config_size = sizeof(struct config),
	.defaults = &defaults,
	.run = run,
};
