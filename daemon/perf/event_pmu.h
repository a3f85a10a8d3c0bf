/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events in a PMU's own terms, "cpu/event=0xc0,umask=0x1/u": the PMU describes its fields in
 * /sys/bus/event_source/devices/PMU/format
 * (Documentation/ABI/testing/sysfs-bus-event_source-devices-format), its named events in
 * .../events, its perf type in .../type.
 */
#ifndef HVP_DAEMON_EVENT_PMU_H
#define HVP_DAEMON_EVENT_PMU_H

#include <stdint.h>

#include "common/base/error.h"
#include "daemon/host/host_files.h"

struct hvp_pmu_event {
	uint32_t type;
	uint64_t config, config1, config2;
};

/*
 * `*ret_rest` points behind the second slash of `text`: the modifiers. HVP_ERROR_USAGE names the
 * term that is wrong.
 */
struct hvp_error *hvp_pmu_event_parse(const char *text, const struct hvp_host_roots *roots,
				      struct hvp_pmu_event *ret,
				      const char **ret_rest) hvp_must_use;

#endif
