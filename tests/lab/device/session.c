/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session.h"

#include <err.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "check.h"

const struct hvpmu_dev_event session_default[SESSION_NUM_DEFAULT] = {
	{.type = PERF_TYPE_HARDWARE,
	 .config = PERF_COUNT_HW_CPU_CYCLES,
	 .period = 1000003,
	 .name = "cycles"},
	{.type = PERF_TYPE_HARDWARE,
	 .config = PERF_COUNT_HW_INSTRUCTIONS,
	 .period = 50021,
	 .name = "instructions"},
};

void wait_ms(long ms)
{
	struct timespec time = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&time, NULL);
}

struct hvpmu_dev_setup session_setup(const struct hvpmu_dev_event *events, uint32_t num,
				     uint64_t data_size, uint32_t flags)
{
	return (struct hvpmu_dev_setup){.size = sizeof(struct hvpmu_dev_setup),
					.flags = flags,
					.data_size = data_size,
					.events = (uintptr_t)events,
					.num_events = num};
}

static void map_ring(struct session *s, uint32_t cpu)
{
	size_t size = s->info.header_size + s->data_size;
	struct hvpmu_ring_page *page =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, (off_t)(cpu * size));

	if (page == MAP_FAILED)
		err(1, "ring of CPU %u", cpu);
	if (hvpmu_ring_reader_init(&s->rings[cpu].reader, page,
				   (uint8_t *)page + s->info.header_size, s->data_size))
		errx(1, "CPU %u has no ring", cpu);
	check_is("a ring's CPU", cpu, page->cpu);
}

static void command(const struct session *s, unsigned long request, void *argument)
{
	if (ioctl(s->fd, request, argument))
		err(1, "request %#lx", request);
}

void session_begin(struct session *s, const struct hvpmu_dev_event *events, unsigned int num_events,
		   uint64_t data_size, uint32_t flags)
{
	struct hvpmu_dev_setup setup = session_setup(events, num_events, data_size, flags);

	*s = (struct session){.events = events,
			      .num_events = num_events,
			      .data_size = data_size,
			      .is_chained = flags & HVPMU_DEV_CHAIN,
			      .info.size = sizeof(s->info)};
	s->fd = open("/dev/hvpmu", O_RDWR | O_CLOEXEC);
	if (s->fd < 0)
		err(1, "/dev/hvpmu");
	command(s, HVPMU_IOC_SETUP, &setup);
	command(s, HVPMU_IOC_INFO, &s->info);
	check_is("events of the session", num_events, s->info.num_events);
	for (unsigned int i = 0; i < num_events; i++)
		s->has_clock |= events[i].type == PERF_TYPE_SOFTWARE;
	if (s->info.num_cpus > SESSION_MAX_CPUS)
		errx(1, "%u CPUs are too many", s->info.num_cpus);
	for (uint32_t cpu = 0; cpu < s->info.num_cpus; cpu++)
		map_ring(s, cpu);
	s->begin_tsc = __rdtsc();
}

void session_enable(struct session *s)
{
	command(s, HVPMU_IOC_ENABLE, NULL);
}

void session_disable(struct session *s)
{
	command(s, HVPMU_IOC_DISABLE, NULL);
}

void session_run(struct session *s, long ms, session_look look)
{
	session_enable(s);
	wait_ms(ms);
	session_disable(s);
	session_drain(s, look);
}

void session_drain(struct session *s, session_look look)
{
	for (uint32_t cpu = 0; cpu < s->info.num_cpus; cpu++) {
		struct hvpmu_ring_reader *reader = &s->rings[cpu].reader;
		const struct hvpmu_record *record;
		int result;

		while (!(result = hvpmu_ring_next(reader, &record)) && record) {
			session_take(s, cpu, record);
			if (look && record->type == HVPMU_RECORD_SAMPLE)
				look(s, (const struct hvpmu_record_sample *)record);
		}
		check_is("whether a ring is whole", 0, (uint64_t)result);
		hvpmu_ring_release(reader);
	}
}

void session_end(struct session *s)
{
	for (uint32_t cpu = 0; cpu < s->info.num_cpus; cpu++)
		munmap(s->rings[cpu].reader.page, s->info.header_size + s->data_size);
	close(s->fd);
}

unsigned int session_in_guests(const struct session *s, int vcpu)
{
	unsigned int sum = 0;

	for (unsigned int i = 0; i < s->num_kinds; i++) {
		const struct session_kind *kind = &s->kinds[i];

		if (kind->is_guest && (vcpu < 0 || kind->vcpu == vcpu))
			sum += kind->samples;
	}
	return sum;
}

unsigned int session_samples(const struct session *s)
{
	unsigned int sum = 0;

	for (uint32_t cpu = 0; cpu < s->info.num_cpus; cpu++)
		sum += s->rings[cpu].samples;
	return sum;
}

struct hvpmu_dev_times session_times(const struct session *s, unsigned int event)
{
	struct hvpmu_dev_times times = {.size = sizeof(times), .event = event};

	command(s, HVPMU_IOC_TIMES, &times);
	check_is("the size of an event's times", sizeof(times), times.size);
	return times;
}

uint64_t session_lost(const struct session *s)
{
	uint64_t sum = 0;

	for (uint32_t cpu = 0; cpu < s->info.num_cpus; cpu++)
		sum += s->rings[cpu].reader.page->lost;
	return sum;
}
