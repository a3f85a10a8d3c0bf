/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/perf/perf_cpu.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/base/array.h"

/* The first descriptor owns the ring; all others write to it. */
static struct hvp_error *adopt_fd(struct hvp_perf_set *set, struct hvp_perf_cpu *cpu, int fd,
				  uint32_t event)
{
	struct hvp_error *err =
		hvp_array_reserve(&cpu->fds, &cpu->capacity, cpu->num_fds + 1, sizeof(*cpu->fds));
	uint64_t id;

	if (err) {
		close(fd);
		return err;
	}
	cpu->fds[cpu->num_fds++] = (struct hvp_perf_fd){.fd = fd, .event = event};
	if (cpu->num_fds == 1)
		hvp_try(hvp_perf_ring_map(&cpu->ring, fd, set->ring_pages, set->roots));
	else if (ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, cpu->fds[0].fd))
		return hvp_error_from_errno(errno, "CPU %u: sharing a ring", cpu->cpu);
	if (event == HVP_PERF_TRACKING || !set->options.has_identifier)
		return NULL;
	if (ioctl(fd, PERF_EVENT_IOC_ID, &id))
		return hvp_error_from_errno(errno, "CPU %u: asking for an event's id", cpu->cpu);
	return hvp_map_set(&set->event_of_id, id, event);
}

/* `*ret_is_there` is false when the CPU or the thread went away. */
static struct hvp_error *open_one(struct hvp_perf_set *set, struct hvp_perf_cpu *cpu, int tid,
				  uint32_t event, bool *ret_is_there)
{
	struct perf_event_attr attr;
	const char *name = "tracking";
	int fd;

	if (event == HVP_PERF_TRACKING) {
		hvp_perf_attr_init_tracking(&set->options, &attr);
	} else {
		hvp_perf_attr_init(&set->events[event], &set->options, &attr);
		name = set->events[event].name;
	}
	fd = hvp_perf_event_open(&attr, tid, (int)cpu->cpu);
	/*
	 * ENODEV for the whole machine: the CPU went off line after we looked. ESRCH: the thread
	 * ended.
	 */
	*ret_is_there = fd >= 0 || !(errno == ESRCH ||
				     (errno == ENODEV && tid == -1 && event == HVP_PERF_TRACKING));
	if (!*ret_is_there)
		return NULL;
	if (fd < 0)
		return hvp_perf_open_error(errno, name, set->is_system_wide, set->roots);
	return adopt_fd(set, cpu, fd, event);
}

static struct hvp_error *open_task(struct hvp_perf_set *set, struct hvp_perf_cpu *cpu, int tid)
{
	bool is_there;

	hvp_try(open_one(set, cpu, tid, HVP_PERF_TRACKING, &is_there));
	for (size_t i = 0; is_there && i < set->num_events; i++)
		hvp_try(open_one(set, cpu, tid, (uint32_t)i, &is_there));
	return NULL;
}

static struct hvp_error *open_all(struct hvp_perf_set *set, struct hvp_perf_cpu *cpu)
{
	if (set->is_system_wide)
		return open_task(set, cpu, -1);
	for (size_t i = 0; i < set->num_tids; i++)
		hvp_try(open_task(set, cpu, (int)set->tids[i]));
	return NULL;
}

struct hvp_error *hvp_perf_cpu_open(struct hvp_perf_set *set, uint32_t cpu,
				    struct hvp_perf_cpu *ret)
{
	struct hvp_error *err;

	*ret = (struct hvp_perf_cpu){.cpu = cpu};
	ret->parser.sample_type = hvp_perf_sample_type(&set->options);
	ret->parser.event_of_id = &set->event_of_id;
	ret->parser.cpu = cpu;
	ret->parser.guest_mode_by_address = set->options.features->has_stale_guest_mode;
	ret->is_open = true;
	err = open_all(set, ret);
	if (!err && !ret->num_fds)
		err = hvp_error_create(HVP_ERROR_NOT_FOUND,
				       set->is_system_wide ? "CPU %u is off line"
							   : "CPU %u: the processes have ended",
				       cpu);
	if (err)
		hvp_perf_cpu_close(ret);
	return err;
}

void hvp_perf_cpu_close(struct hvp_perf_cpu *cpu)
{
	if (!cpu->is_open)
		return;
	for (size_t i = 0; i < cpu->num_fds; i++)
		close(cpu->fds[i].fd);
	free(cpu->fds);
	if (cpu->ring.control)
		hvp_perf_ring_deinit(&cpu->ring);
	*cpu = (struct hvp_perf_cpu){.cpu = cpu->cpu};
}

static struct hvp_error *enable(struct hvp_perf_cpu *cpu, bool is_tracking)
{
	for (size_t i = 0; i < cpu->num_fds; i++)
		if ((cpu->fds[i].event == HVP_PERF_TRACKING) == is_tracking &&
		    ioctl(cpu->fds[i].fd, PERF_EVENT_IOC_ENABLE, 0))
			return hvp_error_from_errno(errno, "CPU %u: enabling an event", cpu->cpu);
	return NULL;
}

struct hvp_error *hvp_perf_cpu_enable_tracking(struct hvp_perf_cpu *cpu)
{
	return enable(cpu, true);
}

struct hvp_error *hvp_perf_cpu_enable_sampling(struct hvp_perf_cpu *cpu)
{
	return enable(cpu, false);
}

