/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asks VMMs on their control sockets in a thread of its own, one after the other: a recording never waits for a VMM. Answers are
 * fetched when they are there.
 */
#ifndef HVP_DAEMON_INQUIRY_H
#define HVP_DAEMON_INQUIRY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/scope.h"
#include "daemon/kvm/qmp.h"

struct hvp_inquiry;

/* Starts nothing yet. */
struct hvp_error *hvp_inquiry_create(struct hvp_inquiry **ret) hvp_must_use;
/* Gives up on what has no answer; takes as long as one VMM may. Accepts NULL. */
void hvp_inquiry_destroy(struct hvp_inquiry *inquiry);
HVP_DEFINE_SCOPE(hvp_inquiry_destroy, struct hvp_inquiry *);

/* `domain` comes back with the answer; the socket is process `pid`'s. */
struct hvp_error *hvp_inquiry_ask(struct hvp_inquiry *inquiry, uint32_t domain, uint32_t pid,
				  const char *socket_path) hvp_must_use;

struct hvp_inquiry_answer {
	uint32_t domain, pid;
	struct hvp_qmp_answer qmp;
	/* NULL, or why there is no answer. */
	struct hvp_error *error;
};

void hvp_inquiry_answer_deinit(struct hvp_inquiry_answer *answer);
/* The next answer, if there is one by now. */
bool hvp_inquiry_next(struct hvp_inquiry *inquiry, struct hvp_inquiry_answer *ret);
/* Waits until all that was asked is answered, at most that long. */
void hvp_inquiry_wait(struct hvp_inquiry *inquiry, unsigned int timeout_ms);

#endif
