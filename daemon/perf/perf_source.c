/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/perf/perf_source.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/base/array.h"
#include "daemon/host/proc_synth.h"
#include "daemon/perf/perf_cpu.h"
#include "daemon/perf/perf_rate.h"
#include "daemon/perf/perf_times.h"
#include "daemon/record_config.h"

/* perf's own default: what kernel.perf_event_mlock_kb lets everyone have for one ring per CPU. */
#define MIN_RING_PAGES 128u
/* All rings together; a machine with so many CPUs that the smallest ones need more gets those. */
#define MAX_RINGS_BYTES (256u << 20)
/*
 * So much in a ring wakes us at the latest: it is in the cache still, and a large ring keeps its
 * reserve.
 */
#define MAX_WATERMARK_BYTES (256u << 10)
/*
 * Room for a second of samples without call chains, and for a quarter of one with chains of usual
 * length.
 */
#define RING_BYTES_PER_HZ 64u
#define RING_BYTES_PER_HZ_CHAIN 128u
/* How often to look whether CPUs came or went. */
#define HOTPLUG_INTERVAL_NS 1000000000u

struct perf_source {
	struct hvp_source base;
	const struct hvp_record_config *config;
	struct hvp_sink sink;
	const struct hvp_log *log;
	struct hvp_perf_features features;
	struct hvp_perf_set set;
	/* The events where they are not the configuration's own. */
	struct hvp_event_spec *fallbacks;
	size_t num_fallbacks;
	struct hvp_event_info *infos;
	uint32_t *tids;
	/* By CPU number; most of a sparse machine's are closed. */
	struct hvp_perf_cpu *cpus;
	size_t num_cpus;
	struct hvp_cpu_list online;
	uint64_t next_hotplug_check;
	int epoll_fd;
	bool is_started;
};

static struct perf_source *perf_source_of(const struct hvp_source *source)
{
	return (struct perf_source *)source;
}

static struct hvp_error *probe(const struct hvp_host_roots *roots)
{
	const struct hvp_event_spec clock = {.type = PERF_TYPE_SOFTWARE,
					     .config = PERF_COUNT_SW_CPU_CLOCK};
	int status = hvp_perf_event_probe(&clock);

	return status ? hvp_perf_open_error(status, "cpu-clock", true, roots) : NULL;
}

/* What it cannot, it says when it is opened. */
static struct hvp_error *suits(const struct hvp_record_config *config)
{
	(void)config;
	return NULL;
}

static bool is_cycles(const struct hvp_event_spec *spec)
{
	return spec->type == PERF_TYPE_HARDWARE && spec->config == PERF_COUNT_HW_CPU_CYCLES;
}

/* Replaces the cycles of a machine without a PMU by its timer, and says so. */
static struct hvp_error *fall_back_on_clock(struct perf_source *source)
{
	const struct hvp_record_config *config = source->config;
	bool has_fallen_back = false;

	source->fallbacks = calloc(config->num_events + 1, sizeof(*source->fallbacks));
	if (!source->fallbacks)
		return hvp_error_no_memory;
	for (size_t i = 0; i < config->num_events; i++) {
		const struct hvp_event_spec *spec = &config->events[i];
		struct hvp_event_spec *copy = &source->fallbacks[i];
		int status = is_cycles(spec) ? hvp_perf_event_probe(spec) : 0;

		source->num_fallbacks++;
		if (status == ENOENT || status == ENODEV || status == EOPNOTSUPP) {
			has_fallen_back = true;
			hvp_try(hvp_event_fall_back(spec, copy));
			continue;
		}
		*copy = *spec;
		copy->name = strdup(spec->name);
		if (!copy->name)
			return hvp_error_no_memory;
	}
	if (!has_fallen_back)
		return NULL;
	return hvp_sink_note(&source->sink, "this machine offers no hardware cycle counter: "
					    "sampled by the timer (cpu-clock)");
}

static struct hvp_error *note_least_period(struct perf_source *source,
					   const struct hvp_event_spec *spec,
					   const struct perf_event_attr *attr)
{
	uint64_t asked = spec->period ? spec->period : source->set.options.period;

	if (attr->freq || attr->sample_period == asked)
		return NULL;
	return hvp_sink_note(&source->sink,
			     "%s: a sample every %" PRIu64 " ns instead of %" PRIu64
			     ": the kernel's timer is no faster",
			     spec->name, (uint64_t)attr->sample_period, asked);
}

