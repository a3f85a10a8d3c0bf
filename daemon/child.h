/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program that `hvprof record -- COMMAND` runs: forked early, so that it can be profiled, and
 * let go when all is ready.
 */
#ifndef HVP_DAEMON_CHILD_H
#define HVP_DAEMON_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/base/error.h"

struct hvp_child {
	pid_t pid;
	/* Readable when the child has ended; -1: this kernel has no pidfd_open() (before 5.3). */
	int pidfd;
	/* Our end of the pipe that holds it back. */
	int go_fd;
	bool has_ended;
	/* As a shell gives it: 128 + signal. */
	int exit_status;
};

/* Forks; the child waits. `argv` ends in NULL. */
struct hvp_error *hvp_child_prepare(struct hvp_child *child, char *const *argv) hvp_must_use;
/* Lets it run; HVP_ERROR_OS when the program cannot be executed. */
struct hvp_error *hvp_child_go(struct hvp_child *child, const char *program) hvp_must_use;
/* Looks, without waiting, whether it has ended. */
bool hvp_child_check(struct hvp_child *child);
/*
 * Waits for it; one that was never let go is killed. Harmless on a child that was not prepared (pid
 * 0).
 */
void hvp_child_deinit(struct hvp_child *child);

#endif
