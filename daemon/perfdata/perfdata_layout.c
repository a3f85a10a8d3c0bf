/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/perfdata/perfdata_layout.h"

#include <string.h>

#include "common/base/array.h"

#define WORD sizeof(uint64_t)
/* What becomes IDENTIFIER. */
#define ANY_ID (PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_ID)

/*
 * The fixed fields of a sample in the order in which perf has them, one word each
 * (perf_output_sample() in kernel/events/core.c).
 */
static const uint64_t sample_fields[] = {
	PERF_SAMPLE_IDENTIFIER, PERF_SAMPLE_IP,	  PERF_SAMPLE_TID,
	PERF_SAMPLE_TIME,	PERF_SAMPLE_ADDR, PERF_SAMPLE_ID,
	PERF_SAMPLE_STREAM_ID,	PERF_SAMPLE_CPU,  PERF_SAMPLE_PERIOD,
};

/* Those that end the other records, with sample_id_all. */
static const uint64_t id_fields[] = {
	PERF_SAMPLE_TID,       PERF_SAMPLE_TIME, PERF_SAMPLE_ID,
	PERF_SAMPLE_STREAM_ID, PERF_SAMPLE_CPU,	 PERF_SAMPLE_IDENTIFIER,
};

/* Ours, in the order in which hvp_perf_parse() reads them; ANY_ID is whichever the event has. */
static const uint64_t our_sample_fields[] = {
	ANY_ID,		  PERF_SAMPLE_IP,  PERF_SAMPLE_TID,
	PERF_SAMPLE_TIME, PERF_SAMPLE_CPU, PERF_SAMPLE_PERIOD,
};
static const uint64_t our_id_fields[] = {
	PERF_SAMPLE_TID,
	PERF_SAMPLE_TIME,
	PERF_SAMPLE_CPU,
	ANY_ID,
};

/* The word of the first field that is one of `wanted`, or -1. */
static int word_of(uint64_t sample_type, const uint64_t *fields, size_t num, uint64_t wanted)
{
	int word = 0;

	for (size_t i = 0; i < num; i++) {
		if (!(sample_type & fields[i]))
			continue;
		if (fields[i] & wanted)
			return word;
		word++;
	}
	return -1;
}

static uint8_t count_words(uint64_t sample_type, const uint64_t *fields, size_t num)
{
	uint8_t words = 0;

	for (size_t i = 0; i < num; i++)
		words += !!(sample_type & fields[i]);
	return words;
}

void hvp_perfdata_layout_init(const struct perf_event_attr *attr, struct hvp_perfdata_layout *ret)
{
	uint64_t type = attr->sample_type;
	int word;

	memset(ret, 0, sizeof(*ret));
	ret->read_format = attr->read_format;
	ret->has_read = type & PERF_SAMPLE_READ;
	ret->has_chain = type & PERF_SAMPLE_CALLCHAIN;
	ret->num_fixed = count_words(type, sample_fields, HVP_ARRAY_SIZE(sample_fields));
	for (size_t i = 0; i < HVP_ARRAY_SIZE(our_sample_fields); i++) {
		word = word_of(type, sample_fields, HVP_ARRAY_SIZE(sample_fields),
			       our_sample_fields[i]);
		if (word < 0)
			continue;
		ret->sample_from[ret->num_sample_from++] = (uint8_t)word;
		ret->sample_type |= our_sample_fields[i] == ANY_ID ? PERF_SAMPLE_IDENTIFIER
								   : our_sample_fields[i];
	}
	ret->sample_type |= type & PERF_SAMPLE_CALLCHAIN;
	ret->sample_id_at = word_of(type, sample_fields, HVP_ARRAY_SIZE(sample_fields), ANY_ID);
	ret->id_at = -1;
	if (!attr->sample_id_all)
		return;
	ret->num_id = count_words(type, id_fields, HVP_ARRAY_SIZE(id_fields));
	for (size_t i = 0; i < HVP_ARRAY_SIZE(our_id_fields); i++) {
		word = word_of(type, id_fields, HVP_ARRAY_SIZE(id_fields), our_id_fields[i]);
		if (word >= 0)
			ret->id_from[ret->num_id_from++] = (uint8_t)word;
	}
	ret->id_at = word_of(type, id_fields, HVP_ARRAY_SIZE(id_fields), ANY_ID);
	ret->id_type = ret->sample_type & (PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU |
					   PERF_SAMPLE_IDENTIFIER);
}

