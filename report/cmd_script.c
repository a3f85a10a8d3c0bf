/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `hvprof script`: one line for each sample, in order of time. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/cli/commands.h"
#include "common/cli/suggest.h"
#include "common/cli/term.h"
#include "report/output/output.h"
#include "report/profile/selection.h"

/* Samples between two looks at Ctrl-C. */
#define INTERRUPT_MASK 0xfffu

struct config {
	struct hvp_input_config input;
	struct hvp_selection_config selection;
	const char *fields;
	bool has_chains;
	uint64_t limit;
	int format;
};

static const struct hvp_option options[] = {
	HVP_SESSION_OPTIONS(struct config, input),
	HVP_SELECTION_OPTIONS(struct config, selection, input),
	{.type = HVP_OPTION_GROUP, .help = "Output:"},
	HVP_FIELDS_OPTION(
		struct config, fields,
		"time cpu owner domain vcpu comm pid tid mode event period ip place symbol offset "
		"image line aspace chain",
		"the columns: time, cpu, owner, domain, vcpu, comm, pid, tid, mode, event, "
		"period, ip, place, symbol, offset, image, line, aspace, chain"),
	{.type = HVP_OPTION_FLAG,
	 .letter = 'g',
	 .name = "call-graph",
	 .offset = offsetof(struct config, has_chains),
	 .help = "add the call chain, innermost first"},
	{.type = HVP_OPTION_UINT,
	 .name = "limit",
	 .value = "N",
	 .offset = offsetof(struct config, limit),
	 .help = "end after N samples"},
	HVP_FORMAT_OPTION(struct config, format, "how to print; json is one object a line"),
	HVP_SYMBOL_OPTIONS(struct config, input),
	HVP_END_OF_OPTIONS,
};

static const struct config defaults = {.input = HVP_INPUT_DEFAULTS};

static const char *const examples[] = {
	"hvprof script --domain web --time 1-1.1",
	"what the vCPUs of web did in a tenth of a second",
	"hvprof script -g --format=json",
	"every sample with its call chain, one JSON object a line",
	NULL,
};

/* A sample on its way to a line. */
struct sample_view {
	const struct hvp_profile *profile;
	const struct hvp_row *row;
	const struct hvp_spot *spot;
	uint64_t start_time;
	/* "name+0x12" and the chain, NUL-terminated. */
	struct hvp_buf place, chain;
};

struct script_field {
	struct hvp_table_column table;
	hvp_dim_set dims;
	enum hvp_dim dim;
	void (*get)(const struct sample_view *view, const struct script_field *field,
		    struct hvp_cell *ret);
};

static void get_time(const struct sample_view *view, const struct script_field *field,
		     struct hvp_cell *ret)
{
	(void)field;
	ret->number = view->row->time > view->start_time ? view->row->time - view->start_time : 0;
}

static void get_ip(const struct sample_view *view, const struct script_field *field,
		   struct hvp_cell *ret)
{
	(void)field;
	ret->number = view->row->ip;
}

static void get_period(const struct sample_view *view, const struct script_field *field,
		       struct hvp_cell *ret)
{
	(void)field;
	ret->number = view->row->period;
}

static void get_value(const struct sample_view *view, const struct script_field *field,
		      struct hvp_cell *ret)
{
	uint64_t value = view->spot->values[field->dim];

	ret->is_null = value == HVP_VALUE_NONE;
	if (field->table.type == HVP_CELL_TEXT)
		ret->text = hvp_profile_text(view->profile, field->dim, value, ret->buf);
	else
		ret->number = value;
}

static void get_place(const struct sample_view *view, const struct script_field *field,
		      struct hvp_cell *ret)
{
	(void)field;
	ret->text = (const char *)view->place.data;
}

static void get_offset(const struct sample_view *view, const struct script_field *field,
		       struct hvp_cell *ret)
{
	const struct hvp_described *described = &view->profile->described[view->spot->described];

	(void)field;
	ret->is_null = !described->symbol;
	if (described->symbol)
		ret->number = described->address - described->symbol->address;
}

