/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/hvpmu/hvpmu_parse.h"

#include <string.h>

/* Above it a frame is none: perf's own marks between kernel and user frames (PERF_CONTEXT_*). */
#define LAST_ADDRESS ((uint64_t)-4096)

/* Copies a record's fixed part, so that what is checked is what is used. False: it is too short. */
static bool take_fixed(const struct hvpmu_record *record, void *ret, size_t size)
{
	if (record->size < size)
		return false;
	memcpy(ret, record, size);
	return true;
}

static enum hvp_mode mode_of(const struct hvpmu_record_sample *from)
{
	if (from->header.flags & HVPMU_SAMPLE_GUEST)
		return from->cpl == 3 ? HVP_MODE_GUEST_USER : HVP_MODE_GUEST_KERNEL;
	return from->cpl == 3 ? HVP_MODE_HOST_USER : HVP_MODE_HOST_KERNEL;
}

/*
 * A guest's chain is all of the side that the sample is on. The host's goes on from its kernel into
 * the program: the frames in front that are in the upper half of the address space are the kernel's.
 */
static void take_chain(struct hvp_hvpmu_parser *parser, const uint64_t *frames, uint32_t num,
		       struct hvp_sample *sample)
{
	struct hvp_chain *chain = &sample->chain;
	bool is_kernel = hvp_mode_is_kernel(sample->mode);
	const bool is_guest = hvp_mode_is_guest(sample->mode);

	for (uint32_t i = 0; i < num; i++) {
		if (frames[i] > LAST_ADDRESS)
			continue;
		is_kernel = is_kernel && (is_guest || frames[i] >> 63);
		chain->num_kernel += is_kernel;
		parser->chain[chain->num_frames++] = frames[i];
	}
	chain->frames = parser->chain;
}

static enum hvp_hvpmu_kind parse_sample(struct hvp_hvpmu_parser *parser,
					const struct hvpmu_record *record,
					struct hvp_sample *sample)
{
	struct hvpmu_record_sample from;

	if (!take_fixed(record, &from, sizeof(from)) || from.cpl > 3 ||
	    from.cpu >= parser->num_cpus || from.event >= parser->num_events ||
	    from.num_chain > HVPMU_CHAIN_MAX ||
	    from.header.size < sizeof(from) + from.num_chain * sizeof(uint64_t))
		return HVP_HVPMU_MALFORMED;
	*sample = (struct hvp_sample){
		.time = hvp_tsc_clock_time(parser->clock, from.tsc),
		.ip = from.ip,
		.period = from.period,
		.pid = from.pid,
		.tid = from.tid,
		.cpu = from.cpu,
		.domain = from.domain == HVPMU_NO_DOMAIN ? HVP_DOMAIN_HOST : from.domain,
		.vcpu = from.vcpu == HVPMU_NO_VCPU ? HVP_VCPU_NONE : from.vcpu,
		.event = from.event,
		.mode = (uint8_t)mode_of(&from),
	};
	/* The CR3 of a thread of the host is its process, which is known. */
	if (hvp_mode_is_guest(sample->mode))
		sample->guest_cr3 = from.cr3;
	take_chain(parser, (const uint64_t *)(const void *)((const uint8_t *)record + sizeof(from)),
		   from.num_chain, sample);
	return HVP_HVPMU_SAMPLE;
}

static enum hvp_hvpmu_kind parse_domain(struct hvp_hvpmu_parser *parser,
					const struct hvpmu_record *record, struct hvp_record *ret)
{
	struct hvpmu_record_domain from;
	const char *name;

	if (!take_fixed(record, &from, sizeof(from)) || from.domain == HVPMU_NO_DOMAIN)
		return HVP_HVPMU_MALFORMED;
	name = (const char *)record + sizeof(from);
	/* One that ended needs no name. */
	if (!memchr(name, 0, from.header.size - sizeof(from)))
		name = "";
	*ret = (struct hvp_record){
		.type = HVP_RECORD_DOMAIN,
		.time = hvp_tsc_clock_time(parser->clock, from.tsc),
		.domain = {.domain = from.domain,
			   .state = from.header.flags & HVPMU_DOMAIN_ENDED ? HVP_DOMAIN_ENDED
									   : HVP_DOMAIN_RUNNING,
			   .pid = from.pid,
			   .name = name,
			   .uuid = "",
			   .vmm = "",
			   .identity_from = ""},
	};
	return HVP_HVPMU_RECORD;
}

static enum hvp_hvpmu_kind parse_vcpu(struct hvp_hvpmu_parser *parser,
				      const struct hvpmu_record *record, struct hvp_record *ret)
{
	struct hvpmu_record_vcpu from;

	if (!take_fixed(record, &from, sizeof(from)) || from.domain == HVPMU_NO_DOMAIN ||
	    from.vcpu == HVPMU_NO_VCPU)
		return HVP_HVPMU_MALFORMED;
	*ret = (struct hvp_record){
		.type = HVP_RECORD_VCPU,
		.time = hvp_tsc_clock_time(parser->clock, from.tsc),
		.vcpu = {.domain = from.domain, .vcpu = from.vcpu, .tid = from.tid},
	};
	return HVP_HVPMU_RECORD;
}

static enum hvp_hvpmu_kind parse_lost(const struct hvpmu_record *record, uint64_t *ret)
{
	struct hvpmu_record_lost from;

	if (!take_fixed(record, &from, sizeof(from)))
		return HVP_HVPMU_MALFORMED;
	*ret = from.count;
	return HVP_HVPMU_LOST;
}

void hvp_hvpmu_parse(struct hvp_hvpmu_parser *parser, const struct hvpmu_record *record,
		     struct hvp_hvpmu_parsed *ret)
{
	ret->is_throttled = false;
	switch (record->type) {
	case HVPMU_RECORD_SAMPLE:
		ret->kind = parse_sample(parser, record, &ret->sample);
		ret->is_throttled = record->flags & HVPMU_SAMPLE_THROTTLED;
		break;
	case HVPMU_RECORD_LOST: ret->kind = parse_lost(record, &ret->lost); break;
	case HVPMU_RECORD_DOMAIN: ret->kind = parse_domain(parser, record, &ret->record); break;
	case HVPMU_RECORD_VCPU: ret->kind = parse_vcpu(parser, record, &ret->record); break;
	/* EVENT: what the setup asked for, in its order. */
	default: ret->kind = HVP_HVPMU_NOTHING; break;
	}
}
