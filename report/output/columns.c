/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/output/columns.h"

#include <stdio.h>
#include <string.h>

#include "common/base/array.h"

static double percent_of(uint64_t part, uint64_t whole)
{
	return whole ? 100 * (double)part / (double)whole : 0;
}

static uint64_t self_weight(const struct hvp_row_view *view)
{
	return hvp_weigh(view->entries, view->entry->samples, view->entry->period);
}

static void get_share(const struct hvp_row_view *view, const struct hvp_column *column,
		      struct hvp_cell *ret)
{
	(void)column;
	ret->percent = percent_of(self_weight(view), view->entries->weight);
}

static void get_owner_share(const struct hvp_row_view *view, const struct hvp_column *column,
			    struct hvp_cell *ret)
{
	const struct hvp_section *section = view->section;

	(void)column;
	ret->percent = percent_of(self_weight(view),
				  hvp_weigh(view->entries, section->samples, section->period));
}

static void get_children_share(const struct hvp_row_view *view, const struct hvp_column *column,
			       struct hvp_cell *ret)
{
	const struct hvp_entry *entry = view->entry;

	(void)column;
	ret->percent = percent_of(
		hvp_weigh(view->entries, entry->children_samples, entry->children_period),
		view->entries->weight);
}

static void get_samples(const struct hvp_row_view *view, const struct hvp_column *column,
			struct hvp_cell *ret)
{
	(void)column;
	ret->number = view->entry->samples;
}

static void get_children_samples(const struct hvp_row_view *view, const struct hvp_column *column,
				 struct hvp_cell *ret)
{
	(void)column;
	ret->number = view->entry->children_samples;
}

static void get_period(const struct hvp_row_view *view, const struct hvp_column *column,
		       struct hvp_cell *ret)
{
	(void)column;
	ret->number = view->entry->period;
}

static void get_vcpus(const struct hvp_row_view *view, const struct hvp_column *column,
		      struct hvp_cell *ret)
{
	(void)column;
	ret->vcpus = &view->entry->vcpus;
}

static void get_dim(const struct hvp_row_view *view, const struct hvp_column *column,
		    struct hvp_cell *ret)
{
	uint64_t value = view->entry->values[column->dim];

	if (column->table.type == HVP_CELL_TEXT) {
		ret->is_null = value == HVP_VALUE_NONE;
		ret->text = hvp_profile_text(view->entries->profile, column->dim, value, ret->buf);
		return;
	}
	ret->is_null = value == HVP_VALUE_MIXED || value == HVP_VALUE_NONE;
	ret->is_mixed = value == HVP_VALUE_MIXED;
	ret->number = value;
}

static void get_path(const struct hvp_row_view *view, const struct hvp_column *column,
		     struct hvp_cell *ret)
{
	uint64_t value = view->entry->values[column->dim];

	ret->text = value == HVP_VALUE_MIXED
			    ? "*"
			    : hvp_image_path(hvp_symbolizer_image(
				      view->entries->profile->symbolizer, (uint32_t)value));
}

static void get_unresolved(const struct hvp_row_view *view, const struct hvp_column *column,
			   struct hvp_cell *ret)
{
	enum hvp_unresolved why;

	ret->is_null = !hvp_symbol_value_is_unresolved(view->entry->values[column->dim], &why);
	if (!ret->is_null)
		ret->text = hvp_unresolved_word(why);
}

#define DIM(dim_name, name, heading, type, help)                                                   \
	{                                                                                          \
		{name, heading, type, 0, false}, HVP_DIM_BIT(dim_name), dim_name, help, get_dim    \
	}

const struct hvp_column hvp_columns[] = {
	{{"children", "children", HVP_CELL_PERCENT, 0, false},
	 0,
	 0,
	 "share of the total with everything that the function called",
	 get_children_share},
	{{"share_total", "of total", HVP_CELL_PERCENT, 0, false},
	 0,
	 0,
	 "share of the total",
	 get_share},
	{{"share_owner", "of owner", HVP_CELL_PERCENT, 0, false},
	 0,
	 0,
	 "share of the section: of the domain, of the hypervisor, ...",
	 get_owner_share},
	{{"samples", "samples", HVP_CELL_COUNT, 0, false}, 0, 0, "samples", get_samples},
	{{"children_samples", "incl.", HVP_CELL_COUNT, 0, false},
	 0,
	 0,
	 "samples with everything that the function called",
	 get_children_samples},
	{{"period", "events", HVP_CELL_COUNT, 0, false},
	 0,
	 0,
	 "events that the samples stand for",
	 get_period},
	DIM(HVP_DIM_OWNER, "owner", "owner", HVP_CELL_TEXT, "whose samples"),
	DIM(HVP_DIM_DOMAIN, "domain", "domain", HVP_CELL_TEXT, "virtual machine"),
	DIM(HVP_DIM_VCPU, "vcpu", "vCPU", HVP_CELL_NUMBER, "virtual CPU, when it is one"),
	{{"vcpus", "vCPUs", HVP_CELL_VCPUS, 0, false},
	 HVP_DIM_BIT(HVP_DIM_VCPU),
	 HVP_DIM_VCPU,
	 "all virtual CPUs of the row",
	 get_vcpus},
	DIM(HVP_DIM_MODE, "mode", "mode", HVP_CELL_TEXT, "kernel or user, guest or host"),
	DIM(HVP_DIM_CPU, "cpu", "CPU", HVP_CELL_NUMBER, "physical CPU"),
	DIM(HVP_DIM_EVENT, "event", "event", HVP_CELL_TEXT, "event"),
	DIM(HVP_DIM_PID, "pid", "pid", HVP_CELL_NUMBER, "host process"),
	DIM(HVP_DIM_TID, "tid", "tid", HVP_CELL_NUMBER, "host thread"),
	DIM(HVP_DIM_COMM, "comm", "comm", HVP_CELL_TEXT, "name of the host thread"),
	DIM(HVP_DIM_ADDRESS, "address", "address", HVP_CELL_HEX, "address in the image"),
	DIM(HVP_DIM_ASPACE, "aspace", "address space", HVP_CELL_HEX, "address space in the guest"),
	DIM(HVP_DIM_IMAGE, "image", "image", HVP_CELL_TEXT, "program, library, kernel, module"),
	{{"path", "path", HVP_CELL_TEXT, 0, false},
	 HVP_DIM_BIT(HVP_DIM_IMAGE),
	 HVP_DIM_IMAGE,
	 "path of the image",
	 get_path},
	DIM(HVP_DIM_SYMBOL, "symbol", "symbol", HVP_CELL_TEXT, "function"),
	{{"unresolved", "unresolved", HVP_CELL_TEXT, 0, false},
	 HVP_DIM_BIT(HVP_DIM_SYMBOL),
	 HVP_DIM_SYMBOL,
	 "why there is no symbol",
	 get_unresolved},
	DIM(HVP_DIM_LINE, "line", "line", HVP_CELL_TEXT, "source file and line"),
};
const size_t hvp_num_columns = HVP_ARRAY_SIZE(hvp_columns);

