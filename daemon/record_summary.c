/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/record_summary.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <linux/perf_event.h>

#include "common/cli/text.h"

/* The line stays short on a machine with a thousand VMs. */
#define MAX_DOMAINS_SHOWN 8

void hvp_record_progress(const struct hvp_context *context, const struct hvp_collector *collector,
			 const struct hvp_session_writer *writer, uint64_t elapsed_ns)
{
	struct hvp_session_writer_stats written;
	struct hvp_collector_stats stats;
	char samples[HVP_TEXT_NUMBER], lost[HVP_TEXT_NUMBER], bytes[HVP_TEXT_NUMBER];

	if (!context->has_progress)
		return;
	hvp_collector_get_stats(collector, &stats);
	hvp_session_writer_get_stats(writer, &written);
	fprintf(context->err, "\r\033[K%" PRIu64 " s  %s samples  %s lost  %s  (Ctrl-C ends)",
		elapsed_ns / 1000000000u, hvp_text_number(samples, stats.samples),
		hvp_text_number(lost, stats.lost_samples),
		hvp_text_bytes(bytes, written.bytes_written));
	fflush(context->err);
}

void hvp_record_progress_clear(const struct hvp_context *context)
{
	if (context->has_progress)
		fputs("\r\033[K", context->err);
}

struct share {
	uint32_t domain;
	uint64_t samples;
};

static int compare_shares(const void *a, const void *b)
{
	const struct share *x = a, *y = b;

	if (x->samples != y->samples)
		return x->samples < y->samples ? 1 : -1;
	return x->domain < y->domain ? -1 : 1;
}

/* "NAME 40.1%", after a comma if it is not the first. */
static void print_share(FILE *out, bool *is_first, const char *name, uint64_t samples,
			uint64_t total)
{
	fputs(*is_first ? " (" : ", ", out);
	*is_first = false;
	hvp_text_print(out, name);
	fprintf(out, " %.1f%%", 100.0 * (double)samples / (double)total);
}

static void print_domains(FILE *out, struct hvp_collector *collector, uint64_t total,
			  bool *is_first)
{
	const struct hvp_domain_table *domains = hvp_collector_domain_table(collector);
	uint32_t num = hvp_domain_table_num(domains), shown = 0;
	struct share *shares = calloc(num ? num : 1, sizeof(*shares));
	uint64_t rest = 0;
	char text[64];

	if (!shares)
		return;
	for (uint32_t i = 0; i < num; i++)
		shares[i] = (struct share){i + 1, hvp_collector_guest_samples(collector, i + 1)};
	qsort(shares, num, sizeof(*shares), compare_shares);
	for (; shown < num && shown < MAX_DOMAINS_SHOWN && shares[shown].samples; shown++) {
		struct hvp_vm vm;

		hvp_domain_table_get(domains, shares[shown].domain, &vm);
		print_share(out, is_first, vm.name, shares[shown].samples, total);
	}
	for (uint32_t i = shown; i < num; i++)
		rest += shares[i].samples;
	free(shares);
	if (!rest)
		return;
	snprintf(text, sizeof(text), "%u other guests", num - shown);
	print_share(out, is_first, text, rest, total);
}

static void print_owners(FILE *out, struct hvp_collector *collector,
			 const struct hvp_collector_stats *stats)
{
	const struct {
		const char *name;
		uint64_t samples;
	} owners[] = {
		{"hypervisor", stats->hypervisor},
		{"host", stats->host},
		{"idle", stats->idle},
		{"unknown", stats->unknown},
	};
	bool is_first = true;

	if (!stats->samples)
		return;
	print_domains(out, collector, stats->samples, &is_first);
	for (size_t i = 0; i < sizeof(owners) / sizeof(owners[0]); i++)
		if (owners[i].samples)
			print_share(out, &is_first, owners[i].name, owners[i].samples,
				    stats->samples);
	putc(')', out);
}

/* The reasons, the surest first. */
static const char *why_no_guests(const struct hvp_record_plan *plan)
{
	bool wants_guests = false, is_precise = true;

	for (size_t i = 0; i < plan->config.num_events; i++) {
		const struct hvp_event_spec *spec = &plan->config.events[i];

		wants_guests |= !!(spec->modes & (HVP_MODE_BIT(HVP_MODE_GUEST_KERNEL) |
						  HVP_MODE_BIT(HVP_MODE_GUEST_USER)));
		is_precise &= spec->precise != 0;
	}
	if (!wants_guests)
		return "the events exclude guests (modifier H): leave it out";
	if (is_precise)
		return "precise events (modifier p) never sample a guest: leave it out";
	if (plan->config.cpus.num)
		return "perhaps none ran on the CPUs of -C";
	return "they were idle, or this kernel's KVM does not tell perf when a guest runs; "
	       "`hvprof check` says what this host can do";
}