static struct hvp_error *describe_events(struct perf_source *source)
{
	const struct hvp_perf_set *set = &source->set;

	source->infos = calloc(set->num_events + 1, sizeof(*source->infos));
	if (!source->infos)
		return hvp_error_no_memory;
	for (size_t i = 0; i < set->num_events; i++) {
		const struct hvp_event_spec *spec = &set->events[i];
		struct perf_event_attr attr;

		hvp_perf_attr_init(spec, &set->options, &attr);
		hvp_try(note_least_period(source, spec, &attr));
		source->infos[i] = (struct hvp_event_info){
			.name = spec->name,
			.unit = spec->unit,
			.perf_type = spec->type,
			.perf_config = spec->config,
			.frequency = attr.freq ? attr.sample_freq : 0,
			.period = attr.freq ? 0 : attr.sample_period,
			.scope = hvp_event_scope(spec->modes),
		};
	}
	return NULL;
}

static struct hvp_error *collect_threads(struct perf_source *source)
{
	const struct hvp_record_config *config = source->config;
	size_t capacity = 0;

	for (size_t i = 0; i < config->num_pids; i++) {
		hvp_scope(hvp_free_ptr) uint32_t *tids = NULL;
		size_t num;

		hvp_try(hvp_proc_threads(config->roots, config->pids[i], &tids, &num));
		if (!num)
			return hvp_error_create(HVP_ERROR_NOT_FOUND, "there is no process %u",
						config->pids[i]);
		hvp_try(hvp_array_reserve(&source->tids, &capacity, source->set.num_tids + num,
					  sizeof(*tids)));
		memcpy(source->tids + source->set.num_tids, tids, num * sizeof(*tids));
		source->set.num_tids += num;
	}
	source->set.tids = source->tids;
	return NULL;
}

static bool wants_cpu(const struct perf_source *source, uint32_t cpu)
{
	return !source->config->cpus.num || hvp_cpu_list_has(&source->config->cpus, cpu);
}

static struct hvp_error *watch_cpu(struct perf_source *source, const struct hvp_perf_cpu *cpu)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = cpu->cpu};

	if (epoll_ctl(source->epoll_fd, EPOLL_CTL_ADD, cpu->fds[0].fd, &event))
		return hvp_error_from_errno(errno, "CPU %u: watching the ring", cpu->cpu);
	return NULL;
}

static struct hvp_error *open_cpu(struct perf_source *source, uint32_t number)
{
	struct hvp_perf_cpu *cpu = &source->cpus[number];
	struct hvp_error *err = hvp_perf_cpu_open(&source->set, number, cpu);

	if (err && source->set.is_system_wide && hvp_error_code(err) == HVP_ERROR_NOT_FOUND) {
		/* It went off line just now: the next look at the CPUs says so in the session. */
		hvp_error_destroy(err);
		return NULL;
	}
	hvp_try(err);
	return watch_cpu(source, cpu);
}

static void close_cpus(struct perf_source *source)
{
	for (size_t i = 0; i < source->num_cpus; i++)
		hvp_perf_cpu_close(&source->cpus[i]);
}

static struct hvp_error *open_cpus(struct perf_source *source)
{
	bool has_any = false;

	for (size_t i = 0; i < source->online.num; i++) {
		uint32_t cpu = source->online.cpus[i];

		if (cpu >= source->num_cpus || !wants_cpu(source, cpu))
			continue;
		hvp_try(open_cpu(source, cpu));
		has_any |= source->cpus[cpu].is_open;
	}
	if (has_any)
		return NULL;
	return hvp_error_create(HVP_ERROR_NOT_FOUND, "none of the CPUs of -C is on line");
}

/*
 * Without the privilege to look into the kernel a task's user mode is still to be had, and is said
 * to be that.
 */
static struct hvp_error *open_cpus_with_less(struct perf_source *source)
{
	struct hvp_error *err = open_cpus(source);

