/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbolizer/walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/scope.h"

#define MAX_DEPTH 32
/* A whole distribution has less; a hostile tree is not walked for ever. */
#define MAX_ENTRIES 1000000u

struct walk {
	const struct hvp_walk_options *options;
	size_t num_entries;
	bool is_cut_short;
	/* From the beginning to where the walk is. */
	char path[PATH_MAX];
};

static bool is_excluded(const struct walk *walk)
{
	const char *const *excluded = walk->options->excluded;

	for (; excluded && *excluded; excluded++) {
		if (!strcmp(walk->path, *excluded))
			return true;
	}
	return false;
}

static struct hvp_error *walk_folder(struct walk *walk, int fd, int depth);

static struct hvp_error *visit(struct walk *walk, int folder, const char *name, int depth)
{
	hvp_scope(hvp_close_fd) int fd = -1;
	struct stat stat;

	if (fstatat(folder, name, &stat, AT_SYMLINK_NOFOLLOW))
		return NULL;
	if (S_ISREG(stat.st_mode))
		return walk->options->visit(
			walk->options->arg,
			&(struct hvp_walk_file){folder, name, walk->path, &stat});
	if (!S_ISDIR(stat.st_mode) || is_excluded(walk))
		return NULL;
	fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? NULL : walk_folder(walk, fd, depth + 1);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_real_entry(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

struct listing {
	struct dirent **entries;
	int num;
};

static void listing_deinit(struct listing *listing)
{
	for (int i = 0; i < listing->num; i++)
		free(listing->entries[i]);
	free(listing->entries);
}

static struct hvp_error *walk_folder(struct walk *walk, int fd, int depth)
{
	const volatile sig_atomic_t *interrupted = walk->options->interrupted;
	hvp_scope(listing_deinit) struct listing listing = {0};
	size_t length = strlen(walk->path);

	listing.num = scandirat(fd, ".", &listing.entries, is_real_entry, by_name);
	for (int i = 0; i < listing.num; i++) {
		const char *name = listing.entries[i]->d_name;

		if (depth > MAX_DEPTH || walk->num_entries++ > MAX_ENTRIES ||
		    (interrupted && *interrupted) ||
		    length + 1 + strlen(name) >= sizeof(walk->path)) {
			walk->is_cut_short = true;
			return NULL;
		}
		snprintf(walk->path + length, sizeof(walk->path) - length, "/%s", name);
		hvp_try(visit(walk, fd, name, depth));
		walk->path[length] = '\0';
	}
	return NULL;
}

struct hvp_error *hvp_walk(int fd, const struct hvp_walk_options *options, bool *ret_is_cut_short)
{
	struct walk walk = {.options = options};

	hvp_try(walk_folder(&walk, fd, 0));
	*ret_is_cut_short = walk.is_cut_short;
	return NULL;
}
