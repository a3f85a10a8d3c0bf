/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The threads of the host by number and time. A number may be used again: the incarnations of one number form a list, the newest first. Those
 * that ended long ago are forgotten, so that memory is bounded by the threads that live.
 */
#ifndef HVP_DAEMON_THREADS_H
#define HVP_DAEMON_THREADS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/map.h"

struct hvp_thread {
	uint32_t tid, pid;
	/* [start, end]; end 0: it runs. */
	uint64_t start, end;
	/* The process on whose behalf it runs: its own, or the one in a kernel thread's name. */
	uint32_t owner_pid;
	/* Valid of a vCPU, and otherwise as long as hvp_thread_is_known(). */
	uint32_t domain, vcpu;
	bool is_vcpu;
	/* 1 + the generation in which it was classified; 0: it was not, or not for good. */
	uint32_t known_in;
	/* It is no kernel thread: nothing that its name says of others is true. */
	bool is_user;
	/* Discovery was asked about it. */
	bool has_asked;
	bool is_sampled;
	bool is_free;
	char comm[16];
	/* 1 + index of the incarnation before (or of the next free entry); 0: none. */
	uint32_t older;
};

struct hvp_threads {
	/* tid -> 1 + index of the newest incarnation. */
	struct hvp_map newest;
	/* What hvp_threads_find() looked up last; last_newest 0: nothing. */
	uint32_t last_tid, last_newest;
	struct hvp_thread *items;
	size_t num, capacity;
	uint32_t free_list;
	size_t num_ended;
	/* So many ended ones before they are looked through again. */
	size_t forget_at;
	uint64_t latest;
	/* Counts the times at which processes got VMs: what was classified before is asked anew. */
	uint32_t generation;
};

static inline bool hvp_thread_is_known(const struct hvp_threads *threads,
				       const struct hvp_thread *thread)
{
	return thread->is_vcpu || thread->known_in == threads->generation + 1;
}

void hvp_threads_deinit(struct hvp_threads *threads);

/* The incarnation at a time, or NULL. Pointers to threads are valid until the next get, renew or end. */
struct hvp_thread *hvp_threads_find(struct hvp_threads *threads, uint32_t pid, uint32_t tid,
				    uint64_t time);
/* The same for the thread that was found last, while it runs: of which most samples are. */
static inline struct hvp_thread *hvp_threads_find_again(struct hvp_threads *threads, uint32_t pid,
							uint32_t tid, uint64_t time)
{
	struct hvp_thread *thread;

	if (!threads->last_newest || threads->last_tid != tid)
		return NULL;
	thread = &threads->items[threads->last_newest - 1];
	return thread->pid == pid && time >= thread->start && !thread->end ? thread : NULL;
}

/* As hvp_threads_find(); one that is not there is made, as if it had always been. */
struct hvp_error *hvp_threads_get(struct hvp_threads *threads, uint32_t pid, uint32_t tid,
				  uint64_t time, struct hvp_thread **ret) hvp_must_use;
/* The number is used anew from `time` on. */
struct hvp_error *hvp_threads_renew(struct hvp_threads *threads, uint32_t pid, uint32_t tid,
				    uint64_t time, struct hvp_thread **ret) hvp_must_use;
void hvp_threads_end(struct hvp_threads *threads, uint32_t tid, uint64_t time);

/* When the process that has this pid at `time` began; 0: before us. */
uint64_t hvp_threads_start(const struct hvp_threads *threads, uint32_t pid, uint64_t time);
/* Threads that are no vCPUs are classified anew at their next sample. */
void hvp_threads_forget_unbound(struct hvp_threads *threads);
/* "" when not known. */
const char *hvp_threads_comm(const struct hvp_threads *threads, uint32_t tid);
/* Every process of which a thread was sampled, once (this changes the marks). `*cursor` starts at 0. */
bool hvp_threads_next_sampled(struct hvp_threads *threads, size_t *cursor, uint32_t *ret_pid);

#endif
