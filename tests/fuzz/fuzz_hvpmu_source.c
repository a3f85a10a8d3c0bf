/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: any bytes as what /dev/hvpmu hands out, through the source and the join of its
 * domains. Bytes 0 to 15 are the ring's head and its count of losses, byte 16 is how far the rings
 * are emptied before the next ones come; the rest are records. Whatever comes out is looked at to
 * its last byte.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/kvm/domain_join.h"
#include "tests/unit/daemon/hvpmu_fixture.h"

#define PREFIX 17

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct output {
	struct hvp_domain_table *domains;
	struct hvp_domain_join join;
	uint64_t sum;
};

/* Sums up every byte that was handed out, so that a sanitizer sees one that is not ours. */
static void touch_text(struct output *output, const char *text)
{
	while (*text)
		output->sum = output->sum * 31 + (uint8_t)*text++;
}

static struct hvp_error *take_sample(void *arg, struct hvp_sample *sample)
{
	struct output *output = arg;
	uint32_t number = sample->domain, domain;
	bool wants_discovery;

	if (sample->mode >= HVP_NUM_MODES || sample->chain.num_frames > HVP_MAX_CHAIN ||
	    sample->chain.num_kernel > sample->chain.num_frames || sample->event >= 2 ||
	    sample->time < FAKE_TIME)
		abort();
	for (uint32_t i = 0; i < sample->chain.num_frames; i++)
		output->sum += sample->chain.frames[i];
	if (hvp_domain_table_assign(output->domains, sample, &wants_discovery))
		abort();
	if (hvp_domain_join_find(&output->join, number, sample->pid, &domain) &&
	    (!domain || domain > hvp_domain_table_num(output->domains)))
		abort();
	return NULL;
}

static struct hvp_error *take_record(void *arg, const struct hvp_record *record)
{
	struct output *output = arg;

	if (record->type == HVP_RECORD_DOMAIN)
		touch_text(output, record->domain.name);
	if (record->type != HVP_RECORD_DOMAIN && record->type != HVP_RECORD_VCPU)
		return hvp_domain_table_see_record(output->domains, record);
	return hvp_domain_join_see(&output->join, record);
}

/* What the domain table says itself. */
static struct hvp_error *take_domain(void *arg, const struct hvp_record *record)
{
	(void)arg;
	return record->type == HVP_RECORD_DOMAIN && !record->domain.name ? hvp_error_no_memory
									 : NULL;
}

static void fill_ring(struct fake_device *device, const uint8_t *data, size_t size)
{
	struct hvpmu_ring *ring = &device->rings[0];

	memcpy(&ring->page->head, data, sizeof(ring->page->head));
	memcpy(&ring->page->lost, data + 8, sizeof(ring->page->lost));
	size -= PREFIX;
	memcpy(ring->data, data + PREFIX, size < ring->size ? size : ring->size);
}

static void exercise(struct fake_device *device, const struct hvp_record_config *config,
		     struct output *output, const uint8_t *data, size_t size)
{
	const struct hvp_sink sink = {.sample = take_sample, .record = take_record, .arg = output};
	struct hvp_source *source = NULL;
	bool has_more;

	if (hvp_hvpmu_source_open(&fake_parts, config, &sink, NULL, &source) ||
	    source->ops->start(source))
		abort();
	fill_ring(device, data, size);
	if (source->ops->drain(source, &has_more))
		abort();
	/* A second pass, from wherever the first one ended. */
	__atomic_fetch_add(&device->rings[0].page->head, data[16] * 8u, __ATOMIC_RELEASE);
	device->ticks = 1u << 20;
	if (source->ops->drain(source, &has_more) || source->ops->stop(source))
		abort();
	/* Whatever the head is, nothing is left to be read before it. */
	if ((device->rings[0].page->head & ~UINT64_C(7)) != device->rings[0].page->tail)
		abort();
	hvp_source_destroy(source);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct hvp_host_roots roots = {.proc = "/nonexistent",
						    .sys = "/nonexistent",
						    .debugfs = "/nonexistent",
						    .tracefs = "/nonexistent",
						    .run = "/nonexistent",
						    .dev = "/nonexistent"};
	const struct hvp_event_spec events[] = {
		{.name = (char *)"cycles", .unit = "cycles", .modes = UINT32_MAX},
		{.name = (char *)"instructions", .unit = "instructions", .modes = UINT32_MAX},
	};
	const struct hvp_record_config config = {.events = events,
						 .num_events = 2,
						 .frequency = 1000,
						 .is_system_wide = true,
						 .ring_pages = 1,
						 .roots = &roots};
	const struct hvp_sink domains = {.record = take_domain};
	struct fake_device device;
	struct output output = {0};

	if (size < PREFIX)
		return 0;
	fake_device_init(&device);
	if (hvp_domain_table_create(&domains, &output.domains))
		abort();
	hvp_domain_join_init(&output.join, &roots, output.domains, NULL);
	exercise(&device, &config, &output, data, size);
	/* The sum must be computed, though nobody wants it. */
	__asm__ volatile("" : : "r"(output.sum));
	hvp_domain_join_deinit(&output.join);
	hvp_domain_table_destroy(output.domains);
	fake_device_deinit(&device);
	return 0;
}
