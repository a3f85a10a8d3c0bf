/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the rows become chunks: sorted by domain and side, CPU, and time, then encoded column by
 * column.
 */
#include <stdlib.h>
#include <string.h>

#include "common/session/layout.h"
#include "common/session/reference.h"
#include "common/session/writer_internal.h"

/*
 * A domain's side with so many rows gets a chunk of its own: its dictionaries pay for themselves.
 */
#define MIN_OWN_ROWS 8192

/* Bytes of a row in struct hvp_rows. */
#define ROW_BYTES (4 * sizeof(uint64_t) + 6 * sizeof(uint32_t) + sizeof(uint16_t) + sizeof(uint8_t))

static void *carve(uint8_t **at, size_t size)
{
	void *piece = *at;

	*at += size;
	return piece;
}

static bool init_columns(struct hvp_rows *rows, size_t max)
{
	uint8_t *at;

	rows->memory_size = max * ROW_BYTES;
	rows->memory = malloc(rows->memory_size);
	if (!rows->memory)
		return false;
	at = rows->memory;
	rows->max = max;
	rows->time = carve(&at, max * sizeof(*rows->time));
	rows->ip = carve(&at, max * sizeof(*rows->ip));
	rows->period = carve(&at, max * sizeof(*rows->period));
	rows->guest_cr3 = carve(&at, max * sizeof(*rows->guest_cr3));
	rows->pid = carve(&at, max * sizeof(*rows->pid));
	rows->tid = carve(&at, max * sizeof(*rows->tid));
	rows->cpu = carve(&at, max * sizeof(*rows->cpu));
	rows->domain = carve(&at, max * sizeof(*rows->domain));
	rows->vcpu = carve(&at, max * sizeof(*rows->vcpu));
	rows->stack = carve(&at, max * sizeof(*rows->stack));
	rows->event = carve(&at, max * sizeof(*rows->event));
	rows->mode = carve(&at, max * sizeof(*rows->mode));
	return true;
}

struct hvp_error *hvp_writer_init_rows(struct hvp_session_writer *writer, size_t max_rows)
{
	writer->keyed = malloc(max_rows * sizeof(*writer->keyed));
	writer->spare = malloc(max_rows * sizeof(*writer->spare));
	writer->order = malloc(max_rows * sizeof(*writer->order));
	writer->groups = malloc(max_rows * sizeof(*writer->groups));
	writer->parts = malloc(max_rows);
	writer->gathered = malloc(max_rows * sizeof(*writer->gathered));
	if (!init_columns(&writer->rows, max_rows) || !writer->keyed || !writer->spare ||
	    !writer->order || !writer->groups || !writer->parts || !writer->gathered)
		return hvp_error_no_memory;
	return NULL;
}

void hvp_writer_deinit_rows(struct hvp_session_writer *writer)
{
	free(writer->rows.memory);
	free(writer->keyed);
	free(writer->spare);
	free(writer->order);
	free(writer->groups);
	free(writer->parts);
	free(writer->gathered);
}

size_t hvp_writer_row_cost(void)
{
	const struct hvp_session_writer *writer = NULL;

	return ROW_BYTES + 3 * sizeof(*writer->keyed) + sizeof(*writer->groups) + 1 +
	       sizeof(*writer->gathered);
}

static uint64_t group_key(const struct hvp_rows *rows, size_t row)
{
	return (uint64_t)rows->domain[row] << 1 | hvp_mode_is_guest(rows->mode[row]);
}

static struct hvp_keyed span_of(uint64_t key, size_t begin, size_t end)
{
	return (struct hvp_keyed){
		.key = key, .item = (uint32_t)begin, .count = (uint32_t)(end - begin)};
}

