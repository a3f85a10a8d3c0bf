/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/daemon/hvpmu_fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ioctl(2) knows no more of a device than its descriptor. */
static struct fake_device *current;

/* A tool that cannot go on. */
static void must(bool holds)
{
	if (!holds)
		abort();
}

static size_t ring_size(const struct fake_device *device)
{
	return FAKE_HEADER + device->data_size;
}

static void make_ring(struct fake_device *device, uint32_t cpu)
{
	size_t size = ring_size(device);
	uint8_t *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, device->fd,
			     (off_t)(cpu * size));

	must(base != MAP_FAILED);
	memset(base, 0, size);
	must(!hvpmu_ring_init(&device->rings[cpu], (struct hvpmu_ring_page *)(void *)base,
			      base + FAKE_HEADER, device->data_size, FAKE_HEADER, cpu));
}

static void unmap_rings(struct fake_device *device)
{
	for (uint32_t cpu = 0; cpu < FAKE_CPUS; cpu++)
		if (device->rings[cpu].page)
			munmap(device->rings[cpu].page, ring_size(device));
	memset(device->rings, 0, sizeof(device->rings));
}

/* Each setup makes the rings anew. */
static int set_up(struct fake_device *device, const struct hvpmu_dev_setup *setup)
{
	if (device->setup_errno) {
		errno = device->setup_errno;
		return -1;
	}
	unmap_rings(device);
	device->setup = *setup;
	memcpy(device->events, (const void *)(uintptr_t)setup->events,
	       setup->num_events * sizeof(device->events[0]));
	device->data_size = setup->data_size;
	must(!ftruncate(device->fd, (off_t)(FAKE_CPUS * ring_size(device))));
	for (uint32_t cpu = 0; cpu < FAKE_CPUS; cpu++)
		make_ring(device, cpu);
	return 0;
}

static int get_times(const struct fake_device *device, struct hvpmu_dev_times *times)
{
	uint32_t event = times->event;

	if (!device->has_times) {
		errno = ENOTTY;
		return -1;
	}
	must(times->size == sizeof(*times) && event < device->setup.num_events);
	*times = device->times[event];
	times->size = sizeof(*times);
	times->event = event;
	return 0;
}

static int fake_open(const char *path)
{
	(void)path;
	if (!current->open_errno)
		return dup(current->fd);
	errno = current->open_errno;
	return -1;
}

static int fake_ioctl(int fd, unsigned long request, void *argument)
{
	(void)fd;
	switch (request) {
	case HVPMU_IOC_INFO: memcpy(argument, &current->info, sizeof(current->info)); return 0;
	case HVPMU_IOC_SETUP: return set_up(current, argument);
	case HVPMU_IOC_ENABLE: current->is_enabled = true; return 0;
	case HVPMU_IOC_DISABLE: current->is_enabled = false; return 0;
	case HVPMU_IOC_TIMES: return get_times(current, argument);
	default: errno = ENOTTY; return -1;
	}
}

static const struct hvp_hvpmu_calls fake_calls = {.open = fake_open, .ioctl = fake_ioctl};

/* perf without events: says the name of one process when it starts. */
struct fake_sideband {
	struct hvp_source base;
	struct hvp_sink sink;
};

static struct hvp_error *sideband_open(const struct hvp_record_config *config,
				       const struct hvp_sink *sink, const struct hvp_log *log,
				       struct hvp_source **ret);

static struct hvp_error *sideband_start(struct hvp_source *base)
{
	const struct fake_sideband *sideband = (const struct fake_sideband *)base;
	const struct hvp_record record = {.type = HVP_RECORD_COMM,
					  .time = FAKE_TIME,
					  .comm = {.pid = 100, .tid = 100, .name = "qemu"}};

	return sideband->sink.record(sideband->sink.arg, &record);
}

static int sideband_poll_fd(const struct hvp_source *base)
{
	(void)base;
	return -1;
}

static struct hvp_error *sideband_drain(struct hvp_source *base, bool *ret_more)
{
	(void)base;
	*ret_more = true;
	return NULL;
}

static struct hvp_error *sideband_stop(struct hvp_source *base)
{
	(void)base;
	return NULL;
}

