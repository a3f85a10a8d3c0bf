/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/collector.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "daemon/kvm/discovery.h"
#include "daemon/kvm/domain_join.h"
#include "daemon/kvm/guest_files.h"
#include "daemon/host/kernel_maps.h"

/* What is kept for each domain; the host is number 0. */
struct tally {
	uint64_t guest_samples;
	bool is_wanted;
};

struct hvp_collector {
	struct hvp_collector_options options;
	struct hvp_session_writer *writer;
	struct hvp_sink sink;
	struct hvp_domain_table *domains;
	struct hvp_discovery *discovery;
	struct hvp_domain_join join;
	struct hvp_kernel_seen seen;
	struct tally *tallies;
	size_t num_tallies, capacity;
	struct hvp_collector_stats stats;
	bool filters;
	/* The first failed write. */
	struct hvp_error *file_error;
};

/* Whether the session can go on without what could not be written. */
static bool is_survivable(const struct hvp_error *err)
{
	switch (hvp_error_errno(err)) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
	case EIO: return hvp_error_code(err) == HVP_ERROR_OS;
	default: return false;
	}
}

/* The writer counts what it loses; here the error is kept to be told at the end. */
struct hvp_error *hvp_collector_survive(struct hvp_collector *collector, struct hvp_error *err)
{
	if (!err || !is_survivable(err))
		return err;
	if (collector->file_error) {
		hvp_error_destroy(err);
		return NULL;
	}
	hvp_log(collector->options.log, HVP_LOG_WARNING, HVP_LOG_SESSION,
		"%s; going on, what has no room is counted as lost", hvp_error_message(err));
	collector->file_error = err;
	return NULL;
}

static struct hvp_error *write_record(struct hvp_collector *collector,
				      const struct hvp_record *record)
{
	return hvp_collector_survive(collector,
				     hvp_session_writer_add_record(collector->writer, record));
}

static struct hvp_error *tally_of(struct hvp_collector *collector, uint32_t domain,
				  struct tally **ret)
{
	if (domain >= collector->num_tallies) {
		hvp_try(hvp_array_reserve(&collector->tallies, &collector->capacity, domain + 1,
					  sizeof(*collector->tallies)));
		memset(collector->tallies + collector->num_tallies, 0,
		       (domain + 1 - collector->num_tallies) * sizeof(*collector->tallies));
		collector->num_tallies = domain + 1;
	}
	*ret = &collector->tallies[domain];
	return NULL;
}

/* The domain table has news of a domain. */
static struct hvp_error *domain_record(void *arg, const struct hvp_record *record)
{
	struct hvp_collector *collector = arg;
	struct tally *tally;
	struct hvp_vm vm;

	if (record->type == HVP_RECORD_DOMAIN) {
		hvp_domain_table_get(collector->domains, record->domain.domain, &vm);
		hvp_try(tally_of(collector, record->domain.domain, &tally));
		tally->is_wanted =
			!collector->filters || hvp_target_has_vm(collector->options.target, &vm);
		if (collector->options.guest_files)
			hvp_try(hvp_guest_files_emit(collector->options.guest_files, &vm,
						     &collector->sink));
	}
	return write_record(collector, record);
}

static struct hvp_error *source_record(void *arg, const struct hvp_record *record)
{
	struct hvp_collector *collector = arg;

	/* In the source's numbers; the domain table says the same in the session's. */
	if (record->type == HVP_RECORD_DOMAIN || record->type == HVP_RECORD_VCPU)
		return hvp_domain_join_see(&collector->join, record);
	if (record->type == HVP_RECORD_LOST) {
		collector->stats.lost_samples += record->lost.samples;
		collector->stats.lost_records += record->lost.records;
	} else if (record->type == HVP_RECORD_THROTTLE && !record->throttle.is_end) {
		collector->stats.throttled++;
	} else if (record->type == HVP_RECORD_NOTE) {
		collector->stats.notes++;
		hvp_log(collector->options.log, HVP_LOG_WARNING, HVP_LOG_SOURCE, "%s",
			record->note.text);
	}
	hvp_try(write_record(collector, record));
	return hvp_domain_table_see_record(collector->domains, record);
}

