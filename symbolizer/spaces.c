/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbolizer/spaces.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"

/*
 * Real process trees inherit code through a handful of forks without exec; a hostile session must
 * not make lookups long.
 */
#define MAX_PARENTS 64
/* A number that is used again leaves a chain of earlier lives behind. */
#define MAX_PREVIOUS 65536

void hvp_spaces_init(struct hvp_spaces *spaces)
{
	*spaces = (struct hvp_spaces){0};
	hvp_map_init(&spaces->last);
}

void hvp_spaces_deinit(struct hvp_spaces *spaces)
{
	for (size_t i = 0; i < spaces->num; i++) {
		free(spaces->lives[i].pieces);
		free(spaces->lives[i].current);
		free(spaces->lives[i].begins);
	}
	free(spaces->lives);
	hvp_map_deinit(&spaces->last);
}

static uint32_t last_life(const struct hvp_spaces *spaces, uint32_t pid)
{
	uint64_t index;

	return hvp_map_get(&spaces->last, pid, &index) ? (uint32_t)index : HVP_NO_LIFE;
}

static struct hvp_error *begin_life(struct hvp_spaces *spaces, uint32_t pid, uint64_t from,
				    uint32_t parent)
{
	uint32_t previous = last_life(spaces, pid);

	if (spaces->num == HVP_NO_LIFE)
		return hvp_error_create(HVP_ERROR_UNSUPPORTED, "more processes than numbers");
	hvp_try(hvp_array_reserve(&spaces->lives, &spaces->capacity, spaces->num + 1,
				  sizeof(*spaces->lives)));
	hvp_try(hvp_map_set(&spaces->last, pid, spaces->num));
	if (previous != HVP_NO_LIFE && spaces->lives[previous].until > from)
		spaces->lives[previous].until = from;
	spaces->lives[spaces->num++] = (struct hvp_life){
		.pid = pid,
		.from = from,
		.until = UINT64_MAX,
		.parent = parent,
		.previous = previous,
	};
	return NULL;
}

/*
 * The life that records of now belong to; what was there when the session began has always been
 * there.
 */
static struct hvp_error *current_life(struct hvp_spaces *spaces, uint32_t pid, uint64_t time,
				      struct hvp_life **ret)
{
	uint32_t index = last_life(spaces, pid);

	if (index == HVP_NO_LIFE || spaces->lives[index].until <= time) {
		hvp_try(begin_life(spaces, pid, index == HVP_NO_LIFE ? 0 : time, HVP_NO_LIFE));
		index = (uint32_t)spaces->num - 1;
	}
	*ret = &spaces->lives[index];
	return NULL;
}

