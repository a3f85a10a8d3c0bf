/* SPDX-License-Identifier: GPL-2.0-or-later */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "report/profile/entries.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"

#define FIRST_SLOTS 1024u

static uint64_t hash_values(const struct hvp_dim_list *sort, const uint64_t *values)
{
	uint64_t keys[HVP_NUM_DIMS];

	for (unsigned int i = 0; i < sort->num; i++)
		keys[i] = values[sort->dims[i]];
	return XXH3_64bits(keys, sort->num * sizeof(*keys));
}

static bool has_equal_keys(const struct hvp_dim_list *sort, const uint64_t *left,
			   const uint64_t *right)
{
	for (unsigned int i = 0; i < sort->num; i++) {
		if (left[sort->dims[i]] != right[sort->dims[i]])
			return false;
	}
	return true;
}

static void insert_slot(uint32_t *slots, size_t mask, uint64_t hash, uint32_t index)
{
	size_t at = hash & mask;

	while (slots[at])
		at = (at + 1) & mask;
	slots[at] = index;
}

/* Large enough for one entry more. */
struct hvp_error *hvp_entries_index(struct hvp_entries *entries)
{
	const struct hvp_dim_list *sort = &entries->options->sort;
	size_t num_slots = entries->num_slots ? entries->num_slots : FIRST_SLOTS;
	uint32_t *slots;

	while ((entries->num + 1) * 4 > num_slots * 3)
		num_slots *= 2;
	slots = calloc(num_slots, sizeof(*slots));
	if (!slots)
		return hvp_error_no_memory;
	for (size_t i = 0; i < entries->num; i++)
		insert_slot(slots, num_slots - 1, hash_values(sort, entries->items[i].values),
			    (uint32_t)i + 1);
	free(entries->slots);
	entries->slots = slots;
	entries->num_slots = num_slots;
	return NULL;
}

static struct hvp_entry *find_entry(const struct hvp_entries *entries, const uint64_t *values,
				    uint64_t hash)
{
	size_t mask = entries->num_slots - 1;

	if (!entries->num_slots)
		return NULL;
	for (size_t at = hash & mask; entries->slots[at]; at = (at + 1) & mask) {
		struct hvp_entry *entry = &entries->items[entries->slots[at] - 1];

		if (has_equal_keys(&entries->options->sort, entry->values, values))
			return entry;
	}
	return NULL;
}

struct hvp_entry *hvp_entries_find(const struct hvp_entries *entries, const struct hvp_spot *spot)
{
	return find_entry(entries, spot->values,
			  hash_values(&entries->options->sort, spot->values));
}

/* The entry of a spot, made when it is new; what differs from its other samples becomes mixed. */
static struct hvp_error *entry_of_spot(struct hvp_entries *entries, const struct hvp_spot *spot,
				       struct hvp_entry **ret)
{
	uint64_t hash = hash_values(&entries->options->sort, spot->values);
	struct hvp_entry *entry = find_entry(entries, spot->values, hash);

	*ret = entry;
	if (entry) {
		for (unsigned int i = 0; i < HVP_NUM_DIMS; i++) {
			if (entry->values[i] != spot->values[i])
				entry->values[i] = HVP_VALUE_MIXED;
		}
		return NULL;
	}
	if ((entries->num + 1) * 4 > entries->num_slots * 3)
		hvp_try(hvp_entries_index(entries));
	hvp_try(hvp_array_reserve(&entries->items, &entries->capacity, entries->num + 1,
				  sizeof(*entries->items)));
	entry = &entries->items[entries->num++];
	*entry = (struct hvp_entry){.tree = HVP_NO_TREE};
	memcpy(entry->values, spot->values, sizeof(entry->values));
	insert_slot(entries->slots, entries->num_slots - 1, hash, (uint32_t)entries->num);
	*ret = entry;
	return NULL;
}

/* Counts a place once in an entry's inclusive sums. */
static void count_children(const struct hvp_entries *entries, struct hvp_entry *entry,
			   const struct hvp_place *place, size_t index)
{
	if (entry->last_place == index + 1)
		return;
	entry->last_place = index + 1;
	entry->children_samples += place->samples;
	entry->children_period += place->period;
	if (entries->profile->dims & HVP_DIM_BIT(HVP_DIM_VCPU) &&
	    place->key.vcpu != HVP_VCPU_NONE && place->key.domain != HVP_DOMAIN_HOST)
		hvp_vcpu_set_add(&entry->vcpus, place->key.vcpu);
}

static struct hvp_error *add_chain(struct hvp_entries *entries, size_t index,
				   const struct hvp_spot *spot)
{
	const struct hvp_place *place = &entries->profile->scan.places.places[index];
	uint64_t frames[HVP_MAX_CHAIN];
	struct hvp_chain chain = hvp_profile_chain(entries->profile, index, frames);

	for (uint32_t i = 0; i < chain.num_frames; i++) {
		struct hvp_entry *entry;
		struct hvp_spot frame;

		hvp_try(hvp_profile_resolve_frame(entries->profile, index, spot, chain.frames[i],
						  i < chain.num_kernel, &frame));
		hvp_try(entry_of_spot(entries, &frame, &entry));
		count_children(entries, entry, place, index);
	}
	return NULL;
}

