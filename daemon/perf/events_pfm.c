/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/perf/events_pfm.h"

#include <string.h>

#include <perfmon/pfmlib_perf_event.h>

struct hvp_error *hvp_pfm_encode(const char *name, struct hvp_pfm_encoding *ret)
{
	struct perf_event_attr attr = {.size = sizeof(attr)};
	pfm_perf_encode_arg_t arg = {.attr = &attr, .size = sizeof(arg)};
	pfm_err_t status;

	/* Counted by the library: only the first call does work. */
	status = pfm_initialize();
	if (status != PFM_SUCCESS)
		return hvp_error_create(HVP_ERROR_NOT_FOUND, "libpfm4 cannot start: %s",
					pfm_strerror(status));
	status = pfm_get_os_event_encoding(name, PFM_PLM0 | PFM_PLM3, PFM_OS_PERF_EVENT, &arg);
	if (status != PFM_SUCCESS)
		return hvp_error_create(HVP_ERROR_NOT_FOUND, "libpfm4: %s", pfm_strerror(status));
	*ret = (struct hvp_pfm_encoding){.type = attr.type,
					 .config = attr.config,
					 .config1 = attr.config1,
					 .config2 = attr.config2};
	return NULL;
}
