/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/hvpmu/hvpmu_source.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "daemon/hvpmu/hvpmu_cpu.h"
#include "daemon/perf/perf_rate.h"
#include "daemon/perf/perf_source.h"
#include "daemon/perf/perf_times.h"
#include "daemon/record_config.h"

#define MIN_RING_BYTES (512u << 10)
/* All rings together; a machine with so many CPUs that the smallest ones need more gets those. */
#define MAX_RINGS_BYTES (256u << 20)
/* Room for a second of samples without call chains, and for half a one with chains. */
#define RING_BYTES_PER_HZ 96u
#define RING_BYTES_PER_HZ_CHAIN 192u
/* In so short a recording an event may well have no sample. */
#define MIN_SILENCE_NS UINT64_C(100000000)

struct hvpmu_source {
	struct hvp_source base;
	const struct hvp_hvpmu_parts *parts;
	const struct hvp_record_config *config;
	struct hvp_sink sink;
	struct hvp_hvpmu_device device;
	/* perf's, without events: everything but samples. */
	struct hvp_record_config sideband_config;
	struct hvp_source *sideband;
	struct hvp_hvpmu_set set;
	struct hvp_event_info *infos;
	/* By CPU number; some may have no ring. */
	struct hvp_hvpmu_cpu *cpus;
	int epoll_fd;
};

static struct hvpmu_source *hvpmu_source_of(const struct hvp_source *source)
{
	return (struct hvpmu_source *)source;
}

/* What it is not made for, whatever the machine offers. */
static struct hvp_error *check_scope(const struct hvp_record_config *config)
{
	if (!config->is_system_wide)
		return hvp_error_create(HVP_ERROR_USAGE,
					"the source hvpmu records whole machines (-a), not single "
					"processes: --source perf does");
	if (config->cpus.num)
		return hvp_error_create(HVP_ERROR_USAGE,
					"the source hvpmu records all CPUs: leave out -C, or use "
					"--source perf");
	return NULL;
}

/* Longer chains than kernel.perf_event_max_stack are refused. */
static uint32_t max_chain(const struct hvp_host_roots *roots)
{
	char path[512];
	uint64_t limit;

	snprintf(path, sizeof(path), "%s/sys/kernel/perf_event_max_stack", roots->proc);
	return hvp_file_read_u64(path, &limit) && limit < HVPMU_CHAIN_MAX ? (uint32_t)limit
									  : HVPMU_CHAIN_MAX;
}

static struct hvp_hvpmu_setup setup_of(const struct hvp_record_config *config)
{
	return (struct hvp_hvpmu_setup){
		.events = config->events,
		.num_events = config->num_events,
		.frequency = config->frequency,
		.period = config->period,
		.max_frequency = UINT64_MAX,
		.wants_chains = config->wants_chains,
		.max_chain = max_chain(config->roots),
		.data_size = HVPMU_RING_DATA_MIN,
	};
}

/* Tried with the smallest rings, and given back. */
struct hvp_error *hvp_hvpmu_source_suits(const struct hvp_hvpmu_calls *calls,
					 const struct hvp_record_config *config)
{
	hvp_scope(hvp_hvpmu_device_close) struct hvp_hvpmu_device device = {.fd = -1};
	struct hvp_hvpmu_setup setup = setup_of(config);

	hvp_try(check_scope(config));
	hvp_try(hvp_hvpmu_device_open(calls, config->roots, &device));
	/* What the rate may be is another question. */
	setup.max_frequency = 1;
	return hvp_hvpmu_device_setup(&device, &setup);
}

static uint64_t choose_data_size(const struct hvpmu_source *source, uint64_t frequency)
{
	const struct hvp_record_config *config = source->config;
	uint64_t limit = MAX_RINGS_BYTES / source->device.info.num_cpus;
	uint64_t wanted =
		frequency * (config->wants_chains ? RING_BYTES_PER_HZ_CHAIN : RING_BYTES_PER_HZ);
	uint64_t size = MIN_RING_BYTES;

	if (config->ring_pages) {
		size = config->ring_pages * (uint64_t)sysconf(_SC_PAGESIZE);
		return size < HVPMU_RING_DATA_MAX ? size : HVPMU_RING_DATA_MAX;
	}
	while (size < wanted && size * 2 <= limit)
		size *= 2;
	return size;
}