static struct hvp_error *domain_totals(struct hvp_entries *entries, struct hvp_map *by_id,
				       uint32_t domain, struct hvp_domain_totals **ret)
{
	struct hvp_totals *totals = &entries->totals;
	bool is_new;
	uint64_t *index = hvp_map_insert(by_id, domain, &is_new);

	if (!index)
		return hvp_error_no_memory;
	if (is_new) {
		*index = totals->num_domains++;
		totals->domains[*index].domain = domain;
	}
	*ret = &totals->domains[*index];
	return NULL;
}

static struct hvp_error *count_place(struct hvp_entries *entries, struct hvp_map *by_id,
				     const struct hvp_place *place, const struct hvp_spot *spot)
{
	struct hvp_totals *totals = &entries->totals;
	const struct hvp_place_key *key = &place->key;
	struct hvp_domain_totals *domain;
	enum hvp_unresolved why;

	totals->owners[key->owner] += place->samples;
	totals->periods[key->owner] += place->period;
	if (hvp_symbol_value_is_unresolved(spot->values[HVP_DIM_SYMBOL], &why)) {
		totals->unresolved[why] += place->samples;
		hvp_try(hvp_culprits_add(&totals->culprits, why, spot, place->samples));
	}
	if (key->owner == HVP_OWNER_DOMAIN) {
		hvp_try(domain_totals(entries, by_id, key->domain, &domain));
		if (key->mode == HVP_MODE_GUEST_KERNEL)
			domain->kernel += place->samples;
		else
			domain->user += place->samples;
		domain->period += place->period;
	} else if (key->owner == HVP_OWNER_HYPERVISOR && key->domain != HVP_DOMAIN_HOST) {
		hvp_try(domain_totals(entries, by_id, key->domain, &domain));
		domain->hypervisor += place->samples;
	}
	return NULL;
}

static struct hvp_error *add_place(struct hvp_entries *entries, struct hvp_map *by_id, size_t index)
{
	const struct hvp_place *place = &entries->profile->scan.places.places[index];
	struct hvp_entry *entry;
	struct hvp_spot spot;
	bool is_wanted = true;

	hvp_try(hvp_profile_resolve(entries->profile, index, &spot));
	if (entries->options->filter)
		hvp_try(hvp_filter_match(entries->options->filter, entries->profile, &spot,
					 &is_wanted));
	if (!is_wanted) {
		entries->totals.filtered += place->samples;
		entries->totals.filtered_period += place->period;
		return NULL;
	}
	hvp_try(count_place(entries, by_id, place, &spot));
	hvp_try(entry_of_spot(entries, &spot, &entry));
	entry->samples += place->samples;
	entry->period += place->period;
	count_children(entries, entry, place, index);
	return entries->options->has_children ? add_chain(entries, index, &spot) : NULL;
}

/* All domains that are known, so that those without samples are listed too. */
static struct hvp_error *list_domains(struct hvp_entries *entries, struct hvp_map *by_id)
{
	const struct hvp_domains *domains = &entries->profile->domains;
	struct hvp_domain_totals *unused;

	entries->totals.domains = calloc(domains->num + 1, sizeof(*entries->totals.domains));
	if (!entries->totals.domains)
		return hvp_error_no_memory;
	for (size_t i = 0; i < domains->num; i++)
		hvp_try(domain_totals(entries, by_id, domains->items[i].id, &unused));
	return NULL;
}

static struct hvp_error *group_places(struct hvp_entries *entries)
{
	hvp_scope(hvp_map_deinit) struct hvp_map by_id = {0};

	hvp_map_init(&by_id);
	hvp_try(list_domains(entries, &by_id));
	for (size_t i = 0; i < entries->profile->scan.places.num; i++)
		hvp_try(add_place(entries, &by_id, i));
	return NULL;
}

struct hvp_error *hvp_entries_init(struct hvp_entries *ret, struct hvp_profile *profile,
				   const struct hvp_entries_options *options)
{
	struct hvp_totals *totals = &ret->totals;
	bool is_whole;

	*ret = (struct hvp_entries){.profile = profile, .options = options};
	hvp_totals_count_lost(totals, profile->session, &profile->scan, options->time_from,
			      options->time_until);
	hvp_try(group_places(ret));
	is_whole = hvp_totals_seal(totals, &profile->scan);
	assert(is_whole);
	if (!is_whole)
		return hvp_error_create(HVP_ERROR_OTHER,
					"the samples of the owners do not add up to the total: "
					"this is a bug in hvprof, please report it");
	ret->weight = totals->total;
	if (options->weight == HVP_WEIGHT_PERIOD) {
		ret->weight = totals->filtered_period;
		for (unsigned int i = 0; i < HVP_NUM_OWNERS; i++)
			ret->weight += totals->periods[i];
	}
	return NULL;
}

void hvp_entries_deinit(struct hvp_entries *entries)
{
	for (size_t i = 0; i < entries->num; i++)
		hvp_vcpu_set_deinit(&entries->items[i].vcpus);
	free(entries->items);
	free(entries->slots);
	free(entries->sections);
	hvp_totals_deinit(&entries->totals);
}