static const struct hvp_column *find_column(const char *name)
{
	enum hvp_dim dim;

	if (!strcmp(name, "share"))
		name = "share_total";
	for (size_t i = 0; i < hvp_num_columns; i++) {
		if (!strcmp(hvp_columns[i].table.name, name))
			return &hvp_columns[i];
	}
	if (!hvp_dim_find(name, &dim) || !strcmp(name, hvp_dims[dim].name))
		return NULL;
	return find_column(hvp_dims[dim].name);
}

bool hvp_fields_has(const struct hvp_fields *fields, const char *name)
{
	for (size_t i = 0; i < fields->num; i++) {
		if (!strcmp(fields->columns[i]->table.name, name))
			return true;
	}
	return false;
}

static void append(struct hvp_fields *fields, const struct hvp_column *column)
{
	if (hvp_fields_has(fields, column->table.name) || fields->num == HVP_MAX_FIELDS)
		return;
	fields->columns[fields->num++] = column;
	fields->dims |= column->dims;
}

void hvp_fields_add(struct hvp_fields *fields, const char *name)
{
	const struct hvp_column *column = find_column(name);

	if (column)
		append(fields, column);
}

static void take_out(struct hvp_fields *fields, const struct hvp_column *column)
{
	size_t kept = 0;

	fields->dims = 0;
	for (size_t i = 0; i < fields->num; i++) {
		if (fields->columns[i] == column)
			continue;
		fields->dims |= fields->columns[i]->dims;
		fields->columns[kept++] = fields->columns[i];
	}
	fields->num = kept;
}

void hvp_fields_remove(struct hvp_fields *fields, const char *name)
{
	take_out(fields, find_column(name));
}

void hvp_fields_init(struct hvp_fields *ret, const struct hvp_dim_list *sort, bool has_children)
{
	*ret = (struct hvp_fields){0};
	if (has_children)
		hvp_fields_add(ret, "children");
	hvp_fields_add(ret, "share_total");
	if (sort->set & HVP_DIM_BIT(HVP_DIM_OWNER))
		hvp_fields_add(ret, "share_owner");
	hvp_fields_add(ret, "samples");
	if (!(sort->set & HVP_DIM_BIT(HVP_DIM_VCPU)))
		hvp_fields_add(ret, "vcpus");
	for (unsigned int i = 0; i < sort->num; i++) {
		if (sort->dims[i] != HVP_DIM_OWNER)
			hvp_fields_add(ret, hvp_dims[sort->dims[i]].name);
	}
}

static struct hvp_error *unknown_field(const char *word)
{
	char words[400];
	size_t used = 0;

	for (size_t i = 0; i < hvp_num_columns; i++)
		used += (size_t)snprintf(words + used, sizeof(words) - used, "%s%s", i ? ", " : "",
					 hvp_columns[i].table.name);
	return hvp_error_create(HVP_ERROR_USAGE, "--fields: no field \"%s\"; there are: %s", word,
				words);
}

struct hvp_error *hvp_fields_parse(struct hvp_fields *fields, const char *text)
{
	bool is_change = *text == '+' || *text == '-';

	if (!is_change)
		*fields = (struct hvp_fields){0};
	while (*text) {
		size_t size = strcspn(text, ",");
		bool is_removed = *text == '-', has_sign = *text == '+' || *text == '-';
		const struct hvp_column *column;
		char word[32];

		snprintf(word, sizeof(word), "%.*s", (int)(size < 31 ? size : 31) - has_sign,
			 text + has_sign);
		text += size + (text[size] == ',');
		column = find_column(word);
		if (!column)
			return unknown_field(word);
		if (is_removed)
			take_out(fields, column);
		else
			append(fields, column);
	}
	if (!fields->num)
		return hvp_error_create(HVP_ERROR_USAGE, "--fields: no field is left");
	return NULL;
}