static void get_chain(const struct sample_view *view, const struct script_field *field,
		      struct hvp_cell *ret)
{
	(void)field;
	ret->text = (const char *)view->chain.data;
}

#define VALUE(dim, name, type, width)                                                              \
	{                                                                                          \
		{name, name, type, width, false}, HVP_DIM_BIT(dim), dim, get_value                 \
	}

static const struct script_field fields[] = {
	{{"time", "time", HVP_CELL_TIME, 12, false}, 0, 0, get_time},
	VALUE(HVP_DIM_CPU, "cpu", HVP_CELL_NUMBER, 3),
	VALUE(HVP_DIM_OWNER, "owner", HVP_CELL_TEXT, 10),
	VALUE(HVP_DIM_DOMAIN, "domain", HVP_CELL_TEXT, 12),
	VALUE(HVP_DIM_VCPU, "vcpu", HVP_CELL_NUMBER, 4),
	VALUE(HVP_DIM_COMM, "comm", HVP_CELL_TEXT, 15),
	VALUE(HVP_DIM_PID, "pid", HVP_CELL_NUMBER, 7),
	VALUE(HVP_DIM_TID, "tid", HVP_CELL_NUMBER, 7),
	VALUE(HVP_DIM_MODE, "mode", HVP_CELL_TEXT, 12),
	VALUE(HVP_DIM_EVENT, "event", HVP_CELL_TEXT, 10),
	{{"period", "period", HVP_CELL_NUMBER, 8, false}, 0, 0, get_period},
	{{"ip", "ip", HVP_CELL_HEX, 18, false}, 0, 0, get_ip},
	VALUE(HVP_DIM_IMAGE, "image", HVP_CELL_TEXT, 16),
	{{"place", "place", HVP_CELL_TEXT, 0, false}, 0, 0, get_place},
	VALUE(HVP_DIM_SYMBOL, "symbol", HVP_CELL_TEXT, 24),
	{{"offset", "offset", HVP_CELL_HEX, 8, false}, 0, 0, get_offset},
	VALUE(HVP_DIM_LINE, "line", HVP_CELL_TEXT, 24),
	VALUE(HVP_DIM_ASPACE, "aspace", HVP_CELL_HEX, 18),
	{{"chain", "chain", HVP_CELL_TEXT, 0, false}, 0, 0, get_chain},
};
#define NUM_FIELDS HVP_ARRAY_SIZE(fields)

#define DEFAULT_TEXT_FIELDS                                                                        \
	"time,cpu,owner,domain,vcpu,comm,pid,tid,mode,event,period,ip,image,place"
#define DEFAULT_MACHINE_FIELDS                                                                     \
	"time,cpu,owner,domain,vcpu,comm,pid,tid,mode,event,period,ip,image,symbol,offset"

struct script {
	const struct config *config;
	struct hvp_inputs inputs;
	struct hvp_facts facts;
	struct hvp_selection selection;
	struct hvp_profile profile;
	const struct script_field *fields[NUM_FIELDS];
	struct hvp_table_column columns[NUM_FIELDS];
	size_t num_fields;
	hvp_dim_set dims;
	bool has_place, has_chain;
	struct sample_view view;
	struct hvp_output output;
};

static void script_deinit(struct script *script)
{
	hvp_buf_deinit(&script->view.place);
	hvp_buf_deinit(&script->view.chain);
	hvp_profile_deinit(&script->profile);
	hvp_selection_deinit(&script->selection);
	hvp_facts_deinit(&script->facts);
	hvp_inputs_deinit(&script->inputs);
}

static struct hvp_error *unknown_field(const char *word)
{
	struct hvp_suggestion suggestion;

	hvp_suggestion_init(&suggestion, word);
	for (size_t i = 0; i < NUM_FIELDS; i++)
		hvp_suggestion_try(&suggestion, fields[i].table.name);
	return hvp_error_create(
		HVP_ERROR_USAGE, "--fields: no field \"%s\"%s%s%s; hvprof script --help lists them",
		word, suggestion.nearest ? ", did you mean \"" : "",
		suggestion.nearest ? suggestion.nearest : "", suggestion.nearest ? "\"?" : "");
}

