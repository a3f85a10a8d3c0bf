/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a process and a thread were at a time: the thread's name, and the "epoch" of the process - a
 * number that changes whenever its mappings may have changed. Two samples with equal pid, epoch,
 * mode and address are in the same place of the same file, so that the profile locates them once.
 *
 * Built once from the session's records; afterwards safe to read from several threads, each with
 * its own caches.
 */
#ifndef HVP_REPORT_TASKS_H
#define HVP_REPORT_TASKS_H

#include "common/base/error.h"
#include "common/base/map.h"
#include "common/base/strpool.h"
#include "common/session/reader.h"

/* From `time` on, thread or process `id` has `value` (a string number, or an epoch). */
struct hvp_task_change {
	uint64_t time;
	uint32_t id;
	uint32_t value;
	/* Among changes at one time the later record counts. */
	size_t order;
};

/* Changes ordered by id, then time. */
struct hvp_timeline {
	struct hvp_task_change *changes;
	size_t num, capacity;
	/* id -> index of its first change << 32 | index behind its last. */
	struct hvp_map spans;
};

struct hvp_tasks {
	struct hvp_timeline epochs;
	struct hvp_timeline comms;
	struct hvp_strpool names;
	/* Times of all changes, ascending. */
	uint64_t *times;
	size_t num_times;
};

/* The last answer of a timeline and how long it holds; one per reading thread. Zero-initialise. */
struct hvp_task_cache {
	uint32_t id;
	uint32_t value;
	uint64_t from, until;
};

/* Copies what it needs. `ret` is to be deinitialised also after an error. */
struct hvp_error *hvp_tasks_init(struct hvp_tasks *ret,
				 const struct hvp_session *session) hvp_must_use;
void hvp_tasks_deinit(struct hvp_tasks *tasks);

/* Nothing changes in (from, until]: samples in that span need no times of their own. */
bool hvp_tasks_are_constant(const struct hvp_tasks *tasks, uint64_t from, uint64_t until);

/* 0 before the first change of a process. Kernel mappings are those of HVP_PID_KERNEL. */
uint32_t hvp_tasks_epoch(const struct hvp_tasks *tasks, struct hvp_task_cache *cache, uint32_t pid,
			 uint64_t time);
/* The number in `names` of a thread's name; 0 is unknown. */
uint32_t hvp_tasks_comm(const struct hvp_tasks *tasks, struct hvp_task_cache *cache, uint32_t tid,
			uint64_t time);

#endif
