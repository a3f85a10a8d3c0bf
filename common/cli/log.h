/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Logging through a callback, with levels and domains. Libraries say nothing above debug level:
 * what users must know is returned or counted. `-v` raises the level; `--debug=symbols:2` raises
 * one domain's.
 */
#ifndef HVP_COMMON_CLI_LOG_H
#define HVP_COMMON_CLI_LOG_H

#include <stdbool.h>

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

/* Whether a line would be written: for those who must work to make one. Accepts a NULL log. */
static inline bool hvp_log_passes(const struct hvp_log *log, enum hvp_log_level level,
				  enum hvp_log_domain domain)
{
	return log && log->write && level <= log->levels[domain];
}

/* Accepts a NULL log. Lines are cut at 1,023 bytes. */
void hvp_log(const struct hvp_log *log, enum hvp_log_level level, enum hvp_log_domain domain,
	     const char *format, ...) hvp_printf(4, 5);

/* "symbols" */
const char *hvp_log_domain_name(enum hvp_log_domain domain);

/* No domain stays below `level`. */
void hvp_log_raise(struct hvp_log *log, enum hvp_log_level level);

/* "symbols:2,source" or "all:1" as --debug takes it; 1 (or none) is debug, 2 is trace.
 * HVP_ERROR_USAGE lists the domains. */
struct hvp_error *hvp_log_parse(struct hvp_log *log, const char *spec) hvp_must_use;

#endif
