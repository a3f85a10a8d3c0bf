/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/profile/domains.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/array.h"

/* The index of a domain's entry, made when it is new. */
static struct hvp_error *domain_index(struct hvp_domains *domains, uint32_t id, size_t *ret)
{
	struct hvp_domain_info *info;
	uint64_t index;

	if (hvp_map_get(&domains->by_id, id, &index)) {
		*ret = index;
		return NULL;
	}
	hvp_try(hvp_array_reserve(&domains->items, &domains->capacity, domains->num + 1,
				  sizeof(*domains->items)));
	info = &domains->items[domains->num];
	*info = (struct hvp_domain_info){.id = id, .uuid = "", .vmm = "", .identity_from = ""};
	if (asprintf(&info->made_name, "domain-%u", id) < 0) {
		info->made_name = NULL;
		return hvp_error_no_memory;
	}
	info->name = info->made_name;
	*ret = domains->num++;
	return hvp_map_set(&domains->by_id, id, *ret);
}

static void replace_text(const char **text, const char *news)
{
	if (news && *news)
		*text = news;
}

static struct hvp_error *note_domain(struct hvp_domains *domains, const struct hvp_record *record)
{
	const struct hvp_record_domain *news = &record->domain;
	struct hvp_domain_info *info;
	size_t index;

	if (news->domain == HVP_DOMAIN_HOST)
		return NULL;
	hvp_try(domain_index(domains, news->domain, &index));
	info = &domains->items[index];
	replace_text(&info->name, news->name);
	replace_text(&info->uuid, news->uuid);
	replace_text(&info->vmm, news->vmm);
	replace_text(&info->identity_from, news->identity_from);
	if (news->pid)
		info->pid = news->pid;
	if (news->state == HVP_DOMAIN_STARTED && !info->start_time)
		info->start_time = record->time;
	if (news->state == HVP_DOMAIN_ENDED)
		info->end_time = record->time;
	return NULL;
}

static struct hvp_vcpu_info *find_vcpu(struct hvp_domain_info *info, uint32_t vcpu, uint32_t tid)
{
	for (size_t i = info->num_vcpus; i-- > 0;) {
		if (info->vcpus[i].vcpu == vcpu && info->vcpus[i].tid == tid)
			return &info->vcpus[i];
	}
	return NULL;
}

static bool has_vcpu(const struct hvp_domain_info *info, uint32_t vcpu)
{
	for (size_t i = 0; i < info->num_vcpus; i++) {
		if (info->vcpus[i].vcpu == vcpu)
			return true;
	}
	return false;
}

static struct hvp_error *note_vcpu(struct hvp_domains *domains, const struct hvp_record *record)
{
	const struct hvp_record_vcpu *news = &record->vcpu;
	struct hvp_domain_info *info;
	struct hvp_vcpu_info *vcpu;
	size_t index;

	if (news->domain == HVP_DOMAIN_HOST)
		return NULL;
	hvp_try(domain_index(domains, news->domain, &index));
	info = &domains->items[index];
	vcpu = find_vcpu(info, news->vcpu, news->tid);
	if (!vcpu) {
		hvp_try(hvp_array_reserve(&info->vcpus, &info->capacity_vcpus, info->num_vcpus + 1,
					  sizeof(*info->vcpus)));
		info->num_distinct_vcpus += !has_vcpu(info, news->vcpu);
		vcpu = &info->vcpus[info->num_vcpus++];
		*vcpu = (struct hvp_vcpu_info){
			.vcpu = news->vcpu, .tid = news->tid, .start_time = record->time};
	}
	if (news->is_gone)
		vcpu->end_time = record->time;
	return NULL;
}

struct hvp_error *hvp_domains_init(struct hvp_domains *ret, const struct hvp_session *session)
{
	*ret = (struct hvp_domains){0};
	hvp_map_init(&ret->by_id);
	for (size_t i = 0; i < hvp_session_num_records(session); i++) {
		const struct hvp_record *record = hvp_session_record(session, i);

		if (record->type == HVP_RECORD_DOMAIN)
			hvp_try(note_domain(ret, record));
		else if (record->type == HVP_RECORD_VCPU)
			hvp_try(note_vcpu(ret, record));
	}
	return NULL;
}

void hvp_domains_deinit(struct hvp_domains *domains)
{
	for (size_t i = 0; i < domains->num; i++) {
		free(domains->items[i].made_name);
		free(domains->items[i].vcpus);
	}
	free(domains->items);
	hvp_map_deinit(&domains->by_id);
}

const struct hvp_domain_info *hvp_domains_find(const struct hvp_domains *domains, uint32_t id)
{
	uint64_t index;

	return hvp_map_get(&domains->by_id, id, &index) ? &domains->items[index] : NULL;
}

struct hvp_error *hvp_domains_add(struct hvp_domains *domains, uint32_t id)
{
	size_t index;

	return id == HVP_DOMAIN_HOST ? NULL : domain_index(domains, id, &index);
}

static bool is_number(const char *word, uint32_t number)
{
	char *end;
	unsigned long value = strtoul(word, &end, 10);

	return *word && !*end && value == number;
}

const struct hvp_domain_info *hvp_domains_lookup(const struct hvp_domains *domains,
						 const char *word)
{
	for (size_t i = 0; i < domains->num; i++) {
		if (!strcmp(domains->items[i].name, word))
			return &domains->items[i];
	}
	for (size_t i = 0; i < domains->num; i++) {
		const struct hvp_domain_info *info = &domains->items[i];

		if (*info->uuid && !strcasecmp(info->uuid, word))
			return info;
		if (info->pid && is_number(word, info->pid))
			return info;
		if (*word == '#' && is_number(word + 1, info->id))
			return info;
	}
	return NULL;
}