/* Finds the groups, and gives the big ones a part each: parts[row]. */
static uint8_t divide(struct hvp_session_writer *writer)
{
	const struct hvp_rows *rows = &writer->rows;
	struct hvp_keyed *spans = writer->keyed;
	uint8_t num_parts = 1;
	size_t num = 0;

	for (size_t row = 0, end; row < rows->num; row = end) {
		uint64_t key = group_key(rows, row);

		for (end = rows->has_rare ? row + 1 : rows->num;
		     end < rows->num && group_key(rows, end) == key;)
			end++;
		spans[num++] = span_of(key, row, end);
	}
	hvp_sort_keyed(spans, writer->spare, num);
	writer->num_groups = 0;
	for (size_t begin = 0, end; begin < num; begin = end) {
		struct hvp_group *group = &writer->groups[writer->num_groups++];

		*group = (struct hvp_group){
			.domain = (uint32_t)(spans[begin].key >> 1),
			.is_guest = spans[begin].key & 1,
		};
		for (end = begin; end < num && spans[end].key == spans[begin].key; end++)
			group->num_rows += spans[end].count;
		if (group->num_rows >= MIN_OWN_ROWS && num_parts < HVP_MAX_PARTS)
			group->part = num_parts++;
		for (size_t i = begin; i < end; i++)
			memset(writer->parts + spans[i].item, group->part, spans[i].count);
	}
	return num_parts;
}

static bool is_in_order_of_time(const uint64_t *times, const struct hvp_keyed *spans, size_t num)
{
	uint64_t last = 0;

	for (size_t i = 0; i < num; i++)
		for (uint32_t row = spans[i].item; row < spans[i].item + spans[i].count; row++) {
			if (times[row] < last)
				return false;
			last = times[row];
		}
	return true;
}

/* Spans of one row each, sorted by time; returns how many. */
static size_t sort_by_time(struct hvp_session_writer *writer, const struct hvp_keyed *spans,
			   size_t num, struct hvp_keyed *to)
{
	size_t num_rows = 0;

	for (size_t i = 0; i < num; i++)
		for (uint32_t row = spans[i].item; row < spans[i].item + spans[i].count; row++)
			to[num_rows++] = (struct hvp_keyed){
				.key = writer->rows.time[row], .item = row, .count = 1};
	hvp_sort_keyed(to, writer->spare, num_rows);
	return num_rows;
}

/*
 * Leaves in `order` the rows, part by part, CPU by CPU, in order of time; returns the number of
 * spans. A CPU's rows arrive in batches and mostly in order of time already; a reader may rely on
 * it always.
 */
static size_t order_rows(struct hvp_session_writer *writer)
{
	const struct hvp_rows *rows = &writer->rows;
	struct hvp_keyed *spans = writer->keyed;
	size_t num = 0, num_ordered = 0;

	for (size_t row = 0, end; row < rows->num; row = end) {
		for (end = row + 1; end < rows->num && rows->cpu[end] == rows->cpu[row] &&
				    writer->parts[end] == writer->parts[row];)
			end++;
		spans[num++] =
			span_of((uint64_t)writer->parts[row] << 32 | rows->cpu[row], row, end);
	}
	hvp_sort_keyed(spans, writer->spare, num);
	for (size_t begin = 0, end; begin < num; begin = end) {
		struct hvp_keyed *to = writer->order + num_ordered;

		for (end = begin + 1; end < num && spans[end].key == spans[begin].key;)
			end++;
		if (is_in_order_of_time(rows->time, spans + begin, end - begin)) {
			memcpy(to, spans + begin, (end - begin) * sizeof(*to));
			num_ordered += end - begin;
		} else {
			num_ordered += sort_by_time(writer, spans + begin, end - begin, to);
		}
	}
	return num_ordered;
}

struct column {
	const void *values;
	size_t width;
};