	if (!err || source->set.is_system_wide || hvp_error_code(err) != HVP_ERROR_PERMISSION)
		return err;
	close_cpus(source);
	source->set.options.user_only = true;
	if (source->num_cpus) {
		struct hvp_error *again = open_cpus(source);

		if (again) {
			hvp_error_destroy(again);
			return err;
		}
	}
	hvp_error_destroy(err);
	return hvp_sink_note(&source->sink,
			     "only user mode was sampled: kernel.perf_event_paranoid "
			     "does not let this user see the kernel");
}

/*
 * Who drains the rings may have to wait for a CPU: there is room for some of the time, where that
 * is not too much. Without root the kernel grants no more than the smallest.
 */
static uint32_t choose_ring_pages(const struct perf_source *source, uint64_t frequency)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), num_cpus = source->online.num;
	uint64_t limit = MAX_RINGS_BYTES / page / (num_cpus ? num_cpus : 1);
	uint64_t wanted =
		frequency *
		(source->config->wants_chains ? RING_BYTES_PER_HZ_CHAIN : RING_BYTES_PER_HZ) / page;
	uint32_t pages = MIN_RING_PAGES;

	if (source->config->ring_pages)
		return source->config->ring_pages;
	while (geteuid() == 0 && pages < wanted && pages * 2 <= limit)
		pages *= 2;
	return pages;
}

static void init_set(struct perf_source *source)
{
	const struct hvp_record_config *config = source->config;

	source->set = (struct hvp_perf_set){
		.events = source->fallbacks,
		.num_events = source->num_fallbacks,
		.is_system_wide = config->is_system_wide,
		.roots = config->roots,
		.sink = &source->sink,
		.options = {.features = &source->features,
			    .frequency = config->frequency,
			    .period = config->period,
			    .wants_chains = config->wants_chains,
			    .has_identifier = config->num_events > 1,
			    .inherits = !config->is_system_wide,
			    .starts_on_exec = config->starts_on_exec},
	};
}

static void init_rings(struct perf_source *source)
{
	struct hvp_perf_set *set = &source->set;
	uint64_t highest = set->options.frequency;

	for (size_t i = 0; i < set->num_events; i++)
		if (set->events[i].frequency > highest)
			highest = set->events[i].frequency;
	set->ring_pages = choose_ring_pages(source, highest * set->num_events);
	set->options.watermark = MAX_WATERMARK_BYTES;
	if (set->ring_pages * (uint64_t)sysconf(_SC_PAGESIZE) / 2 < MAX_WATERMARK_BYTES)
		set->options.watermark = set->ring_pages * (uint32_t)sysconf(_SC_PAGESIZE) / 2;
}

static struct hvp_error *open_everything(struct perf_source *source)
{
	struct hvp_cpu_list possible = {0};

	hvp_perf_features_probe(&source->features);
	hvp_try(fall_back_on_clock(source));
	init_set(source);
	if (!source->set.options.period)
		hvp_try(hvp_perf_limit_frequency(source->config->roots, &source->sink,
						 &source->set.options.frequency));
	for (size_t i = 0; i < source->num_fallbacks; i++)
		hvp_try(hvp_perf_limit_frequency(source->config->roots, &source->sink,
						 &source->fallbacks[i].frequency));
	hvp_try(hvp_cpu_list_read(source->config->roots, "online", &source->online));
	init_rings(source);
	hvp_try(describe_events(source));
	if (!source->set.is_system_wide)
		hvp_try(collect_threads(source));
	hvp_try(hvp_cpu_list_read(source->config->roots, "possible", &possible));
	if (possible.num)
		source->num_cpus = possible.cpus[possible.num - 1] + (size_t)1;
	hvp_cpu_list_deinit(&possible);
	source->cpus = calloc(source->num_cpus ? source->num_cpus : 1, sizeof(*source->cpus));
	if (!source->cpus)
		return hvp_error_no_memory;
	source->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (source->epoll_fd < 0)
		return hvp_error_from_errno(errno, "epoll_create1");
	return open_cpus_with_less(source);
}

