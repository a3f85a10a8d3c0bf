/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/profile/head.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/array.h"
#include "common/cli/text.h"
#include "common/session/format.h"

static struct hvp_error *add_note(struct hvp_facts *facts, const char *format, ...) hvp_must_use
	hvp_printf(2, 3);

static struct hvp_error *add_note(struct hvp_facts *facts, const char *format, ...)
{
	va_list args;
	char *text;
	int n;

	hvp_try(hvp_array_reserve(&facts->notes, &facts->capacity_notes, facts->num_notes + 1,
				  sizeof(*facts->notes)));
	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	if (n < 0)
		return hvp_error_no_memory;
	facts->notes[facts->num_notes++] = text;
	return NULL;
}

static struct hvp_error *gather_records(struct hvp_facts *facts)
{
	for (size_t i = 0; i < hvp_session_num_records(facts->session); i++) {
		const struct hvp_record *record = hvp_session_record(facts->session, i);

		switch (record->type) {
		case HVP_RECORD_NOTE: hvp_try(add_note(facts, "%s", record->note.text)); break;
		case HVP_RECORD_THROTTLE: facts->num_throttles += !record->throttle.is_end; break;
		case HVP_RECORD_CPU: facts->num_offline += !record->cpu.is_online; break;
		default: break;
		}
	}
	return NULL;
}

/* The span of the samples, when nobody wrote down the session's. */
static void gather_span(struct hvp_facts *facts)
{
	facts->has_end = hvp_session_end(facts->session, &facts->end);
	facts->start_time = facts->end.start_time;
	facts->end_time = facts->end.end_time;
	if (facts->has_end && facts->end_time >= facts->start_time)
		return;
	facts->start_time = UINT64_MAX;
	facts->end_time = 0;
	for (size_t i = 0; i < hvp_session_num_chunks(facts->session); i++) {
		const struct hvp_chunk_info *chunk = hvp_session_chunk(facts->session, i);

		if (chunk->first_time < facts->start_time)
			facts->start_time = chunk->first_time;
		if (chunk->last_time > facts->end_time)
			facts->end_time = chunk->last_time;
	}
	if (facts->start_time > facts->end_time)
		facts->start_time = facts->end_time = 0;
}

/* How many CPUs "0-3,8" or "4" is: the session has either a list or a number. */
static unsigned int count_cpus(const char *text)
{
	unsigned int num = 0;
	char *end;

	if (!strpbrk(text, "-,"))
		return (unsigned int)strtoul(text, NULL, 10);
	while (*text) {
		unsigned long first = strtoul(text, &end, 10), last = first;

		if (end == text)
			break;
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		if (last >= first && last - first < 1 << 20)
			num += (unsigned int)(last - first) + 1;
		text = *end ? end + 1 : end;
	}
	return num;
}

struct hvp_error *hvp_facts_init(struct hvp_facts *ret, const struct hvp_session *session)
{
	const char *cpus = hvp_session_info(session, HVP_INFO_CPUS_ONLINE);

	*ret = (struct hvp_facts){.session = session};
	ret->num_cpus = cpus ? count_cpus(cpus) : 0;
	gather_span(ret);
	return gather_records(ret);
}

void hvp_facts_deinit(struct hvp_facts *facts)
{
	for (size_t i = 0; i < facts->num_notes; i++)
		free(facts->notes[i]);
	free(facts->notes);
}

bool hvp_facts_has_cost(const struct hvp_facts *facts)
{
	return facts->has_end && (facts->end.collector_cpu_ns || facts->end.collector_rss_bytes);
}

double hvp_facts_overhead(const struct hvp_facts *facts)
{
	double span = (double)(facts->end_time - facts->start_time) * facts->num_cpus;

	if (!hvp_facts_has_cost(facts) || span <= 0)
		return -1;
	return 100 * (double)facts->end.collector_cpu_ns / span;
}

/* Domains ran and no sample was taken in any of them: the thing users ask about most. */
static struct hvp_error *explain_no_guest(const struct hvp_head *head, struct hvp_facts *facts)
{
	const struct hvp_totals *totals = &head->entries->totals;
	size_t num = totals->num_domains;

	if (!num || totals->owners[HVP_OWNER_DOMAIN] || totals->filtered)
		return NULL;
	if (totals->owners[HVP_OWNER_HYPERVISOR])
		return add_note(
			facts,
			"no guest samples although %zu domain%s ran: the vCPU threads were sampled "
			"in the host only. Either the event leaves guests out (modifier H; record "
			"with -e EVENT without it), or this host's KVM does not tell perf about "
			"guest mode (hvprof check)",
			num, num == 1 ? "" : "s");
	return add_note(facts,
			"no guest samples although %zu domain%s known: no vCPU thread ran while "
			"samples were taken (idle guests), or the session's target leaves them out",
			num, num == 1 ? " is" : "s are");
}

struct hvp_error *hvp_head_conclude(const struct hvp_head *head, struct hvp_facts *facts)
{
	const struct hvp_profile *profile = head->entries->profile;
	const struct hvp_totals *totals = &head->entries->totals;
	const struct hvp_symbolizer *symbolizer = profile->symbolizer;

	hvp_try(explain_no_guest(head, facts));
	if (profile->scan.unreadable_why)
		hvp_try(add_note(facts, "%" PRIu64 " samples cannot be read and count as lost: %s",
				 totals->lost_unreadable, profile->scan.unreadable_why));
	if (totals->interrupted)
		hvp_try(add_note(facts,
				 "interrupted: %" PRIu64 " samples were not read and are not "
				 "counted anywhere",
				 totals->interrupted));
	for (size_t i = 0; i < hvp_symbolizer_num_notes(symbolizer); i++)
		hvp_try(add_note(facts, "%s", hvp_symbolizer_note(symbolizer, i)));
	return NULL;
}

bool hvp_head_is_degraded(const struct hvp_head *head)
{
	const struct hvp_totals *totals = &head->entries->totals;
	uint64_t unresolved = 0;

	for (unsigned int i = 0; i < HVP_NUM_UNRESOLVED; i++)
		unresolved += totals->unresolved[i];
	return totals->owners[HVP_OWNER_LOST] || totals->lost_records || totals->interrupted ||
	       head->facts->num_throttles || hvp_session_damage(head->facts->session) ||
	       unresolved * 100 > totals->total * HVP_DEGRADED_UNRESOLVED_PERCENT;
}

const char *hvp_domain_title(const struct hvp_domain_info *info, char *buf, size_t size)
{
	char name[256], vmm[64], uuid[96];

	snprintf(buf, size, "%s (%s%s%s%s%s%u vCPU%s)",
		 hvp_text_escape(name, sizeof(name), info->name),
		 hvp_text_escape(vmm, sizeof(vmm), info->vmm), *info->vmm ? ", " : "",
		 *info->uuid ? "uuid " : "", hvp_text_escape(uuid, sizeof(uuid), info->uuid),
		 *info->uuid ? ", " : "", info->num_distinct_vcpus,
		 info->num_distinct_vcpus == 1 ? "" : "s");
	return buf;
}

const char *hvp_facts_start_text(const struct hvp_facts *facts, char *buf, size_t size)
{
	const char *text = hvp_session_info(facts->session, HVP_INFO_START_REALTIME);
	struct tm when;
	time_t seconds;

	*buf = '\0';
	if (!text)
		return buf;
	seconds = (time_t)(strtoull(text, NULL, 10) / 1000000000);
	if (gmtime_r(&seconds, &when))
		strftime(buf, size, "%Y-%m-%d %H:%M:%S UTC", &when);
	return buf;
}