/* Of the pieces in force (ordered, disjoint): the first that ends behind the address. */
static size_t first_behind(const struct hvp_life *life, uint64_t address)
{
	size_t low = 0, high = life->num_current;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (life->pieces[life->current[middle]].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct hvp_error *add_piece(struct hvp_life *life, const struct hvp_piece *piece,
				   size_t position)
{
	if (life->num >= UINT32_MAX)
		return hvp_error_create(HVP_ERROR_UNSUPPORTED, "too many mappings");
	hvp_try(hvp_array_reserve(&life->pieces, &life->capacity, life->num + 1,
				  sizeof(*life->pieces)));
	hvp_try(hvp_array_reserve(&life->current, &life->capacity_current, life->num_current + 1,
				  sizeof(*life->current)));
	memmove(&life->current[position + 1], &life->current[position],
		(life->num_current - position) * sizeof(*life->current));
	life->current[position] = (uint32_t)life->num;
	life->num_current++;
	life->pieces[life->num++] = *piece;
	return NULL;
}

/*
 * Ends the piece at `position` at `time` outside [begin, end); what sticks out goes on as new
 * pieces.
 */
static struct hvp_error *cut_piece(struct hvp_life *life, size_t position, uint64_t begin,
				   uint64_t end, uint64_t time)
{
	struct hvp_piece *old = &life->pieces[life->current[position]];
	struct hvp_piece before = *old, behind = *old;

	before.end = begin;
	behind.begin = end;
	before.from = behind.from = time;
	old->until = time;
	life->num_current--;
	memmove(&life->current[position], &life->current[position + 1],
		(life->num_current - position) * sizeof(*life->current));
	if (behind.begin < behind.end)
		hvp_try(add_piece(life, &behind, position));
	return before.begin < before.end ? add_piece(life, &before, position) : NULL;
}

static uint64_t end_of(uint64_t begin, uint64_t size)
{
	return size > UINT64_MAX - begin ? UINT64_MAX : begin + size;
}

/*
 * Cuts all that is in force in [begin, end); *ret_position is where a piece beginning there
 * belongs.
 */
static struct hvp_error *clear_range(struct hvp_life *life, uint64_t begin, uint64_t end,
				     uint64_t time, size_t *ret_position)
{
	for (;;) {
		*ret_position = first_behind(life, begin);
		if (*ret_position == life->num_current ||
		    life->pieces[life->current[*ret_position]].begin >= end)
			return NULL;
		hvp_try(cut_piece(life, *ret_position, begin, end, time));
	}
}

/* The same again: collectors tell of mappings more than once. */
static bool is_in_force(const struct hvp_life *life, const struct hvp_piece *piece)
{
	size_t position = first_behind(life, piece->begin);
	const struct hvp_piece *old;

	if (position == life->num_current)
		return false;
	old = &life->pieces[life->current[position]];
	return old->begin == piece->begin && old->end == piece->end && old->bias == piece->bias &&
	       old->image == piece->image;
}

struct hvp_error *hvp_spaces_map(struct hvp_spaces *spaces, uint32_t pid, uint64_t time,
				 const struct hvp_mapping *mapping)
{
	const struct hvp_piece piece = {
		.begin = mapping->begin,
		.end = end_of(mapping->begin, mapping->size),
		.from = time,
		.until = UINT64_MAX,
		.bias = mapping->file_offset - mapping->begin,
		.image = mapping->image,
	};
	struct hvp_life *life;
	size_t position;

	if (!mapping->size)
		return NULL;
	hvp_try(current_life(spaces, pid, time, &life));
	if (is_in_force(life, &piece))
		return NULL;
	hvp_try(clear_range(life, piece.begin, piece.end, time, &position));
	return add_piece(life, &piece, position);
}

struct hvp_error *hvp_spaces_unmap(struct hvp_spaces *spaces, uint32_t pid, uint64_t time,
				   uint64_t begin, uint64_t size)
{
	struct hvp_life *life;
	size_t position;

	hvp_try(current_life(spaces, pid, time, &life));
	return clear_range(life, begin, end_of(begin, size), time, &position);
}

struct hvp_error *hvp_spaces_fork(struct hvp_spaces *spaces, uint32_t pid, uint32_t parent_pid,
				  uint64_t time)
{
	uint32_t parent = last_life(spaces, parent_pid);
	uint64_t parent_time = time;

	if (pid == parent_pid)
		return NULL;
	/* A parent that only inherited is skipped, so that forks of forks keep the chain short. */
	if (parent != HVP_NO_LIFE && !spaces->lives[parent].num) {
		parent_time = spaces->lives[parent].parent_time;
		parent = spaces->lives[parent].parent;
	}
	hvp_try(begin_life(spaces, pid, time, parent));
	spaces->lives[spaces->num - 1].parent_time = parent_time;
	return NULL;
}

struct hvp_error *hvp_spaces_exec(struct hvp_spaces *spaces, uint32_t pid, uint64_t time)
{
	uint32_t last = last_life(spaces, pid);

	/*
	 * The name of a process that has shown nothing yet: a collector's start-up list of what
	 * runs.
	 */
	if (last == HVP_NO_LIFE)
		return NULL;
	return begin_life(spaces, pid, time, HVP_NO_LIFE);
}

void hvp_spaces_exit(struct hvp_spaces *spaces, uint32_t pid, uint32_t tid, uint64_t time)
{
	uint32_t last = last_life(spaces, pid);
	struct hvp_life *life = last == HVP_NO_LIFE ? NULL : &spaces->lives[last];

	if (!life)
		return;
	/* Threads may outlive their leader: each later end moves the process's. */
	if (tid == pid || life->until != UINT64_MAX)
		life->until = time + 1;
}

static int by_begin(const void *a, const void *b)
{
	const struct hvp_piece *left = a, *right = b;

	if (left->begin != right->begin)
		return left->begin < right->begin ? -1 : 1;
	return left->from < right->from ? -1 : left->from > right->from;
}

static struct hvp_error *freeze_life(struct hvp_life *life)
{
	uint64_t max_end = 0;

	free(life->current);
	life->current = NULL;
	if (!life->num)
		return NULL;
	life->begins = malloc(life->num * sizeof(*life->begins));
	if (!life->begins)
		return hvp_error_no_memory;
	qsort(life->pieces, life->num, sizeof(*life->pieces), by_begin);
	for (size_t i = 0; i < life->num; i++) {
		if (life->pieces[i].end > max_end)
			max_end = life->pieces[i].end;
		life->pieces[i].max_end = max_end;
		life->begins[i] = life->pieces[i].begin;
	}
	return NULL;
}

struct hvp_error *hvp_spaces_freeze(struct hvp_spaces *spaces)
{
	for (size_t i = 0; i < spaces->num; i++)
		hvp_try(freeze_life(&spaces->lives[i]));
	return NULL;
}

/*
 * How many pieces begin at or below the address. Each step is a conditional move: the branch could
 * not be predicted.
 */
static size_t num_at_or_below(const struct hvp_life *life, uint64_t address)
{
	const uint64_t *at = life->begins;
	size_t left = life->num;

	if (!left)
		return 0;
	while (left > 1) {
		size_t half = left / 2;

		at += at[half - 1] <= address ? half : 0;
		left -= half;
	}
	return (size_t)(at - life->begins) + (*at <= address);
}

static const struct hvp_piece *find_in_life(const struct hvp_life *life, uint64_t time,
					    uint64_t address)
{
	size_t at = num_at_or_below(life, address);

	/* Backwards over the versions of this place, until nothing before reaches it. */
	for (; at > 0 && life->pieces[at - 1].max_end > address; at--) {
		const struct hvp_piece *piece = &life->pieces[at - 1];

		if (address < piece->end && time >= piece->from && time < piece->until)
			return piece;
	}
	return NULL;
}

/* The life of a process at a time; NULL when there is none. */
static const struct hvp_life *life_at(const struct hvp_spaces *spaces, uint32_t pid, uint64_t time)
{
	uint32_t index = last_life(spaces, pid);

	for (int i = 0; index != HVP_NO_LIFE && i < MAX_PREVIOUS; i++) {
		const struct hvp_life *life = &spaces->lives[index];

		if (time >= life->from)
			return time < life->until ? life : NULL;
		index = life->previous;
	}
	return NULL;
}

/* What it was forked from; NULL when that is not known. */
static const struct hvp_life *parent_of(const struct hvp_spaces *spaces,
					const struct hvp_life *life)
{
	return life->parent == HVP_NO_LIFE ? NULL : &spaces->lives[life->parent];
}

const struct hvp_piece *hvp_spaces_find(const struct hvp_spaces *spaces, uint32_t pid,
					uint64_t time, uint64_t address)
{
	const struct hvp_life *life = life_at(spaces, pid, time);

	for (int i = 0; life && i < MAX_PARENTS; i++) {
		const struct hvp_piece *piece = find_in_life(life, time, address);

		if (piece)
			return piece;
		time = life->parent_time;
		life = parent_of(spaces, life);
	}
	return NULL;
}
