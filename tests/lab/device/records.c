/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each record of a ring has to be, by itself and by what was there before it. */
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <x86intrin.h>

#include "check.h"
#include "session.h"

static bool is_known(const struct session_ring *ring, uint32_t domain, uint16_t vcpu)
{
	for (unsigned int i = 0; i < ring->num_known; i++) {
		if (ring->known[i] == ((uint64_t)domain << 16 | vcpu))
			return true;
	}
	return false;
}

static void know(struct session_ring *ring, uint32_t domain, uint16_t vcpu)
{
	if (is_known(ring, domain, vcpu))
		return;
	if (ring->num_known == SESSION_MAX_KNOWN)
		errx(1, "too many vCPUs");
	ring->known[ring->num_known++] = (uint64_t)domain << 16 | vcpu;
}

static struct session_kind *find_kind(struct session *s, const struct hvpmu_record_sample *sample)
{
	bool is_guest = sample->header.flags & HVPMU_SAMPLE_GUEST;
	struct session_kind *kind;

	for (kind = s->kinds; kind < s->kinds + s->num_kinds; kind++) {
		if (kind->domain == sample->domain && kind->vcpu == sample->vcpu &&
		    kind->event == sample->event && kind->cpl == sample->cpl &&
		    kind->is_guest == is_guest)
			return kind;
	}
	if (s->num_kinds == SESSION_MAX_KINDS)
		errx(1, "too many kinds of samples");
	s->num_kinds++;
	*kind = (struct session_kind){.domain = sample->domain,
				      .vcpu = sample->vcpu,
				      .event = sample->event,
				      .cpl = sample->cpl,
				      .is_guest = is_guest};
	return kind;
}

/*
 * A guest's with a chain is written after its VM exit: later ones may precede it, and its thread
 * may have been moved. While a clock's is written, a counter may overflow.
 */
static void check_order(struct session *s, uint32_t cpu, const struct hvpmu_record_sample *sample)
{
	struct session_ring *ring = &s->rings[cpu];

	check_is("whether a sample is of this session", 1,
		 sample->tsc >= s->begin_tsc && sample->tsc <= __rdtsc());
	if (s->is_chained)
		return;
	check_is("a sample's CPU", cpu, sample->cpu);
	check_is("whether a ring is in order of time", 1,
		 s->has_clock || sample->tsc >= ring->last_tsc);
	ring->last_tsc = sample->tsc;
}

static void check_owner(const struct session_ring *ring, const struct hvpmu_record_sample *sample)
{
	bool is_guest = sample->header.flags & HVPMU_SAMPLE_GUEST;

	check_is("whether a guest has a domain", 1, !is_guest || sample->domain);
	check_is("whether a vCPU is of a domain", sample->domain != HVPMU_NO_DOMAIN,
		 sample->vcpu != HVPMU_NO_VCPU);
	if (sample->domain) {
		check_is("whether a domain was named before", 1,
			 is_known(ring, sample->domain, HVPMU_NO_VCPU));
		check_is("whether a vCPU was named before", 1,
			 is_known(ring, sample->domain, sample->vcpu));
	}
	/* Kernel addresses are in the upper half. */
	if (!is_guest)
		check_is("the CPL of the host", sample->ip >> 63 ? 0 : 3, sample->cpl);
}

static void take_sample(struct session *s, uint32_t cpu, const struct hvpmu_record_sample *sample)
{
	struct session_kind *kind = find_kind(s, sample);
	struct session_ring *ring = &s->rings[cpu];

	kind->samples++;
	kind->chains += sample->num_chain > 0;
	kind->cut += !!(sample->header.flags & HVPMU_SAMPLE_CHAIN_CUT);
	ring->samples++;
	check_is("a sample's size", sizeof(*sample) + 8u * sample->num_chain, sample->header.size);
	check_is("whether a sample's event is one", 1, sample->event < s->num_events);
	if (!s->is_chained)
		check_is("a chain that nobody asked for", 0, sample->num_chain);
	if (sample->event < s->num_events &&
	    !(s->events[sample->event].flags & HVPMU_DEV_FREQUENCY))
		check_is("a sample's period", s->events[sample->event].period, sample->period);
	check_is("whether a sample has a period", 1, sample->period != 0);
	check_order(s, cpu, sample);
	check_owner(ring, sample);
}

static void take_domain(struct session *s, uint32_t cpu, const struct hvpmu_record_domain *domain)
{
	const char *name = (const char *)(domain + 1);

	check_is("whether a domain has a number and a process", 1, domain->domain && domain->pid);
	if (!memchr(name, 0, domain->header.size - sizeof(*domain)))
		errx(1, "a domain's name has no end");
	if (domain->header.flags & HVPMU_DOMAIN_ENDED) {
		s->num_ended++;
		s->last_ended = domain->domain;
		return;
	}
	s->last_domain = domain->domain;
	s->last_pid = domain->pid;
	snprintf(s->last_name, sizeof(s->last_name), "%s", name);
	know(&s->rings[cpu], domain->domain, HVPMU_NO_VCPU);
}

static void take_vcpu(struct session *s, uint32_t cpu, const struct hvpmu_record_vcpu *vcpu)
{
	check_is("whether a vCPU has a thread", 1, vcpu->tid != 0);
	check_is("whether a vCPU's domain was named before", 1,
		 is_known(&s->rings[cpu], vcpu->domain, HVPMU_NO_VCPU));
	know(&s->rings[cpu], vcpu->domain, vcpu->vcpu);
}

static void take_event(struct session *s, uint32_t cpu, const struct hvpmu_record_event *event)
{
	unsigned int i = s->rings[cpu].events++;
	const struct hvpmu_dev_event *want = &s->events[i];

	check_is("whether events come before samples", 0, s->rings[cpu].samples);
	check_is("an event's number", i, event->event);
	if (i >= s->num_events)
		errx(1, "an event that nobody asked for");
	check_is("whether an event has its name", 0,
		 (uint64_t)strcmp((const char *)(event + 1), want->name));
	check_is("an event's type", want->type, event->type);
	check_is("an event's number in perf", want->config, event->config);
	check_is("an event's period", want->flags & HVPMU_DEV_FREQUENCY ? 0 : want->period,
		 event->period);
}

void session_take(struct session *s, uint32_t cpu, const struct hvpmu_record *record)
{
	if (record->type != HVPMU_RECORD_EVENT)
		check_is("events that were told of first", s->num_events, s->rings[cpu].events);
	switch (record->type) {
	case HVPMU_RECORD_SAMPLE:
		take_sample(s, cpu, (const struct hvpmu_record_sample *)record);
		break;
	case HVPMU_RECORD_LOST: s->lost += ((const struct hvpmu_record_lost *)record)->count; break;
	case HVPMU_RECORD_DOMAIN:
		take_domain(s, cpu, (const struct hvpmu_record_domain *)record);
		break;
	case HVPMU_RECORD_VCPU: take_vcpu(s, cpu, (const struct hvpmu_record_vcpu *)record); break;
	case HVPMU_RECORD_EVENT:
		take_event(s, cpu, (const struct hvpmu_record_event *)record);
		break;
	default: check_is("a record's type", 0, record->type);
	}
}
