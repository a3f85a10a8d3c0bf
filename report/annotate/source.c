/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/annotate/source.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/array.h"
#include "common/base/scope.h"

/* No source file is larger; what is larger is not one. */
#define MAX_SOURCE_SIZE (64u << 20)

struct hvp_source_file {
	char *path;
	/* The whole file with NULs for newlines; NULL: not here. */
	char *text;
	char **lines;
	size_t num_lines;
};

struct hvp_error *hvp_sources_init(struct hvp_sources *ret, const struct hvp_strings *prefixes,
				   const struct hvp_strings *folders)
{
	*ret = (struct hvp_sources){.prefixes = prefixes, .folders = folders};
	for (size_t i = 0; i < prefixes->num; i++) {
		if (!strchr(prefixes->items[i], '='))
			return hvp_error_create(HVP_ERROR_USAGE,
						"--source-prefix \"%s\": expected OLD=NEW",
						prefixes->items[i]);
	}
	return NULL;
}

void hvp_sources_deinit(struct hvp_sources *sources)
{
	for (size_t i = 0; i < sources->num; i++) {
		free(sources->files[i].path);
		free(sources->files[i].text);
		free(sources->files[i].lines);
	}
	free(sources->files);
}

static int open_regular(const char *path, size_t *ret_size)
{
	hvp_scope(hvp_close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) || !S_ISREG(status.st_mode) ||
	    status.st_size > MAX_SOURCE_SIZE)
		return -1;
	*ret_size = (size_t)status.st_size;
	return hvp_take_fd(&fd);
}

/* `folder` and `rest` joined, if that is a file. */
static int open_joined(const char *folder, const char *rest, size_t *ret_size)
{
	hvp_scope(hvp_free_ptr) char *path = NULL;

	if (asprintf(&path, "%s/%s", folder, rest) < 0) {
		path = NULL;
		return -1;
	}
	return open_regular(path, ret_size);
}

static int open_by_prefix(const struct hvp_sources *sources, const char *path, size_t *ret_size)
{
	for (size_t i = 0; i < sources->prefixes->num; i++) {
		const char *spec = sources->prefixes->items[i];
		const char *replacement = strchr(spec, '=') + 1;
		size_t size = (size_t)(replacement - 1 - spec);
		const char *rest = path + size;
		int fd;

		if (strncmp(path, spec, size))
			continue;
		fd = open_joined(replacement, rest + (*rest == '/'), ret_size);
		if (fd >= 0)
			return fd;
	}
	return -1;
}

/* Below each folder: the whole name, then without its first folder, and so on. */
static int open_by_folder(const struct hvp_sources *sources, const char *path, size_t *ret_size)
{
	for (size_t i = 0; i < sources->folders->num; i++) {
		for (const char *rest = path; rest; rest = strchr(rest, '/')) {
			int fd;

			rest += *rest == '/';
			fd = open_joined(sources->folders->items[i], rest, ret_size);
			if (fd >= 0)
				return fd;
		}
	}
	return -1;
}

static int open_source(const struct hvp_sources *sources, const char *path, size_t *ret_size)
{
	int fd = open_by_prefix(sources, path, ret_size);

	if (fd < 0)
		fd = open_by_folder(sources, path, ret_size);
	/* A relative name means nothing in the folder where hvprof happens to be started. */
	if (fd < 0 && *path == '/')
		fd = open_regular(path, ret_size);
	return fd;
}

static bool read_all(int fd, char *text, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = read(fd, text + done, size - done);

		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

static void load_lines(struct hvp_source_file *file, char *text, size_t size)
{
	size_t num = 1, line = 0;

	for (size_t i = 0; i < size; i++)
		num += text[i] == '\n';
	file->lines = calloc(num, sizeof(*file->lines));
	if (!file->lines)
		return;
	file->text = text;
	file->num_lines = num;
	file->lines[line++] = text;
	for (size_t i = 0; i < size; i++) {
		if (text[i] != '\n')
			continue;
		text[i] = '\0';
		file->lines[line++] = text + i + 1;
	}
}

static void load(const struct hvp_sources *sources, struct hvp_source_file *file)
{
	size_t size = 0;
	hvp_scope(hvp_close_fd) int fd = open_source(sources, file->path, &size);
	hvp_scope(hvp_free_ptr) char *text = NULL;

	if (fd < 0)
		return;
	text = malloc(size + 1);
	if (!text || !read_all(fd, text, size))
		return;
	text[size] = '\0';
	load_lines(file, text, size);
	if (file->text)
		text = NULL;
}

/* NULL without memory. */
static const struct hvp_source_file *find_file(struct hvp_sources *sources, const char *path)
{
	struct hvp_source_file file = {0};
	struct hvp_error *err;

	for (size_t i = sources->num; i-- > 0;) {
		if (!strcmp(sources->files[i].path, path))
			return &sources->files[i];
	}
	err = hvp_array_reserve(&sources->files, &sources->capacity, sources->num + 1,
				sizeof(*sources->files));
	if (err) {
		hvp_error_destroy(err);
		return NULL;
	}
	file.path = strdup(path);
	if (!file.path)
		return NULL;
	load(sources, &file);
	sources->files[sources->num] = file;
	return &sources->files[sources->num++];
}

bool hvp_sources_has(struct hvp_sources *sources, const char *path)
{
	const struct hvp_source_file *file = find_file(sources, path);

	return file && file->text;
}

const char *hvp_sources_line(struct hvp_sources *sources, const char *path, uint32_t line)
{
	const struct hvp_source_file *file = find_file(sources, path);

	if (!file || !line || line > file->num_lines)
		return NULL;
	return file->lines[line - 1];
}
