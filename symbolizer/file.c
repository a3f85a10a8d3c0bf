/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbolizer/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/scope.h"

/* No symbol or debug file is larger; what claims to be is refused before memory is taken for it. */
#define MAX_COPY ((size_t)4 << 30)

#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

static bool is_whole_machine(const char *root)
{
	return !root || !*root || !strcmp(root, "/");
}

/* openat2(2): the kernel itself keeps the walk below the folder. Linux 5.6 and later. */
static int open_in_root(int folder, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)flags,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, folder, *path ? path : ".", &how, sizeof(how));
}

static struct hvp_error *check_regular(int fd, const char *root, const char *path, struct stat *ret)
{
	if (fstat(fd, ret))
		return hvp_error_from_errno(errno, "cannot examine %s%s", root, path);
	if (!S_ISREG(ret->st_mode))
		return hvp_error_create(HVP_ERROR_FORMAT, "%s%s is not a regular file", root, path);
	return NULL;
}

static struct hvp_error *open_below(const char *root, const char *path, int flags, int *ret_fd)
{
	hvp_scope(hvp_close_fd) int folder = -1;

	if (is_whole_machine(root)) {
		root = "";
		*ret_fd = open(path, flags);
	} else {
		folder = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (folder < 0)
			return hvp_error_from_errno(errno, "cannot open the folder %s", root);
		*ret_fd = open_in_root(folder, path, flags);
		if (*ret_fd < 0 && errno == ENOSYS)
			return hvp_error_create(
				HVP_ERROR_UNSUPPORTED,
				"cannot read below %s safely: this kernel has no openat2 "
				"(Linux 5.6); analyse the session on a newer one",
				root);
	}
	if (*ret_fd < 0)
		return hvp_error_from_errno(errno, "cannot open %s%s", root, path);
	return NULL;
}

struct hvp_error *hvp_open_below(const char *root, const char *path, int *ret_fd)
{
	hvp_scope(hvp_close_fd) int fd = -1;
	struct stat stat;

	hvp_try(open_below(root, path, OPEN_FLAGS, &fd));
	hvp_try(check_regular(fd, is_whole_machine(root) ? "" : root, path, &stat));
	*ret_fd = hvp_take_fd(&fd);
	return NULL;
}

struct hvp_error *hvp_open_folder_below(const char *root, const char *path, int *ret_fd)
{
	return open_below(root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, ret_fd);
}

static struct hvp_error *make_path(const char *root, const char *path, struct hvp_file *file)
{
	if (is_whole_machine(root))
		root = "";
	if (asprintf(&file->path, "%s%s%s", root, *root && *path != '/' ? "/" : "", path) < 0) {
		file->path = NULL;
		return hvp_error_no_memory;
	}
	return NULL;
}

/* Up to file->size bytes; a file that became shorter gives what is left. */
static struct hvp_error *fill(int fd, struct hvp_file *file)
{
	size_t done = 0;

	while (done < file->size) {
		ssize_t num = read(fd, file->data + done, file->size - done);

		if (num < 0 && errno == EINTR)
			continue;
		if (num < 0)
			return hvp_error_from_errno(errno, "cannot read %s", file->path);
		if (!num)
			break;
		done += (size_t)num;
	}
	file->size = done;
	return NULL;
}

static struct hvp_error *copy_contents(int fd, struct hvp_file *file)
{
	if (file->size > MAX_COPY)
		return hvp_error_create(HVP_ERROR_UNSUPPORTED, "%s is too large: %zu bytes",
					file->path, file->size);
	/* A NUL behind, for parsers of text. */
	file->data = malloc(file->size + 1);
	if (!file->data)
		return hvp_error_no_memory;
	hvp_try(fill(fd, file));
	file->data[file->size] = '\0';
	return NULL;
}

static struct hvp_error *map_contents(int fd, struct hvp_file *file)
{
	/* Writable, because libelf may convert in place; private, so that no write reaches the file. */
	void *data = mmap(NULL, file->size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	if (data == MAP_FAILED)
		return hvp_error_from_errno(errno, "cannot map %s", file->path);
	file->data = data;
	file->is_mapped = true;
	return NULL;
}

static void hvp_file_deinit_scope(struct hvp_file *file)
{
	hvp_file_deinit(file);
}

struct hvp_error *hvp_file_load(const char *root, const char *path, bool is_trusted,
				struct hvp_file *ret)
{
	hvp_scope(hvp_file_deinit_scope) struct hvp_file file = {0};
	hvp_scope(hvp_close_fd) int fd = -1;
	struct stat stat;

	*ret = (struct hvp_file){0};
	hvp_try(hvp_open_below(root, path, &fd));
	hvp_try(make_path(root, path, &file));
	hvp_try(check_regular(fd, "", file.path, &stat));
	file.size = (size_t)stat.st_size;
	file.modified = stat.st_mtim.tv_sec * 1000000000LL + stat.st_mtim.tv_nsec;
	if (is_trusted && file.size)
		hvp_try(map_contents(fd, &file));
	else
		hvp_try(copy_contents(fd, &file));
	*ret = file;
	file = (struct hvp_file){0};
	return NULL;
}

struct hvp_error *hvp_file_read_below(const char *root, const char *path, size_t max,
				      struct hvp_file *ret)
{
	hvp_scope(hvp_file_deinit_scope) struct hvp_file file = {0};
	hvp_scope(hvp_close_fd) int fd = -1;
	size_t capacity = 0;

	*ret = (struct hvp_file){0};
	hvp_try(hvp_open_below(root, path, &fd));
	hvp_try(make_path(root, path, &file));
	while (true) {
		ssize_t num;

		if (file.size == capacity || !file.data) {
			uint8_t *data;

			capacity = file.data ? capacity * 2 : 64 << 10;
			data = realloc(file.data, capacity + 1);
			if (!data)
				return hvp_error_no_memory;
			file.data = data;
		}
		num = read(fd, file.data + file.size, capacity - file.size);
		if (num < 0 && errno == EINTR)
			continue;
		if (num < 0)
			return hvp_error_from_errno(errno, "cannot read %s", file.path);
		if (!num)
			break;
		file.size += (size_t)num;
		if (file.size > max)
			return hvp_error_create(HVP_ERROR_FORMAT, "%s has more than %zu bytes",
						file.path, max);
	}
	file.data[file.size] = '\0';
	*ret = file;
	file = (struct hvp_file){0};
	return NULL;
}

struct hvp_error *hvp_file_copy(const char *path, const void *data, size_t size,
				struct hvp_file *ret)
{
	hvp_scope(hvp_file_deinit_scope) struct hvp_file file = {.size = size};

	*ret = (struct hvp_file){0};
	hvp_try(make_path(NULL, path, &file));
	file.data = malloc(size + 1);
	if (!file.data)
		return hvp_error_no_memory;
	if (size)
		memcpy(file.data, data, size);
	file.data[size] = '\0';
	*ret = file;
	file = (struct hvp_file){0};
	return NULL;
}

void hvp_file_deinit(struct hvp_file *file)
{
	if (file->is_mapped)
		munmap(file->data, file->size);
	else
		free(file->data);
	free(file->path);
	*file = (struct hvp_file){0};
}