void hvp_perf_cpu_disable(struct hvp_perf_cpu *cpu)
{
	/* Sampling first: the tracking event may still say what the last samples need. */
	for (size_t i = cpu->num_fds; i-- > 0;)
		ioctl(cpu->fds[i].fd, PERF_EVENT_IOC_DISABLE, 0);
}

static struct hvp_error *deliver_lost(const struct hvp_perf_set *set, uint32_t cpu,
				      enum hvp_lost_where where, uint64_t samples, uint64_t records)
{
	const struct hvp_record record = {
		.type = HVP_RECORD_LOST,
		.time = hvp_clock_now(),
		.lost = {.cpu = cpu, .where = where, .samples = samples, .records = records}};

	return set->sink->record(set->sink->arg, &record);
}

/* Once, when a guest is seen: without guests nobody needs to know. */
static struct hvp_error *say_guest_mode(struct hvp_perf_set *set, uint64_t time)
{
	const struct hvp_record note = {
		.type = HVP_RECORD_NOTE,
		.time = time,
		.note = {"the host's kernel (5.17 to 6.6) does not tell a guest's kernel from its "
			 "user mode: the address tells them apart here, which is wrong for code "
			 "below 2^63 in a guest's kernel (firmware, 32-bit kernels)"}};

	set->has_said_guest_mode = true;
	return set->sink->record(set->sink->arg, &note);
}

static struct hvp_error *deliver_sample(struct hvp_perf_set *set, const struct hvp_perf_cpu *cpu,
					struct hvp_sample *sample)
{
	/* The kernel's timers know no scope (perf_event.c): what is out of it ends here. */
	if (!(set->events[sample->event].modes & HVP_MODE_BIT(sample->mode)))
		return NULL;
	if (cpu->parser.guest_mode_by_address && !set->has_said_guest_mode &&
	    hvp_mode_is_guest(sample->mode))
		hvp_try(say_guest_mode(set, sample->time));
	return set->sink->sample(set->sink->arg, sample);
}

static struct hvp_error *deliver(struct hvp_perf_set *set, struct hvp_perf_cpu *cpu,
				 struct hvp_perf_parsed *parsed)
{
	const struct hvp_sink *sink = set->sink;

	switch (parsed->kind) {
	case HVP_PERF_SAMPLE: return deliver_sample(set, cpu, &parsed->sample);
	case HVP_PERF_RECORD: return sink->record(sink->arg, &parsed->record);
	case HVP_PERF_LOST:
		/*
		 * The counters of the events tell samples from other records; without them it is
		 * any.
		 */
		cpu->has_lost = true;
		if (set->options.features->has_read_lost)
			return NULL;
		return deliver_lost(set, cpu->cpu, HVP_LOST_RING, 0, parsed->lost);
	case HVP_PERF_LOST_SAMPLES:
		return deliver_lost(set, cpu->cpu, HVP_LOST_RING, parsed->lost, 0);
	case HVP_PERF_MALFORMED: return deliver_lost(set, cpu->cpu, HVP_LOST_COLLECTOR, 0, 1);
	case HVP_PERF_NOTHING: break;
	}
	return NULL;
}

struct hvp_error *hvp_perf_cpu_drain(struct hvp_perf_set *set, struct hvp_perf_cpu *cpu)
{
	const struct perf_event_header *header;
	struct hvp_perf_parsed parsed;
	struct hvp_error *err = NULL;

	hvp_perf_ring_begin(&cpu->ring);
	while (!err && hvp_perf_ring_next(&cpu->ring, &header)) {
		hvp_perf_parse(&cpu->parser, header, &parsed);
		err = deliver(set, cpu, &parsed);
	}
	hvp_perf_ring_end(&cpu->ring);
	if (err)
		return err;
	if (cpu->ring.corrupt_bytes != cpu->corrupt_seen) {
		cpu->corrupt_seen = cpu->ring.corrupt_bytes;
		/* How many records the bytes were nobody knows: at least one. */
		hvp_try(deliver_lost(set, cpu->cpu, HVP_LOST_COLLECTOR, 0, 1));
	}
	return cpu->has_lost ? hvp_perf_cpu_report_lost(set, cpu) : NULL;
}

bool hvp_perf_fd_read(const struct hvp_perf_set *set, const struct hvp_perf_fd *fd,
		      struct hvp_perf_count *ret)
{
	const size_t size = set->options.features->has_read_lost
				    ? sizeof(*ret)
				    : offsetof(struct hvp_perf_count, lost);

	*ret = (struct hvp_perf_count){0};
	return read(fd->fd, ret, size) == (ssize_t)size;
}

struct hvp_error *hvp_perf_cpu_report_lost(const struct hvp_perf_set *set, struct hvp_perf_cpu *cpu)
{
	uint64_t samples = 0, records = 0;

	cpu->has_lost = false;
	if (!set->options.features->has_read_lost)
		return NULL;
	for (size_t i = 0; i < cpu->num_fds; i++) {
		struct hvp_perf_fd *fd = &cpu->fds[i];
		struct hvp_perf_count count;

		if (!hvp_perf_fd_read(set, fd, &count))
			continue;
		*(fd->event == HVP_PERF_TRACKING ? &records : &samples) +=
			count.lost - fd->lost_seen;
		fd->lost_seen = count.lost;
	}
	if (!samples && !records)
		return NULL;
	return deliver_lost(set, cpu->cpu, HVP_LOST_RING, samples, records);
}
