/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libpfm4's event tables. In a file of its own, since its perf_event.h and the kernel's do not live
 * in one source file.
 */
#ifndef HVP_DAEMON_EVENTS_PFM_H
#define HVP_DAEMON_EVENTS_PFM_H

#include <stdint.h>

#include "common/base/error.h"

struct hvp_pfm_encoding {
	uint32_t type;
	uint64_t config, config1, config2;
};

/*
 * HVP_ERROR_NOT_FOUND when no table of this machine's PMUs has the name. The first call takes some
 * milliseconds.
 */
struct hvp_error *hvp_pfm_encode(const char *name, struct hvp_pfm_encoding *ret) hvp_must_use;

#endif
