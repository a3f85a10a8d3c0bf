/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Samples from stock Linux: perf_event_open(2) and one ring for each CPU, shared by all its events.
 */
#ifndef HVP_DAEMON_PERF_SOURCE_H
#define HVP_DAEMON_PERF_SOURCE_H

#include "daemon/source.h"

extern const struct hvp_source_ops hvp_perf_source_ops;

#endif
