/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/perf/events_pfm.h"

#include <string.h>

#include <perfmon/pfmlib_perf_event.h>

#include "common/base/array.h"
#include "common/base/library.h"

static struct {
	__typeof__(&pfm_initialize) initialize;
	__typeof__(&pfm_strerror) strerror;
	__typeof__(&pfm_get_os_event_encoding) get_os_event_encoding;
} pfm;

static const struct hvp_library_function functions[] = {
	{"pfm_initialize", &pfm.initialize},
	{"pfm_strerror", &pfm.strerror},
	{"pfm_get_os_event_encoding", &pfm.get_os_event_encoding},
};

struct hvp_error *hvp_pfm_encode(const char *name, struct hvp_pfm_encoding *ret)
{
	struct perf_event_attr attr = {.size = sizeof(attr)};
	pfm_perf_encode_arg_t arg = {.attr = &attr, .size = sizeof(arg)};
	pfm_err_t status;

	hvp_try(hvp_library_load(PFM_SONAME, functions, HVP_ARRAY_SIZE(functions)));
	/* Counted by the library: only the first call does work. */
	status = pfm.initialize();
	if (status != PFM_SUCCESS)
		return hvp_error_create(HVP_ERROR_NOT_FOUND, "libpfm4 cannot start: %s",
					pfm.strerror(status));
	status = pfm.get_os_event_encoding(name, PFM_PLM0 | PFM_PLM3, PFM_OS_PERF_EVENT, &arg);
	if (status != PFM_SUCCESS)
		return hvp_error_create(HVP_ERROR_NOT_FOUND, "libpfm4: %s", pfm.strerror(status));
	*ret = (struct hvp_pfm_encoding){.type = attr.type,
					 .config = attr.config,
					 .config1 = attr.config1,
					 .config2 = attr.config2};
	return NULL;
}
