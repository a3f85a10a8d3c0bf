/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/output/json_parts.h"

void hvp_json_add_event(struct hvp_json *json, const struct hvp_event_info *event)
{
	hvp_json_string(json, "name", event->name);
	hvp_json_string(json, "unit", event->unit);
	hvp_json_string(json, "scope", event->scope);
	hvp_json_uint(json, "frequency", event->frequency);
	hvp_json_uint(json, "period", event->period);
}

void hvp_json_add_domain(struct hvp_json *json, const struct hvp_domain_info *info)
{
	hvp_json_uint(json, "id", info->id);
	hvp_json_string(json, "name", info->name);
	hvp_json_string(json, "uuid", info->uuid);
	hvp_json_string(json, "vmm", info->vmm);
	hvp_json_uint(json, "pid", info->pid);
}

void hvp_json_add_overhead(struct hvp_json *json, const char *key, const struct hvp_facts *facts)
{
	double percent = hvp_facts_overhead(facts);

	if (!hvp_facts_has_cost(facts)) {
		hvp_json_null(json, key);
		return;
	}
	hvp_json_begin_object(json, key);
	hvp_json_uint(json, "cpu_ns", facts->end.collector_cpu_ns);
	if (percent < 0)
		hvp_json_null(json, "percent");
	else
		hvp_json_double(json, "percent", percent);
	hvp_json_uint(json, "rss_bytes", facts->end.collector_rss_bytes);
	hvp_json_end_object(json);
}