static void perf_source_destroy(struct hvp_source *base)
{
	struct perf_source *source = perf_source_of(base);

	close_cpus(source);
	hvp_close_fd(&source->epoll_fd);
	for (size_t i = 0; i < source->num_fallbacks; i++)
		hvp_event_spec_deinit(&source->fallbacks[i]);
	hvp_map_deinit(&source->set.event_of_id);
	hvp_cpu_list_deinit(&source->online);
	free(source->fallbacks);
	free(source->infos);
	free(source->tids);
	free(source->cpus);
	free(source);
}

static struct hvp_error *perf_source_open(const struct hvp_record_config *config,
					  const struct hvp_sink *sink, const struct hvp_log *log,
					  struct hvp_source **ret)
{
	hvp_scope(hvp_source_destroy_scope) struct hvp_source *base = NULL;
	struct perf_source *source = calloc(1, sizeof(*source));

	if (!source)
		return hvp_error_no_memory;
	base = &source->base;
	source->base.ops = &hvp_perf_source_ops;
	source->config = config;
	source->sink = *sink;
	source->log = log;
	source->epoll_fd = -1;
	hvp_try(open_everything(source));
	*ret = hvp_take(base);
	return NULL;
}

static const struct hvp_event_info *perf_source_events(const struct hvp_source *base,
						       size_t *ret_num)
{
	const struct perf_source *source = perf_source_of(base);

	*ret_num = source->set.num_events;
	return source->infos;
}

static struct hvp_error *enable_sampling(struct perf_source *source)
{
	for (size_t i = 0; i < source->num_cpus; i++)
		if (source->cpus[i].is_open && !source->config->starts_on_exec)
			hvp_try(hvp_perf_cpu_enable_sampling(&source->cpus[i]));
	return NULL;
}

/*
 * Whatever happens after the tracking events are on is in the rings; what was before, in /proc.
 * Sampling begins when both are known, and so does not see us read /proc.
 */
static struct hvp_error *perf_source_start(struct hvp_source *base)
{
	struct perf_source *source = perf_source_of(base);
	const struct hvp_record_config *config = source->config;
	struct hvp_proc_synth_stats stats;

	for (size_t i = 0; i < source->num_cpus; i++)
		if (source->cpus[i].is_open)
			hvp_try(hvp_perf_cpu_enable_tracking(&source->cpus[i]));
	hvp_try(hvp_proc_synth(config->roots, config->pids, config->num_pids, &source->sink,
			       &stats));
	hvp_log(source->log, HVP_LOG_DEBUG, HVP_LOG_SOURCE,
		"%" PRIu64 " processes, %" PRIu64 " threads, %" PRIu64 " mappings, %" PRIu64
		" files with a build id, %" PRIu64 " unreadable",
		stats.processes, stats.threads, stats.mappings, stats.build_ids, stats.unreadable);
	source->is_started = true;
	source->next_hotplug_check = hvp_clock_now() + HOTPLUG_INTERVAL_NS;
	return enable_sampling(source);
}

static int perf_source_poll_fd(const struct hvp_source *base)
{
	return perf_source_of(base)->epoll_fd;
}

static struct hvp_error *deliver_cpu(struct perf_source *source, uint32_t cpu, bool is_online)
{
	const struct hvp_record record = {.type = HVP_RECORD_CPU,
					  .time = hvp_clock_now(),
					  .cpu = {.cpu = cpu, .is_online = is_online}};

	return source->sink.record(source->sink.arg, &record);
}

/* The kernel took the events of a CPU that went away out of its lists: they never count again. */
static struct hvp_error *lose_cpu(struct perf_source *source, struct hvp_perf_cpu *cpu)
{
	hvp_try(hvp_perf_cpu_drain(&source->set, cpu));
	hvp_try(hvp_perf_cpu_report_lost(&source->set, cpu));
	hvp_perf_cpu_close(cpu);
	return deliver_cpu(source, cpu->cpu, false);
}

static struct hvp_error *open_and_enable(struct perf_source *source, struct hvp_perf_cpu *cpu)
{
	hvp_try(open_cpu(source, cpu->cpu));
	if (!cpu->is_open)
		return NULL;
	hvp_try(hvp_perf_cpu_enable_tracking(cpu));
	return hvp_perf_cpu_enable_sampling(cpu);
}

