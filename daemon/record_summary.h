/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `hvprof record` says on standard error: the progress line, the closing line, and why no
 * guest was seen.
 */
#ifndef HVP_DAEMON_RECORD_SUMMARY_H
#define HVP_DAEMON_RECORD_SUMMARY_H

#include <stdint.h>

#include "common/cli/context.h"
#include "common/session/writer.h"
#include "daemon/collector.h"
#include "daemon/record_session.h"

/* Draws only on a terminal; called some times a second. */
void hvp_record_progress(const struct hvp_context *context, const struct hvp_collector *collector,
			 const struct hvp_session_writer *writer, uint64_t elapsed_ns);
void hvp_record_progress_clear(const struct hvp_context *context);

/*
 * "12,345 samples (web 40.1%, db 30.2%, hypervisor 5.0%, host 4.7%, idle 20.0%), 0 lost, 123 KiB in
 * hvprof.data"; then warnings.
 */
void hvp_record_summarize(const struct hvp_context *context, const struct hvp_record_plan *plan,
			  struct hvp_collector *collector, const struct hvp_record_result *result);

#endif
