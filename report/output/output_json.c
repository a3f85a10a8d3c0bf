/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON: docs/report-json.md is its description. One document, or one object a line for `script`. */
#include "report/output/output.h"

#include <stdlib.h>
#include <string.h>

#include "common/cli/json_out.h"
#include "common/session/format.h"
#include "report/output/json_parts.h"

struct json_state {
	struct hvp_json json;
	const struct hvp_table *table;
	/* The key of the array that is open, or NULL. */
	const char *open_key;
};

static void json_begin(struct hvp_output *output, const char *schema)
{
	struct json_state *state = calloc(1, sizeof(*state));

	output->state = state;
	output->has_failed = !state;
	if (!state)
		return;
	hvp_json_init(&state->json, output->out, !output->is_lines);
	if (output->is_lines)
		return;
	hvp_json_begin_object(&state->json, NULL);
	hvp_json_string(&state->json, "schema", schema);
	hvp_json_string(&state->json, "version", HVP_VERSION);
}

static void close_array(struct json_state *state)
{
	if (state->open_key)
		hvp_json_end_array(&state->json);
	state->open_key = NULL;
}

static void json_end(struct hvp_output *output)
{
	struct json_state *state = output->state;

	if (state && !output->is_lines) {
		close_array(state);
		hvp_json_end_object(&state->json);
		hvp_json_finish(&state->json);
	}
	free(state);
	output->state = NULL;
}

static double percent_of(uint64_t part, uint64_t whole)
{
	return whole ? 100 * (double)part / (double)whole : 0;
}

static void write_session(struct hvp_json *json, const struct hvp_head *head)
{
	const struct hvp_facts *facts = head->facts;
	const struct hvp_session *session = facts->session;
	char start[64];

	hvp_json_begin_object(json, "session");
	hvp_json_string(json, "path", hvp_session_path(session));
	hvp_json_string(json, "command", hvp_session_info(session, HVP_INFO_COMMAND));
	hvp_json_string(json, "host", hvp_session_info(session, HVP_INFO_HOSTNAME));
	hvp_json_string(json, "kernel", hvp_session_info(session, HVP_INFO_KERNEL));
	hvp_facts_start_text(facts, start, sizeof(start));
	hvp_json_string(json, "start", *start ? start : NULL);
	hvp_json_double(json, "duration_s", (double)(facts->end_time - facts->start_time) / 1e9);
	hvp_json_uint(json, "cpus", facts->num_cpus);
	hvp_json_string(json, "damage", hvp_session_damage(session));
	hvp_json_string(json, "selection", *head->selection ? head->selection : NULL);
	hvp_json_begin_array(json, "events");
	for (size_t i = 0; i < hvp_session_num_events(session); i++) {
		const struct hvp_event_info *event = hvp_session_event(session, i);

		hvp_json_begin_object(json, NULL);
		hvp_json_add_event(json, event);
		hvp_json_bool(json, "is_selected",
			      head->event == HVP_EVENT_ALL || head->event == i);
		hvp_json_end_object(json);
	}
	hvp_json_end_array(json);
	hvp_json_end_object(json);
}

static void write_domains(struct hvp_json *json, const struct hvp_head *head)
{
	const struct hvp_totals *totals = &head->entries->totals;

	hvp_json_begin_array(json, "domains");
	for (size_t i = 0; i < totals->num_domains; i++) {
		const struct hvp_domain_totals *domain = &totals->domains[i];
		const struct hvp_domain_info *info =
			hvp_domains_find(&head->entries->profile->domains, domain->domain);
		uint64_t samples = domain->kernel + domain->user;

		hvp_json_begin_object(json, NULL);
		hvp_json_add_domain(json, info);
		hvp_json_uint(json, "vcpus", info->num_distinct_vcpus);
		hvp_json_uint(json, "samples", samples);
		hvp_json_double(json, "share", percent_of(samples, totals->total));
		hvp_json_uint(json, "kernel", domain->kernel);
		hvp_json_uint(json, "user", domain->user);
		hvp_json_uint(json, "hypervisor", domain->hypervisor);
		hvp_json_uint(json, "period", domain->period);
		hvp_json_end_object(json);
	}
	hvp_json_end_array(json);
}

