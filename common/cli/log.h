/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Logging through a callback, with levels and domains. Libraries say nothing above debug level: what users must know is
 * returned or counted. `-v` raises the level; `--debug=symbols:2` raises one domain's.
 */
#ifndef HVP_COMMON_CLI_LOG_H
#define HVP_COMMON_CLI_LOG_H

#include "common/base/error.h"

enum hvp_log_level {
	HVP_LOG_ERROR,
	HVP_LOG_WARNING,
	HVP_LOG_INFO,
	HVP_LOG_DEBUG,
	HVP_LOG_TRACE,
};

enum hvp_log_domain {
	HVP_LOG_CLI,
	HVP_LOG_SOURCE,
	HVP_LOG_DOMAINS,
	HVP_LOG_SESSION,
	HVP_LOG_SYMBOLS,
	HVP_LOG_REPORT,
};
#define HVP_NUM_LOG_DOMAINS 6

struct hvp_log {
	/* Called with one line without newline. NULL: silence. */
	void (*write)(void *arg, enum hvp_log_level level, enum hvp_log_domain domain,
		      const char *line);
	void *arg;
	/* What passes, for each domain. */
	enum hvp_log_level levels[HVP_NUM_LOG_DOMAINS];
};

/* Accepts a NULL log. */
void hvp_log(const struct hvp_log *log, enum hvp_log_level level, enum hvp_log_domain domain,
	     const char *format, ...) hvp_printf(4, 5);

/* "symbols:2,source:1" as --debug takes it; 1 is debug, 2 is trace. HVP_ERROR_USAGE lists the domains. */
struct hvp_error *hvp_log_parse(struct hvp_log *log, const char *spec) hvp_must_use;

#endif