static struct hvp_error *add_field(struct script *script, const char *word)
{
	for (size_t i = 0; i < NUM_FIELDS; i++) {
		if (strcmp(fields[i].table.name, word))
			continue;
		for (size_t j = 0; j < script->num_fields; j++) {
			if (script->fields[j] == &fields[i])
				return NULL;
		}
		script->columns[script->num_fields] = fields[i].table;
		script->fields[script->num_fields++] = &fields[i];
		script->dims |= fields[i].dims;
		script->has_place = script->has_place || fields[i].get == get_place;
		script->has_chain = script->has_chain || fields[i].get == get_chain;
		return NULL;
	}
	return unknown_field(word);
}

static struct hvp_error *choose_fields(struct script *script)
{
	const struct config *config = script->config;
	const char *text = config->fields	 ? config->fields
			   : config->format == 0 ? DEFAULT_TEXT_FIELDS
						 : DEFAULT_MACHINE_FIELDS;

	while (*text) {
		size_t size = strcspn(text, ",");
		char word[32];

		snprintf(word, sizeof(word), "%.*s", (int)(size < 31 ? size : 31), text);
		text += size + (text[size] == ',');
		hvp_try(add_field(script, word));
	}
	if (config->has_chains)
		hvp_try(add_field(script, "chain"));
	if (!script->num_fields)
		return hvp_error_create(HVP_ERROR_USAGE, "--fields: no field given");
	return NULL;
}

/*
 * "name+0x12", or the raw address where there is no symbol. `beyond` is 1 for frames, which are
 * looked up by the byte before the return address.
 */
static void spell_place(const struct hvp_profile *profile, const struct hvp_spot *spot,
			unsigned int beyond, struct hvp_buf *buf)
{
	const struct hvp_described *described = &profile->described[spot->described];
	char offset[32];
	const char *name =
		described->symbol ? described->symbol->name : hvp_unresolved_label(described->why);

	hvp_buf_add_bytes(buf, name, strlen(name));
	snprintf(offset, sizeof(offset), described->symbol ? "+0x%" PRIx64 : " 0x%" PRIx64,
		 (described->symbol ? described->address - described->symbol->address
				    : described->address) +
			 beyond);
	hvp_buf_add_bytes(buf, offset, strlen(offset));
}

static struct hvp_error *spell_chain(struct script *script, const struct hvp_row *row,
				     const struct hvp_spot *spot)
{
	struct hvp_buf *buf = &script->view.chain;
	uint64_t frames[HVP_MAX_CHAIN];
	struct hvp_chain chain = hvp_session_stack(script->inputs.session, row->stack, frames);

	hvp_buf_clear(buf);
	for (uint32_t i = 0; i < chain.num_frames; i++) {
		struct hvp_spot frame;

		hvp_try(hvp_profile_resolve_call(&script->profile, row, spot, chain.frames[i],
						 i < chain.num_kernel, &frame));
		if (i)
			hvp_buf_add_bytes(buf, " <- ", 4);
		spell_place(&script->profile, &frame, 1, buf);
	}
	hvp_buf_add_u8(buf, 0);
	return hvp_buf_check(buf);
}

static struct hvp_error *print_sample(struct script *script, const struct hvp_row *row,
				      const struct hvp_spot *spot)
{
	struct hvp_cell cells[NUM_FIELDS] = {0};
	struct sample_view *view = &script->view;

	view->row = row;
	view->spot = spot;
	if (script->has_place) {
		hvp_buf_clear(&view->place);
		spell_place(&script->profile, spot, 0, &view->place);
		hvp_buf_add_u8(&view->place, 0);
		hvp_try(hvp_buf_check(&view->place));
	}
	if (script->has_chain)
		hvp_try(spell_chain(script, row, spot));
	for (size_t i = 0; i < script->num_fields; i++)
		script->fields[i]->get(view, script->fields[i], &cells[i]);
	script->output.ops->row(&script->output, cells, NULL);
	return NULL;
}

