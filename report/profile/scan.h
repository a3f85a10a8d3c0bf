/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first pass over a session: all samples of a time slice and an event, located and summed by
 * place, by several threads that take chunk after chunk.
 *
 * Unless addresses are asked for, a place is a function. Each thread sums by address first, because
 * symbols are looked up for distinct addresses only; when that table is full it is folded into one
 * by function. So memory follows the number of functions that have samples, whatever the number of
 * samples or of addresses.
 */
#ifndef HVP_REPORT_SCAN_H
#define HVP_REPORT_SCAN_H

#include <signal.h>

#include "common/base/error.h"
#include "common/session/reader.h"
#include "report/profile/owner.h"
#include "report/profile/place.h"
#include "report/profile/tasks.h"
#include "symbolizer/symbolizer.h"

#define HVP_EVENT_ALL UINT32_MAX

struct hvp_scan_options {
	const struct hvp_session *session;
	const struct hvp_tasks *tasks;
	struct hvp_symbolizer *symbolizer;
	/* Index of an event, or HVP_EVENT_ALL. */
	uint32_t event;
	/* Session clock, [from, until]. */
	uint64_t time_from, time_until;
	/* What places are told apart by, beside function, domain, owner, mode and event. */
	bool by_vcpu, by_cpu, by_pid, by_tid, by_aspace, by_stack, by_address;
	/* Also what has no symbol: by_address alone sums it by reason. */
	bool by_raw_address;
	/* By thread name: a bit for each owner. */
	uint32_t by_comm_of_owners;
	/* 0: one for each CPU that this process may use. */
	unsigned int num_threads;
	/* Ends the pass early with what there is. May be NULL. */
	const volatile sig_atomic_t *interrupted;
	/* Called by the calling thread, between chunks. May be NULL. */
	void (*progress)(void *arg, uint64_t done_samples);
	void *progress_arg;
};

struct hvp_scan {
	struct hvp_place_table places;
	/* Inside the slice and of the event: the sum over all places. */
	uint64_t samples;
	/* Read or known from the index, and outside of the slice or of another event. */
	uint64_t outside;
	/*
	 * In chunks that could not be decoded, by the index; the first one's error in words, or
	 * NULL.
	 */
	uint64_t unreadable;
	char *unreadable_why;
	/* In chunks that an interruption left unread. */
	uint64_t interrupted;
};

/* `ret` is to be deinitialised also after an error. Damaged chunks are counted, not an error. */
struct hvp_error *hvp_scan_run(const struct hvp_scan_options *options,
			       struct hvp_scan *ret) hvp_must_use;
void hvp_scan_deinit(struct hvp_scan *scan);

#endif
