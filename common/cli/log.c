/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/cli/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/scope.h"
#include "common/cli/suggest.h"

#define MAX_LINE 1024

static const char *const domain_names[HVP_NUM_LOG_DOMAINS] = {
	[HVP_LOG_CLI] = "cli",	       [HVP_LOG_SOURCE] = "source",   [HVP_LOG_DOMAINS] = "domains",
	[HVP_LOG_SESSION] = "session", [HVP_LOG_SYMBOLS] = "symbols", [HVP_LOG_REPORT] = "report",
};

const char *hvp_log_domain_name(enum hvp_log_domain domain)
{
	return domain_names[domain];
}

void hvp_log(const struct hvp_log *log, enum hvp_log_level level, enum hvp_log_domain domain,
	     const char *format, ...)
{
	char line[MAX_LINE];
	va_list args;

	if (!hvp_log_passes(log, level, domain))
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	log->write(log->arg, level, domain, line);
}

void hvp_log_raise(struct hvp_log *log, enum hvp_log_level level)
{
	for (int i = 0; i < HVP_NUM_LOG_DOMAINS; i++) {
		if (log->levels[i] < level)
			log->levels[i] = level;
	}
}

static struct hvp_error *no_such_domain(const char *name)
{
	struct hvp_suggestion suggestion;
	char list[128] = "";

	hvp_suggestion_init(&suggestion, name);
	for (int i = 0; i < HVP_NUM_LOG_DOMAINS; i++) {
		size_t used = strlen(list);

		snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "", domain_names[i]);
		hvp_suggestion_try(&suggestion, domain_names[i]);
	}
	if (suggestion.nearest)
		return hvp_error_create(HVP_ERROR_USAGE,
					"--debug: there is no domain \"%s\"; did you mean \"%s\"? "
					"There are: all, %s",
					name, suggestion.nearest, list);
	return hvp_error_create(HVP_ERROR_USAGE,
				"--debug: there is no domain \"%s\"; there are: all, %s", name,
				list);
}

/* "symbols" or "symbols:2" or "all:1"; writes into the word. */
static struct hvp_error *parse_one(struct hvp_log *log, char *word)
{
	char *colon = strchr(word, ':');
	enum hvp_log_level level = HVP_LOG_DEBUG;
	bool is_found = false;

	if (colon) {
		if ((colon[1] != '1' && colon[1] != '2') || colon[2])
			return hvp_error_create(HVP_ERROR_USAGE,
						"--debug: the level of \"%s\" is 1 (debug) or 2 "
						"(trace)",
						word);
		if (colon[1] == '2')
			level = HVP_LOG_TRACE;
		*colon = '\0';
	}
	for (int i = 0; i < HVP_NUM_LOG_DOMAINS; i++) {
		if (strcmp(word, domain_names[i]) && strcmp(word, "all"))
			continue;
		log->levels[i] = level;
		is_found = true;
	}
	return is_found ? NULL : no_such_domain(word);
}

struct hvp_error *hvp_log_parse(struct hvp_log *log, const char *spec)
{
	hvp_scope(hvp_free_ptr) char *copy = strdup(spec);
	char *rest = copy, *word;

	if (!copy)
		return hvp_error_no_memory;
	while ((word = strsep(&rest, ",")))
		hvp_try(parse_one(log, word));
	return NULL;
}
