/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The head of a report in text. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/cli/term.h"
#include "common/cli/text.h"
#include "common/session/format.h"
#include "report/output/output_text.h"

/* Domains in the list of owners; the others are summed up in one line. */
#define MAX_LISTED_DOMAINS 20u

static void print_key(struct hvp_output *output, const char *key)
{
	fprintf(output->out, "  %-10s", key);
}

static void print_heading(struct hvp_output *output, const char *text)
{
	fprintf(output->out, "\n%s%s%s\n", hvp_style_begin(output->has_color, HVP_STYLE_HEADING),
		text, hvp_style_end(output->has_color));
}

static void print_recorded(struct hvp_output *output, const struct hvp_facts *facts)
{
	const char *host = hvp_session_info(facts->session, HVP_INFO_HOSTNAME);
	const char *kernel = hvp_session_info(facts->session, HVP_INFO_KERNEL);
	char start[64], duration[HVP_TEXT_NUMBER];

	print_key(output, "recorded");
	hvp_facts_start_text(facts, start, sizeof(start));
	fprintf(output->out, "%s%s%s", start, *start ? ", " : "",
		hvp_text_duration(duration, facts->end_time - facts->start_time));
	if (host) {
		fputs(" on ", output->out);
		hvp_text_print(output->out, host);
	}
	if (kernel) {
		fputs(" (", output->out);
		hvp_text_print(output->out, kernel);
		fputc(')', output->out);
	}
	if (facts->num_cpus)
		fprintf(output->out, ", %u CPU%s", facts->num_cpus,
			facts->num_cpus == 1 ? "" : "s");
	fputc('\n', output->out);
}

static void print_info(struct hvp_output *output, const struct hvp_facts *facts, const char *key,
		       const char *info)
{
	const char *value = hvp_session_info(facts->session, info);

	if (!value || !*value)
		return;
	print_key(output, key);
	hvp_text_print(output->out, value);
	fputc('\n', output->out);
}

static void print_event(struct hvp_output *output, const struct hvp_event_info *event,
			bool is_selected)
{
	char number[HVP_TEXT_NUMBER];

	print_key(output, is_selected ? "event" : "(event)");
	hvp_text_print(output->out, event->name);
	if (event->frequency)
		fprintf(output->out, ", %s samples a second and CPU",
			hvp_text_number(number, event->frequency));
	else if (event->period)
		fprintf(output->out,
			event->period == 1 ? ", a sample every event"
					   : ", a sample every %s events",
			hvp_text_number(number, event->period));
	if (event->scope && *event->scope) {
		fputs(", ", output->out);
		hvp_text_print(output->out, event->scope);
	}
	if (!is_selected)
		fputs("; not in this report, see --event", output->out);
	fputc('\n', output->out);
}

static void print_overhead(struct hvp_output *output, const struct hvp_facts *facts)
{
	double percent = hvp_facts_overhead(facts);
	char number[HVP_TEXT_NUMBER];

	if (!hvp_facts_has_cost(facts))
		return;
	print_key(output, "overhead");
	if (percent >= 0)
		fprintf(output->out, "%.2f%% of the CPUs' time, ", percent);
	fprintf(output->out, "%s of CPU, ", hvp_text_duration(number, facts->end.collector_cpu_ns));
	fprintf(output->out, "%s of memory\n",
		hvp_text_bytes(number, facts->end.collector_rss_bytes));
}

struct owner_line {
	uint64_t samples;
	uint64_t total;
};

static void print_owner(struct hvp_output *output, struct owner_line line, const char *name,
			const char *remark)
{
	char number[HVP_TEXT_NUMBER], percent[HVP_TEXT_NUMBER];

	fprintf(output->out, "  %13s  %8s  %s%s%s\n", hvp_text_number(number, line.samples),
		hvp_text_percent(percent, (double)line.samples, (double)line.total), name,
		*remark ? "  " : "", remark);
}

