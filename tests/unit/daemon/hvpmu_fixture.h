/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A /dev/hvpmu in a file in memory: its rings are written by the hypervisor's own producer
 * (hv-pmu/core/ring.c), its ioctls answered as a test wants them.
 */
#ifndef HVP_TESTS_UNIT_DAEMON_HVPMU_FIXTURE_H
#define HVP_TESTS_UNIT_DAEMON_HVPMU_FIXTURE_H

#include "daemon/hvpmu/hvpmu_source.h"
#include "daemon/record_config.h"
#include "hvpmu/ring.h"

#define FAKE_CPUS 3
#define FAKE_HEADER 4096
/* The clock of the tests: 2 GHz, and at this counter value the session begins. */
#define FAKE_TSC UINT64_C(7000000000)
#define FAKE_TIME UINT64_C(100000000000)

struct fake_device {
	int fd;
	/* Of the last setup. */
	uint64_t data_size;
	struct hvpmu_dev_event events[HVPMU_DEV_EVENTS_MAX];
	struct hvpmu_dev_setup setup;
	struct hvpmu_ring rings[FAKE_CPUS];
	bool is_enabled;
	/* errno of these calls; 0: they succeed. */
	int open_errno, setup_errno;
	struct hvpmu_dev_info info;
	/* What it says of each event. It knows no such call before it is told to. */
	bool has_times;
	struct hvpmu_dev_times times[HVPMU_DEV_EVENTS_MAX];
	/* How far the counter has come since FAKE_TSC. */
	uint64_t ticks;
};

/* One at a time. */
void fake_device_init(struct fake_device *device);
void fake_device_deinit(struct fake_device *device);
/* Calls on it; sideband and clock of the tests. */
extern const struct hvp_hvpmu_parts fake_parts;

/* Writes a record of `size` bytes in all. False: the ring is full. */
bool fake_put(struct fake_device *device, uint32_t cpu, const void *record, size_t size);
/* A guest sample of domain 5's vCPU 1, thread 101 of process 100, `ticks` behind the beginning. */
struct hvpmu_record_sample fake_sample(uint64_t ticks);
bool fake_put_domain(struct fake_device *device, uint32_t cpu, uint32_t domain, uint32_t pid,
		     const char *name);
bool fake_put_vcpu(struct fake_device *device, uint32_t cpu, uint32_t domain, uint16_t vcpu,
		   uint32_t tid);

#endif
