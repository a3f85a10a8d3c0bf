/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/profile/sections.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"

static bool is_key(const struct hvp_entries *entries, enum hvp_dim dim)
{
	return entries->options->sort.set & HVP_DIM_BIT(dim);
}

/* What of an entry chooses its section. */
static void section_of_entry(const struct hvp_entries *entries, const struct hvp_entry *entry,
			     uint64_t *ret_owner, uint64_t *ret_domain)
{
	*ret_owner =
		is_key(entries, HVP_DIM_OWNER) ? entry->values[HVP_DIM_OWNER] : HVP_VALUE_MIXED;
	*ret_domain = HVP_VALUE_NONE;
	if (*ret_owner == HVP_OWNER_DOMAIN && is_key(entries, HVP_DIM_DOMAIN))
		*ret_domain = entry->values[HVP_DIM_DOMAIN];
}

static uint64_t row_weight(const struct hvp_entries *entries, const struct hvp_entry *entry)
{
	return entries->options->has_children
		       ? hvp_weigh(entries, entry->children_samples, entry->children_period)
		       : hvp_weigh(entries, entry->samples, entry->period);
}

struct order {
	const struct hvp_entries *entries;
	/* Section's weight, for the order of the domains. */
	const struct hvp_map *section_weights;
};

static int compare_u64(uint64_t left, uint64_t right)
{
	return left < right ? -1 : left > right;
}

/* By words, so that the order does not depend on how numbers were given out. */
static int compare_keys(const struct hvp_entries *entries, const struct hvp_entry *left,
			const struct hvp_entry *right)
{
	const struct hvp_dim_list *sort = &entries->options->sort;

	for (unsigned int i = 0; i < sort->num; i++) {
		enum hvp_dim dim = sort->dims[i];
		uint64_t left_value = left->values[dim], right_value = right->values[dim];
		char left_buf[HVP_VALUE_TEXT], right_buf[HVP_VALUE_TEXT];
		int result;

		if (left_value == right_value)
			continue;
		result = hvp_dims[dim].kind != HVP_KIND_TEXT
				 ? compare_u64(left_value, right_value)
				 : strcmp(hvp_profile_text(entries->profile, dim, left_value,
							   left_buf),
					  hvp_profile_text(entries->profile, dim, right_value,
							   right_buf));
		return result ? result : compare_u64(left_value, right_value);
	}
	return 0;
}

static uint64_t section_weight(const struct order *order, uint64_t owner, uint64_t domain)
{
	uint64_t weight = 0;

	if (owner == HVP_OWNER_DOMAIN)
		hvp_map_get(order->section_weights, domain, &weight);
	return weight;
}

static int compare_entries(const void *left_arg, const void *right_arg, void *arg)
{
	const struct hvp_entry *left = left_arg, *right = right_arg;
	const struct order *order = arg;
	uint64_t left_owner, right_owner, left_domain, right_domain, left_weight, right_weight;

	section_of_entry(order->entries, left, &left_owner, &left_domain);
	section_of_entry(order->entries, right, &right_owner, &right_domain);
	if (left_owner != right_owner)
		return compare_u64(left_owner, right_owner);
	if (left_domain != right_domain) {
		int result = compare_u64(section_weight(order, right_owner, right_domain),
					 section_weight(order, left_owner, left_domain));

		return result ? result : compare_u64(left_domain, right_domain);
	}
	left_weight = row_weight(order->entries, left);
	right_weight = row_weight(order->entries, right);
	if (left_weight != right_weight)
		return left_weight > right_weight ? -1 : 1;
	return compare_keys(order->entries, left, right);
}

/* Domain -> weight of its samples. */
static struct hvp_error *weigh_domains(const struct hvp_entries *entries, struct hvp_map *ret)
{
	for (size_t i = 0; i < entries->num; i++) {
		const struct hvp_entry *entry = &entries->items[i];
		uint64_t owner, domain, *weight;

		section_of_entry(entries, entry, &owner, &domain);
		if (owner != HVP_OWNER_DOMAIN)
			continue;
		weight = hvp_map_insert(ret, domain, NULL);
		if (!weight)
			return hvp_error_no_memory;
		*weight += hvp_weigh(entries, entry->samples, entry->period);
	}
	return NULL;
}

static struct hvp_error *cut_sections(struct hvp_entries *entries)
{
	struct hvp_section *section = NULL;

	for (size_t i = 0; i < entries->num; i++) {
		const struct hvp_entry *entry = &entries->items[i];
		uint64_t owner, domain;

		section_of_entry(entries, entry, &owner, &domain);
		if (!section || section->owner != owner || section->domain != domain) {
			hvp_try(hvp_array_reserve(&entries->sections, &entries->capacity_sections,
						  entries->num_sections + 1,
						  sizeof(*entries->sections)));
			section = &entries->sections[entries->num_sections++];
			*section =
				(struct hvp_section){.owner = owner, .domain = domain, .first = i};
		}
		section->num++;
		section->samples += entry->samples;
		section->period += entry->period;
	}
	return NULL;
}

/* How many rows of a section are shown, and what the others sum up to. */
static void limit_section(const struct hvp_entries *entries, struct hvp_section *section)
{
	const struct hvp_entries_options *options = entries->options;
	double least = options->percent_limit / 100 * (double)entries->weight;

	while (section->num_shown < section->num) {
		struct hvp_entry *entry = &entries->items[section->first + section->num_shown];

		if ((options->limit && section->num_shown >= options->limit) ||
		    (double)row_weight(entries, entry) < least)
			break;
		entry->is_shown = true;
		section->num_shown++;
	}
	for (size_t i = section->num_shown; i < section->num; i++) {
		section->omitted_samples += entries->items[section->first + i].samples;
		section->omitted_period += entries->items[section->first + i].period;
	}
}

struct hvp_error *hvp_sections_make(struct hvp_entries *entries)
{
	hvp_scope(hvp_map_deinit) struct hvp_map weights = {0};
	struct order order = {.entries = entries, .section_weights = &weights};

	hvp_map_init(&weights);
	hvp_try(weigh_domains(entries, &weights));
	if (entries->num)
		qsort_r(entries->items, entries->num, sizeof(*entries->items), compare_entries,
			&order);
	hvp_try(cut_sections(entries));
	for (size_t i = 0; i < entries->num_sections; i++)
		limit_section(entries, &entries->sections[i]);
	/* The rows have moved. */
	return hvp_entries_index(entries);
}