static void print_domains(struct hvp_output *output, const struct hvp_head *head)
{
	const struct hvp_totals *totals = &head->entries->totals;
	struct owner_line others = {.total = totals->total};
	char title[600], text[700], remark[96], kernel[HVP_TEXT_NUMBER], user[HVP_TEXT_NUMBER];

	for (size_t i = 0; i < totals->num_domains; i++) {
		const struct hvp_domain_totals *domain = &totals->domains[i];
		uint64_t samples = domain->kernel + domain->user;

		if (i >= MAX_LISTED_DOMAINS) {
			others.samples += samples;
			continue;
		}
		hvp_domain_title(hvp_domains_find(&head->entries->profile->domains, domain->domain),
				 title, sizeof(title));
		snprintf(text, sizeof(text), "domain %s", title);
		*remark = '\0';
		if (samples)
			snprintf(remark, sizeof(remark), "kernel %s, user %s",
				 hvp_text_number(kernel, domain->kernel),
				 hvp_text_number(user, domain->user));
		print_owner(output, (struct owner_line){samples, totals->total}, text, remark);
	}
	if (totals->num_domains <= MAX_LISTED_DOMAINS)
		return;
	snprintf(text, sizeof(text), "%zu more domains", totals->num_domains - MAX_LISTED_DOMAINS);
	print_owner(output, others, text, "");
}

/* "ring full 10, collector 2" */
static void describe_lost(const struct hvp_totals *totals, char *buf, size_t size)
{
	const struct {
		uint64_t samples;
		const char *cause;
	} causes[] = {
		{totals->lost[HVP_LOST_RING], "ring full"},
		{totals->lost[HVP_LOST_COLLECTOR], "collector"},
		{totals->lost[HVP_LOST_FILE], "session file full"},
		{totals->lost_unreadable, "unreadable in the session file"},
	};
	size_t used = 0;
	char number[HVP_TEXT_NUMBER];

	*buf = '\0';
	for (size_t i = 0; i < sizeof(causes) / sizeof(*causes); i++) {
		if (causes[i].samples && used < size)
			used += (size_t)snprintf(buf + used, size - used, "%s%s %s",
						 used ? ", " : "", causes[i].cause,
						 hvp_text_number(number, causes[i].samples));
	}
}

static void print_owners(struct hvp_output *output, const struct hvp_head *head)
{
	static const char *const remarks[HVP_NUM_OWNERS] = {
		[HVP_OWNER_HYPERVISOR] = "(KVM, host kernel and VMM at work for the domains)",
		[HVP_OWNER_HOST] = "(other processes and kernel threads)",
		[HVP_OWNER_UNKNOWN] = "(the source could not tell)",
	};
	const struct hvp_totals *totals = &head->entries->totals;
	char lost[200];

	print_heading(output, "Samples by owner");
	print_domains(output, head);
	for (unsigned int i = HVP_OWNER_HYPERVISOR; i < HVP_NUM_OWNERS; i++) {
		const char *remark = remarks[i] ? remarks[i] : "";

		if (i == HVP_OWNER_UNKNOWN && !totals->owners[i])
			continue;
		if (i == HVP_OWNER_LOST) {
			describe_lost(totals, lost, sizeof(lost));
			remark = lost;
		}
		print_owner(output, (struct owner_line){totals->owners[i], totals->total},
			    hvp_owner_names[i], remark);
	}
	if (totals->filtered)
		print_owner(output, (struct owner_line){totals->filtered, totals->total},
			    "filtered", "(left out by the filter)");
	print_owner(output, (struct owner_line){totals->total, totals->total}, "total", "");
	if (totals->outside)
		fprintf(output->out, "  %13s            outside of the report's time and event\n",
			hvp_text_number(lost, totals->outside));
}

/* A line "most in libz.so.1 (40), busybox (2)", or nothing. */
static void print_culprits(struct hvp_output *output, const struct hvp_head *head,
			   enum hvp_unresolved why)
{
	const struct hvp_culprits *culprits = &head->entries->totals.culprits;
	enum hvp_dim dim = hvp_culprits_dim(why);
	char buf[HVP_VALUE_TEXT], number[HVP_TEXT_NUMBER];

