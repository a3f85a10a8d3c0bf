/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/cli/json_out.h"
#include "report/info.h"
#include "report/output/json_parts.h"

static void write_info(struct hvp_json *json, const struct hvp_session *session)
{
	const char *key, *value;

	hvp_json_begin_object(json, "info");
	for (size_t i = 0; i < hvp_session_num_info(session); i++) {
		hvp_session_info_at(session, i, &key, &value);
		hvp_json_string(json, key, value);
	}
	hvp_json_end_object(json);
}

static void write_file(struct hvp_json *json, const struct hvp_session_summary *summary)
{
	const struct hvp_session *session = summary->facts.session;

	hvp_json_begin_object(json, "file");
	hvp_json_string(json, "path", hvp_session_path(session));
	hvp_json_uint(json, "bytes", summary->file_size);
	hvp_json_uint(json, "samples", hvp_session_num_samples(session));
	hvp_json_uint(json, "chunks", hvp_session_num_chunks(session));
	hvp_json_uint(json, "call_chains", hvp_session_num_stacks(session) - 1);
	hvp_json_uint(json, "blob_bytes", summary->blob_bytes);
	hvp_json_bool(json, "has_end", summary->facts.has_end);
	hvp_json_string(json, "damage", hvp_session_damage(session));
	hvp_json_begin_object(json, "records");
	for (unsigned int i = 0; i < HVP_NUM_RECORD_TYPES; i++) {
		if (hvp_record_type_names[i])
			hvp_json_uint(json, hvp_record_type_names[i], summary->records[i]);
	}
	hvp_json_end_object(json);
	hvp_json_end_object(json);
}

static void write_events(struct hvp_json *json, const struct hvp_session_summary *summary)
{
	hvp_json_begin_array(json, "events");
	for (size_t i = 0; i < hvp_session_num_events(summary->facts.session); i++) {
		const struct hvp_event_info *event = hvp_session_event(summary->facts.session, i);

		hvp_json_begin_object(json, NULL);
		hvp_json_add_event(json, event);
		hvp_json_uint(json, "samples", summary->events[i]);
		hvp_json_end_object(json);
	}
	hvp_json_end_array(json);
}

static void write_time(struct hvp_json *json, const char *key, uint64_t time)
{
	if (time)
		hvp_json_uint(json, key, time);
	else
		hvp_json_null(json, key);
}

static void write_vcpus(struct hvp_json *json, const struct hvp_domain_info *info)
{
	hvp_json_begin_array(json, "vcpus");
	for (size_t i = 0; i < info->num_vcpus; i++) {
		hvp_json_begin_object(json, NULL);
		hvp_json_uint(json, "vcpu", info->vcpus[i].vcpu);
		hvp_json_uint(json, "tid", info->vcpus[i].tid);
		hvp_json_uint(json, "first_seen", info->vcpus[i].start_time);
		write_time(json, "end_time", info->vcpus[i].end_time);
		hvp_json_end_object(json);
	}
	hvp_json_end_array(json);
}

static void write_domains(struct hvp_json *json, const struct hvp_session_summary *summary)
{
	hvp_json_begin_array(json, "domains");
	for (size_t i = 0; i < summary->domains.num; i++) {
		const struct hvp_domain_info *info = &summary->domains.items[i];

		hvp_json_begin_object(json, NULL);
		hvp_json_add_domain(json, info);
		hvp_json_string(json, "identity_from", info->identity_from);
		write_time(json, "start_time", info->start_time);
		write_time(json, "end_time", info->end_time);
		hvp_json_uint(json, "guest_samples", summary->domain_counts[i].guest);
		hvp_json_uint(json, "hypervisor_samples", summary->domain_counts[i].hypervisor);
		write_vcpus(json, info);
		hvp_json_end_object(json);
	}
	hvp_json_end_array(json);
}

static void write_counts(struct hvp_json *json, const struct hvp_session_summary *summary)
{
	hvp_json_begin_object(json, "owners");
	for (unsigned int i = 0; i < HVP_NUM_OWNERS; i++)
		hvp_json_uint(json, i == HVP_OWNER_DOMAIN ? "guest" : hvp_owner_names[i],
			      summary->owners[i]);
	hvp_json_end_object(json);
	hvp_json_begin_object(json, "modes");
	for (unsigned int i = 0; i < HVP_NUM_MODES; i++)
		hvp_json_uint(json, hvp_mode_names[i], summary->modes[i]);
	hvp_json_end_object(json);
}

static void write_losses(struct hvp_json *json, const struct hvp_session_summary *summary)
{
	hvp_json_begin_array(json, "losses");
	for (size_t i = 0; i < summary->num_cpus; i++) {
		hvp_json_begin_object(json, NULL);
		hvp_json_uint(json, "cpu", summary->cpus[i].cpu);
		hvp_json_uint(json, "lost_samples", summary->cpus[i].lost_samples);
		hvp_json_uint(json, "lost_records", summary->cpus[i].lost_records);
		hvp_json_uint(json, "throttles", summary->cpus[i].throttles);
		hvp_json_end_object(json);
	}
	hvp_json_end_array(json);
	hvp_json_begin_array(json, "notes");
	if (summary->unreadable_why)
		hvp_json_string(json, NULL, summary->unreadable_why);
	for (size_t i = 0; i < summary->facts.num_notes; i++)
		hvp_json_string(json, NULL, summary->facts.notes[i]);
	hvp_json_end_array(json);
}

void hvp_info_print_json(const struct hvp_session_summary *summary, FILE *out)
{
	struct hvp_json json;

	hvp_json_init(&json, out, true);
	hvp_json_begin_object(&json, NULL);
	hvp_json_string(&json, "schema", "hvprof-info/1");
	write_info(&json, summary->facts.session);
	write_file(&json, summary);
	hvp_json_uint(&json, "start_time", summary->facts.start_time);
	hvp_json_uint(&json, "end_time", summary->facts.end_time);
	hvp_json_add_overhead(&json, "collector", &summary->facts);
	write_events(&json, summary);
	write_counts(&json, summary);
	write_domains(&json, summary);
	write_losses(&json, summary);
	hvp_json_end_object(&json);
	hvp_json_finish(&json);
}