static struct column column_of(const struct hvp_rows *rows, uint8_t id)
{
	switch (id) {
	case HVP_SAMPLE_TIME: return (struct column){rows->time, sizeof(*rows->time)};
	case HVP_SAMPLE_IP: return (struct column){rows->ip, sizeof(*rows->ip)};
	case HVP_SAMPLE_PERIOD: return (struct column){rows->period, sizeof(*rows->period)};
	case HVP_SAMPLE_GUEST_CR3:
		return (struct column){rows->guest_cr3, sizeof(*rows->guest_cr3)};
	case HVP_SAMPLE_PID: return (struct column){rows->pid, sizeof(*rows->pid)};
	case HVP_SAMPLE_TID: return (struct column){rows->tid, sizeof(*rows->tid)};
	case HVP_SAMPLE_CPU: return (struct column){rows->cpu, sizeof(*rows->cpu)};
	case HVP_SAMPLE_DOMAIN: return (struct column){rows->domain, sizeof(*rows->domain)};
	case HVP_SAMPLE_VCPU: return (struct column){rows->vcpu, sizeof(*rows->vcpu)};
	case HVP_SAMPLE_STACK: return (struct column){rows->stack, sizeof(*rows->stack)};
	case HVP_SAMPLE_EVENT: return (struct column){rows->event, sizeof(*rows->event)};
	default: return (struct column){rows->mode, sizeof(*rows->mode)};
	}
}

/* Each number is the same as the one behind it; the first that is not ends the search. */
static bool is_same_in_all_rows(const struct column *column, size_t num_rows)
{
	return !memcmp(column->values, (const uint8_t *)column->values + column->width,
		       (num_rows - 1) * column->width);
}

#define GATHER(type)                                                                               \
	do {                                                                                       \
		for (size_t i = 0; i < num; i++) {                                                 \
			const type *from = (const type *)column->values + spans[i].item;           \
                                                                                                   \
			for (uint32_t k = 0; k < spans[i].count; k++)                              \
				to[k] = from[k];                                                   \
			to += spans[i].count;                                                      \
		}                                                                                  \
	} while (0)

static void gather(const struct column *column, const struct hvp_keyed *spans, size_t num,
		   uint64_t *to)
{
	switch (column->width) {
	case sizeof(uint64_t): GATHER(uint64_t); break;
	case sizeof(uint32_t): GATHER(uint32_t); break;
	case sizeof(uint16_t): GATHER(uint16_t); break;
	default: GATHER(uint8_t); break;
	}
}

/* As references, which begin anew with each CPU. */
static void gather_stacks(const struct hvp_rows *rows, const struct hvp_keyed *spans, size_t num,
			  uint64_t *to)
{
	uint32_t highest = 0;

	for (size_t i = 0; i < num; i++) {
		/* A span is of one CPU. */
		if (i && rows->cpu[spans[i].item] != rows->cpu[spans[i - 1].item])
			highest = 0;
		for (uint32_t k = 0; k < spans[i].count; k++)
			*to++ = hvp_reference_put(&highest, rows->stack[spans[i].item + k]);
	}
}

/* The columns of the part's rows; of one that is the same in all rows there is nothing to gather. */
static void put_columns(struct hvp_session_writer *writer, const struct hvp_keyed *spans,
			size_t num, size_t num_rows)
{
	const struct hvp_rows *rows = &writer->rows;

	hvp_column_encoder_reset(writer->encoder);
	for (size_t i = 0; i < hvp_sample_layout_size; i++) {
		const struct hvp_column_layout *layout = &hvp_sample_layout[i];
		const struct column column = column_of(rows, layout->id);
		const struct hvp_keyed first = span_of(0, 0, 1);

		if (writer->same_columns >> layout->id & 1) {
			gather(&column, &first, 1, writer->gathered);
			hvp_column_encode_same(writer->encoder, layout, writer->gathered[0],
					       &writer->payload);
			continue;
		}
		if (layout->id == HVP_SAMPLE_STACK)
			gather_stacks(rows, spans, num, writer->gathered);
		else
			gather(&column, spans, num, writer->gathered);
		hvp_column_encode(writer->encoder, layout, writer->gathered, num_rows,
				  &writer->payload);
	}
}