	for (unsigned int i = 0; i < HVP_NUM_CULPRITS && culprits->most[why][i].samples; i++) {
		if (i)
			fputs(", ", output->out);
		else
			fprintf(output->out, "  %13s  %8s  most in ", "", "");
		hvp_text_print(output->out, hvp_profile_text(head->entries->profile, dim,
							     culprits->most[why][i].value, buf));
		fprintf(output->out, " (%s)",
			hvp_text_number(number, culprits->most[why][i].samples));
	}
	if (culprits->most[why][0].samples)
		fputc('\n', output->out);
}

static void print_unresolved(struct hvp_output *output, const struct hvp_head *head)
{
	const struct hvp_totals *totals = &head->entries->totals;
	bool has_heading = false;

	for (unsigned int i = 0; i < HVP_NUM_UNRESOLVED; i++) {
		if (!totals->unresolved[i])
			continue;
		if (!has_heading)
			print_heading(output, "Without a symbol");
		has_heading = true;
		print_owner(output, (struct owner_line){totals->unresolved[i], totals->total},
			    hvp_unresolved_label(i), hvp_unresolved_text(i));
		print_culprits(output, head, i);
	}
}

static void print_note(struct hvp_output *output, const char *mark, const char *text)
{
	fprintf(output->out, "  %s%s%s ", hvp_style_begin(output->has_color, HVP_STYLE_WARNING),
		mark, hvp_style_end(output->has_color));
	hvp_text_print(output->out, text);
	fputc('\n', output->out);
}

static void print_notes(struct hvp_output *output, const struct hvp_facts *facts,
			uint64_t lost_records)
{
	const char *damage = hvp_session_damage(facts->session);
	char text[160];

	if (!damage && !facts->num_throttles && !facts->num_offline && !lost_records &&
	    !facts->num_notes)
		return;
	print_heading(output, "Notes");
	if (damage)
		print_note(output, "damaged file:", damage);
	if (facts->num_throttles) {
		snprintf(text, sizeof(text),
			 "the kernel throttled sampling %" PRIu64
			 " time%s: shares of busy CPUs are too small (record with a lower -F)",
			 facts->num_throttles, facts->num_throttles == 1 ? "" : "s");
		print_note(output, "throttled:", text);
	}
	if (facts->num_offline) {
		snprintf(text, sizeof(text),
			 "CPUs went off-line %" PRIu64 " time%s and were not sampled meanwhile",
			 facts->num_offline, facts->num_offline == 1 ? "" : "s");
		print_note(output, "off-line:", text);
	}
	if (lost_records) {
		snprintf(text, sizeof(text),
			 "%" PRIu64 " record%s of mappings or names lost: some symbols may be "
			 "missing",
			 lost_records, lost_records == 1 ? "" : "s");
		print_note(output, "lost:", text);
	}
	for (size_t i = 0; i < facts->num_notes; i++)
		print_note(output, "-", facts->notes[i]);
}

void hvp_text_head(struct hvp_output *output, const struct hvp_head *head)
{
	const struct hvp_facts *facts = head->facts;

	fprintf(output->out, "%sSession ", hvp_style_begin(output->has_color, HVP_STYLE_HEADING));
	hvp_text_print(output->out, hvp_session_path(facts->session));
	fprintf(output->out, "%s\n", hvp_style_end(output->has_color));
	print_recorded(output, facts);
	print_info(output, facts, "command", HVP_INFO_COMMAND);
	print_info(output, facts, "from", HVP_INFO_PERF_COMMAND);
	print_info(output, facts, "target", HVP_INFO_TARGET);
	for (size_t i = 0; i < hvp_session_num_events(facts->session); i++)
		print_event(output, hvp_session_event(facts->session, i),
			    head->event == HVP_EVENT_ALL || head->event == i);
	if (*head->selection) {
		print_key(output, "selection");
		hvp_text_print(output->out, head->selection);
		fputc('\n', output->out);
	}
	print_overhead(output, facts);
	print_owners(output, head);
	print_unresolved(output, head);
	print_notes(output, facts, head->entries->totals.lost_records);
}
