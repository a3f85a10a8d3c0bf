/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/info.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/array.h"

const char *const hvp_record_type_names[HVP_NUM_RECORD_TYPES] = {
	[HVP_RECORD_MMAP] = "mmap",	  [HVP_RECORD_COMM] = "comm",
	[HVP_RECORD_FORK] = "fork",	  [HVP_RECORD_EXIT] = "exit",
	[HVP_RECORD_KSYMBOL] = "ksymbol", [HVP_RECORD_NAMESPACES] = "namespaces",
	[HVP_RECORD_DOMAIN] = "domain",	  [HVP_RECORD_VCPU] = "vcpu",
	[HVP_RECORD_LOST] = "lost",	  [HVP_RECORD_THROTTLE] = "throttle",
	[HVP_RECORD_CPU] = "cpu",	  [HVP_RECORD_NOTE] = "note",
	[HVP_RECORD_BLOB] = "blob",
};

static struct hvp_error *losses_of_cpu(struct hvp_session_summary *summary, uint32_t cpu,
				       struct hvp_cpu_losses **ret)
{
	size_t at = 0;

	while (at < summary->num_cpus && summary->cpus[at].cpu < cpu)
		at++;
	if (at == summary->num_cpus || summary->cpus[at].cpu != cpu) {
		hvp_try(hvp_array_reserve(&summary->cpus, &summary->capacity_cpus,
					  summary->num_cpus + 1, sizeof(*summary->cpus)));
		memmove(&summary->cpus[at + 1], &summary->cpus[at],
			(summary->num_cpus - at) * sizeof(*summary->cpus));
		summary->cpus[at] = (struct hvp_cpu_losses){.cpu = cpu};
		summary->num_cpus++;
	}
	*ret = &summary->cpus[at];
	return NULL;
}

static struct hvp_error *count_record(struct hvp_session_summary *summary,
				      const struct hvp_record *record)
{
	struct hvp_cpu_losses *losses;

	if ((unsigned int)record->type < HVP_NUM_RECORD_TYPES)
		summary->records[record->type]++;
	if (record->type == HVP_RECORD_BLOB)
		summary->blob_bytes += record->blob.size;
	if (record->type == HVP_RECORD_LOST) {
		hvp_try(losses_of_cpu(summary, record->lost.cpu, &losses));
		losses->lost_samples += record->lost.samples;
		losses->lost_records += record->lost.records;
		summary->owners[HVP_OWNER_LOST] += record->lost.samples;
	}
	if (record->type == HVP_RECORD_THROTTLE && !record->throttle.is_end) {
		hvp_try(losses_of_cpu(summary, record->throttle.cpu, &losses));
		losses->throttles++;
	}
	return NULL;
}

static void count_row(struct hvp_session_summary *summary, const struct hvp_row *row)
{
	enum hvp_owner owner = hvp_owner_of_row(row);
	uint64_t index;

	summary->owners[owner]++;
	summary->modes[row->mode]++;
	summary->events[row->event]++;
	if (!hvp_map_get(&summary->domains.by_id, row->domain, &index))
		return;
	if (owner == HVP_OWNER_DOMAIN)
		summary->domain_counts[index].guest++;
	else if (owner == HVP_OWNER_HYPERVISOR)
		summary->domain_counts[index].hypervisor++;
}

static struct hvp_error *count_chunk(struct hvp_session_summary *summary, size_t index,
				     struct hvp_batch *batch)
{
	const struct hvp_session *session = summary->facts.session;
	const struct hvp_chunk_info *chunk = hvp_session_chunk(session, index);
	struct hvp_error *err;

	err = hvp_session_read_chunk(session, index, batch);
	if (err == hvp_error_no_memory)
		return err;
	if (err) {
		summary->unreadable += chunk->num_samples;
		summary->owners[HVP_OWNER_LOST] += chunk->num_samples;
		if (!summary->unreadable_why)
			summary->unreadable_why = strdup(hvp_error_message(err));
		hvp_error_destroy(err);
		return NULL;
	}
	for (size_t i = 0; i < batch->num_rows; i++)
		count_row(summary, &batch->rows[i]);
	return NULL;
}

static struct hvp_error *count_chunks(struct hvp_session_summary *summary,
				      const volatile sig_atomic_t *interrupted)
{
	hvp_scope(hvp_batch_deinit) struct hvp_batch batch;

	hvp_batch_init(&batch);
	batch.columns = HVP_COLUMN_ALL & ~HVP_COLUMN_TIME;
	for (size_t i = 0; i < hvp_session_num_chunks(summary->facts.session); i++) {
		if (interrupted && *interrupted)
			return hvp_error_create(HVP_ERROR_CANCELLED, "interrupted");
		hvp_try(count_chunk(summary, i, &batch));
	}
	return NULL;
}

struct hvp_error *hvp_session_summary_init(struct hvp_session_summary *ret,
					   const struct hvp_session *session,
					   const volatile sig_atomic_t *interrupted)
{
	struct stat status;

	*ret = (struct hvp_session_summary){0};
	hvp_try(hvp_facts_init(&ret->facts, session));
	hvp_try(hvp_domains_init(&ret->domains, session));
	ret->domain_counts = calloc(ret->domains.num + 1, sizeof(*ret->domain_counts));
	ret->events = calloc(hvp_session_num_events(session) + 1, sizeof(*ret->events));
	if (!ret->domain_counts || !ret->events)
		return hvp_error_no_memory;
	if (stat(hvp_session_path(session), &status) == 0 && S_ISREG(status.st_mode))
		ret->file_size = (uint64_t)status.st_size;
	for (size_t i = 0; i < hvp_session_num_records(session); i++)
		hvp_try(count_record(ret, hvp_session_record(session, i)));
	return count_chunks(ret, interrupted);
}

void hvp_session_summary_deinit(struct hvp_session_summary *summary)
{
	hvp_facts_deinit(&summary->facts);
	hvp_domains_deinit(&summary->domains);
	free(summary->domain_counts);
	free(summary->events);
	free(summary->unreadable_why);
	free(summary->cpus);
}
