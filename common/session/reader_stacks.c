/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tree of call chains: nodes of three numbers each; a chain is spelled out by walking to the
 * root.
 */
#include "common/base/array.h"
#include "common/session/reader_internal.h"

/* Beside a node's depth. */
#define KERNEL_MARK 0x8000u

static struct hvp_error *reserve_nodes(struct hvp_session *session, const struct hvp_reader *reader,
				       size_t num)
{
	size_t all = session->num_nodes + num;

	hvp_try(hvp_session_charge(session, reader,
				   num * (sizeof(*session->frames) + sizeof(*session->parents) +
					  sizeof(*session->depths))));
	hvp_try(hvp_array_reserve(&session->frames, &session->frames_capacity, all,
				  sizeof(*session->frames)));
	hvp_try(hvp_array_reserve(&session->parents, &session->parents_capacity, all,
				  sizeof(*session->parents)));
	return hvp_array_reserve(&session->depths, &session->depths_capacity, all,
				 sizeof(*session->depths));
}

/* Parents come before their children, so the tree has no circles. */
static struct hvp_error *add_node(struct hvp_session *session, struct hvp_reader *reader,
				  uint64_t number, uint64_t up, uint64_t frame, bool is_kernel)
{
	size_t at = session->num_nodes, parent;
	uint32_t depth = 1;

	if (up >= number)
		return hvp_reader_error(reader, "call chain node %llu has no possible caller",
					(unsigned long long)number);
	if (up) {
		parent = hvp_ranges_find(&session->node_ranges, number - up);
		/* The caller's chunk may be damaged: then the chain ends here. */
		if (parent == SIZE_MAX || parent >= at)
			up = 0;
		else
			depth += session->depths[parent] & ~KERNEL_MARK;
	}
	if (depth > HVP_MAX_CHAIN)
		return hvp_reader_error(reader, "a call chain is deeper than %u frames",
					HVP_MAX_CHAIN);
	session->frames[at] = frame;
	session->parents[at] = up ? (uint32_t)(number - up) : 0;
	session->depths[at] = (uint16_t)(depth | (is_kernel ? KERNEL_MARK : 0));
	session->num_nodes++;
	return NULL;
}

struct hvp_error *hvp_load_stacks(struct hvp_session *session, struct hvp_reader *reader)
{
	const struct hvp_column *columns;
	uint64_t first, num;
	bool is_above;

	hvp_try(hvp_read_bounded(reader, "a call chain number", UINT32_MAX - HVP_MAX_ROWS, &first));
	hvp_try(hvp_read_bounded(reader, "the number of call chain nodes", HVP_MAX_ROWS, &num));
	if (!first || !num)
		return hvp_reader_error(reader, "a chunk of call chains is empty");
	hvp_try(hvp_column_decode(session->decoder, reader, (size_t)num,
				  (1u << HVP_NUM_STACK_COLUMNS) - 1, &columns));
	hvp_try(reserve_nodes(session, reader, (size_t)num));
	/*
	 * As a range at once, so that nodes find parents of the same chunk; those not yet there are
	 * not below num_nodes.
	 */
	hvp_try(hvp_ranges_add(&session->node_ranges, first, num, session->num_nodes, &is_above));
	if (!is_above)
		return hvp_reader_error(reader,
					"call chain nodes from number %llu on are there already",
					(unsigned long long)first);
	for (size_t row = 0; row < num; row++) {
		struct hvp_error *err = add_node(
			session, reader, first + row, hvp_column_at(&columns[HVP_STACK_UP], row),
			hvp_column_at(&columns[HVP_STACK_FRAME], row),
			hvp_column_at(&columns[HVP_STACK_IS_KERNEL], row) != 0);

		if (err) {
			hvp_ranges_cut(&session->node_ranges, num - row);
			return err;
		}
	}
	return NULL;
}

struct hvp_chain hvp_session_stack(const struct hvp_session *session, uint32_t stack,
				   uint64_t frames[HVP_MAX_CHAIN])
{
	struct hvp_chain chain = {.frames = frames};
	bool in_kernel = true;

	while (stack && chain.num_frames < HVP_MAX_CHAIN) {
		size_t at = hvp_ranges_find(&session->node_ranges, stack);

		if (at == SIZE_MAX)
			break;
		in_kernel = in_kernel && (session->depths[at] & KERNEL_MARK);
		chain.num_kernel += in_kernel;
		frames[chain.num_frames++] = session->frames[at];
		stack = session->parents[at];
	}
	return chain;
}

uint32_t hvp_session_num_stacks(const struct hvp_session *session)
{
	const struct hvp_ranges *ranges = &session->node_ranges;

	if (!ranges->num)
		return 1;
	return (uint32_t)(ranges->ranges[ranges->num - 1].first +
			  ranges->ranges[ranges->num - 1].num);
}