/* What row 0 alone has while `has_rare` is false. */
#define RARE_COLUMNS                                                                               \
	(1u << HVP_SAMPLE_PERIOD | 1u << HVP_SAMPLE_GUEST_CR3 | 1u << HVP_SAMPLE_DOMAIN |          \
	 1u << HVP_SAMPLE_VCPU | 1u << HVP_SAMPLE_STACK | 1u << HVP_SAMPLE_EVENT)

/* References are not the same where numbers of stacks are, except for no stack at all. */
static void find_same_columns(struct hvp_session_writer *writer)
{
	writer->same_columns = 0;
	for (size_t i = 0; i < hvp_sample_layout_size; i++) {
		uint8_t id = hvp_sample_layout[i].id;
		const struct column column = column_of(&writer->rows, id);

		if ((!writer->rows.has_rare && RARE_COLUMNS >> id & 1) ||
		    is_same_in_all_rows(&column, writer->rows.num))
			writer->same_columns |= 1u << id;
	}
	if (writer->rows.stack[0] != HVP_STACK_NONE)
		writer->same_columns &= ~(1u << HVP_SAMPLE_STACK);
}

/* What can be known of a chunk without decoding its columns. */
static void put_summary(struct hvp_session_writer *writer, uint8_t part,
			const struct hvp_keyed *spans, size_t num, size_t num_rows)
{
	uint64_t first = UINT64_MAX, last = 0, domain = 0;
	struct hvp_buf *buf = &writer->payload;
	size_t num_groups = 0;

	/* Each span is in order of time. */
	for (size_t i = 0; i < num; i++) {
		const uint64_t *times = writer->rows.time + spans[i].item;

		first = times[0] < first ? times[0] : first;
		last = times[spans[i].count - 1] > last ? times[spans[i].count - 1] : last;
	}
	for (size_t i = 0; i < writer->num_groups; i++)
		num_groups += writer->groups[i].part == part;
	hvp_buf_add_varint(buf, num_rows);
	hvp_buf_add_varint(buf, first);
	hvp_buf_add_varint(buf, last - first);
	hvp_buf_add_varint(buf, num_groups);
	for (size_t i = 0; i < writer->num_groups; i++) {
		const struct hvp_group *group = &writer->groups[i];

		if (group->part != part)
			continue;
		/* Ascending by domain, host before guest. */
		hvp_buf_add_varint(buf, (group->domain - domain) << 1 | group->is_guest);
		hvp_buf_add_varint(buf, group->num_rows);
		domain = group->domain;
	}
}

static struct hvp_error *queue_part(struct hvp_session_writer *writer, uint8_t part,
				    const struct hvp_keyed *spans, size_t num, size_t num_rows)
{
	hvp_buf_clear(&writer->payload);
	put_summary(writer, part, spans, num, num_rows);
	put_columns(writer, spans, num, num_rows);
	hvp_try(hvp_buf_check(&writer->payload));
	return hvp_output_chunk(&writer->output, HVP_CHUNK_SAMPLES, HVP_CODEC_NONE,
				writer->payload.data, writer->payload.size, (uint32_t)num_rows);
}

static struct hvp_error *queue_parts(struct hvp_session_writer *writer)
{
	const struct hvp_keyed *spans = writer->order;
	size_t num_parts = divide(writer), num = order_rows(writer), begin = 0;

	find_same_columns(writer);
	for (size_t part = 0; part < num_parts; part++) {
		size_t end = begin, num_rows = 0;

		for (; end < num && writer->parts[spans[end].item] == part; end++)
			num_rows += spans[end].count;
		if (num_rows)
			hvp_try(queue_part(writer, (uint8_t)part, spans + begin, end - begin,
					   num_rows));
		begin = end;
	}
	return NULL;
}

struct hvp_error *hvp_writer_queue_samples(struct hvp_session_writer *writer)
{
	struct hvp_output before = writer->output;
	struct hvp_error *err;

	if (!writer->rows.num)
		return NULL;
	err = queue_parts(writer);
	if (err) {
		hvp_output_rewind(&writer->output, &before);
		return err;
	}
	writer->rows.num = 0;
	return NULL;
}

