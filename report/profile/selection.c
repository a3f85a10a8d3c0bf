/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/profile/selection.h"

#include <string.h>

#include "common/base/scope.h"

static void say(struct hvp_selection *selection, const char *option, const char *value)
{
	if (selection->text.size)
		hvp_buf_add_bytes(&selection->text, ", ", 2);
	hvp_buf_add_bytes(&selection->text, option, strlen(option));
	hvp_buf_add_bytes(&selection->text, value, strlen(value));
}

static struct hvp_error *choose_event(struct hvp_selection *selection, const char *name,
				      const struct hvp_session *session)
{
	hvp_scope(hvp_buf_deinit) struct hvp_buf words = {0};
	size_t num = hvp_session_num_events(session);

	if (!name) {
		selection->event = num > 1 ? 0 : HVP_EVENT_ALL;
		return NULL;
	}
	if (!strcmp(name, "all")) {
		selection->event = HVP_EVENT_ALL;
		return NULL;
	}
	hvp_buf_init(&words);
	for (size_t i = 0; i < num; i++) {
		const char *event = hvp_session_event(session, i)->name;

		if (!strcmp(event, name)) {
			selection->event = (uint32_t)i;
			say(selection, "--event ", name);
			return NULL;
		}
		hvp_buf_add_bytes(&words, i ? ", " : "", i ? 2 : 0);
		hvp_buf_add_bytes(&words, event, strlen(event));
	}
	hvp_buf_add_u8(&words, 0);
	hvp_try(hvp_buf_check(&words));
	return hvp_error_create(HVP_ERROR_USAGE,
				"--event: the session has no event \"%s\"; it has: %s", name,
				(const char *)words.data);
}

/* All --domain together are one alternative. */
static struct hvp_error *choose_domains(struct hvp_selection *selection,
					const struct hvp_strings *domains)
{
	hvp_scope(hvp_buf_deinit) struct hvp_buf value = {0};

	if (!domains->num)
		return NULL;
	hvp_buf_init(&value);
	for (size_t i = 0; i < domains->num; i++) {
		hvp_buf_add_bytes(&value, domains->items[i], strlen(domains->items[i]) + 1);
		say(selection, "--domain ", domains->items[i]);
	}
	hvp_try(hvp_buf_check(&value));
	return hvp_filter_add(&selection->filter, HVP_DIM_DOMAIN, (const char *)value.data,
			      value.size - 1);
}

struct hvp_error *hvp_selection_init(struct hvp_selection *ret,
				     const struct hvp_selection_config *config,
				     const struct hvp_inputs *inputs, const struct hvp_facts *facts)
{
	*ret = (struct hvp_selection){.time_until = UINT64_MAX};
	hvp_buf_init(&ret->text);
	hvp_try(choose_event(ret, config->event, inputs->session));
	if (config->time) {
		hvp_try(hvp_time_slice_parse(config->time, facts->start_time, facts->end_time,
					     &ret->time_from, &ret->time_until));
		say(ret, "--time ", config->time);
	}
	hvp_try(choose_domains(ret, &inputs->domains));
	for (size_t i = 0; i < config->filters.num; i++) {
		hvp_try(hvp_filter_parse(&ret->filter, config->filters.items[i]));
		say(ret, "--filter ", config->filters.items[i]);
	}
	hvp_buf_add_u8(&ret->text, 0);
	return hvp_buf_check(&ret->text);
}

void hvp_selection_deinit(struct hvp_selection *selection)
{
	hvp_filter_deinit(&selection->filter);
	hvp_buf_deinit(&selection->text);
}

struct hvp_error *hvp_selection_check_domains(const struct hvp_inputs *inputs,
					      const struct hvp_domains *domains)
{
	hvp_scope(hvp_buf_deinit) struct hvp_buf words = {0};
	const char *missing = NULL;

	for (size_t i = 0; i < inputs->domains.num && !missing; i++) {
		if (!hvp_domains_lookup(domains, inputs->domains.items[i]))
			missing = inputs->domains.items[i];
	}
	if (!missing)
		return NULL;
	hvp_buf_init(&words);
	for (size_t i = 0; i < domains->num; i++) {
		hvp_buf_add_bytes(&words, i ? ", " : "", i ? 2 : 0);
		hvp_buf_add_bytes(&words, domains->items[i].name, strlen(domains->items[i].name));
	}
	hvp_buf_add_u8(&words, 0);
	hvp_try(hvp_buf_check(&words));
	return hvp_error_create(HVP_ERROR_NOT_FOUND,
				"--domain: the session has no domain \"%s\"; it has: %s", missing,
				domains->num ? (const char *)words.data : "none");
}
