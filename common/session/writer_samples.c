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
	writer->groups = malloc(max_rows * sizeof(*writer->groups));
	writer->parts = malloc(max_rows);
	writer->gathered = malloc(max_rows * sizeof(*writer->gathered));
	if (!init_columns(&writer->rows, max_rows) || !writer->keyed || !writer->spare ||
	    !writer->groups || !writer->parts || !writer->gathered)
		return hvp_error_no_memory;
	return NULL;
}

void hvp_writer_deinit_rows(struct hvp_session_writer *writer)
{
	free(writer->rows.memory);
	free(writer->keyed);
	free(writer->spare);
	free(writer->groups);
	free(writer->parts);
	free(writer->gathered);
}

size_t hvp_writer_row_cost(void)
{
	const struct hvp_session_writer *writer = NULL;

	return ROW_BYTES + 2 * sizeof(*writer->keyed) + sizeof(*writer->groups) + 1 +
	       sizeof(*writer->gathered);
}

static uint64_t group_key(const struct hvp_rows *rows, size_t row)
{
	return (uint64_t)rows->domain[row] << 1 | hvp_mode_is_guest(rows->mode[row]);
}

/* Sorts the rows by group, finds the groups, and gives the big ones a part each: parts[row]. */
static uint8_t divide(struct hvp_session_writer *writer)
{
	const struct hvp_rows *rows = &writer->rows;
	struct hvp_keyed *keyed = writer->keyed;
	uint8_t num_parts = 1;

	for (size_t row = 0; row < rows->num; row++)
		keyed[row] = (struct hvp_keyed){.key = group_key(rows, row), .item = (uint32_t)row};
	hvp_sort_keyed(keyed, writer->spare, rows->num);
	writer->num_groups = 0;
	for (size_t begin = 0, end; begin < rows->num; begin = end) {
		struct hvp_group *group = &writer->groups[writer->num_groups++];

		for (end = begin + 1; end < rows->num && keyed[end].key == keyed[begin].key;)
			end++;
		*group = (struct hvp_group){
			.domain = (uint32_t)(keyed[begin].key >> 1),
			.is_guest = keyed[begin].key & 1,
			.num_rows = (uint32_t)(end - begin),
		};
		if (group->num_rows >= MIN_OWN_ROWS && num_parts < HVP_MAX_PARTS)
			group->part = num_parts++;
		for (size_t i = begin; i < end; i++)
			writer->parts[keyed[i].item] = group->part;
	}
	return num_parts;
}

/* Within a CPU the rows mostly arrive in order of time; a reader may rely on it always. */
static void order_by_time(struct hvp_session_writer *writer, struct hvp_keyed *run, size_t num)
{
	for (size_t i = 0; i < num; i++)
		run[i].key = writer->rows.time[run[i].item];
	hvp_sort_keyed(run, writer->spare, num);
}

/* Leaves in keyed[].item the rows, part by part, CPU by CPU, in order of time. */
static void order_rows(struct hvp_session_writer *writer)
{
	const struct hvp_rows *rows = &writer->rows;
	struct hvp_keyed *keyed = writer->keyed;

	for (size_t row = 0; row < rows->num; row++)
		keyed[row] = (struct hvp_keyed){.key = (uint64_t)writer->parts[row] << 32 |
						       rows->cpu[row],
						.item = (uint32_t)row};
	hvp_sort_keyed(keyed, writer->spare, rows->num);
	for (size_t begin = 0, end; begin < rows->num; begin = end) {
		uint64_t key = keyed[begin].key;

		for (end = begin + 1; end < rows->num && keyed[end].key == key;)
			end++;
		order_by_time(writer, keyed + begin, end - begin);
	}
}

#define GATHER(column)                                                                             \
	do {                                                                                       \
		for (size_t i = 0; i < num; i++)                                                   \
			to[i] = (column)[order[i].item];                                           \
	} while (0)

/* As references, which begin anew with each CPU. */
static void gather_stacks(const struct hvp_rows *rows, const struct hvp_keyed *order, size_t num,
			  uint64_t *to)
{
	uint32_t highest = 0;

	for (size_t i = 0; i < num; i++) {
		if (i && rows->cpu[order[i].item] != rows->cpu[order[i - 1].item])
			highest = 0;
		to[i] = hvp_reference_put(&highest, rows->stack[order[i].item]);
	}
}

static void gather(const struct hvp_rows *rows, uint8_t id, const struct hvp_keyed *order,
		   size_t num, uint64_t *to)
{
	switch (id) {
	case HVP_SAMPLE_TIME: GATHER(rows->time); break;
	case HVP_SAMPLE_IP: GATHER(rows->ip); break;
	case HVP_SAMPLE_PERIOD: GATHER(rows->period); break;
	case HVP_SAMPLE_GUEST_CR3: GATHER(rows->guest_cr3); break;
	case HVP_SAMPLE_PID: GATHER(rows->pid); break;
	case HVP_SAMPLE_TID: GATHER(rows->tid); break;
	case HVP_SAMPLE_CPU: GATHER(rows->cpu); break;
	case HVP_SAMPLE_DOMAIN: GATHER(rows->domain); break;
	case HVP_SAMPLE_VCPU: GATHER(rows->vcpu); break;
	case HVP_SAMPLE_STACK: gather_stacks(rows, order, num, to); break;
	case HVP_SAMPLE_EVENT: GATHER(rows->event); break;
	case HVP_SAMPLE_MODE: GATHER(rows->mode); break;
	default: break;
	}
}

/* What can be known of a chunk without decoding its columns. */
static void put_summary(struct hvp_session_writer *writer, uint8_t part,
			const struct hvp_keyed *order, size_t num)
{
	uint64_t first = UINT64_MAX, last = 0, domain = 0;
	struct hvp_buf *buf = &writer->payload;
	size_t num_groups = 0;

	for (size_t i = 0; i < num; i++) {
		uint64_t time = writer->rows.time[order[i].item];

		first = time < first ? time : first;
		last = time > last ? time : last;
	}
	for (size_t i = 0; i < writer->num_groups; i++)
		num_groups += writer->groups[i].part == part;
	hvp_buf_add_varint(buf, num);
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
				    const struct hvp_keyed *order, size_t num)
{
	hvp_buf_clear(&writer->payload);
	put_summary(writer, part, order, num);
	hvp_column_encoder_reset(writer->encoder);
	for (size_t i = 0; i < hvp_sample_layout_size; i++) {
		gather(&writer->rows, hvp_sample_layout[i].id, order, num, writer->gathered);
		hvp_column_encode(writer->encoder, &hvp_sample_layout[i], writer->gathered, num,
				  &writer->payload);
	}
	hvp_try(hvp_buf_check(&writer->payload));
	return hvp_output_chunk(&writer->output, HVP_CHUNK_SAMPLES, HVP_CODEC_NONE,
				writer->payload.data, writer->payload.size, (uint32_t)num);
}

static struct hvp_error *queue_parts(struct hvp_session_writer *writer)
{
	const struct hvp_keyed *order = writer->keyed;
	size_t num_parts = divide(writer), begin = 0;

	order_rows(writer);
	for (size_t part = 0; part < num_parts; part++) {
		size_t num = 0;

		for (size_t i = 0; i < writer->num_groups; i++)
			num += writer->groups[i].part == part ? writer->groups[i].num_rows : 0;
		if (num)
			hvp_try(queue_part(writer, (uint8_t)part, order + begin, num));
		begin += num;
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
