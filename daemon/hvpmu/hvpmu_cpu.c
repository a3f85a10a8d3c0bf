/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/hvpmu/hvpmu_cpu.h"

void hvp_hvpmu_cpu_init(struct hvp_hvpmu_cpu *cpu, struct hvp_hvpmu_set *set, uint32_t number)
{
	cpu->parser.clock = &set->clock;
	cpu->parser.num_events = set->num_events;
	cpu->parser.cpu = number;
	cpu->parser.num_cpus = set->num_cpus;
}

static struct hvp_error *deliver_lost(const struct hvp_hvpmu_set *set, uint32_t cpu,
				      enum hvp_lost_where where, uint64_t samples, uint64_t records)
{
	const struct hvp_record record = {
		.type = HVP_RECORD_LOST,
		.time = hvp_clock_now(),
		.lost = {.cpu = cpu, .where = where, .samples = samples, .records = records}};

	return set->sink->record(set->sink->arg, &record);
}

/* No more than the ring itself has counted, which is what remains to be told at the end. */
static struct hvp_error *tell_lost(const struct hvp_hvpmu_set *set, struct hvp_hvpmu_cpu *cpu,
				   uint64_t count)
{
	uint64_t counted = __atomic_load_n(&cpu->ring.reader.page->lost, __ATOMIC_RELAXED);
	uint64_t left = counted > cpu->lost_told ? counted - cpu->lost_told : 0;

	if (count > left)
		count = left;
	if (!count)
		return NULL;
	cpu->lost_told += count;
	return deliver_lost(set, cpu->parser.cpu, HVP_LOST_RING, count, 0);
}

static struct hvp_error *deliver_sample(struct hvp_hvpmu_set *set, struct hvp_hvpmu_parsed *parsed)
{
	const struct hvp_sink *sink = set->sink;
	struct hvp_sample *sample = &parsed->sample;
	const struct hvp_record throttle = {
		.type = HVP_RECORD_THROTTLE,
		.time = sample->time,
		.throttle = {.cpu = sample->cpu, .event = sample->event}};

	set->num_samples[sample->event]++;
	if (parsed->is_throttled)
		hvp_try(sink->record(sink->arg, &throttle));
	/* The kernel's timers know no scope: what is out of it ends here. */
	if (!(set->events[sample->event].modes & HVP_MODE_BIT(sample->mode)))
		return NULL;
	return sink->sample(sink->arg, sample);
}

static struct hvp_error *deliver(struct hvp_hvpmu_set *set, struct hvp_hvpmu_cpu *cpu,
				 struct hvp_hvpmu_parsed *parsed)
{
	const struct hvp_sink *sink = set->sink;

	switch (parsed->kind) {
	case HVP_HVPMU_SAMPLE: return deliver_sample(set, parsed);
	case HVP_HVPMU_RECORD: return sink->record(sink->arg, &parsed->record);
	case HVP_HVPMU_LOST: return tell_lost(set, cpu, parsed->lost);
	case HVP_HVPMU_MALFORMED:
		return deliver_lost(set, cpu->parser.cpu, HVP_LOST_COLLECTOR, 0, 1);
	case HVP_HVPMU_NOTHING: break;
	}
	return NULL;
}

struct hvp_error *hvp_hvpmu_cpu_drain(struct hvp_hvpmu_set *set, struct hvp_hvpmu_cpu *cpu)
{
	struct hvpmu_ring_reader *reader = &cpu->ring.reader;
	const struct hvpmu_record *record;
	struct hvp_hvpmu_parsed parsed;
	struct hvp_error *err = NULL;
	int status;

	while (!err && !(status = hvpmu_ring_next(reader, &record)) && record) {
		hvp_hvpmu_parse(&cpu->parser, record, &parsed);
		err = deliver(set, cpu, &parsed);
	}
	hvpmu_ring_release(reader);
	if (err || !status)
		return err;
	/* How many records there were nobody knows: at least one. */
	set->num_damaged++;
	return deliver_lost(set, cpu->parser.cpu, HVP_LOST_COLLECTOR, 0, 1);
}

struct hvp_error *hvp_hvpmu_cpu_report_lost(const struct hvp_hvpmu_set *set,
					    struct hvp_hvpmu_cpu *cpu)
{
	return tell_lost(set, cpu, UINT64_MAX);
}
