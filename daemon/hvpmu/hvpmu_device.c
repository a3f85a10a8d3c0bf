/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/hvpmu/hvpmu_device.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/base/scope.h"

static int open_file(const char *path)
{
	return open(path, O_RDWR | O_CLOEXEC);
}

static int ask(int fd, unsigned long request, void *argument)
{
	return ioctl(fd, request, argument);
}

const struct hvp_hvpmu_calls hvp_hvpmu_kernel = {.open = open_file, .ioctl = ask};

static struct hvp_error *open_error(int os_errno, const char *path)
{
	switch (os_errno) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return hvp_error_create(HVP_ERROR_NOT_FOUND,
					"%s is not there: it needs a kernel with CONFIG_KVM_HVPMU, "
					"and its module kvm loaded (modprobe kvm)",
					path);
	case EACCES:
	case EPERM:
		return hvp_error_create(HVP_ERROR_PERMISSION,
					"%s: not permitted: this needs CAP_PERFMON and access to "
					"the file. Run as root",
					path);
	case EBUSY:
		return hvp_error_create(HVP_ERROR_OS,
					"%s: somebody else records with it, and it serves one at a "
					"time",
					path);
	default: return hvp_error_from_errno(os_errno, "%s: cannot be opened", path);
	}
}

/* What the mappings are reckoned with must be able to be so. */
static struct hvp_error *check_info(const struct hvpmu_dev_info *info, const char *path)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	if (info->version != HVPMU_DEV_VERSION)
		return hvp_error_create(HVP_ERROR_UNSUPPORTED,
					"%s speaks version %u, this program version %u: the newer "
					"of kernel and hvprof knows both",
					path, info->version, HVPMU_DEV_VERSION);
	if (!info->num_cpus || info->num_cpus > HVP_MAX_CPUS ||
	    info->header_size < sizeof(struct hvpmu_ring_page) || info->header_size % page)
		return hvp_error_create(HVP_ERROR_FORMAT,
					"%s: %u rings with a header of %u bytes cannot be", path,
					info->num_cpus, info->header_size);
	return NULL;
}

struct hvp_error *hvp_hvpmu_device_open(const struct hvp_hvpmu_calls *calls,
					const struct hvp_host_roots *roots,
					struct hvp_hvpmu_device *ret)
{
	hvp_scope(hvp_hvpmu_device_close) struct hvp_hvpmu_device device = {.calls = calls,
									    .fd = -1};
	char path[512];

	snprintf(path, sizeof(path), "%s/hvpmu", roots->dev);
	device.fd = calls->open(path);
	if (device.fd < 0)
		return open_error(errno, path);
	device.info.size = sizeof(device.info);
	if (calls->ioctl(device.fd, HVPMU_IOC_INFO, &device.info) < 0)
		return hvp_error_from_errno(errno, "%s: asking what it has", path);
	hvp_try(check_info(&device.info, path));
	*ret = device;
	device.fd = -1;
	return NULL;
}

void hvp_hvpmu_device_close(struct hvp_hvpmu_device *device)
{
	hvp_close_fd(&device->fd);
	device->fd = -1;
}

/*
 * Modes that are not wanted, for the kernel to leave out. It cannot for its software events: those
 * look at the interrupted registers, which are the host kernel's while a guest runs.
 */
static uint32_t flags_of(const struct hvp_event_spec *spec)
{
	const uint32_t host_user = HVP_MODE_BIT(HVP_MODE_HOST_USER);
	const uint32_t host_kernel = HVP_MODE_BIT(HVP_MODE_HOST_KERNEL);
	const uint32_t guest_user = HVP_MODE_BIT(HVP_MODE_GUEST_USER);
	const uint32_t guest_kernel = HVP_MODE_BIT(HVP_MODE_GUEST_KERNEL);

	if (spec->type == PERF_TYPE_SOFTWARE)
		return 0;
	return (spec->modes & (host_user | guest_user) ? 0 : HVPMU_DEV_NO_USER) |
	       (spec->modes & (host_kernel | guest_kernel) ? 0 : HVPMU_DEV_NO_KERNEL) |
	       (spec->modes & (host_user | host_kernel) ? 0 : HVPMU_DEV_NO_HOST) |
	       (spec->modes & (guest_user | guest_kernel) ? 0 : HVPMU_DEV_NO_GUEST);
}

static bool is_counter_or_clock(const struct hvp_event_spec *spec)
{
	switch (spec->type) {
	case PERF_TYPE_TRACEPOINT:
	case PERF_TYPE_BREAKPOINT: return false;
	case PERF_TYPE_SOFTWARE: return spec->config == PERF_COUNT_SW_CPU_CLOCK;
	default: return true;
	}
}

struct hvp_error *hvp_hvpmu_event(const struct hvp_event_spec *spec,
				  const struct hvp_hvpmu_setup *setup, struct hvpmu_dev_event *ret)
{
	bool has_rate = spec->frequency || spec->period;
	uint64_t frequency = has_rate ? spec->frequency : setup->frequency;
	uint64_t period = has_rate ? spec->period : setup->period;

	if (spec->config1 || spec->config2 || spec->precise)
		return hvp_error_create(HVP_ERROR_UNSUPPORTED,
					"event %s: precise events and terms beside the event's "
					"number are perf's alone",
					spec->name);
	if (!is_counter_or_clock(spec))
		return hvp_error_create(HVP_ERROR_UNSUPPORTED,
					"event %s: what is neither a counter nor a clock is perf's "
					"alone",
					spec->name);
	if (frequency > setup->max_frequency)
		frequency = setup->max_frequency;
	*ret = (struct hvpmu_dev_event){
		.type = spec->type,
		.flags = flags_of(spec) | (period ? 0 : HVPMU_DEV_FREQUENCY),
		.config = spec->config,
		.period = period ? period : frequency,
	};
	snprintf(ret->name, sizeof(ret->name), "%s", spec->name);
	return NULL;
}