/* The rates as they are really asked for; everything else as in the configuration. */
static struct hvp_error *describe_events(struct hvpmu_source *source, struct hvp_hvpmu_setup *setup)
{
	const struct hvp_record_config *config = source->config;
	uint64_t highest = 0;

	source->infos = calloc(config->num_events + 1, sizeof(*source->infos));
	if (!source->infos)
		return hvp_error_no_memory;
	for (size_t i = 0; i < config->num_events; i++) {
		const struct hvp_event_spec *spec = &config->events[i];
		struct hvpmu_dev_event event;
		bool is_frequency;

		hvp_try(hvp_hvpmu_event(spec, setup, &event));
		is_frequency = event.flags & HVPMU_DEV_FREQUENCY;
		if (is_frequency && event.period > highest)
			highest = event.period;
		source->infos[i] = (struct hvp_event_info){
			.name = spec->name,
			.unit = spec->unit,
			.perf_type = spec->type,
			.perf_config = spec->config,
			.frequency = is_frequency ? event.period : 0,
			.period = is_frequency ? 0 : event.period,
			.scope = hvp_event_scope(spec->modes),
		};
	}
	setup->data_size = choose_data_size(source, highest * config->num_events);
	return NULL;
}

/* What the kernel allows, which says so itself, and then what the device does. */
static struct hvp_error *limit_frequency(const struct hvpmu_source *source, uint64_t *frequency)
{
	const uint64_t asked = *frequency;

	hvp_try(hvp_perf_limit_frequency(source->config->roots, &source->sink, frequency));
	if (*frequency <= HVPMU_DEV_FREQUENCY_MAX)
		return NULL;
	*frequency = HVPMU_DEV_FREQUENCY_MAX;
	if (asked == UINT64_MAX)
		return NULL;
	return hvp_sink_note(&source->sink,
			     "sampled at %u Hz instead of %" PRIu64 ": /dev/hvpmu is no faster",
			     HVPMU_DEV_FREQUENCY_MAX, asked);
}

static struct hvp_error *limit_frequencies(const struct hvpmu_source *source,
					   struct hvp_hvpmu_setup *setup)
{
	for (size_t i = 0; i <= setup->num_events; i++) {
		uint64_t asked = i < setup->num_events ? setup->events[i].frequency
				 : setup->period       ? 0
						       : setup->frequency;
		uint64_t limited = asked;

		hvp_try(limit_frequency(source, &limited));
		if (limited < asked)
			setup->max_frequency = limited;
	}
	return NULL;
}

static struct hvp_error *set_up(struct hvpmu_source *source, uint64_t *ret_data_size)
{
	const struct hvp_record_config *config = source->config;
	struct hvp_hvpmu_setup setup = setup_of(config);

	hvp_try(limit_frequencies(source, &setup));
	hvp_try(describe_events(source, &setup));
	*ret_data_size = setup.data_size;
	return hvp_hvpmu_device_setup(&source->device, &setup);
}

static struct hvp_error *map_rings(struct hvpmu_source *source, uint64_t data_size)
{
	uint32_t num = source->device.info.num_cpus, num_mapped = 0;

	source->set.num_cpus = num;
	source->cpus = calloc(num, sizeof(*source->cpus));
	if (!source->cpus)
		return hvp_error_no_memory;
	for (uint32_t i = 0; i < num; i++) {
		struct hvp_error *err =
			hvp_hvpmu_ring_map(&source->device, i, data_size, &source->cpus[i].ring);

		if (err && hvp_error_code(err) != HVP_ERROR_NOT_FOUND)
			return err;
		num_mapped += !err;
		hvp_error_destroy(err);
		hvp_hvpmu_cpu_init(&source->cpus[i], &source->set, i);
	}
	if (num_mapped)
		return NULL;
	return hvp_error_create(HVP_ERROR_NOT_FOUND, "/dev/hvpmu has no ring of any CPU");
}

static struct hvp_error *watch(const struct hvpmu_source *source, int fd)
{
	struct epoll_event event = {.events = EPOLLIN};

	/* What cannot be waited for is looked at now and then. */
	if (fd >= 0 && epoll_ctl(source->epoll_fd, EPOLL_CTL_ADD, fd, &event) && errno != EPERM)
		return hvp_error_from_errno(errno, "/dev/hvpmu: watching the rings");
	return NULL;
}

static struct hvp_error *open_sideband(struct hvpmu_source *source, const struct hvp_log *log)
{
	const struct hvp_source_ops *ops = source->parts->sideband;

