/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/record_output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "common/base/scope.h"

static struct hvp_error *open_stdout(struct hvp_record_output *output)
{
	if (isatty(STDOUT_FILENO))
		return hvp_error_create(HVP_ERROR_USAGE,
					"a session is binary and does not go to a terminal: "
					"-o FILE, or -o - with a pipe behind");
	output->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	if (output->fd < 0)
		return hvp_error_from_errno(errno, "standard output");
	return NULL;
}

/* Only its owner may read it: it tells where the kernel is. */
static struct hvp_error *open_temporary(struct hvp_record_output *output)
{
	if (asprintf(&output->temporary, "%s.XXXXXX", output->path) < 0) {
		output->temporary = NULL;
		return hvp_error_no_memory;
	}
	output->fd = mkostemp(output->temporary, O_CLOEXEC);
	if (output->fd >= 0)
		return NULL;
	free(hvp_take(output->temporary));
	return hvp_error_from_errno(errno, "%s: cannot create a file there", output->path);
}

static bool is_others(uid_t owner)
{
	return owner && owner != geteuid();
}

/* A pipe with a name, made by somebody else; one without is where the shell put it. */
static bool is_pipe_of_others(const char *path, const struct stat *info)
{
	struct statfs file_system;

	return S_ISFIFO(info->st_mode) && is_others(info->st_uid) && !statfs(path, &file_system) &&
	       file_system.f_type != PIPEFS_MAGIC;
}

/*
 * What is there and no file: a pipe, a device. In a folder like /tmp another user may have put it
 * there, to read what root records or to have it written over a disk.
 */
static struct hvp_error *open_other(struct hvp_record_output *output, const struct stat *info)
{
	const char *path = output->path;
	struct stat link;
	bool is_link = !lstat(path, &link) && S_ISLNK(link.st_mode);

	if ((is_link && is_others(link.st_uid)) || is_pipe_of_others(path, info))
		return hvp_error_create(HVP_ERROR_PERMISSION,
					"%s: another user put a %s there: -o FILE in a folder of "
					"your own",
					path, is_link ? "link" : "pipe");
	output->fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | (is_link ? 0 : O_NOFOLLOW));
	if (output->fd < 0)
		return hvp_error_from_errno(errno, "%s: cannot open", path);
	return NULL;
}

struct hvp_error *hvp_record_output_open(struct hvp_record_output *output, const char *path)
{
	struct stat info;

	*output = (struct hvp_record_output){.fd = -1};
	if (!strcmp(path, "-"))
		return open_stdout(output);
	output->path = strdup(path);
	if (!output->path)
		return hvp_error_no_memory;
	if (stat(path, &info) || S_ISREG(info.st_mode))
		return open_temporary(output);
	if (S_ISDIR(info.st_mode))
		return hvp_error_create(HVP_ERROR_USAGE, "%s is a folder; -o FILE", path);
	return open_other(output, &info);
}

struct hvp_error *hvp_record_output_commit(struct hvp_record_output *output)
{
	hvp_scope(hvp_free_ptr) char *old = NULL;

	if (!output->temporary)
		return NULL;
	if (asprintf(&old, "%s.old", output->path) < 0)
		return hvp_error_no_memory;
	if (rename(output->path, old) && errno != ENOENT)
		return hvp_error_from_errno(errno, "%s: cannot rename to %s", output->path, old);
	if (rename(output->temporary, output->path))
		return hvp_error_from_errno(errno, "%s: cannot rename to %s", output->temporary,
					    output->path);
	free(hvp_take(output->temporary));
	return NULL;
}

void hvp_record_output_deinit(struct hvp_record_output *output)
{
	hvp_close_fd(&output->fd);
	if (output->temporary)
		unlink(output->temporary);
	free(output->temporary);
	free(output->path);
	*output = (struct hvp_record_output){.fd = -1};
}