/* Tracepoints and counts of the host's own doings (page faults) are never in a guest. */
static bool can_sample_guests(const struct hvp_record_plan *plan)
{
	for (size_t i = 0; i < plan->config.num_events; i++) {
		const struct hvp_event_spec *spec = &plan->config.events[i];

		if (hvp_event_is_clock(spec) ||
		    (spec->type != PERF_TYPE_SOFTWARE && spec->type != PERF_TYPE_TRACEPOINT))
			return true;
	}
	return false;
}

static void explain_missing_guests(const struct hvp_context *context,
				   const struct hvp_record_plan *plan,
				   struct hvp_collector *collector,
				   const struct hvp_collector_stats *stats)
{
	const char *limit = hvp_collector_discovery_limit(collector);

	/* Who asked for something else misses nothing. */
	if (stats->guests || !plan->config.is_system_wide || !can_sample_guests(plan) ||
	    (plan->target.host && !plan->target.num_guests))
		return;
	if (plan->target.num_guests && !stats->samples) {
		fprintf(context->err, "hvprof: no sample belongs to the guests of --guest: "
				      "`hvprof list` shows what runs\n");
		return;
	}
	if (!stats->num_domains && !limit)
		return;
	if (stats->num_domains)
		fprintf(context->err,
			"hvprof: %" PRIu32 " VMs run, but no sample was in guest code: %s\n",
			stats->num_domains, why_no_guests(plan));
	else if (context->log.levels[HVP_LOG_DOMAINS] >= HVP_LOG_INFO)
		fprintf(context->err, "hvprof: no guests were found: %s\n", limit);
}

static void warn_of_losses(const struct hvp_context *context, const struct hvp_record_plan *plan,
			   const struct hvp_collector_stats *stats, bool is_cut)
{
	uint64_t lost_by_rings = stats->lost_samples - stats->lost_by_file + stats->lost_records;
	char number[HVP_TEXT_NUMBER];

	/* The error that cut the file is told when the command fails. */
	if (is_cut && strcmp(plan->output, "-") != 0) {
		fputs("hvprof: warning: the samples that were to be written last are not in the "
		      "file: `hvprof info ",
		      context->err);
		hvp_text_print(context->err, plan->output);
		fputs("` shows what is\n", context->err);
	} else if (stats->file_error) {
		fprintf(context->err, "hvprof: warning: %s\n", stats->file_error);
	}
	if (stats->lost_by_file)
		fprintf(context->err,
			"hvprof: warning: lost %s samples for which the file had no room\n",
			hvp_text_number(number, stats->lost_by_file));
	if (stats->throttled)
		fprintf(context->err,
			"hvprof: warning: the kernel throttled sampling %s times: a lower -F, or "
			"sysctl -w kernel.perf_cpu_time_max_percent=100\n",
			hvp_text_number(number, stats->throttled));
	if (lost_by_rings)
		fprintf(context->err,
			"hvprof: warning: lost %s samples or records: a larger ring "
			"(-m) or a lower rate (-F) helps\n",
			hvp_text_number(number, lost_by_rings));
}

static void say_what(FILE *err, const struct hvp_record_plan *plan, struct hvp_collector *collector,
		     const struct hvp_collector_stats *stats,
		     const struct hvp_record_result *result)
{
	char samples[HVP_TEXT_NUMBER], lost[HVP_TEXT_NUMBER], bytes[HVP_TEXT_NUMBER];

	fprintf(err, "hvprof: %s sample%s%s", hvp_text_number(samples, stats->samples),
		stats->samples == 1 ? "" : "s", result->is_cut ? " taken" : "");
	print_owners(err, collector, stats);
	fprintf(err, ", %s lost, %s %s ", hvp_text_number(lost, stats->lost_samples),
		hvp_text_bytes(bytes, result->bytes), strcmp(plan->output, "-") ? "in" : "to");
	hvp_text_print(err, strcmp(plan->output, "-") ? plan->output : "standard output");
	putc('\n', err);
}

void hvp_record_summarize(const struct hvp_context *context, const struct hvp_record_plan *plan,
			  struct hvp_collector *collector, const struct hvp_record_result *result)
{
	struct hvp_collector_stats stats;

	hvp_collector_get_stats(collector, &stats);
	if (!context->is_quiet)
		say_what(context->err, plan, collector, &stats, result);
	warn_of_losses(context, plan, &stats, result->is_cut);
	explain_missing_guests(context, plan, collector, &stats);
}
