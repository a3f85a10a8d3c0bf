/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/perfdata/import.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "common/session/format.h"
#include "daemon/collector.h"
#include "daemon/perfdata/import_guests.h"
#include "daemon/perfdata/perfdata_source.h"
#include "daemon/record_config.h"

/* Symbols of a kernel are some ten MB. */
#define MAX_KALLSYMS (256u << 20)

struct import {
	const struct hvp_import_options *options;
	struct hvp_session_writer *writer;
	struct hvp_import_guests guests;
	struct hvp_collector *collector;
	/* The collector's. */
	struct hvp_sink sink;
	struct hvp_source *source;
	/* Where the recorded kernel's _text was; 0: not recorded. */
	uint64_t text_address;
};

static void import_deinit(struct import *import)
{
	hvp_source_destroy(import->source);
	hvp_collector_destroy(import->collector);
	hvp_import_guests_deinit(&import->guests);
}

static struct hvp_error *take_record(void *arg, const struct hvp_record *record)
{
	struct import *import = arg;
	const struct hvp_record_mmap *mmap = &record->mmap;

	/*
	 * perf gives the address of the symbol that the name ends in where others have an offset.
	 */
	if (record->type == HVP_RECORD_MMAP && mmap->pid == HVP_PID_KERNEL &&
	    !strcmp(mmap->path, "[kernel.kallsyms]_text"))
		import->text_address = mmap->file_offset;
	return import->sink.record(import->sink.arg, record);
}

static struct hvp_error *take_sample(void *arg, struct hvp_sample *sample)
{
	struct import *import = arg;

	return import->sink.sample(import->sink.arg, sample);
}

static bool is_interrupted(const struct import *import)
{
	return import->options->interrupted && *import->options->interrupted;
}

static struct hvp_error *open_source(struct import *import, const struct hvp_sink *sink)
{
	const struct hvp_record_config config = {.input = import->options->input,
						 .roots = import->options->roots};

	hvp_source_destroy(hvp_take(import->source));
	return hvp_perfdata_source_ops.open(&config, sink, import->options->log, &import->source);
}

static struct hvp_error *drain(struct import *import, const char *stage)
{
	const struct hvp_import_options *options = import->options;
	struct hvp_perfdata_progress progress;
	bool has_more = true;

	hvp_try(import->source->ops->start(import->source));
	while (has_more && !is_interrupted(import)) {
		hvp_try(import->source->ops->drain(import->source, &has_more));
		hvp_perfdata_source_progress(import->source, &progress);
		if (options->progress)
			options->progress(options->progress_arg, stage, progress.done,
					  progress.total);
	}
	return import->source->ops->stop(import->source);
}

/* What the guests' processes are; nothing is written yet. */
static struct hvp_error *find_guests(struct import *import)
{
	const struct hvp_sink sink = hvp_import_guests_sink(&import->guests);

	if (!strcmp(import->options->input, "-"))
		return NULL;
	hvp_try(open_source(import, &sink));
	return drain(import, "Looking for guests");
}

/* Only with -k does perf record use a clock that others can read. */
static const char *clock_name(const struct hvp_perfdata *file)
{
	const struct perf_event_attr *attr = &file->attrs[0].attr;

	if (!attr->use_clockid)
		return "perf's own (the recorded kernel's sched_clock; no other clock can be "
		       "compared with it)";
	switch (attr->clockid) {
	case CLOCK_MONOTONIC: return "CLOCK_MONOTONIC";
	case CLOCK_MONOTONIC_RAW: return "CLOCK_MONOTONIC_RAW";
	case CLOCK_REALTIME: return "CLOCK_REALTIME";
	case CLOCK_BOOTTIME: return "CLOCK_BOOTTIME";
	case CLOCK_TAI: return "CLOCK_TAI";
	default: return "unknown";
	}
}

static struct hvp_error *add_kernel_build_id(struct import *import, const struct hvp_perfdata *file)
{
	const struct hvp_perfdata_build_id *id =
		hvp_perfdata_find_build_id(file, "[kernel.kallsyms]");
	char text[2 * HVP_BUILD_ID_MAX + 1] = "";

	if (!id)
		return NULL;
	for (unsigned int i = 0; i < id->size; i++)
		snprintf(text + 2 * (size_t)i, 3, "%02x", id->bytes[i]);
	return hvp_session_writer_add_info(import->writer, HVP_INFO_KERNEL_BUILD_ID, text);
}

static struct hvp_error *add_facts(struct import *import)
{
	const struct hvp_perfdata *file = hvp_perfdata_source_file(import->source);

	hvp_try(hvp_session_writer_add_info(import->writer, HVP_INFO_VERSION, HVP_VERSION));
	hvp_try(hvp_session_writer_add_info(import->writer, HVP_INFO_SOURCE,
					    hvp_perfdata_source_ops.name));
	hvp_try(hvp_session_writer_add_info(import->writer, "import.file", file->path));
	hvp_try(hvp_session_writer_add_info(import->writer, HVP_INFO_CLOCK, clock_name(file)));
	for (size_t i = 0; i < file->num_facts; i++)
		hvp_try(hvp_session_writer_add_info(
			import->writer, file->facts[i].key,
			hvp_strpool_text(&file->strings, file->facts[i].value)));
	return add_kernel_build_id(import, file);
}