static struct hvp_error *assign_domain(struct hvp_collector *collector, struct hvp_sample *sample)
{
	const uint32_t number = sample->domain, vcpu = sample->vcpu;
	bool wants_discovery;
	uint32_t domain;

	hvp_try(hvp_domain_table_assign(collector->domains, sample, &wants_discovery));
	if (number && hvp_domain_join_find(&collector->join, number, sample->pid, &domain)) {
		sample->domain = domain;
		sample->vcpu = vcpu;
		return NULL;
	}
	if (!wants_discovery)
		return NULL;
	if (collector->discovery)
		hvp_try(hvp_discovery_resolve(collector->discovery, sample->pid));
	return hvp_domain_table_assign(collector->domains, sample, &wants_discovery);
}

static void mark_kernel_code(struct hvp_kernel_seen *seen, const struct hvp_sample *sample)
{
	if (sample->mode == HVP_MODE_HOST_KERNEL)
		hvp_kernel_seen_mark(seen, sample->ip);
	if (hvp_mode_is_guest(sample->mode))
		return;
	for (uint32_t i = 0; i < sample->chain.num_kernel; i++)
		/*
		 * A caller's frame is the address behind the call, which may be the next
		 * function's.
		 */
		hvp_kernel_seen_mark(seen, sample->chain.frames[i] - 1);
}

static void count_owner(struct hvp_collector_stats *stats, struct tally *tally,
			const struct hvp_sample *sample)
{
	stats->samples++;
	if (hvp_mode_is_guest(sample->mode)) {
		tally->guest_samples++;
		stats->guests++;
	} else if (sample->mode == HVP_MODE_UNKNOWN) {
		stats->unknown++;
	} else if (sample->domain != HVP_DOMAIN_HOST || sample->mode == HVP_MODE_HYPERVISOR) {
		stats->hypervisor++;
	} else if (!sample->pid && !sample->tid) {
		stats->idle++;
	} else {
		stats->host++;
	}
}

/* Without an error of the file there is no such loss, and nothing to look at. */
static uint64_t lost_by_writer(const struct hvp_collector *collector)
{
	struct hvp_session_writer_stats written;

	if (!collector->file_error)
		return 0;
	hvp_session_writer_get_stats(collector->writer, &written);
	return written.lost_samples;
}

static struct hvp_error *source_sample(void *arg, struct hvp_sample *sample)
{
	struct hvp_collector *collector = arg;
	struct hvp_error *err;
	struct tally *tally;
	uint64_t lost;

	hvp_try(assign_domain(collector, sample));
	if (__builtin_expect(sample->domain >= collector->num_tallies, 0))
		hvp_try(tally_of(collector, sample->domain, &tally));
	tally = &collector->tallies[sample->domain];
	if (collector->filters &&
	    !hvp_target_wants(collector->options.target, sample, tally->is_wanted)) {
		collector->stats.not_wanted++;
		return NULL;
	}
	lost = lost_by_writer(collector);
	err = hvp_session_writer_add_sample(collector->writer, sample);
	if (__builtin_expect(err != NULL, 0))
		hvp_try(hvp_collector_survive(collector, err));
	/* A sample is either recorded or lost. */
	if (lost_by_writer(collector) != lost)
		return NULL;
	count_owner(&collector->stats, tally, sample);
	mark_kernel_code(&collector->seen, sample);
	return NULL;
}

static struct hvp_error *init(struct hvp_collector *collector)
{
	const struct hvp_sink to_writer = {.record = domain_record, .arg = collector};
	const struct hvp_discovery_options discovery = {
		.roots = collector->options.roots,
		.log = collector->options.log,
		.qmp = collector->options.qmp,
	};

	collector->sink = (struct hvp_sink){
		.sample = source_sample, .record = source_record, .arg = collector};
	collector->filters =
		collector->options.target && !hvp_target_is_all(collector->options.target);
	hvp_try(hvp_kernel_seen_init(&collector->seen));
	hvp_try(hvp_domain_table_create(&to_writer, &collector->domains));
	if (collector->options.discovers)
		hvp_try(hvp_discovery_create(&discovery, collector->domains,
					     &collector->discovery));
	hvp_domain_join_init(&collector->join, collector->options.roots, collector->domains,
			     collector->discovery);
	return NULL;
}

