/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/source.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/hvpmu/hvpmu_source.h"
#include "daemon/perf/perf_source.h"
#include "daemon/perfdata/perfdata_source.h"

const struct hvp_source_ops *const hvp_sources[] = {
	&hvp_hvpmu_source_ops,
	&hvp_perf_source_ops,
	&hvp_perfdata_source_ops,
	NULL,
};

struct hvp_error *hvp_source_find(const char *name, const struct hvp_source_ops **ret)
{
	char known[256] = "";
	size_t length = 0;

	for (size_t i = 0; hvp_sources[i]; i++) {
		if (!strcmp(hvp_sources[i]->name, name)) {
			*ret = hvp_sources[i];
			return NULL;
		}
		if (length < sizeof(known))
			length += (size_t)snprintf(known + length, sizeof(known) - length, " %s",
						   hvp_sources[i]->name);
	}
	return hvp_error_create(HVP_ERROR_USAGE, "there is no source \"%s\"; there are:%s", name,
				known);
}

/* Most machines have no such thing, and what it is not made for nobody expects of it. */
static void say_why_not(const struct hvp_log *log, const char *name, const struct hvp_error *why)
{
	bool is_usual = hvp_error_code(why) == HVP_ERROR_NOT_FOUND ||
			hvp_error_code(why) == HVP_ERROR_USAGE;

	hvp_log(log, is_usual ? HVP_LOG_DEBUG : HVP_LOG_WARNING, HVP_LOG_SOURCE,
		"not recorded with the source %s: %s", name, hvp_error_message(why));
}

struct hvp_error *hvp_source_choose(const struct hvp_record_config *config,
				    const struct hvp_log *log, const struct hvp_source_ops **ret)
{
	for (size_t i = 0; hvp_sources[i]; i++) {
		struct hvp_error *why;

		if (!hvp_sources[i]->suits)
			continue;
		*ret = hvp_sources[i];
		why = hvp_sources[i]->suits(config);
		if (!why)
			return NULL;
		if (why == hvp_error_no_memory)
			return why;
		say_why_not(log, hvp_sources[i]->name, why);
		hvp_error_destroy(why);
	}
	return hvp_error_create(HVP_ERROR_UNSUPPORTED, "no source can record this here");
}

struct hvp_error *hvp_sink_note(const struct hvp_sink *sink, const char *format, ...)
{
	struct hvp_record note = {.type = HVP_RECORD_NOTE, .time = hvp_clock_now()};
	hvp_scope(hvp_free_ptr) char *text = NULL;
	va_list args;
	int n;

	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	if (n < 0) {
		text = NULL;
		return hvp_error_no_memory;
	}
	note.note.text = text;
	return sink->record(sink->arg, &note);
}

void hvp_source_destroy(struct hvp_source *source)
{
	if (source)
		source->ops->destroy(source);
}
