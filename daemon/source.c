/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/source.h"

#include <string.h>

#include "daemon/perf/perf_source.h"
#include "daemon/perfdata/perfdata_source.h"

const struct hvp_source_ops *const hvp_sources[] = {
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

void hvp_source_destroy(struct hvp_source *source)
{
	if (source)
		source->ops->destroy(source);
}
