/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /dev/hvpmu of a kernel whose KVM has the partitioned vPMU (hv-pmu/env/linux/uapi/hvpmu.h): what
 * it is asked, its rings, and errors that say what to do.
 */
#ifndef HVP_DAEMON_HVPMU_DEVICE_H
#define HVP_DAEMON_HVPMU_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "daemon/host/host_files.h"
#include "daemon/perf/events.h"
#include "hv-pmu/env/linux/uapi/hvpmu.h"
#include "hvpmu/ring.h"

/* The system calls, which tests answer themselves. */
struct hvp_hvpmu_calls {
	/* open(2), close-on-exec: -1 with errno. */
	int (*open)(const char *path);
	/* ioctl(2) */
	int (*ioctl)(int fd, unsigned long request, void *argument);
};
extern const struct hvp_hvpmu_calls hvp_hvpmu_kernel;

struct hvp_hvpmu_device {
	const struct hvp_hvpmu_calls *calls;
	int fd;
	struct hvpmu_dev_info info;
};

/*
 * HVP_ERROR_NOT_FOUND: this kernel has none. HVP_ERROR_PERMISSION, and HVP_ERROR_OS when somebody
 * else has it.
 */
struct hvp_error *hvp_hvpmu_device_open(const struct hvp_hvpmu_calls *calls,
					const struct hvp_host_roots *roots,
					struct hvp_hvpmu_device *ret) hvp_must_use;
void hvp_hvpmu_device_close(struct hvp_hvpmu_device *device);

struct hvp_hvpmu_setup {
	const struct hvp_event_spec *events;
	size_t num_events;
	/* For events without a rate of their own. */
	uint64_t frequency, period;
	/* No event is asked to be faster. */
	uint64_t max_frequency;
	bool wants_chains;
	/* Frames of a chain. */
	uint32_t max_chain;
	/* Bytes of records of each ring, a power of two. */
	uint64_t data_size;
};

/* What is asked for an event; HVP_ERROR_UNSUPPORTED when there are no words for it. */
struct hvp_error *hvp_hvpmu_event(const struct hvp_event_spec *spec,
				  const struct hvp_hvpmu_setup *setup,
				  struct hvpmu_dev_event *ret) hvp_must_use;
/* Opens the events, disabled. HVP_ERROR_UNSUPPORTED says why they cannot be had. */
struct hvp_error *hvp_hvpmu_device_setup(struct hvp_hvpmu_device *device,
					 const struct hvp_hvpmu_setup *setup) hvp_must_use;
struct hvp_error *hvp_hvpmu_device_enable(struct hvp_hvpmu_device *device) hvp_must_use;
void hvp_hvpmu_device_disable(struct hvp_hvpmu_device *device);
/*
 * What event `index` of the setup has counted, and how long, on all CPUs. False: this kernel does
 * not say.
 */
bool hvp_hvpmu_device_times(const struct hvp_hvpmu_device *device, size_t index,
			    struct hvpmu_dev_times *ret);

struct hvp_hvpmu_ring {
	struct hvpmu_ring_reader reader;
	/* 0: not mapped. */
	size_t map_size;
};

/* HVP_ERROR_NOT_FOUND: the machine has no such CPU. */
struct hvp_error *hvp_hvpmu_ring_map(const struct hvp_hvpmu_device *device, uint32_t cpu,
				     uint64_t data_size, struct hvp_hvpmu_ring *ret) hvp_must_use;
void hvp_hvpmu_ring_unmap(struct hvp_hvpmu_ring *ring);

#endif