	source->sideband_config = *source->config;
	source->sideband_config.events = NULL;
	source->sideband_config.num_events = 0;
	source->sideband_config.frequency = 0;
	source->sideband_config.period = 0;
	source->sideband_config.ring_pages = 0;
	hvp_try(ops->open(&source->sideband_config, &source->sink, log, &source->sideband));
	return watch(source, ops->poll_fd(source->sideband));
}

static struct hvp_error *open_everything(struct hvpmu_source *source, const struct hvp_log *log)
{
	const struct hvp_record_config *config = source->config;
	uint64_t data_size;

	hvp_try(check_scope(config));
	source->parts->init_clock(&source->set.clock);
	source->set.events = config->events;
	source->set.num_events = config->num_events;
	source->set.sink = &source->sink;
	hvp_try(hvp_hvpmu_device_open(source->parts->calls, config->roots, &source->device));
	hvp_try(set_up(source, &data_size));
	hvp_try(map_rings(source, data_size));
	source->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (source->epoll_fd < 0)
		return hvp_error_from_errno(errno, "epoll_create1");
	hvp_try(watch(source, source->device.fd));
	if (source->set.clock.is_measured)
		hvp_try(hvp_sink_note(&source->sink,
				      "the kernel does not vouch for this machine's time-stamp "
				      "counter, which samples are dated by: their times may be "
				      "off"));
	return open_sideband(source, log);
}

static void hvpmu_source_destroy(struct hvp_source *base)
{
	struct hvpmu_source *source = hvpmu_source_of(base);

	hvp_source_destroy(source->sideband);
	for (uint32_t i = 0; source->cpus && i < source->device.info.num_cpus; i++)
		hvp_hvpmu_ring_unmap(&source->cpus[i].ring);
	hvp_close_fd(&source->epoll_fd);
	hvp_hvpmu_device_close(&source->device);
	free(source->cpus);
	free(source->infos);
	free(source);
}

struct hvp_error *hvp_hvpmu_source_open(const struct hvp_hvpmu_parts *parts,
					const struct hvp_record_config *config,
					const struct hvp_sink *sink, const struct hvp_log *log,
					struct hvp_source **ret)
{
	hvp_scope(hvp_source_destroy_scope) struct hvp_source *base = NULL;
	struct hvpmu_source *source = calloc(1, sizeof(*source));

	if (!source)
		return hvp_error_no_memory;
	base = &source->base;
	source->base.ops = &hvp_hvpmu_source_ops;
	source->parts = parts;
	source->config = config;
	source->sink = *sink;
	source->device.fd = -1;
	source->epoll_fd = -1;
	hvp_try(open_everything(source, log));
	*ret = hvp_take(base);
	return NULL;
}

static const struct hvp_event_info *hvpmu_source_events(const struct hvp_source *base,
							size_t *ret_num)
{
	const struct hvpmu_source *source = hvpmu_source_of(base);

	*ret_num = source->config->num_events;
	return source->infos;
}

/* Sampling begins when what is there already is known, and so does not see us read /proc. */
static struct hvp_error *hvpmu_source_start(struct hvp_source *base)
{
	struct hvpmu_source *source = hvpmu_source_of(base);

	hvp_try(source->sideband->ops->start(source->sideband));
	return hvp_hvpmu_device_enable(&source->device);
}

static int hvpmu_source_poll_fd(const struct hvp_source *base)
{
	return hvpmu_source_of(base)->epoll_fd;
}

static struct hvp_error *drain_rings(struct hvpmu_source *source)
{
	const struct hvp_tsc_moment now = source->parts->now();

	hvp_tsc_clock_advance(&source->set.clock, &now);
	for (uint32_t i = 0; i < source->device.info.num_cpus; i++)
		if (source->cpus[i].ring.map_size)
			hvp_try(hvp_hvpmu_cpu_drain(&source->set, &source->cpus[i]));
	return NULL;
}

static struct hvp_error *hvpmu_source_drain(struct hvp_source *base, bool *ret_more)
{
	struct hvpmu_source *source = hvpmu_source_of(base);

	hvp_try(source->sideband->ops->drain(source->sideband, ret_more));
	*ret_more = true;
	return drain_rings(source);
}

#define WHO_HAS_COUNTERS                                                                           \
	"guests have their part of the counters, the NMI watchdog one and kvm.hvpmu_account two "  \
	"(hvprof check)"

