/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/profile/tasks.h"

#include <stdlib.h>

#include "common/base/array.h"
#include "common/base/scope.h"

static struct hvp_error *timeline_add(struct hvp_timeline *line, uint32_t id, uint64_t time,
				      uint32_t value)
{
	hvp_try(hvp_array_reserve(&line->changes, &line->capacity, line->num + 1,
				  sizeof(*line->changes)));
	line->changes[line->num] = (struct hvp_task_change){
		.time = time, .id = id, .value = value, .order = line->num};
	line->num++;
	return NULL;
}

static int compare_changes(const void *left_arg, const void *right_arg)
{
	const struct hvp_task_change *left = left_arg, *right = right_arg;

	if (left->id != right->id)
		return left->id < right->id ? -1 : 1;
	if (left->time != right->time)
		return left->time < right->time ? -1 : 1;
	return left->order < right->order ? -1 : left->order > right->order;
}

/* Orders the changes and makes the table of where each id's begin and end. */
static struct hvp_error *timeline_seal(struct hvp_timeline *line)
{
	size_t begin = 0;

	if (line->num)
		qsort(line->changes, line->num, sizeof(*line->changes), compare_changes);
	for (size_t i = 1; i <= line->num; i++) {
		if (i < line->num && line->changes[i].id == line->changes[begin].id)
			continue;
		hvp_try(hvp_map_set(&line->spans, line->changes[begin].id,
				    (uint64_t)begin << 32 | i));
		begin = i;
	}
	return NULL;
}

static uint32_t timeline_find(const struct hvp_timeline *line, struct hvp_task_cache *cache,
			      uint32_t id, uint64_t time)
{
	size_t begin, end, low, high;
	uint64_t span;

	if (id == cache->id && time >= cache->from && time < cache->until)
		return cache->value;
	*cache = (struct hvp_task_cache){.id = id, .until = UINT64_MAX};
	if (!hvp_map_get(&line->spans, id, &span))
		return 0;
	begin = low = span >> 32;
	end = high = span & UINT32_MAX;
	/* Afterwards `low` is the first change later than `time`. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (line->changes[middle].time <= time)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < end)
		cache->until = line->changes[low].time;
	if (low > begin) {
		cache->from = line->changes[low - 1].time;
		cache->value = line->changes[low - 1].value;
	}
	return cache->value;
}

/* The pid whose mappings a record may change; 0: none. */
static uint32_t pid_of_change(const struct hvp_record *record)
{
	switch (record->type) {
	case HVP_RECORD_MMAP: return record->mmap.pid;
	case HVP_RECORD_KSYMBOL: return HVP_PID_KERNEL;
	case HVP_RECORD_COMM: return record->comm.is_exec ? record->comm.pid : 0;
	case HVP_RECORD_FORK:
	case HVP_RECORD_EXIT: return record->task.pid == record->task.tid ? record->task.pid : 0;
	default: return 0;
	}
}

/* The name of a thread as it is while the records are walked; `comms` maps tid -> name. */
static struct hvp_error *follow_comm(struct hvp_tasks *tasks, struct hvp_map *comms,
				     const struct hvp_record *record)
{
	uint32_t name, tid;
	uint64_t parent;

	if (record->type == HVP_RECORD_COMM) {
		tid = record->comm.tid;
		hvp_try(hvp_strpool_intern(&tasks->names, record->comm.name, &name));
	} else if (record->type == HVP_RECORD_FORK &&
		   hvp_map_get(comms, record->task.parent_tid, &parent)) {
		tid = record->task.tid;
		name = (uint32_t)parent;
	} else {
		return NULL;
	}
	hvp_try(hvp_map_set(comms, tid, name));
	return timeline_add(&tasks->comms, tid, record->time, name);
}

static int compare_times(const void *left_arg, const void *right_arg)
{
	const uint64_t *left = left_arg, *right = right_arg;

	return *left < *right ? -1 : *left > *right;
}

static struct hvp_error *gather_times(struct hvp_tasks *tasks)
{
	size_t num = tasks->epochs.num + tasks->comms.num;

	tasks->times = calloc(num + 1, sizeof(*tasks->times));
	if (!tasks->times)
		return hvp_error_no_memory;
	for (size_t i = 0; i < tasks->epochs.num; i++)
		tasks->times[tasks->num_times++] = tasks->epochs.changes[i].time;
	for (size_t i = 0; i < tasks->comms.num; i++)
		tasks->times[tasks->num_times++] = tasks->comms.changes[i].time;
	qsort(tasks->times, num, sizeof(*tasks->times), compare_times);
	return NULL;
}

static void deinit_map(struct hvp_map *map)
{
	hvp_map_deinit(map);
}

struct hvp_error *hvp_tasks_init(struct hvp_tasks *ret, const struct hvp_session *session)
{
	hvp_scope(deinit_map) struct hvp_map comms = {0};
	uint32_t idle;

	*ret = (struct hvp_tasks){0};
	hvp_map_init(&comms);
	hvp_map_init(&ret->epochs.spans);
	hvp_map_init(&ret->comms.spans);
	hvp_strpool_init(&ret->names);
	/* The idle tasks have no comm records; the kernel calls them all so. */
	hvp_try(hvp_strpool_intern(&ret->names, "swapper", &idle));
	hvp_try(timeline_add(&ret->comms, 0, 0, idle));
	for (size_t i = 0; i < hvp_session_num_records(session); i++) {
		const struct hvp_record *record = hvp_session_record(session, i);
		uint32_t pid = pid_of_change(record);

		if (pid)
			hvp_try(timeline_add(&ret->epochs, pid, record->time, (uint32_t)i + 1));
		hvp_try(follow_comm(ret, &comms, record));
	}
	hvp_try(timeline_seal(&ret->epochs));
	hvp_try(timeline_seal(&ret->comms));
	return gather_times(ret);
}

void hvp_tasks_deinit(struct hvp_tasks *tasks)
{
	free(tasks->epochs.changes);
	free(tasks->comms.changes);
	hvp_map_deinit(&tasks->epochs.spans);
	hvp_map_deinit(&tasks->comms.spans);
	hvp_strpool_deinit(&tasks->names);
	free(tasks->times);
}

bool hvp_tasks_are_constant(const struct hvp_tasks *tasks, uint64_t from, uint64_t until)
{
	size_t low = 0, high = tasks->num_times;

	/* Afterwards `low` is the first change later than `from`. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (tasks->times[middle] <= from)
			low = middle + 1;
		else
			high = middle;
	}
	return low == tasks->num_times || tasks->times[low] > until;
}

uint32_t hvp_tasks_epoch(const struct hvp_tasks *tasks, struct hvp_task_cache *cache, uint32_t pid,
			 uint64_t time)
{
	return timeline_find(&tasks->epochs, cache, pid, time);
}

uint32_t hvp_tasks_comm(const struct hvp_tasks *tasks, struct hvp_task_cache *cache, uint32_t tid,
			uint64_t time)
{
	return timeline_find(&tasks->comms, cache, tid, time);
}