static void write_totals(struct hvp_json *json, const struct hvp_head *head)
{
	static const char *const where[HVP_NUM_LOST_WHERE] = {"ring", "collector", "file"};
	const struct hvp_totals *totals = &head->entries->totals;

	hvp_json_begin_object(json, "totals");
	hvp_json_uint(json, "total", totals->total);
	for (unsigned int i = 0; i < HVP_NUM_OWNERS; i++)
		hvp_json_uint(json, i == HVP_OWNER_DOMAIN ? "guest" : hvp_owner_names[i],
			      totals->owners[i]);
	hvp_json_uint(json, "filtered", totals->filtered);
	hvp_json_uint(json, "outside", totals->outside);
	hvp_json_begin_object(json, "lost_by");
	for (unsigned int i = 0; i < HVP_NUM_LOST_WHERE; i++)
		hvp_json_uint(json, where[i], totals->lost[i]);
	hvp_json_uint(json, "unreadable", totals->lost_unreadable);
	hvp_json_end_object(json);
	hvp_json_uint(json, "lost_records", totals->lost_records);
	hvp_json_uint(json, "throttled", head->facts->num_throttles);
	hvp_json_uint(json, "cpus_offline", head->facts->num_offline);
	write_domains(json, head);
	hvp_json_end_object(json);
}

static void write_culprits(struct hvp_json *json, const struct hvp_head *head,
			   enum hvp_unresolved why)
{
	const struct hvp_culprits *culprits = &head->entries->totals.culprits;
	enum hvp_dim dim = hvp_culprits_dim(why);
	char buf[HVP_VALUE_TEXT];

	hvp_json_begin_array(json, "most");
	for (unsigned int i = 0; i < HVP_NUM_CULPRITS && culprits->most[why][i].samples; i++) {
		hvp_json_begin_object(json, NULL);
		hvp_json_string(json, hvp_dims[dim].name,
				hvp_profile_text(head->entries->profile, dim,
						 culprits->most[why][i].value, buf));
		hvp_json_uint(json, "samples", culprits->most[why][i].samples);
		hvp_json_end_object(json);
	}
	hvp_json_end_array(json);
}

static void write_unresolved(struct hvp_json *json, const struct hvp_head *head)
{
	const struct hvp_totals *totals = &head->entries->totals;

	hvp_json_begin_array(json, "unresolved");
	for (unsigned int i = 0; i < HVP_NUM_UNRESOLVED; i++) {
		if (!totals->unresolved[i])
			continue;
		hvp_json_begin_object(json, NULL);
		hvp_json_string(json, "reason", hvp_unresolved_word(i));
		hvp_json_uint(json, "samples", totals->unresolved[i]);
		hvp_json_double(json, "share", percent_of(totals->unresolved[i], totals->total));
		hvp_json_string(json, "text", hvp_unresolved_text(i));
		write_culprits(json, head, i);
		hvp_json_end_object(json);
	}
	hvp_json_end_array(json);
}

static void write_sections(struct hvp_json *json, const struct hvp_head *head)
{
	const struct hvp_entries *entries = head->entries;

	hvp_json_begin_array(json, "sections");
	for (size_t i = 0; i < entries->num_sections; i++) {
		const struct hvp_section *section = &entries->sections[i];
		char buf[HVP_VALUE_TEXT];

		hvp_json_begin_object(json, NULL);
		hvp_json_string(
			json, "owner",
			hvp_profile_text(entries->profile, HVP_DIM_OWNER, section->owner, buf));
		if (section->domain == HVP_VALUE_NONE)
			hvp_json_null(json, "domain");
		else
			hvp_json_string(json, "domain",
					hvp_profile_text(entries->profile, HVP_DIM_DOMAIN,
							 section->domain, buf));
		hvp_json_uint(json, "samples", section->samples);
		hvp_json_uint(json, "rows", section->num);
		hvp_json_uint(json, "omitted_rows", section->num - section->num_shown);
		hvp_json_uint(json, "omitted_samples", section->omitted_samples);
		hvp_json_end_object(json);
	}
	hvp_json_end_array(json);
}

