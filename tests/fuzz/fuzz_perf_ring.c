/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: any bytes as the contents of a perf ring. Byte 0 chooses the sample_type and the
 * size of the ring, byte 1 where the ring begins, so that every place of wrapping is reached; the
 * rest are records. Whatever comes out is looked at to its last byte.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "daemon/perf/perf_parse.h"
#include "daemon/perf/perf_ring.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint64_t types[] = {
	PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU | PERF_SAMPLE_PERIOD,
	PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU | PERF_SAMPLE_PERIOD |
		PERF_SAMPLE_CALLCHAIN,
	PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME |
		PERF_SAMPLE_CPU | PERF_SAMPLE_PERIOD | PERF_SAMPLE_CALLCHAIN,
	PERF_SAMPLE_IP,
};

/* Reads every byte that was handed out, so that a sanitizer sees one that is not ours. */
static uint64_t touch_text(const char *text)
{
	uint64_t sum = 0;

	while (*text)
		sum = sum * 31 + (uint8_t)*text++;
	return sum;
}

static uint64_t touch_record(const struct hvp_record *record)
{
	switch (record->type) {
	case HVP_RECORD_MMAP:
		if (record->mmap.build_id_size > HVP_BUILD_ID_MAX)
			abort();
		return touch_text(record->mmap.path);
	case HVP_RECORD_COMM: return touch_text(record->comm.name);
	case HVP_RECORD_KSYMBOL: return touch_text(record->ksymbol.name);
	default: return record->time;
	}
}

static uint64_t touch_sample(const struct hvp_sample *sample)
{
	uint64_t sum = sample->ip;

	if (sample->mode >= HVP_NUM_MODES || sample->chain.num_frames > HVP_MAX_CHAIN ||
	    sample->chain.num_kernel > sample->chain.num_frames)
		abort();
	if (hvp_mode_is_guest(sample->mode) && sample->chain.num_frames)
		abort();
	for (uint32_t i = 0; i < sample->chain.num_frames; i++)
		sum += sample->chain.frames[i];
	return sum;
}

static uint64_t drain(struct hvp_perf_ring *ring, struct hvp_perf_parser *parser)
{
	const struct perf_event_header *header;
	struct hvp_perf_parsed parsed;
	uint64_t sum = 0;

	hvp_perf_ring_begin(ring);
	while (hvp_perf_ring_next(ring, &header)) {
		hvp_perf_parse(parser, header, &parsed);
		if (parsed.kind == HVP_PERF_SAMPLE)
			sum += touch_sample(&parsed.sample);
		else if (parsed.kind == HVP_PERF_RECORD)
			sum += touch_record(&parsed.record);
	}
	hvp_perf_ring_end(ring);
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct perf_event_mmap_page control = {0};
	struct hvp_perf_parser *parser;
	struct hvp_perf_ring ring;
	struct hvp_map events = {0};
	uint64_t ring_size, begin;
	uint8_t *contents;

	if (size < 2)
		return 0;
	/* 256 bytes to 128 KiB. */
	ring_size = 256ull << (3 * ((data[0] >> 2) & 3));
	begin = data[1] * 8ull;
	contents = calloc(1, ring_size);
	parser = calloc(1, sizeof(*parser));
	if (!contents || !parser || hvp_map_set(&events, 1, 0))
		abort();
	parser->sample_type = types[data[0] & 3];
	parser->event_of_id = &events;
	parser->guest_mode_by_address = data[0] >> 7;
	size -= 2;
	if (size > ring_size)
		size = ring_size;
	for (size_t i = 0; i < size; i++)
		contents[(begin + i) & (ring_size - 1)] = data[2 + i];
	control.data_tail = begin;
	control.data_head = begin + size;
	if (hvp_perf_ring_attach(&ring, &control, contents, ring_size))
		abort();
	/* The sum must be computed, though nobody wants it. */
	__asm__ volatile("" : : "r"(drain(&ring, parser)));
	if (control.data_tail != control.data_head)
		abort();
	hvp_perf_ring_deinit(&ring);
	hvp_map_deinit(&events);
	free(parser);
	free(contents);
	return 0;
}
