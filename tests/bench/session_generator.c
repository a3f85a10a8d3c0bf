/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A large host without one: 192 CPUs x 2 kHz x 1000 domains of 4 vCPUs, replayed into the collector
 * (domain table, counts, session writer) as a source would that drains a ring per CPU ten times a
 * second. Prints what it costs, reads the session back, and fails when a sample is missing, one has
 * the wrong domain, or the memory limit was passed.
 *
 * usage: session_generator [-c CPUS] [-d DOMAINS] [-f HZ] [-g] [-m MIB] [-o FILE] [-s SECONDS]
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#include "common/base/scope.h"
#include "common/session/reader.h"
#include "common/session/writer.h"
#include "daemon/collector.h"

#define DRAINS_PER_SECOND 10u
/* As hvprof record. */
#define SECONDS_PER_FLUSH 10u
#define VCPUS_PER_DOMAIN 4u
/* A vCPU thread runs so long before its CPU turns to another. */
#define SLICE_NS 4000000ull
#define MAX_FRAMES 24u
#define FIRST_TID 100000u
#define START_TIME 1000000000u
#define GUEST_FUNCTIONS 3000u
#define HOST_FUNCTIONS 400u

struct config {
	uint32_t cpus, domains, frequency, seconds;
	size_t memory_limit;
	bool with_chains;
	const char *path;
};

/*
 * One drain's samples, made before the clock runs; the chains' frames are behind one another in
 * `frames`.
 */
struct drain {
	struct hvp_sample *samples;
	uint64_t *frames;
	size_t num;
};

struct cost {
	uint64_t collector_ns, num_samples;
};

static uint64_t next_random(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15ull);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static uint64_t cpu_time_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* A function out of `num`: a few hot ones take most, like everywhere; an address in it. */
static uint64_t pick_address(uint64_t *state, uint64_t base, uint64_t num)
{
	uint64_t bits = next_random(state), function = (bits >> 8) % num;

	function = function * function / num;
	function = function * function / num;
	return base + function * 640 + (bits & 0xff) % (function < 20 ? 64 : 24) * 4;
}

/* A chain of the host kernel: an exit of a guest takes few ways. */
static uint32_t make_chain(uint64_t *state, uint64_t *frames)
{
	uint64_t way = next_random(state) % 600;
	uint32_t num = 8 + (uint32_t)(way % (MAX_FRAMES - 8));

	way = way * way / 600;
	for (uint32_t i = 0; i < num; i++)
		frames[i] = 0xffffffff81000000ull + (way >> (i / 4)) * 4096 + i * 64;
	return num;
}

static void make_sample(const struct config *config, uint64_t *state, uint32_t cpu, uint64_t tick,
			struct hvp_sample *ret, uint64_t *frames)
{
	uint64_t period = 1000000000 / config->frequency, time = tick * period;
	uint64_t threads = (uint64_t)config->domains * VCPUS_PER_DOMAIN, thread, kind;

	/* Each CPU has its share of all vCPU threads and goes round. */
	thread = (cpu + config->cpus * (time / SLICE_NS)) % threads;
	kind = next_random(state) % 100;
	*ret = (struct hvp_sample){
		.time = START_TIME + time + cpu * 1777 + next_random(state) % 3000,
		.period = period,
		.pid = FIRST_TID + (uint32_t)(thread / VCPUS_PER_DOMAIN * 16),
		.tid = FIRST_TID +
		       (uint32_t)(thread / VCPUS_PER_DOMAIN * 16 + thread % VCPUS_PER_DOMAIN + 1),
		.cpu = cpu,
		.chain = {.frames = frames},
	};
	if (kind < 55) {
		ret->mode = HVP_MODE_GUEST_USER;
		ret->ip = pick_address(state, 0x7f0000000000ull + (thread % 50 << 24),
				       GUEST_FUNCTIONS);
	} else if (kind < 80) {
		ret->mode = HVP_MODE_GUEST_KERNEL;
		ret->ip = pick_address(state, 0xffffffff80000000ull + (thread % 8 << 21),
				       GUEST_FUNCTIONS);
	} else {
		ret->mode = kind < 95 ? HVP_MODE_HOST_KERNEL : HVP_MODE_HOST_USER;
		ret->ip = pick_address(state, kind < 95 ? 0xffffffffc0800000ull : 0x55d000000000ull,
				       HOST_FUNCTIONS);
		if (config->with_chains && kind < 95) {
			ret->chain.num_frames = make_chain(state, frames);
			ret->chain.num_kernel = ret->chain.num_frames;
		}
	}
}

/* What the rings of all CPUs hold after a tenth of a second: CPU by CPU. */
static void fill_drain(const struct config *config, uint64_t *state, uint64_t number,
		       struct drain *drain)
{
	uint64_t ticks = config->frequency / DRAINS_PER_SECOND;