/* A CPU that cannot be had is said, once; the others go on. Consumes `why`. */
static struct hvp_error *refuse_cpu(struct perf_source *source, struct hvp_perf_cpu *cpu,
				    struct hvp_error *why)
{
	struct hvp_error *err =
		hvp_sink_note(&source->sink, "CPU %u came on line and could not be sampled: %s",
			      cpu->cpu, hvp_error_message(why));

	hvp_error_destroy(why);
	hvp_perf_cpu_close(cpu);
	cpu->is_refused = true;
	return err;
}

static struct hvp_error *gain_cpu(struct perf_source *source, uint32_t number)
{
	struct hvp_perf_cpu *cpu = &source->cpus[number];
	struct hvp_error *err;

	if (cpu->is_open || cpu->is_refused || !wants_cpu(source, number))
		return NULL;
	cpu->cpu = number;
	err = open_and_enable(source, cpu);
	if (err)
		return refuse_cpu(source, cpu, err);
	return cpu->is_open ? deliver_cpu(source, number, true) : NULL;
}

static struct hvp_error *check_hotplug(struct perf_source *source)
{
	struct hvp_cpu_list online;
	struct hvp_error *err = hvp_cpu_list_read(source->config->roots, "online", &online);

	if (err) {
		hvp_error_destroy(err);
		return NULL;
	}
	for (size_t i = 0; i < source->num_cpus && !err; i++) {
		struct hvp_perf_cpu *cpu = &source->cpus[i];

		if ((!cpu->is_open && !cpu->is_refused) || hvp_cpu_list_has(&online, (uint32_t)i))
			continue;
		cpu->is_refused = false;
		if (cpu->is_open)
			err = lose_cpu(source, cpu);
	}
	for (size_t i = 0; i < online.num && !err; i++)
		if (online.cpus[i] < source->num_cpus)
			err = gain_cpu(source, online.cpus[i]);
	hvp_cpu_list_deinit(&source->online);
	source->online = online;
	return err;
}

/*
 * A ring whose task has ended reports that for ever: it is drained with the others, but wakes no
 * one any more.
 */
static void forget_hung_up(struct perf_source *source)
{
	struct epoll_event events[64];
	int n = epoll_wait(source->epoll_fd, events, 64, 0);

	for (int i = 0; i < n; i++)
		if (events[i].events & (EPOLLHUP | EPOLLERR))
			epoll_ctl(source->epoll_fd, EPOLL_CTL_DEL,
				  source->cpus[events[i].data.u32].fds[0].fd, NULL);
}

static struct hvp_error *perf_source_drain(struct hvp_source *base, bool *ret_more)
{
	struct perf_source *source = perf_source_of(base);
	uint64_t now = hvp_clock_now();

	*ret_more = true;
	for (size_t i = 0; i < source->num_cpus; i++)
		if (source->cpus[i].is_open)
			hvp_try(hvp_perf_cpu_drain(&source->set, &source->cpus[i]));
	if (!source->set.is_system_wide)
		forget_hung_up(source);
	if (now < source->next_hotplug_check || !source->set.is_system_wide)
		return NULL;
	source->next_hotplug_check = now + HOTPLUG_INTERVAL_NS;
	return check_hotplug(source);
}

static struct hvp_error *perf_source_stop(struct hvp_source *base)
{
	struct perf_source *source = perf_source_of(base);

	for (size_t i = 0; i < source->num_cpus; i++)
		if (source->cpus[i].is_open)
			hvp_perf_cpu_disable(&source->cpus[i]);
	for (size_t i = 0; i < source->num_cpus; i++) {
		if (!source->cpus[i].is_open)
			continue;
		hvp_try(hvp_perf_cpu_drain(&source->set, &source->cpus[i]));
		hvp_try(hvp_perf_cpu_report_lost(&source->set, &source->cpus[i]));
	}
	return hvp_perf_times_deliver(&source->set, source->cpus, source->num_cpus);
}

const struct hvp_source_ops hvp_perf_source_ops = {
	.name = "perf",
	.summary = "samples of the running kernel (perf_event_open), guests included",
	.probe = probe,
	.suits = suits,
	.open = perf_source_open,
	.events = perf_source_events,
	.start = perf_source_start,
	.poll_fd = perf_source_poll_fd,
	.drain = perf_source_drain,
	.stop = perf_source_stop,
	.destroy = perf_source_destroy,
};