static void sideband_destroy(struct hvp_source *base)
{
	free(base);
}

static const struct hvp_source_ops sideband_ops = {
	.name = "sideband",
	.open = sideband_open,
	.start = sideband_start,
	.poll_fd = sideband_poll_fd,
	.drain = sideband_drain,
	.stop = sideband_stop,
	.destroy = sideband_destroy,
};

static struct hvp_error *sideband_open(const struct hvp_record_config *config,
				       const struct hvp_sink *sink, const struct hvp_log *log,
				       struct hvp_source **ret)
{
	struct fake_sideband *sideband = calloc(1, sizeof(*sideband));

	(void)log;
	must(sideband && !config->num_events);
	sideband->base.ops = &sideband_ops;
	sideband->sink = *sink;
	*ret = &sideband->base;
	return NULL;
}

static struct hvp_tsc_moment fake_now(void)
{
	return (struct hvp_tsc_moment){.tsc = FAKE_TSC + current->ticks,
				       .time = FAKE_TIME + current->ticks / 2};
}

static void fake_clock(struct hvp_tsc_clock *ret)
{
	const struct hvp_tsc_moment moment = {.tsc = FAKE_TSC, .time = FAKE_TIME};

	hvp_tsc_clock_init(ret, &moment, 1 << 9, 10);
}

const struct hvp_hvpmu_parts fake_parts = {
	.calls = &fake_calls,
	.sideband = &sideband_ops,
	.init_clock = fake_clock,
	.now = fake_now,
};

void fake_device_init(struct fake_device *device)
{
	*device = (struct fake_device){
		.fd = memfd_create("hvpmu", MFD_CLOEXEC),
		.info = {.size = sizeof(device->info),
			 .version = HVPMU_DEV_VERSION,
			 .num_cpus = FAKE_CPUS,
			 .header_size = FAKE_HEADER,
			 .host_mask = 0x7000000ff},
	};
	must(device->fd >= 0);
	current = device;
}

void fake_device_deinit(struct fake_device *device)
{
	unmap_rings(device);
	close(device->fd);
	current = NULL;
}

bool fake_put(struct fake_device *device, uint32_t cpu, const void *record, size_t size)
{
	void *room = hvpmu_ring_reserve(&device->rings[cpu], (uint32_t)size);

	if (!room)
		return false;
	memcpy(room, record, size);
	hvpmu_ring_commit(&device->rings[cpu]);
	return true;
}

struct hvpmu_record_sample fake_sample(uint64_t ticks)
{
	return (struct hvpmu_record_sample){
		.header = {.size = sizeof(struct hvpmu_record_sample),
			   .type = HVPMU_RECORD_SAMPLE,
			   .flags = HVPMU_SAMPLE_GUEST},
		.cpl = 3,
		.domain = 5,
		.vcpu = 1,
		.pid = 100,
		.tid = 101,
		.tsc = FAKE_TSC + ticks,
		.ip = 0x401000,
		.period = 1000,
		.cr3 = 0x1234002,
	};
}

bool fake_put_domain(struct fake_device *device, uint32_t cpu, uint32_t domain, uint32_t pid,
		     const char *name)
{
	struct {
		struct hvpmu_record_domain record;
		char name[16];
	} buf = {.record = {.header = {.size = sizeof(buf), .type = HVPMU_RECORD_DOMAIN},
			    .domain = domain,
			    .pid = pid,
			    .tsc = FAKE_TSC}};

	must(strlen(name) < sizeof(buf.name));
	memcpy(buf.name, name, strlen(name));
	return fake_put(device, cpu, &buf, sizeof(buf));
}

bool fake_put_vcpu(struct fake_device *device, uint32_t cpu, uint32_t domain, uint16_t vcpu,
		   uint32_t tid)
{
	const struct hvpmu_record_vcpu record = {
		.header = {.size = sizeof(record), .type = HVPMU_RECORD_VCPU},
		.domain = domain,
		.tid = tid,
		.tsc = FAKE_TSC,
		.vcpu = vcpu};

	return fake_put(device, cpu, &record, sizeof(record));
}