/* The wall clock at the first sample, where perf noted how its clock and that one were related. */
static struct hvp_error *add_start(struct import *import,
				   const struct hvp_perfdata_progress *progress)
{
	const struct hvp_perfdata *file = hvp_perfdata_source_file(import->source);
	char text[24];

	if (!file->wall_clock || !file->attrs[0].attr.use_clockid)
		return NULL;
	snprintf(text, sizeof(text), "%" PRIu64,
		 file->wall_clock + (progress->first_time - file->sample_clock));
	return hvp_session_writer_add_info(import->writer, HVP_INFO_START_REALTIME, text);
}

static struct hvp_error *add_note(struct import *import, const char *text)
{
	const struct hvp_record record = {.type = HVP_RECORD_NOTE, .note = {text}};

	return import->sink.record(import->sink.arg, &record);
}

static struct hvp_error *add_given_kallsyms(struct import *import, const char *path)
{
	hvp_scope(hvp_free_ptr) char *data = NULL;
	struct hvp_record record = {.type = HVP_RECORD_BLOB,
				    .blob = {.kind = HVP_BLOB_KALLSYMS, .path = path}};
	size_t size;

	hvp_try(hvp_file_read(path, MAX_KALLSYMS, &data, &size));
	record.blob.data = (const uint8_t *)data;
	record.blob.size = size;
	return import->sink.record(import->sink.arg, &record);
}

/* _text of the running kernel; 0 when it is hidden. */
static uint64_t running_text_address(const struct hvp_host_roots *roots)
{
	hvp_scope(hvp_free_ptr) char *path = NULL;
	hvp_scope(hvp_close_file) FILE *file = NULL;
	char line[512], name[64];
	uint64_t address;
	char type;

	if (asprintf(&path, "%s/kallsyms", roots->proc) < 0)
		return 0;
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%" SCNx64 " %c %63s", &address, &type, name) == 3 &&
		    !strcmp(name, "_text"))
			return address;
	return 0;
}

/* Same host, same kernel, and the kernel at the same (random) place: the same boot. */
static bool is_same_boot(const struct import *import)
{
	const struct hvp_perfdata *file = hvp_perfdata_source_file(import->source);
	const char *kernel = hvp_perfdata_fact(file, HVP_INFO_KERNEL);
	const char *host = hvp_perfdata_fact(file, HVP_INFO_HOSTNAME);
	struct utsname here;

	return import->text_address && kernel && host && !uname(&here) &&
	       !strcmp(kernel, here.release) && !strcmp(host, here.nodename) &&
	       import->text_address == running_text_address(import->options->roots);
}

static struct hvp_error *add_kernel_symbols(struct import *import)
{
	if (import->options->kallsyms)
		hvp_try(add_given_kallsyms(import, import->options->kallsyms));
	else if (is_same_boot(import))
		return hvp_collector_end(import->collector, HVP_COLLECTOR_SYMBOLS_SEEN);
	else
		hvp_try(add_note(import, "the host kernel's symbols are not in perf.data, and it "
					 "was not recorded in this boot of this machine: import "
					 "with --kallsyms, or report with --kallsyms or "
					 "--vmlinux"));
	return hvp_collector_end(import->collector, HVP_COLLECTOR_SYMBOLS_NONE);
}

static struct hvp_error *finish(struct import *import, struct hvp_import_stats *ret)
{
	struct hvp_session_end end = {0};
	struct hvp_perfdata_progress progress;
	struct hvp_collector_stats stats;

	hvp_perfdata_source_progress(import->source, &progress);
	if (is_interrupted(import))
		hvp_try(add_note(import, "the import was stopped before the end of perf.data"));
	hvp_try(add_kernel_symbols(import));
	hvp_try(add_start(import, &progress));
	/*
	 * What perf record cost is not known, and what this import costs is no overhead of the
	 * recorded machine: both stay 0.
	 */
	end.start_time = progress.first_time;
	end.end_time = progress.last_time;
	hvp_try(hvp_session_writer_finish(import->writer, &end));
	hvp_collector_get_stats(import->collector, &stats);
	if (stats.file_error)
		return hvp_error_create(HVP_ERROR_OS, "%s", stats.file_error);
	*ret = (struct hvp_import_stats){
		.samples = stats.samples,
		.guest_samples = stats.guests,
		.domains = stats.num_domains,
		.is_degraded = progress.is_degraded || is_interrupted(import),
	};
	return NULL;
}

static struct hvp_error *create_collector(struct import *import)
{
	const struct hvp_collector_options options = {.roots = import->options->roots,
						      .log = import->options->log};

	hvp_try(hvp_collector_create(&options, import->writer, &import->collector));
	hvp_collector_get_sink(import->collector, &import->sink);
	return NULL;
}

struct hvp_error *hvp_import(const struct hvp_import_options *options,
			     struct hvp_session_writer *writer, struct hvp_import_stats *ret)
{
	hvp_scope(import_deinit) struct import import = {.options = options, .writer = writer};
	const struct hvp_sink sink = {.sample = take_sample, .record = take_record, .arg = &import};

	hvp_try(hvp_import_guests_init(options->names, options->num_names, &import.guests));
	hvp_try(find_guests(&import));
	hvp_try(create_collector(&import));
	hvp_try(open_source(&import, &sink));
	hvp_try(add_facts(&import));
	hvp_try(hvp_collector_add_events(import.collector, import.source));
	hvp_try(hvp_import_guests_add(&import.guests,
				      hvp_collector_domain_table(import.collector)));
	hvp_try(drain(&import, "Importing"));
	return finish(&import, ret);
}
