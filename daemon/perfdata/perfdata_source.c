/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/perfdata/perfdata_source.h"

#include <inttypes.h>
#include <stdlib.h>

#include "daemon/perfdata/perfdata_delivery.h"
#include "daemon/perfdata/perfdata_events.h"
#include "daemon/perfdata/perfdata_stream.h"
#include "daemon/record_config.h"

struct perfdata_source {
	struct hvp_source base;
	struct hvp_perfdata *file;
	struct hvp_perfdata_events events;
	struct hvp_perfdata_delivery delivery;
	struct hvp_perfdata_stream stream;
};

static struct perfdata_source *of(const struct hvp_source *source)
{
	return (struct perfdata_source *)(uintptr_t)source;
}

static struct hvp_error *perfdata_probe(const struct hvp_host_roots *roots)
{
	(void)roots;
	return NULL;
}

static void perfdata_destroy(struct hvp_source *base)
{
	struct perfdata_source *source = of(base);

	hvp_perfdata_stream_deinit(&source->stream);
	hvp_perfdata_delivery_deinit(&source->delivery);
	hvp_perfdata_events_deinit(&source->events);
	hvp_perfdata_destroy(source->file);
	free(source);
}

static struct hvp_error *perfdata_open(const struct hvp_record_config *config,
				       const struct hvp_sink *sink, const struct hvp_log *log,
				       struct hvp_source **ret)
{
	struct perfdata_source *source = calloc(1, sizeof(*source));

	if (!source)
		return hvp_error_no_memory;
	source->base.ops = &hvp_perfdata_source_ops;
	hvp_scope(hvp_source_destroy_scope) struct hvp_source *owner = &source->base;
	if (!config->input)
		return hvp_error_create(HVP_ERROR_USAGE,
					"perf.data as a source is read by hvprof import FILE");
	hvp_try(hvp_perfdata_open(config->input, &source->file));
	source->delivery.sink = *sink;
	source->delivery.log = log;
	source->delivery.file = source->file;
	if (source->file->file_size != UINT64_MAX)
		source->delivery.progress.total = source->file->file_size;
	hvp_try(hvp_perfdata_stream_init(source->file, &source->delivery, &source->stream));
	if (source->file->is_stream)
		hvp_try(hvp_perfdata_stream_read_head(&source->stream));
	hvp_try(hvp_perfdata_events_init(source->file, &source->events));
	hvp_try(hvp_perfdata_delivery_begin(&source->delivery, &source->events));
	hvp_log(log, HVP_LOG_DEBUG, HVP_LOG_SOURCE, "%s: %zu attributes, %zu events, %zu build ids",
		source->file->path, source->file->num_attrs, source->events.num,
		source->file->num_build_ids);
	*ret = hvp_take(owner);
	return NULL;
}

static const struct hvp_event_info *perfdata_events(const struct hvp_source *source,
						    size_t *ret_num)
{
	*ret_num = of(source)->events.num;
	return of(source)->events.items;
}

/* perf wrote the state of the world in front of the samples; it is drained with them. */
static struct hvp_error *perfdata_start(struct hvp_source *source)
{
	return hvp_perfdata_note_missing(&of(source)->delivery);
}

static int perfdata_poll_fd(const struct hvp_source *source)
{
	(void)source;
	return -1;
}

static struct hvp_error *perfdata_drain(struct hvp_source *source, bool *ret_more)
{
	hvp_try(hvp_perfdata_stream_drain(&of(source)->stream));
	*ret_more = !of(source)->stream.is_ended;
	return NULL;
}

static struct hvp_error *perfdata_stop(struct hvp_source *base)
{
	struct perfdata_source *source = of(base);

	if (source->stream.aux_bytes)
		hvp_try(hvp_perfdata_note(&source->delivery,
					  "%" PRIu64 " bytes of AUX area trace were left out",
					  source->stream.aux_bytes));
	return hvp_perfdata_deliver_counts(&source->delivery);
}

void hvp_perfdata_source_progress(const struct hvp_source *source,
				  struct hvp_perfdata_progress *ret)
{
	*ret = of(source)->delivery.progress;
}

const struct hvp_perfdata *hvp_perfdata_source_file(const struct hvp_source *source)
{
	return of(source)->file;
}

const struct hvp_source_ops hvp_perfdata_source_ops = {
	.name = "perf.data",
	.summary = "a file that perf record or perf kvm record wrote, for hvprof import",
	.probe = perfdata_probe,
	.open = perfdata_open,
	.events = perfdata_events,
	.start = perfdata_start,
	.poll_fd = perfdata_poll_fd,
	.drain = perfdata_drain,
	.stop = perfdata_stop,
	.destroy = perfdata_destroy,
};