/* A piece of a table, of at most as many rows as the encoder has room for. */
static void begin_piece(struct hvp_session_writer *writer, uint32_t first, size_t num)
{
	hvp_buf_add_varint(&writer->payload, first);
	hvp_buf_add_varint(&writer->payload, num);
	hvp_column_encoder_reset(writer->encoder);
}

static size_t piece_size(const struct hvp_session_writer *writer, size_t num_left)
{
	return num_left < writer->rows.max ? num_left : writer->rows.max;
}

static struct hvp_error *queue_piece(struct hvp_session_writer *writer, enum hvp_chunk_type type,
				     size_t num)
{
	hvp_try(hvp_buf_check(&writer->payload));
	return hvp_output_chunk(&writer->output, type, HVP_CODEC_NONE, writer->payload.data,
				writer->payload.size, (uint32_t)num);
}

static struct hvp_error *queue_nodes(struct hvp_session_writer *writer, enum hvp_side side)
{
	const struct hvp_stack_tree *tree = &writer->stacks.trees[side];
	const uint64_t *const columns[HVP_NUM_STACK_COLUMNS] = {
		[HVP_STACK_UP] = tree->new_up,
		[HVP_STACK_FRAME] = tree->new_frame,
	};

	for (size_t done = 0, num; done < tree->num_new; done += num) {
		size_t left = tree->num_new - done;

		num = piece_size(writer, left);
		hvp_buf_clear(&writer->payload);
		hvp_buf_add_varint(&writer->payload, side);
		begin_piece(writer, tree->next - (uint32_t)left, num);
		for (size_t i = 0; i < hvp_stack_layout_size; i++)
			hvp_column_encode(writer->encoder, &hvp_stack_layout[i],
					  columns[hvp_stack_layout[i].id] + done, num,
					  &writer->payload);
		hvp_try(queue_piece(writer, HVP_CHUNK_STACKS, num));
	}
	return NULL;
}

static struct hvp_error *queue_chains(struct hvp_session_writer *writer)
{
	const struct hvp_stacks *stacks = &writer->stacks;
	const uint32_t *const columns[HVP_NUM_CHAIN_COLUMNS] = {
		[HVP_CHAIN_KERNEL] = stacks->new_nodes[HVP_SIDE_KERNEL],
		[HVP_CHAIN_USER] = stacks->new_nodes[HVP_SIDE_USER],
	};

	for (size_t done = 0, num; done < stacks->num_new; done += num) {
		size_t left = stacks->num_new - done;

		num = piece_size(writer, left);
		hvp_buf_clear(&writer->payload);
		begin_piece(writer, stacks->next - (uint32_t)left, num);
		for (size_t i = 0; i < hvp_chain_layout_size; i++) {
			const uint32_t *nodes = columns[hvp_chain_layout[i].id] + done;
			uint32_t highest = 0;

			for (size_t row = 0; row < num; row++)
				writer->gathered[row] = hvp_reference_put(&highest, nodes[row]);
			hvp_column_encode(writer->encoder, &hvp_chain_layout[i], writer->gathered,
					  num, &writer->payload);
		}
		hvp_try(queue_piece(writer, HVP_CHUNK_CHAINS, num));
	}
	return NULL;
}

static struct hvp_error *queue_all_stacks(struct hvp_session_writer *writer)
{
	for (size_t side = 0; side < HVP_NUM_SIDES; side++)
		hvp_try(queue_nodes(writer, side));
	return queue_chains(writer);
}

struct hvp_error *hvp_writer_queue_stacks(struct hvp_session_writer *writer)
{
	struct hvp_output before = writer->output;
	struct hvp_error *err = queue_all_stacks(writer);

	if (err) {
		hvp_output_rewind(&writer->output, &before);
		return err;
	}
	hvp_stacks_clear_new(&writer->stacks);
	return NULL;
}
