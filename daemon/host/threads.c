/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/host/threads.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/model/record.h"

/* Samples of a thread may come a moment after the record of its end, and much later from another CPU's ring. */
#define END_SLACK_NS 100000000u
#define KEEP_ENDED_NS 10000000000u
/* So many ended ones before it pays to look for those to forget. */
#define MANY_ENDED 4096

void hvp_threads_deinit(struct hvp_threads *threads)
{
	hvp_map_deinit(&threads->newest);
	free(threads->items);
	*threads = (struct hvp_threads){0};
}

static uint32_t newest_of(const struct hvp_threads *threads, uint32_t tid)
{
	uint64_t index;

	return hvp_map_get(&threads->newest, tid, &index) ? (uint32_t)index : 0;
}

/* Most samples are of the same thread as the one before. */
static uint32_t newest_of_sampled(struct hvp_threads *threads, uint32_t tid)
{
	if (!threads->last_newest || threads->last_tid != tid) {
		threads->last_tid = tid;
		threads->last_newest = newest_of(threads, tid);
	}
	return threads->last_newest;
}

struct hvp_thread *hvp_threads_find(struct hvp_threads *threads, uint32_t pid, uint32_t tid,
				    uint64_t time)
{
	for (uint32_t i = newest_of_sampled(threads, tid); i; i = threads->items[i - 1].older) {
		struct hvp_thread *thread = &threads->items[i - 1];

		if (time < thread->start)
			continue;
		if (thread->pid == pid && (!thread->end || time <= thread->end + END_SLACK_NS))
			return thread;
		return NULL;
	}
	return NULL;
}

/* An entry from the free list or a new one; 0 and the error when there is no memory. */
static struct hvp_error *take_entry(struct hvp_threads *threads, uint32_t *ret)
{
	if (threads->free_list) {
		*ret = threads->free_list;
		threads->free_list = threads->items[*ret - 1].older;
		return NULL;
	}
	hvp_try(hvp_array_reserve(&threads->items, &threads->capacity, threads->num + 1,
				  sizeof(*threads->items)));
	*ret = (uint32_t)++threads->num;
	return NULL;
}

/* Puts an incarnation into the list of its number, which is ordered by start, the latest first. */
static struct hvp_error *insert(struct hvp_threads *threads, const struct hvp_thread *thread,
				struct hvp_thread **ret)
{
	uint32_t entry, newer = 0, older = newest_of(threads, thread->tid);

	threads->last_newest = 0;
	hvp_try(take_entry(threads, &entry));
	while (older && threads->items[older - 1].start > thread->start) {
		newer = older;
		older = threads->items[older - 1].older;
	}
	threads->items[entry - 1] = *thread;
	threads->items[entry - 1].older = older;
	if (newer)
		threads->items[newer - 1].older = entry;
	else
		hvp_try(hvp_map_set(&threads->newest, thread->tid, entry));
	*ret = &threads->items[entry - 1];
	return NULL;
}

/* Forgets the ended ones of a list; returns the list's new beginning. */
static uint32_t prune(struct hvp_threads *threads, uint32_t first)
{
	uint32_t *link = &first;

	while (*link) {
		uint32_t index = *link;
		struct hvp_thread *thread = &threads->items[index - 1];

		if (!thread->end || thread->end + KEEP_ENDED_NS > threads->latest) {
			link = &thread->older;
			continue;
		}
		*link = thread->older;
		*thread = (struct hvp_thread){.is_free = true, .older = threads->free_list};
		threads->free_list = index;
		threads->num_ended--;
	}
	return first;
}

/*
 * Each list once, from its newest on. What is still kept afterwards has to double before the next
 * time, so that a machine which starts thousands of processes a second pays the same for each.
 */