	drain->num = 0;
	for (uint32_t cpu = 0; cpu < config->cpus; cpu++)
		for (uint64_t i = 0; i < ticks; i++, drain->num++)
			make_sample(config, state, cpu, number * ticks + i,
				    &drain->samples[drain->num],
				    drain->frames + drain->num * MAX_FRAMES);
}

/* Domain d is process FIRST_TID + 16 * (d - 1), its vCPUs are the threads behind. */
static struct hvp_error *add_domains(struct hvp_collector *collector, const struct config *config)
{
	struct hvp_domain_table *domains = hvp_collector_domain_table(collector);

	for (uint32_t i = 0; i < config->domains; i++) {
		struct hvp_vm_identity identity = {.vmm = "qemu", .from = "cmdline"};
		uint32_t pid = FIRST_TID + i * 16, domain;

		snprintf(identity.name, sizeof(identity.name), "vm%u", i + 1);
		hvp_try(hvp_domain_table_add_vm(domains, pid, 12, START_TIME, false, &identity,
						&domain));
		for (uint32_t vcpu = 0; vcpu < VCPUS_PER_DOMAIN; vcpu++)
			hvp_try(hvp_domain_table_bind_vcpu(domains, domain, vcpu, pid + vcpu + 1,
							   START_TIME));
	}
	return NULL;
}

static struct hvp_error *replay_drain(const struct hvp_sink *sink, const struct drain *drain)
{
	for (size_t i = 0; i < drain->num; i++)
		hvp_try(sink->sample(sink->arg, &drain->samples[i]));
	return NULL;
}

/* The collector puts the domain into the sample itself. */
static struct hvp_error *check_domains(const struct drain *drain)
{
	for (size_t i = 0; i < drain->num; i++) {
		const struct hvp_sample *sample = &drain->samples[i];

		if (sample->domain != (sample->pid - FIRST_TID) / 16 + 1 ||
		    sample->vcpu != sample->tid - sample->pid - 1)
			return hvp_error_create(HVP_ERROR_OTHER,
						"thread %u was given domain %u, vCPU %u",
						sample->tid, sample->domain, sample->vcpu);
	}
	return NULL;
}

static struct hvp_error *replay(struct hvp_session_writer *writer, struct hvp_collector *collector,
				const struct config *config, struct drain *drain, struct cost *cost)
{
	uint64_t state = 1, num_drains = (uint64_t)config->seconds * DRAINS_PER_SECOND;
	struct hvp_sink sink;

	hvp_collector_get_sink(collector, &sink);
	for (uint64_t number = 0; number < num_drains; number++) {
		uint64_t before;

		fill_drain(config, &state, number, drain);
		before = cpu_time_ns();
		hvp_try(replay_drain(&sink, drain));
		if ((number + 1) % (SECONDS_PER_FLUSH * DRAINS_PER_SECOND) == 0)
			hvp_try(hvp_session_writer_flush(writer));
		cost->collector_ns += cpu_time_ns() - before;
		cost->num_samples += drain->num;
		hvp_try(check_domains(drain));
	}
	return NULL;
}

static struct hvp_error *write_session(int fd, const struct config *config, struct drain *drain,
				       struct cost *cost, struct hvp_session_writer_stats *stats)
{
	const struct hvp_session_writer_options options = {.path = config->path ? config->path
										: "(memory)",
							   .memory_limit = config->memory_limit};
	const struct hvp_event_info event = {.name = "cpu-clock",
					     .unit = "ns",
					     .frequency = config->frequency,
					     .scope = "host and guest, kernel and user"};
	const struct hvp_collector_options collecting = {.discovers = false};
	struct hvp_session_end end = {.start_time = START_TIME};
	hvp_scope(hvp_session_writer_destroy_scope) struct hvp_session_writer *writer = NULL;
	hvp_scope(hvp_collector_destroy_scope) struct hvp_collector *collector = NULL;
	uint64_t before = cpu_time_ns();
	struct hvp_error *err;
	uint16_t index;

	hvp_try(hvp_session_writer_create(fd, &options, &writer));
	hvp_try(hvp_session_writer_add_event(writer, &event, &index));
	hvp_try(hvp_collector_create(&collecting, writer, &collector));
	hvp_try(add_domains(collector, config));
	cost->collector_ns = cpu_time_ns() - before;
	hvp_try(replay(writer, collector, config, drain, cost));
	end.end_time = end.start_time + config->seconds * 1000000000ull;
	before = cpu_time_ns();
	err = hvp_session_writer_finish(writer, &end);
	cost->collector_ns += cpu_time_ns() - before;
	hvp_session_writer_get_stats(writer, stats);
	return err;
}

/* Reads it all again: `*ret_num` samples in `*ret_ns`. */
static struct hvp_error *read_session(int fd, uint64_t *ret_num, uint64_t *ret_ns)
{
	hvp_scope(hvp_session_destroy_scope) struct hvp_session *session = NULL;
	hvp_scope(hvp_batch_deinit) struct hvp_batch batch;
	uint64_t before = cpu_time_ns();

