/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/cli/term.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/scope.h"

#define DEFAULT_WIDTH 80u
#define MIN_WIDTH 40u
#define MAX_WIDTH 1000u
#define DEFAULT_PAGER "less -RFX"

const char *const hvp_color_modes[] = {"auto", "always", "never", NULL};

bool hvp_term_has_color(enum hvp_color_mode mode, FILE *out)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	if (mode != HVP_COLOR_AUTO)
		return mode == HVP_COLOR_ALWAYS;
	if (no_color && *no_color)
		return false;
	if (!term || !*term || !strcmp(term, "dumb"))
		return false;
	return isatty(fileno(out));
}

static unsigned int clamp_width(unsigned long width)
{
	if (width < MIN_WIDTH)
		return MIN_WIDTH;
	return width > MAX_WIDTH ? MAX_WIDTH : (unsigned int)width;
}

unsigned int hvp_term_width(FILE *stream)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;

	if (columns && *columns >= '1' && *columns <= '9')
		return clamp_width(strtoul(columns, NULL, 10));
	if (ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col)
		return clamp_width(size.ws_col);
	return DEFAULT_WIDTH;
}

const char *hvp_style_begin(bool has_color, enum hvp_style style)
{
	/* ECMA-48 SGR with the terminal's own 8 colours, which fit its background. */
	static const char *const sequences[] = {
		[HVP_STYLE_PLAIN] = "",
		[HVP_STYLE_HEADING] = "\033[1m",
		[HVP_STYLE_HOT] = "\033[1;35m",
		[HVP_STYLE_WARM] = "\033[33m",
		[HVP_STYLE_DIM] = "\033[2m",
		[HVP_STYLE_NAME] = "\033[36m",
		[HVP_STYLE_WARNING] = "\033[1;33m",
		[HVP_STYLE_ERROR] = "\033[1;31m",
	};

	return has_color ? sequences[style] : "";
}

const char *hvp_style_end(bool has_color)
{
	return has_color ? "\033[0m" : "";
}

struct hvp_pager {
	pid_t pid;
	/* The stream to the pager, and the one it stands for. */
	FILE *pipe;
	FILE *out;
};

/* NULL when none is wanted. */
static const char *pager_command(void)
{
	const char *command = getenv("HVPROF_PAGER");

	if (!command)
		command = getenv("PAGER");
	if (!command)
		command = DEFAULT_PAGER;
	return *command && strcmp(command, "cat") ? command : NULL;
}

/* The first word of a shell's command that is no assignment; what is quoted or expanded is not looked into. */
static const char *first_word(const char *command, size_t *ret_length)
{
	while (true) {
		size_t length;

		command += strspn(command, " \t");
		length = strcspn(command, " \t");
		*ret_length = length;
		if (!length || !memchr(command, '=', length))
			return command;
		command += length;
	}
}

static bool is_program(const char *folder, size_t folder_length, const char *name,
		       size_t name_length)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%.*s%s%.*s", (int)folder_length, folder,
			folder_length ? "/" : "", (int)name_length, name) < PATH_MAX &&
	       !access(path, X_OK);
}

/* False when a shell would surely find no program: what is written to it would be lost. */
static bool can_run(const char *command)
{
	const char *path = getenv("PATH");
	size_t length;
	const char *name = first_word(command, &length);

	if (!path || !length || strcspn(name, "\"'`$\\~(){}[]*?;&|<>#!") < length)
		return true;
	if (memchr(name, '/', length))
		return is_program("", 0, name, length);
	for (; *path; path += strspn(path, ":")) {
		size_t folder = strcspn(path, ":");

		if (is_program(path, folder, name, length))
			return true;
		path += folder;
	}
	return false;
}

/* In the child: never returns. */
static void exec_pager(const char *command, int input)
{
	/* What the parent ignores for itself is not meant for the pager. */
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	dup2(input, STDIN_FILENO);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

struct hvp_error *hvp_pager_start(const struct hvp_log *log, FILE **out, struct hvp_pager **ret)
{
	hvp_scope(hvp_free_ptr) struct hvp_pager *pager = NULL;
	const char *command = pager_command();
	int fds[2];

	*ret = NULL;
	if (!command || !isatty(fileno(*out)))
		return NULL;
	if (!can_run(command)) {
		/* A machine without less is none to warn of. */
		if (!strcmp(command, DEFAULT_PAGER))
			return NULL;
		hvp_log(log, HVP_LOG_WARNING, HVP_LOG_CLI,
			"there is no pager \"%s\" to run: set $HVPROF_PAGER or $PAGER, or cat for "
			"none",
			command);
		return NULL;
	}
	pager = calloc(1, sizeof(*pager));
	if (!pager)
		return hvp_error_no_memory;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return hvp_error_from_errno(errno, "cannot make a pipe for the pager");
	fflush(*out);
	pager->pid = fork();
	if (pager->pid == 0)
		exec_pager(command, fds[0]);
	close(fds[0]);
	pager->pipe = pager->pid < 0 ? NULL : fdopen(fds[1], "we");
	if (!pager->pipe) {
		int os_errno = errno;

		close(fds[1]);
		if (pager->pid > 0)
			waitpid(pager->pid, NULL, 0);
		return hvp_error_from_errno(os_errno, "cannot start the pager \"%s\"", command);
	}
	pager->out = *out;
	*out = pager->pipe;
	*ret = hvp_take(pager);
	return NULL;
}

void hvp_pager_finish(struct hvp_pager *pager, FILE **out)
{
	if (!pager)
		return;
	fclose(pager->pipe);
	*out = pager->out;
	while (waitpid(pager->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	free(pager);
}
