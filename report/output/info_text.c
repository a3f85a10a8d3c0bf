/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>

#include "common/cli/term.h"
#include "common/cli/text.h"
#include "report/info.h"

struct printer {
	FILE *out;
	bool has_color;
	const struct hvp_session_summary *summary;
};

static void heading(const struct printer *printer, const char *text)
{
	fprintf(printer->out, "\n%s%s%s\n", hvp_style_begin(printer->has_color, HVP_STYLE_HEADING),
		text, hvp_style_end(printer->has_color));
}

static void text_line(const struct printer *printer, const char *key, const char *value)
{
	fputs("  ", printer->out);
	hvp_text_print(printer->out, key);
	fprintf(printer->out, "%*s ",
		(int)(hvp_text_columns(key) < 24 ? 24 - hvp_text_columns(key) : 0), "");
	hvp_text_print(printer->out, value);
	fputc('\n', printer->out);
}

static void count_line(const struct printer *printer, uint64_t count, uint64_t whole,
		       const char *name)
{
	char number[HVP_TEXT_NUMBER], percent[HVP_TEXT_NUMBER];

	fprintf(printer->out, "  %15s  %8s  ", hvp_text_number(number, count),
		hvp_text_percent(percent, (double)count, (double)whole));
	hvp_text_print(printer->out, name);
	fputc('\n', printer->out);
}

static void print_info(const struct printer *printer)
{
	const struct hvp_session *session = printer->summary->facts.session;
	const char *key, *value;
	char start[64];

	fprintf(printer->out, "%sSession ", hvp_style_begin(printer->has_color, HVP_STYLE_HEADING));
	hvp_text_print(printer->out, hvp_session_path(session));
	fprintf(printer->out, "%s\n", hvp_style_end(printer->has_color));
	if (*hvp_facts_start_text(&printer->summary->facts, start, sizeof(start)))
		text_line(printer, "recorded", start);
	for (size_t i = 0; i < hvp_session_num_info(session); i++) {
		hvp_session_info_at(session, i, &key, &value);
		text_line(printer, key, value);
	}
}

/* "1.234 s" of the session, relative to its start. */
static void print_moment(const struct printer *printer, const char *word, uint64_t time)
{
	const struct hvp_facts *facts = &printer->summary->facts;

	fprintf(printer->out, "%s at %.3f s", word,
		((double)time - (double)facts->start_time) / 1e9);
}

static void print_file(const struct printer *printer)
{
	const struct hvp_session_summary *summary = printer->summary;
	const struct hvp_session *session = summary->facts.session;
	uint64_t num = hvp_session_num_samples(session);
	char buf[96], number[HVP_TEXT_NUMBER];

	heading(printer, "File");
	if (summary->file_size) {
		text_line(printer, "size", hvp_text_bytes(number, summary->file_size));
		if (num) {
			snprintf(buf, sizeof(buf), "%.2f, all else in the file included",
				 (double)summary->file_size / (double)num);
			text_line(printer, "bytes a sample", buf);
			snprintf(buf, sizeof(buf), "%.1f to 1 against samples in memory",
				 (double)num * sizeof(struct hvp_row) / (double)summary->file_size);
			text_line(printer, "compression", buf);
		}
	}
	text_line(printer, "samples", hvp_text_number(number, num));
	text_line(printer, "chunks of samples",
		  hvp_text_number(number, hvp_session_num_chunks(session)));
	text_line(printer, "call chains",
		  hvp_text_number(number, hvp_session_num_stacks(session) - 1));
	for (unsigned int i = 0; i < HVP_NUM_RECORD_TYPES; i++) {
		if (!summary->records[i] || !hvp_record_type_names[i])
			continue;
		snprintf(buf, sizeof(buf), "%s records", hvp_record_type_names[i]);
		text_line(printer, buf, hvp_text_number(number, summary->records[i]));
	}
	if (summary->blob_bytes)
		text_line(printer, "carried files", hvp_text_bytes(number, summary->blob_bytes));
	text_line(printer, "end", summary->facts.has_end ? "written" : "missing");
}

static void print_counts(const struct printer *printer)
{
	const struct hvp_session_summary *summary = printer->summary;
	const struct hvp_session *session = summary->facts.session;
	uint64_t total = 0;

	for (unsigned int i = 0; i < HVP_NUM_OWNERS; i++)
		total += summary->owners[i];
	heading(printer, "Samples by owner");
	for (unsigned int i = 0; i < HVP_NUM_OWNERS; i++)
		count_line(printer, summary->owners[i], total,
			   i == HVP_OWNER_DOMAIN ? "domains" : hvp_owner_names[i]);
	count_line(printer, total, total, "total");
	heading(printer, "Samples by mode");
	for (unsigned int i = 0; i < HVP_NUM_MODES; i++) {
		if (summary->modes[i])
			count_line(printer, summary->modes[i], total, hvp_mode_names[i]);
	}
	heading(printer, "Samples by event");
	for (size_t i = 0; i < hvp_session_num_events(session); i++) {
		const struct hvp_event_info *event = hvp_session_event(session, i);

		count_line(printer, summary->events[i], total, event->name);
		if (event->scope && *event->scope)
			text_line(printer, "", event->scope);
	}
}