static bool is_selected(const struct hvp_selection *selection, const struct hvp_row *row)
{
	return row->time >= selection->time_from && row->time <= selection->time_until &&
	       (selection->event == HVP_EVENT_ALL || selection->event == row->event);
}

static struct hvp_error *print_samples(struct script *script, const struct hvp_context *context)
{
	hvp_scope(hvp_session_cursor_destroy_scope) struct hvp_session_cursor *cursor = NULL;
	struct hvp_task_cache comms = {0};
	const struct hvp_row *row = NULL;
	uint64_t num_printed = 0;
	struct hvp_spot spot;

	hvp_try(hvp_session_cursor_create(script->inputs.session, &cursor));
	for (uint64_t i = 0;; i++) {
		bool is_wanted = true;

		if (!(i & INTERRUPT_MASK) && (*context->interrupted || ferror(script->output.out)))
			return NULL;
		hvp_try(hvp_session_cursor_next(cursor, &row));
		if (!row || (script->config->limit && num_printed == script->config->limit))
			return NULL;
		if (!is_selected(&script->selection, row))
			continue;
		hvp_try(hvp_domains_add(&script->profile.domains, row->domain));
		hvp_try(hvp_profile_resolve_row(
			&script->profile, row,
			hvp_tasks_comm(&script->profile.tasks, &comms, row->tid, row->time),
			&spot));
		if (script->selection.filter.num)
			hvp_try(hvp_filter_match(&script->selection.filter, &script->profile, &spot,
						 &is_wanted));
		if (!is_wanted)
			continue;
		hvp_try(print_sample(script, row, &spot));
		num_printed++;
	}
}

static struct hvp_error *print_script(struct script *script, struct hvp_context *context)
{
	const struct hvp_table table = {.key = "samples",
					.columns = script->columns,
					.num_columns = script->num_fields,
					.is_streamed = true};
	struct hvp_output *output = &script->output;
	struct hvp_pager *pager = NULL;
	struct hvp_error *err, *write_err;

	hvp_progress_clear(&script->inputs.progress);
	if (script->config->format == 0)
		hvp_try(hvp_pager_start(&context->log, &output->out, &pager));
	output->ops->begin(output, "hvprof-script/1");
	output->ops->table_begin(output, &table);
	err = print_samples(script, context);
	output->ops->table_end(output, NULL);
	output->ops->end(output);
	write_err = hvp_output_finish(output);
	hvp_pager_finish(pager, &output->out);
	if (!err)
		return write_err;
	hvp_error_destroy(write_err);
	return err;
}

static struct hvp_error *run(struct hvp_context *context, const void *config_arg, int argc,
			     char **argv, int *ret_status)
{
	const struct config *config = config_arg;
	hvp_scope(script_deinit) struct script script = {.config = config};
	const char *path;

	*ret_status = 0;
	hvp_try(hvp_inputs_path(&config->input, argc, argv, &path));
	hvp_try(choose_fields(&script));
	hvp_try(hvp_inputs_open(&script.inputs, context, &config->input, path));
	hvp_try(hvp_facts_init(&script.facts, script.inputs.session));
	hvp_try(hvp_selection_init(&script.selection, &config->selection, &script.inputs,
				   &script.facts));
	hvp_try(hvp_profile_init_empty(&script.profile, script.inputs.session,
				       script.inputs.symbolizer,
				       script.dims | script.selection.filter.dims));
	hvp_try(hvp_selection_check_domains(&script.inputs, &script.profile.domains));
	script.view.profile = &script.profile;
	script.view.start_time = script.facts.start_time;
	script.output = (struct hvp_output){
		.ops = hvp_output_by_index(config->format),
		.out = context->out,
		.has_color = context->has_color,
		.is_lines = true,
	};
	context->is_degraded = hvp_session_damage(script.inputs.session) != NULL;
	return print_script(&script, context);
}

const struct hvp_command hvp_cmd_script = {
	.name = "script",
	.summary = "print every sample, one line each, in order of time",
	.synopsis = "[OPTION...] [SESSION]",
	.arguments = "file",
	.options = options,
	.examples = examples,
	.config_size = sizeof(struct config),
	.defaults = &defaults,
	.run = run,
};