static size_t words_of(const void *record)
{
	struct perf_event_header header;

	memcpy(&header, record, sizeof(header));
	return header.size / WORD;
}

static bool is_sample(const void *record)
{
	struct perf_event_header header;

	memcpy(&header, record, sizeof(header));
	return header.type == PERF_RECORD_SAMPLE;
}

static uint64_t word_at(const void *record, size_t word)
{
	uint64_t value;

	memcpy(&value, (const char *)record + word * WORD, WORD);
	return value;
}

bool hvp_perfdata_layout_id(const struct hvp_perfdata_layout *layout, const void *record,
			    uint64_t *ret)
{
	size_t num = words_of(record), word;

	if (is_sample(record)) {
		if (layout->sample_id_at < 0)
			return false;
		word = 1 + (size_t)layout->sample_id_at;
	} else {
		if (layout->id_at < 0 || num < 1u + layout->num_id)
			return false;
		word = num - layout->num_id + (size_t)layout->id_at;
	}
	if (word >= num)
		return false;
	*ret = word_at(record, word);
	return true;
}

/*
 * Words of a PERF_SAMPLE_READ (struct read_format in perf_event_open(2)), at most `left`; false
 * when there are not so many.
 */
static bool read_words(uint64_t format, const void *record, size_t at, size_t left, size_t *ret)
{
	size_t times = !!(format & PERF_FORMAT_TOTAL_TIME_ENABLED) +
		       !!(format & PERF_FORMAT_TOTAL_TIME_RUNNING);
	size_t each = 1 + !!(format & PERF_FORMAT_ID) + !!(format & PERF_FORMAT_LOST);
	uint64_t num;

	if (!(format & PERF_FORMAT_GROUP)) {
		*ret = times + each;
		return *ret <= left;
	}
	if (!left)
		return false;
	num = word_at(record, at);
	if (num > left)
		return false;
	*ret = 1 + times + num * each;
	return *ret <= left;
}

static bool apply_to_sample(const struct hvp_perfdata_layout *layout, const void *record,
			    uint64_t *out, size_t *ret_num)
{
	size_t num = words_of(record), at = 1u + layout->num_fixed, skipped, to = 1;
	uint64_t frames;

	if (num < at)
		return false;
	for (size_t i = 0; i < layout->num_sample_from; i++)
		out[to++] = word_at(record, 1u + layout->sample_from[i]);
	if (layout->has_read) {
		if (!read_words(layout->read_format, record, at, num - at, &skipped))
			return false;
		at += skipped;
	}
	if (layout->has_chain) {
		if (num == at)
			return false;
		frames = word_at(record, at);
		if (frames > num - at - 1)
			return false;
		memcpy(out + to, (const char *)record + at * WORD, (frames + 1) * WORD);
		to += frames + 1;
	}
	*ret_num = to;
	return true;
}

static bool apply_to_other(const struct hvp_perfdata_layout *layout, const void *record,
			   uint64_t *out, size_t *ret_num)
{
	size_t num = words_of(record), body;

	if (num < 1u + layout->num_id)
		return false;
	body = num - layout->num_id;
	memcpy(out, record, body * WORD);
	for (size_t i = 0; i < layout->num_id_from; i++)
		out[body + i] = word_at(record, body + layout->id_from[i]);
	*ret_num = body + layout->num_id_from;
	return true;
}

bool hvp_perfdata_layout_apply(const struct hvp_perfdata_layout *layout, const void *record,
			       uint64_t *out)
{
	struct perf_event_header header;
	size_t num;

	memcpy(&header, record, sizeof(header));
	if (header.type == PERF_RECORD_SAMPLE ? !apply_to_sample(layout, record, out, &num)
					      : !apply_to_other(layout, record, out, &num))
		return false;
	/* Never more words than before, so the size fits again. */
	header.size = (uint16_t)(num * WORD);
	memcpy(out, &header, sizeof(header));
	return true;
}
