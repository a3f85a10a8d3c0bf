/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/scope.h"

/*
 * In the child. The socket is its only link to us: a byte means go, its end that we are gone; exec
 * closes it.
 */
static void run_child(int fd, char *const *argv)
{
	char byte;
	int status;

	/* Ours are ignored, which exec would hand on. */
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	if (read(fd, &byte, 1) != 1)
		_exit(127);
	execvp(argv[0], argv);
	status = errno;
	if (write(fd, &status, sizeof(status)) != (ssize_t)sizeof(status))
		_exit(126);
	_exit(127);
}

struct hvp_error *hvp_child_prepare(struct hvp_child *child, char *const *argv)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		return hvp_error_from_errno(errno, "socketpair");
	child->pid = fork();
	if (child->pid < 0) {
		close(fds[0]);
		close(fds[1]);
		child->pid = 0;
		return hvp_error_from_errno(errno, "fork");
	}
	if (!child->pid) {
		close(fds[0]);
		run_child(fds[1], argv);
	}
	close(fds[1]);
	child->go_fd = fds[0];
	child->pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0);
	if (child->pidfd >= 0)
		fcntl(child->pidfd, F_SETFD, FD_CLOEXEC);
	return NULL;
}

struct hvp_error *hvp_child_go(struct hvp_child *child, const char *program)
{
	hvp_scope(hvp_close_fd) int fd = hvp_take_fd(&child->go_fd);
	int status;
	ssize_t n;

	if (write(fd, "", 1) != 1)
		return hvp_error_from_errno(errno, "%s: starting it", program);
	do {
		n = read(fd, &status, sizeof(status));
	} while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(status))
		return NULL;
	return hvp_error_from_errno(status, "%s: cannot run it", program);
}

static void set_status(struct hvp_child *child, int status)
{
	child->has_ended = true;
	child->exit_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

bool hvp_child_check(struct hvp_child *child)
{
	int status;

	if (!child->has_ended && child->pid > 0 &&
	    waitpid(child->pid, &status, WNOHANG) == child->pid)
		set_status(child, status);
	return child->has_ended;
}

void hvp_child_deinit(struct hvp_child *child)
{
	int status;

	if (child->pid <= 0)
		return;
	if (child->go_fd >= 0)
		kill(child->pid, SIGKILL);
	while (!child->has_ended) {
		if (waitpid(child->pid, &status, 0) == child->pid)
			set_status(child, status);
		else if (errno != EINTR)
			break;
	}
	hvp_close_fd(&child->go_fd);
	hvp_close_fd(&child->pidfd);
	child->pid = 0;
}
