/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Call chains: a tree of frames for each side, and pairs of nodes. A chain is spelled out by walking
 * from its nodes to the roots.
 */
#include "common/base/array.h"
#include "common/session/reader_internal.h"
#include "common/session/reference.h"

void hvp_free_stacks(struct hvp_session *session)
{
	for (size_t side = 0; side < HVP_NUM_SIDES; side++) {
		free(session->stacks[side].frames);
		free(session->stacks[side].parents);
		free(session->stacks[side].ranges.ranges);
	}
	free(session->chains.nodes);
	free(session->chains.ranges.ranges);
}

/* The numbers of the rows that the columns behind them hold. */
static struct hvp_error *read_numbers(struct hvp_reader *reader, uint64_t *ret_first,
				      uint64_t *ret_num)
{
	hvp_try(hvp_read_bounded(reader, "a call chain number", UINT32_MAX - HVP_MAX_ROWS,
				 ret_first));
	hvp_try(hvp_read_bounded(reader, "the number of call chain rows", HVP_MAX_ROWS, ret_num));
	if (!*ret_first || !*ret_num)
		return hvp_reader_error(reader, "a chunk of call chains is empty");
	return NULL;
}

/* Into `ranges`, which has room for `num` more things from array index `base` on. */
static struct hvp_error *add_numbers(struct hvp_ranges *ranges, struct hvp_reader *reader,
				     uint64_t first, uint64_t num, size_t base)
{
	bool is_above;

	hvp_try(hvp_ranges_add(ranges, first, num, base, &is_above));
	if (!is_above)
		return hvp_reader_error(reader,
					"call chain rows from number %llu on are there already",
					(unsigned long long)first);
	return NULL;
}

static struct hvp_error *reserve_nodes(struct hvp_session *session, struct hvp_stack_nodes *nodes,
				       const struct hvp_reader *reader, size_t num)
{
	hvp_try(hvp_session_charge(session, reader,
				   num * (sizeof(*nodes->frames) + sizeof(*nodes->parents))));
	hvp_try(hvp_array_reserve(&nodes->frames, &nodes->frames_capacity, nodes->num + num,
				  sizeof(*nodes->frames)));
	return hvp_array_reserve(&nodes->parents, &nodes->parents_capacity, nodes->num + num,
				 sizeof(*nodes->parents));
}

/* Parents come before their children, so the tree has no circles. */
static struct hvp_error *add_nodes(struct hvp_stack_nodes *nodes, struct hvp_reader *reader,
				   uint64_t first, uint64_t num, const struct hvp_column *columns)
{
	for (uint64_t row = 0; row < num; row++) {
		uint64_t number = first + row, up = hvp_column_at(&columns[HVP_STACK_UP], row);

		if (up >= number) {
			hvp_ranges_cut(&nodes->ranges, num - row);
			return hvp_reader_error(reader,
						"call chain node %llu has no possible caller",
						(unsigned long long)number);
		}
		nodes->frames[nodes->num] = hvp_column_at(&columns[HVP_STACK_FRAME], row);
		nodes->parents[nodes->num++] = up ? (uint32_t)(number - up) : 0;
	}
	return NULL;
}

struct hvp_error *hvp_load_stacks(struct hvp_session *session, struct hvp_reader *reader)
{
	const struct hvp_column *columns;
	struct hvp_stack_nodes *nodes;
	uint64_t side, first, num;

	hvp_try(hvp_read_bounded(reader, "the side of stacks", HVP_NUM_SIDES - 1, &side));
	hvp_try(read_numbers(reader, &first, &num));
	hvp_try(hvp_column_decode(session->decoder, reader, (size_t)num,
				  (1u << HVP_NUM_STACK_COLUMNS) - 1, &columns));
	nodes = &session->stacks[side];
	hvp_try(reserve_nodes(session, nodes, reader, (size_t)num));
	hvp_try(add_numbers(&nodes->ranges, reader, first, num, nodes->num));
	return add_nodes(nodes, reader, first, num, columns);
}

struct hvp_error *hvp_load_chains(struct hvp_session *session, struct hvp_reader *reader)
{
	struct hvp_chain_pairs *chains = &session->chains;
	uint32_t kernel = 0, user = 0;
	const struct hvp_column *columns;
	uint64_t first, num;

	hvp_try(read_numbers(reader, &first, &num));
	hvp_try(hvp_column_decode(session->decoder, reader, (size_t)num,
				  (1u << HVP_NUM_CHAIN_COLUMNS) - 1, &columns));
	hvp_try(hvp_session_charge(session, reader, num * sizeof(*chains->nodes)));
	hvp_try(hvp_array_reserve(&chains->nodes, &chains->capacity, chains->num + (size_t)num,
				  sizeof(*chains->nodes)));
	hvp_try(add_numbers(&chains->ranges, reader, first, num, chains->num));
	for (uint64_t row = 0; row < num; row++) {
		uint32_t *nodes = chains->nodes[chains->num++];

		nodes[HVP_SIDE_KERNEL] =
			hvp_reference_get(&kernel, hvp_column_at(&columns[HVP_CHAIN_KERNEL], row));
		nodes[HVP_SIDE_USER] =
			hvp_reference_get(&user, hvp_column_at(&columns[HVP_CHAIN_USER], row));
	}
	return NULL;
}

/* Appends the frames from `node` to the root; where a chunk is damaged the stack ends. */
static void spell_out(const struct hvp_stack_nodes *nodes, uint32_t node, struct hvp_chain *chain,
		      uint64_t frames[HVP_MAX_CHAIN])
{
	while (node && chain->num_frames < HVP_MAX_CHAIN) {
		size_t at = hvp_ranges_find(&nodes->ranges, node);

		if (at == SIZE_MAX)
			return;
		frames[chain->num_frames++] = nodes->frames[at];
		node = nodes->parents[at];
	}
}

struct hvp_chain hvp_session_stack(const struct hvp_session *session, uint32_t stack,
				   uint64_t frames[HVP_MAX_CHAIN])
{
	struct hvp_chain chain = {.frames = frames};
	size_t at = stack ? hvp_ranges_find(&session->chains.ranges, stack) : SIZE_MAX;

	if (at == SIZE_MAX)
		return chain;
	spell_out(&session->stacks[HVP_SIDE_KERNEL], session->chains.nodes[at][HVP_SIDE_KERNEL],
		  &chain, frames);
	chain.num_kernel = chain.num_frames;
	spell_out(&session->stacks[HVP_SIDE_USER], session->chains.nodes[at][HVP_SIDE_USER], &chain,
		  frames);
	return chain;
}

uint32_t hvp_session_num_stacks(const struct hvp_session *session)
{
	const struct hvp_ranges *ranges = &session->chains.ranges;

	if (!ranges->num)
		return 1;
	return (uint32_t)(ranges->ranges[ranges->num - 1].first +
			  ranges->ranges[ranges->num - 1].num);
}
