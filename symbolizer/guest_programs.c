/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbolizer/guest_programs.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/array.h"
#include "common/base/map.h"
#include "common/base/scope.h"

#define MAX_DEPTH 32
/* A whole distribution has less; a hostile tree is not walked for ever. */
#define MAX_ENTRIES 1000000u

struct walk {
	const volatile sig_atomic_t *interrupted;
	struct hvp_error *(*found)(void *arg, const char *path);
	void *arg;
	size_t num_entries;
	bool is_cut_short;
	/* Device and inode numbers, mixed, of the programs already found. */
	struct hvp_map seen;
	/* From the root to where the walk is. */
	char path[PATH_MAX];
};

static void walk_deinit(struct walk *walk)
{
	hvp_map_deinit(&walk->seen);
}

static bool is_fixed_program(int folder, const char *name)
{
	hvp_scope(hvp_close_fd) int fd =
		openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	Elf64_Ehdr header;

	/* e_type is at the same place in 32-bit and 64-bit files. */
	return fd >= 0 && pread(fd, &header, sizeof(header), 0) == sizeof(header) &&
	       !memcmp(header.e_ident, ELFMAG, SELFMAG) && header.e_type == ET_EXEC;
}

static struct hvp_error *visit_file(struct walk *walk, int folder, const char *name,
				    const struct stat *stat)
{
	uint64_t key = hvp_hash_u64(stat->st_dev) ^ stat->st_ino;
	bool is_new;

	if (!(stat->st_mode & 0111) || !is_fixed_program(folder, name))
		return NULL;
	if (!hvp_map_insert(&walk->seen, key, &is_new))
		return hvp_error_no_memory;
	return is_new ? walk->found(walk->arg, walk->path) : NULL;
}

static bool is_virtual_folder(const struct walk *walk)
{
	static const char *const paths[] = {"/proc", "/sys", "/dev"};

	for (size_t i = 0; i < HVP_ARRAY_SIZE(paths); i++) {
		if (!strcmp(walk->path, paths[i]))
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
		return visit_file(walk, folder, name, &stat);
	if (!S_ISDIR(stat.st_mode) || is_virtual_folder(walk))
		return NULL;
	fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	/* A folder that may not be read is left out like an empty one. */
	return fd < 0 ? NULL : walk_folder(walk, fd, depth + 1);
}

/* In order of name, so that of several hard links it is always the same one that counts. */
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
	hvp_scope(listing_deinit) struct listing listing = {0};
	size_t length = strlen(walk->path);

	listing.num = scandirat(fd, ".", &listing.entries, is_real_entry, by_name);
	for (int i = 0; i < listing.num; i++) {
		const char *name = listing.entries[i]->d_name;

		if (depth > MAX_DEPTH || walk->num_entries++ > MAX_ENTRIES ||
		    (walk->interrupted && *walk->interrupted) ||
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

struct hvp_error *hvp_guest_programs_walk(const char *root,
					  const volatile sig_atomic_t *interrupted,
					  struct hvp_error *(*found)(void *arg, const char *path),
					  void *arg, bool *ret_is_cut_short)
{
	hvp_scope(walk_deinit) struct walk walk = {
		.interrupted = interrupted, .found = found, .arg = arg};
	hvp_scope(hvp_close_fd) int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return hvp_error_from_errno(errno, "cannot read the folder %s", root);
	hvp_try(walk_folder(&walk, fd, 0));
	*ret_is_cut_short = walk.is_cut_short;
	return NULL;
}
