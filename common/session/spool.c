/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/session/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/scope.h"
#include "common/session/format.h"

#define PIECE (256u << 10)

static struct hvp_error *open_unnamed(const char *folder, int *ret_fd)
{
	hvp_scope(hvp_free_ptr) char *path = NULL;
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0) {
		/* Not every file system knows O_TMPFILE. */
		if (asprintf(&path, "%s/hvprof.XXXXXX", folder) < 0) {
			path = NULL;
			return hvp_error_no_memory;
		}
		fd = mkostemp(path, O_CLOEXEC);
		if (fd < 0)
			return hvp_error_from_errno(
				errno, "%s: cannot make a temporary file; set TMPDIR", folder);
		unlink(path);
	}
	*ret_fd = fd;
	return NULL;
}

static struct hvp_error *write_all(int fd, const char *folder, const uint8_t *data, size_t size)
{
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return hvp_error_from_errno(n < 0 ? errno : ENOSPC,
						    "%s: cannot write a temporary file; set TMPDIR",
						    folder);
		data += n;
		size -= (size_t)n;
	}
	return NULL;
}

/* What does not begin like a session is not copied to its end, which /dev/zero does not have. */
static bool is_no_session(int fd)
{
	char magic[HVP_FILE_MAGIC_SIZE];

	return pread(fd, magic, sizeof(magic), 0) == (ssize_t)sizeof(magic) &&
	       memcmp(magic, HVP_FILE_MAGIC, sizeof(magic)) != 0;
}

struct hvp_error *hvp_spool(int fd, const char *name, int *ret_fd)
{
	const char *folder = getenv("TMPDIR");
	hvp_scope(hvp_close_fd) int copy = -1;
	hvp_scope(hvp_free_ptr) uint8_t *piece = malloc(PIECE);

	if (!piece)
		return hvp_error_no_memory;
	if (isatty(fd))
		return hvp_error_create(HVP_ERROR_USAGE,
					"%s: is a terminal; a session comes from a file or a pipe",
					name);
	folder = folder && *folder ? folder : "/tmp";
	hvp_try(open_unnamed(folder, &copy));
	for (;;) {
		ssize_t n = read(fd, piece, PIECE);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return hvp_error_from_errno(errno, "%s: cannot read", name);
		if (!n || is_no_session(copy))
			break;
		hvp_try(write_all(copy, folder, piece, (size_t)n));
	}
	*ret_fd = hvp_take_fd(&copy);
	return NULL;
}