struct hvp_error *hvp_collector_create(const struct hvp_collector_options *options,
				       struct hvp_session_writer *writer,
				       struct hvp_collector **ret)
{
	hvp_scope(hvp_collector_destroy_scope) struct hvp_collector *collector =
		calloc(1, sizeof(*collector));

	if (!collector)
		return hvp_error_no_memory;
	collector->options = *options;
	collector->writer = writer;
	hvp_try(init(collector));
	*ret = hvp_take(collector);
	return NULL;
}

void hvp_collector_destroy(struct hvp_collector *collector)
{
	if (!collector)
		return;
	hvp_domain_join_deinit(&collector->join);
	hvp_discovery_destroy(collector->discovery);
	hvp_domain_table_destroy(collector->domains);
	hvp_kernel_seen_deinit(&collector->seen);
	hvp_error_destroy(collector->file_error);
	free(collector->tallies);
	free(collector);
}

void hvp_collector_get_sink(struct hvp_collector *collector, struct hvp_sink *ret)
{
	*ret = collector->sink;
}

struct hvp_error *hvp_collector_add_events(struct hvp_collector *collector,
					   const struct hvp_source *source)
{
	const struct hvp_event_info *events;
	uint16_t index;
	size_t num;

	events = source->ops->events(source, &num);
	/* The writer counts them as the source does: from 0, in this order. */
	for (size_t i = 0; i < num; i++)
		hvp_try(hvp_session_writer_add_event(collector->writer, &events[i], &index));
	return NULL;
}

struct hvp_error *hvp_collector_begin(struct hvp_collector *collector)
{
	hvp_try(hvp_kernel_maps_emit(collector->options.roots, &collector->sink));
	return collector->discovery ? hvp_discovery_scan(collector->discovery, true) : NULL;
}

int hvp_collector_poll_fd(const struct hvp_collector *collector)
{
	return collector->discovery ? hvp_discovery_poll_fd(collector->discovery) : -1;
}

struct hvp_error *hvp_collector_update(struct hvp_collector *collector)
{
	return collector->discovery ? hvp_discovery_update(collector->discovery) : NULL;
}

static struct hvp_error *write_note(struct hvp_collector *collector, const char *text)
{
	const struct hvp_record record = {
		.type = HVP_RECORD_NOTE, .time = hvp_clock_now(), .note = {text}};

	return write_record(collector, &record);
}

struct hvp_error *hvp_collector_end(struct hvp_collector *collector,
				    enum hvp_collector_symbols symbols)
{
	const struct hvp_kernel_seen *seen =
		symbols == HVP_COLLECTOR_SYMBOLS_SEEN ? &collector->seen : NULL;
	char text[256];

	if (symbols != HVP_COLLECTOR_SYMBOLS_NONE)
		hvp_try(hvp_kernel_symbols_emit(collector->options.roots,
						collector->options.kallsyms_cache, seen,
						&collector->sink));
	if (hvp_collector_discovery_limit(collector) && collector->stats.guests)
		hvp_try(write_note(collector, hvp_collector_discovery_limit(collector)));
	if (!collector->stats.not_wanted)
		return NULL;
	snprintf(text, sizeof(text),
		 "%" PRIu64 " samples of others were not recorded by request (--host, --guest, "
		 "--vcpu)",
		 collector->stats.not_wanted);
	return write_note(collector, text);
}

void hvp_collector_get_stats(const struct hvp_collector *collector, struct hvp_collector_stats *ret)
{
	struct hvp_session_writer_stats written;

	hvp_session_writer_get_stats(collector->writer, &written);
	*ret = collector->stats;
	ret->lost_by_file = written.lost_samples;
	ret->lost_samples += written.lost_samples;
	ret->num_domains = hvp_domain_table_num(collector->domains);
	ret->file_error = collector->file_error ? hvp_error_message(collector->file_error) : NULL;
}

uint64_t hvp_collector_guest_samples(const struct hvp_collector *collector, uint32_t domain)
{
	return domain < collector->num_tallies ? collector->tallies[domain].guest_samples : 0;
}

struct hvp_domain_table *hvp_collector_domain_table(struct hvp_collector *collector)
{
	return collector->domains;
}

const char *hvp_collector_discovery_limit(const struct hvp_collector *collector)
{
	return collector->discovery ? hvp_discovery_limit(collector->discovery) : NULL;
}