static void forget_ended(struct hvp_threads *threads)
{
	if (threads->num_ended < MANY_ENDED || threads->num_ended < threads->num / 2 ||
	    threads->num_ended < threads->forget_at)
		return;
	threads->last_newest = 0;
	for (size_t i = 0; i < threads->num; i++) {
		uint32_t tid = threads->items[i].tid, left;

		if (threads->items[i].is_free || newest_of(threads, tid) != i + 1)
			continue;
		left = prune(threads, (uint32_t)i + 1);
		if (!left)
			hvp_map_remove(&threads->newest, tid);
		else if (left != i + 1)
			/* The key is there: this cannot need memory. */
			hvp_error_destroy(hvp_map_set(&threads->newest, tid, left));
	}
	threads->forget_at = 2 * threads->num_ended;
}

struct hvp_error *hvp_threads_get(struct hvp_threads *threads, uint32_t pid, uint32_t tid,
				  uint64_t time, struct hvp_thread **ret)
{
	struct hvp_thread thread = {
		.tid = tid, .pid = pid, .owner_pid = pid, .vcpu = HVP_VCPU_NONE};

	*ret = hvp_threads_find(threads, pid, tid, time);
	if (*ret)
		return NULL;
	/* It follows an incarnation that ended, of which we did not see the next begin; and ends where the next begins. */
	for (uint32_t i = newest_of(threads, tid); i; i = threads->items[i - 1].older) {
		const struct hvp_thread *other = &threads->items[i - 1];

		if (other->start > time) {
			thread.end = other->start;
			continue;
		}
		thread.start = other->end && other->end < time ? other->end + 1 : time;
		break;
	}
	if (thread.end)
		threads->num_ended++;
	return insert(threads, &thread, ret);
}

struct hvp_error *hvp_threads_renew(struct hvp_threads *threads, uint32_t pid, uint32_t tid,
				    uint64_t time, struct hvp_thread **ret)
{
	struct hvp_thread thread = {
		.tid = tid, .pid = pid, .owner_pid = pid, .vcpu = HVP_VCPU_NONE, .start = time};
	uint32_t newest = newest_of(threads, tid);
	struct hvp_thread *last = newest ? &threads->items[newest - 1] : NULL;

	if (last && last->pid == pid)
		memcpy(thread.comm, last->comm, sizeof(thread.comm));
	if (last && !last->end && last->start < time) {
		last->end = time - 1;
		threads->num_ended++;
	}
	if (time > threads->latest)
		threads->latest = time;
	forget_ended(threads);
	return insert(threads, &thread, ret);
}

void hvp_threads_end(struct hvp_threads *threads, uint32_t tid, uint64_t time)
{
	for (uint32_t i = newest_of(threads, tid); i; i = threads->items[i - 1].older) {
		struct hvp_thread *thread = &threads->items[i - 1];

		if (time < thread->start)
			continue;
		if (!thread->end) {
			thread->end = time;
			threads->num_ended++;
		}
		return;
	}
}

uint64_t hvp_threads_start(const struct hvp_threads *threads, uint32_t pid, uint64_t time)
{
	for (uint32_t i = newest_of(threads, pid); i; i = threads->items[i - 1].older)
		if (threads->items[i - 1].start <= time)
			return threads->items[i - 1].start;
	return 0;
}

void hvp_threads_forget_unbound(struct hvp_threads *threads)
{
	threads->generation++;
}

const char *hvp_threads_comm(const struct hvp_threads *threads, uint32_t tid)
{
	uint32_t newest = newest_of(threads, tid);

	return newest ? threads->items[newest - 1].comm : "";
}

bool hvp_threads_next_sampled(struct hvp_threads *threads, size_t *cursor, uint32_t *ret_pid)
{
	while (*cursor < threads->num) {
		const struct hvp_thread *thread = &threads->items[(*cursor)++];

		if (thread->is_free || !thread->is_sampled)
			continue;
		*ret_pid = thread->pid;
		/* The others of the process are not told again. */
		for (size_t i = *cursor; i < threads->num; i++)
			if (threads->items[i].pid == *ret_pid)
				threads->items[i].is_sampled = false;
		return true;
	}
	return false;
}