	hvp_batch_init(&batch);
	hvp_try(hvp_session_open_fd(fd, "(generated)", &session));
	if (hvp_session_damage(session))
		return hvp_error_create(HVP_ERROR_OTHER, "%s", hvp_session_damage(session));
	for (size_t i = 0; i < hvp_session_num_chunks(session); i++) {
		hvp_try(hvp_session_read_chunk(session, i, &batch));
		*ret_num += batch.num_rows;
	}
	*ret_ns = cpu_time_ns() - before;
	return NULL;
}

static struct hvp_error *run(const struct config *config)
{
	size_t per_drain = (size_t)config->cpus * (config->frequency / DRAINS_PER_SECOND);
	hvp_scope(hvp_free_ptr) struct hvp_sample *samples = calloc(per_drain, sizeof(*samples));
	hvp_scope(hvp_free_ptr) uint64_t *frames = calloc(per_drain, MAX_FRAMES * sizeof(*frames));
	struct drain drain = {.samples = samples, .frames = frames};
	struct hvp_session_writer_stats stats = {0};
	hvp_scope(hvp_close_fd) int fd = -1;
	uint64_t num_read = 0, read_ns = 0;
	struct rusage usage;
	struct cost cost = {0};

	if (!samples || !frames)
		return hvp_error_no_memory;
	fd = config->path ? open(config->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)
			  : memfd_create("session", MFD_CLOEXEC);
	if (fd < 0)
		return hvp_error_create(HVP_ERROR_OS, "cannot make the session's file");
	hvp_try(write_session(fd, config, &drain, &cost, &stats));
	getrusage(RUSAGE_SELF, &usage);
	hvp_try(read_session(fd, &num_read, &read_ns));
	printf("%u CPUs x %u Hz x %u domains, %u s%s\n", config->cpus, config->frequency,
	       config->domains, config->seconds, config->with_chains ? ", call chains" : "");
	printf("samples        %12" PRIu64 "\n", cost.num_samples);
	printf("lost           %12" PRIu64 "\n", stats.lost_samples);
	printf("bytes/sample   %12.2f\n", (double)stats.bytes_written / (double)cost.num_samples);
	printf("chunks         %12" PRIu64 "\n", stats.chunks);
	printf("write ns/sample%12.1f\n", (double)cost.collector_ns / (double)cost.num_samples);
	printf("share of a CPU %11.2f%%\n",
	       (double)cost.collector_ns / ((double)config->seconds * 1e9) * 100);
	printf("read ns/sample %12.1f\n", (double)read_ns / (double)cost.num_samples);
	printf("writer peak MiB%12.1f\n", (double)stats.peak_memory / 1048576);
	printf("process MiB    %12.1f (peak, with the samples of a drain, before reading)\n",
	       (double)usage.ru_maxrss / 1024);
	if (num_read != cost.num_samples)
		return hvp_error_create(HVP_ERROR_OTHER,
					"%" PRIu64 " samples were written, %" PRIu64 " came back",
					cost.num_samples, num_read);
	if (stats.peak_memory > (config->memory_limit ? config->memory_limit : 64u << 20))
		return hvp_error_create(HVP_ERROR_OTHER, "the writer's memory limit was passed");
	return NULL;
}

int main(int argc, char **argv)
{
	struct config config = {.cpus = 192, .domains = 1000, .frequency = 2000, .seconds = 10};
	struct hvp_error *err;
	int option;

	while ((option = getopt(argc, argv, "c:d:f:gm:o:s:")) != -1) {
		switch (option) {
		case 'c': config.cpus = (uint32_t)strtoul(optarg, NULL, 0); break;
		case 'd': config.domains = (uint32_t)strtoul(optarg, NULL, 0); break;
		case 'f': config.frequency = (uint32_t)strtoul(optarg, NULL, 0); break;
		case 'g': config.with_chains = true; break;
		case 'm': config.memory_limit = strtoul(optarg, NULL, 0) << 20; break;
		case 'o': config.path = optarg; break;
		case 's': config.seconds = (uint32_t)strtoul(optarg, NULL, 0); break;
		default:
			fprintf(stderr,
				"usage: %s [-c CPUS] [-d DOMAINS] [-f HZ] [-g] [-m MIB] [-o FILE] "
				"[-s SECONDS]\n",
				argv[0]);
			return 2;
		}
	}
	if (!config.cpus || !config.domains || config.frequency < DRAINS_PER_SECOND ||
	    !config.seconds) {
		fprintf(stderr, "%s: all numbers must be above 0, HZ at least %u\n", argv[0],
			DRAINS_PER_SECOND);
		return 2;
	}
	err = run(&config);
	if (!err)
		return 0;
	fprintf(stderr, "%s: %s\n", argv[0], hvp_error_message(err));
	hvp_error_destroy(err);
	return 1;
}