/* A counter that was not had shows in that nothing came, where the kernel does not say more. */
static struct hvp_error *tell_missing_event(const struct hvpmu_source *source, const char *event,
					    const struct hvpmu_dev_times *times)
{
	const struct hvp_tsc_clock *clock = &source->set.clock;

	if (clock->last.time - clock->first.time < MIN_SILENCE_NS)
		return NULL;
	if (!times)
		return hvp_sink_note(&source->sink,
				     "no sample of %s came: nothing of it happened, or no counter "
				     "was left for it: " WHO_HAS_COUNTERS,
				     event);
	if (!times->running)
		return NULL;
	return hvp_sink_note(&source->sink,
			     "no sample of %s came: its counter counted %" PRIu64
			     " in all, too little for a sample",
			     event, (uint64_t)times->count);
}

/* Events that took turns, or of which nothing came. */
static struct hvp_error *tell_events(const struct hvpmu_source *source)
{
	for (size_t i = 0; i < source->set.num_events; i++) {
		const char *event = source->set.events[i].name;
		struct hvpmu_dev_times times;
		bool is_known = hvp_hvpmu_device_times(&source->device, i, &times);

		if (!source->set.num_samples[i])
			hvp_try(tell_missing_event(source, event, is_known ? &times : NULL));
		if (is_known)
			hvp_try(hvp_perf_times_note(
				&source->sink, event,
				&(struct hvp_perf_times){times.enabled, times.running},
				"other events", "fewer events help: " WHO_HAS_COUNTERS));
	}
	return NULL;
}

/* What was not as it should be, in words. */
static struct hvp_error *tell_faults(const struct hvpmu_source *source)
{
	hvp_try(tell_events(source));
	if (source->set.num_damaged)
		hvp_try(hvp_sink_note(&source->sink,
				      "%" PRIu64 " times a ring of /dev/hvpmu was damaged: what "
				      "was unread in it then is missing",
				      source->set.num_damaged));
	if (source->set.clock.num_outside)
		hvp_try(hvp_sink_note(&source->sink,
				      "%" PRIu64
				      " samples had a time outside of the recording, and "
				      "were dated at its nearest moment",
				      source->set.clock.num_outside));
	return NULL;
}

static struct hvp_error *hvpmu_source_stop(struct hvp_source *base)
{
	struct hvpmu_source *source = hvpmu_source_of(base);

	hvp_hvpmu_device_disable(&source->device);
	hvp_try(drain_rings(source));
	for (uint32_t i = 0; i < source->device.info.num_cpus; i++)
		if (source->cpus[i].ring.map_size)
			hvp_try(hvp_hvpmu_cpu_report_lost(&source->set, &source->cpus[i]));
	hvp_try(tell_faults(source));
	return source->sideband->ops->stop(source->sideband);
}

static const struct hvp_hvpmu_parts live_parts = {
	.calls = &hvp_hvpmu_kernel,
	.sideband = &hvp_perf_source_ops,
	.init_clock = hvp_tsc_clock_init_live,
	.now = hvp_tsc_now,
};

static struct hvp_error *probe(const struct hvp_host_roots *roots)
{
	hvp_scope(hvp_hvpmu_device_close) struct hvp_hvpmu_device device = {.fd = -1};

	return hvp_hvpmu_device_open(&hvp_hvpmu_kernel, roots, &device);
}

static struct hvp_error *suits(const struct hvp_record_config *config)
{
	return hvp_hvpmu_source_suits(&hvp_hvpmu_kernel, config);
}

static struct hvp_error *open_live(const struct hvp_record_config *config,
				   const struct hvp_sink *sink, const struct hvp_log *log,
				   struct hvp_source **ret)
{
	return hvp_hvpmu_source_open(&live_parts, config, sink, log, ret);
}

const struct hvp_source_ops hvp_hvpmu_source_ops = {
	.name = "hvpmu",
	.summary = "samples of a kernel with the partitioned vPMU (/dev/hvpmu), with the guests' "
		   "address spaces",
	.probe = probe,
	.suits = suits,
	.open = open_live,
	.events = hvpmu_source_events,
	.start = hvpmu_source_start,
	.poll_fd = hvpmu_source_poll_fd,
	.drain = hvpmu_source_drain,
	.stop = hvpmu_source_stop,
	.destroy = hvpmu_source_destroy,
};