static struct hvp_error *setup_error(int os_errno, const struct hvp_hvpmu_device *device,
				     const struct hvp_hvpmu_setup *setup)
{
	const char *first = setup->num_events == 1 ? setup->events[0].name : "the events";
	char limit[128] = "";

	if (device->info.guest_mask)
		snprintf(limit, sizeof(limit),
			 " While virtual machines have their part of the counters (mask 0x%" PRIx64
			 "), %d are left to the host.",
			 (uint64_t)device->info.guest_mask,
			 __builtin_popcountll(device->info.host_mask));
	switch (os_errno) {
	case ENOMEM:
		return hvp_error_create(HVP_ERROR_OS,
					"/dev/hvpmu: no memory for rings of %" PRIu64
					" KiB: use a smaller -m",
					setup->data_size / 1024);
	case EPERM:
	case EACCES:
		return hvp_error_create(HVP_ERROR_PERMISSION,
					"/dev/hvpmu: %s: not permitted: this needs CAP_PERFMON. "
					"Run as root",
					first);
	case EBUSY:
		return hvp_error_create(HVP_ERROR_OS,
					"/dev/hvpmu: %s: the counters are taken.%s Fewer events "
					"help; the kernel's log (dmesg) says more",
					first, limit);
	default:
		return hvp_error_create(HVP_ERROR_UNSUPPORTED,
					"/dev/hvpmu does not take %s (%s).%s The kernel's log "
					"(dmesg) may say more",
					first, strerror(os_errno), limit);
	}
}

struct hvp_error *hvp_hvpmu_device_setup(struct hvp_hvpmu_device *device,
					 const struct hvp_hvpmu_setup *setup)
{
	struct hvpmu_dev_event events[HVPMU_DEV_EVENTS_MAX];
	struct hvpmu_dev_setup request = {
		.size = sizeof(request),
		.flags = setup->wants_chains ? HVPMU_DEV_CHAIN : 0,
		.data_size = setup->data_size,
		.events = (uintptr_t)events,
		.num_events = (uint32_t)setup->num_events,
		.chain_max = setup->max_chain,
	};

	if (setup->num_events > HVPMU_DEV_EVENTS_MAX)
		return hvp_error_create(HVP_ERROR_UNSUPPORTED,
					"/dev/hvpmu takes at most %u events, not %zu",
					HVPMU_DEV_EVENTS_MAX, setup->num_events);
	for (size_t i = 0; i < setup->num_events; i++)
		hvp_try(hvp_hvpmu_event(&setup->events[i], setup, &events[i]));
	if (device->calls->ioctl(device->fd, HVPMU_IOC_SETUP, &request) < 0)
		return setup_error(errno, device, setup);
	return NULL;
}

struct hvp_error *hvp_hvpmu_device_enable(struct hvp_hvpmu_device *device)
{
	if (device->calls->ioctl(device->fd, HVPMU_IOC_ENABLE, NULL) < 0)
		return hvp_error_from_errno(errno, "/dev/hvpmu: enabling the events");
	return NULL;
}

void hvp_hvpmu_device_disable(struct hvp_hvpmu_device *device)
{
	/* What goes on counting ends with the last close. */
	device->calls->ioctl(device->fd, HVPMU_IOC_DISABLE, NULL);
}

bool hvp_hvpmu_device_times(const struct hvp_hvpmu_device *device, size_t index,
			    struct hvpmu_dev_times *ret)
{
	*ret = (struct hvpmu_dev_times){.size = sizeof(*ret), .event = (uint32_t)index};
	return device->calls->ioctl(device->fd, HVPMU_IOC_TIMES, ret) >= 0;
}

struct hvp_error *hvp_hvpmu_ring_map(const struct hvp_hvpmu_device *device, uint32_t cpu,
				     uint64_t data_size, struct hvp_hvpmu_ring *ret)
{
	uint64_t size = device->info.header_size + data_size;
	struct hvpmu_ring_page *page;

	page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, device->fd,
		    (off_t)(cpu * size));
	if (page == MAP_FAILED && (errno == ENXIO || errno == ENODEV || errno == ENOENT))
		return hvp_error_create(HVP_ERROR_NOT_FOUND, "CPU %u has no ring", cpu);
	if (page == MAP_FAILED)
		return hvp_error_from_errno(errno,
					    "/dev/hvpmu: mapping CPU %u's ring of %" PRIu64 " KiB",
					    cpu, size / 1024);
	*ret = (struct hvp_hvpmu_ring){.map_size = size};
	if (!hvpmu_ring_reader_init(&ret->reader, page,
				    (const uint8_t *)page + device->info.header_size, data_size))
		return NULL;
	munmap(page, size);
	*ret = (struct hvp_hvpmu_ring){0};
	return hvp_error_create(HVP_ERROR_UNSUPPORTED,
				"/dev/hvpmu: CPU %u's ring is not of version %u, or not as large "
				"as was asked for",
				cpu, HVPMU_RING_VERSION);
}

void hvp_hvpmu_ring_unmap(struct hvp_hvpmu_ring *ring)
{
	if (ring->map_size)
		munmap(ring->reader.page, ring->map_size);
	*ring = (struct hvp_hvpmu_ring){0};
}