static void json_head(struct hvp_output *output, const struct hvp_head *head)
{
	struct json_state *state = output->state;

	if (!state || output->is_lines)
		return;
	write_session(&state->json, head);
	write_totals(&state->json, head);
	write_unresolved(&state->json, head);
	hvp_json_add_overhead(&state->json, "overhead", head->facts);
	hvp_json_begin_array(&state->json, "notes");
	for (size_t i = 0; i < head->facts->num_notes; i++)
		hvp_json_string(&state->json, NULL, head->facts->notes[i]);
	hvp_json_end_array(&state->json);
	write_sections(&state->json, head);
}

static void json_table_begin(struct hvp_output *output, const struct hvp_table *table)
{
	struct json_state *state = output->state;

	if (!state)
		return;
	state->table = table;
	if (output->is_lines || (state->open_key && !strcmp(state->open_key, table->key)))
		return;
	close_array(state);
	state->open_key = table->key;
	hvp_json_begin_array(&state->json, table->key);
}

static void write_vcpus(struct hvp_json *json, const char *key, const struct hvp_vcpu_set *set)
{
	hvp_json_begin_array(json, key);
	for (uint32_t vcpu = hvp_vcpu_set_next(set, 0); vcpu != UINT32_MAX;
	     vcpu = hvp_vcpu_set_next(set, vcpu + 1))
		hvp_json_uint(json, NULL, vcpu);
	hvp_json_end_array(json);
}

static void write_cell(struct hvp_json *json, const struct hvp_table_column *column,
		       const struct hvp_cell *cell)
{
	if (cell->is_null) {
		hvp_json_null(json, column->name);
		return;
	}
	switch (column->type) {
	case HVP_CELL_TEXT: hvp_json_string(json, column->name, cell->text); break;
	case HVP_CELL_COUNT:
	case HVP_CELL_NUMBER:
	case HVP_CELL_TIME: hvp_json_uint(json, column->name, cell->number); break;
	case HVP_CELL_HEX: hvp_json_hex(json, column->name, cell->number); break;
	case HVP_CELL_PERCENT: hvp_json_double(json, column->name, cell->percent); break;
	case HVP_CELL_VCPUS: write_vcpus(json, column->name, cell->vcpus); break;
	}
}

/* Flat, with depths: chains are deeper than readers of JSON like to nest. */
static void write_tree(struct hvp_json *json, const struct hvp_tree_view *tree)
{
	const struct hvp_trees *trees = tree->trees;
	uint32_t at = tree->root;
	unsigned int depth = 0;

	hvp_json_begin_array(json, trees->kind == HVP_TREE_CALLERS ? "callers" : "callees");
	while (hvp_tree_next(tree, &at, &depth)) {
		const struct hvp_tree_node *node = &trees->nodes[at];

		hvp_json_begin_object(json, NULL);
		hvp_json_uint(json, "depth", depth);
		hvp_json_string(json, "symbol", hvp_tree_symbol(trees, node));
		hvp_json_string(json, "image", hvp_tree_image(trees, node));
		hvp_json_bool(json, "is_inlined", node->is_inlined);
		if (node->max_frames > 1)
			hvp_json_uint(json, "frames", node->max_frames);
		hvp_json_uint(json, "weight", node->weight);
		hvp_json_double(json, "share_row",
				percent_of(node->weight, trees->nodes[tree->root].weight));
		hvp_json_end_object(json);
	}
	hvp_json_end_array(json);
}

static void json_row(struct hvp_output *output, const struct hvp_cell *cells,
		     const struct hvp_tree_view *tree)
{
	struct json_state *state = output->state;

	if (!state)
		return;
	hvp_json_begin_object(&state->json, NULL);
	for (size_t i = 0; i < state->table->num_columns; i++)
		write_cell(&state->json, &state->table->columns[i], &cells[i]);
	if (tree)
		write_tree(&state->json, tree);
	hvp_json_end_object(&state->json);
	if (output->is_lines)
		hvp_json_finish(&state->json);
}

static void json_table_end(struct hvp_output *output, const char *remark)
{
	(void)output;
	(void)remark;
}

const struct hvp_output_ops hvp_output_json = {
	.name = "json",
	.begin = json_begin,
	.end = json_end,
	.head = json_head,
	.table_begin = json_table_begin,
	.row = json_row,
	.table_end = json_table_end,
};