static void print_vcpus(const struct printer *printer, const struct hvp_domain_info *info)
{
	for (size_t i = 0; i < info->num_vcpus; i++) {
		const struct hvp_vcpu_info *vcpu = &info->vcpus[i];

		fprintf(printer->out, "      vCPU %u, thread %u", vcpu->vcpu, vcpu->tid);
		if (vcpu->end_time)
			print_moment(printer, ", gone", vcpu->end_time);
		fputc('\n', printer->out);
	}
}

static void print_domains(const struct printer *printer)
{
	const struct hvp_session_summary *summary = printer->summary;
	char title[600], guest[HVP_TEXT_NUMBER], hypervisor[HVP_TEXT_NUMBER];

	if (summary->domains.num)
		heading(printer, "Domains");
	for (size_t i = 0; i < summary->domains.num; i++) {
		const struct hvp_domain_info *info = &summary->domains.items[i];

		fprintf(printer->out, "  #%u %s", info->id,
			hvp_domain_title(info, title, sizeof(title)));
		if (info->pid)
			fprintf(printer->out, ", process %u", info->pid);
		if (info->start_time)
			print_moment(printer, ", started", info->start_time);
		if (info->end_time)
			print_moment(printer, ", ended", info->end_time);
		if (*info->identity_from) {
			fputs(", name from ", printer->out);
			hvp_text_print(printer->out, info->identity_from);
		}
		fprintf(printer->out,
			"\n      %s samples in the guest, %s in the hypervisor for it\n",
			hvp_text_number(guest, summary->domain_counts[i].guest),
			hvp_text_number(hypervisor, summary->domain_counts[i].hypervisor));
		print_vcpus(printer, info);
	}
}

static void print_note(const struct printer *printer, const char *text)
{
	fputs("  - ", printer->out);
	hvp_text_print(printer->out, text);
	fputc('\n', printer->out);
}

static void print_losses(const struct printer *printer)
{
	const struct hvp_session_summary *summary = printer->summary;
	const char *damage = hvp_session_damage(summary->facts.session);

	if (summary->num_cpus)
		heading(printer, "Losses by CPU");
	for (size_t i = 0; i < summary->num_cpus; i++) {
		const struct hvp_cpu_losses *cpu = &summary->cpus[i];

		fprintf(printer->out,
			"  CPU %u: %" PRIu64 " samples and %" PRIu64
			" records lost, throttled %" PRIu64 " times\n",
			cpu->cpu, cpu->lost_samples, cpu->lost_records, cpu->throttles);
	}
	if (damage || summary->unreadable_why || summary->facts.num_notes)
		heading(printer, "Notes");
	if (damage)
		print_note(printer, damage);
	if (summary->unreadable_why)
		print_note(printer, summary->unreadable_why);
	for (size_t i = 0; i < summary->facts.num_notes; i++)
		print_note(printer, summary->facts.notes[i]);
}

static void print_collector(const struct printer *printer)
{
	const struct hvp_facts *facts = &printer->summary->facts;
	double percent = hvp_facts_overhead(facts);
	char buf[64], number[HVP_TEXT_NUMBER];

	if (!facts->has_end)
		return;
	heading(printer, "Collector");
	text_line(printer, "duration",
		  hvp_text_duration(number, facts->end_time - facts->start_time));
	if (!hvp_facts_has_cost(facts))
		return;
	text_line(printer, "CPU time", hvp_text_duration(number, facts->end.collector_cpu_ns));
	if (percent >= 0) {
		snprintf(buf, sizeof(buf), "%.3f%%", percent);
		text_line(printer, "of the CPUs' time", buf);
	}
	text_line(printer, "peak memory", hvp_text_bytes(number, facts->end.collector_rss_bytes));
}

void hvp_info_print_text(const struct hvp_session_summary *summary, FILE *out, bool has_color)
{
	const struct printer printer = {.out = out, .has_color = has_color, .summary = summary};

	print_info(&printer);
	print_file(&printer);
	print_collector(&printer);
	print_counts(&printer);
	print_domains(&printer);
	print_losses(&printer);
}
