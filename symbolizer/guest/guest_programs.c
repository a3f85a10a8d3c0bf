/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbolizer/guest/guest_programs.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "common/base/map.h"
#include "common/base/scope.h"
#include "symbolizer/walk.h"

struct search {
	struct hvp_error *(*found)(void *arg, const char *path);
	void *arg;
	/* Device and inode numbers, mixed, of the programs already found. */
	struct hvp_map seen;
};

static void search_deinit(struct search *search)
{
	hvp_map_deinit(&search->seen);
}

static bool is_fixed_program(const struct hvp_walk_file *file)
{
	hvp_scope(hvp_close_fd) int fd =
		openat(file->folder, file->name,
		       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	Elf64_Ehdr header;

	/* e_type is at the same place in 32-bit and 64-bit files. */
	return fd >= 0 && pread(fd, &header, sizeof(header), 0) == sizeof(header) &&
	       !memcmp(header.e_ident, ELFMAG, SELFMAG) && header.e_type == ET_EXEC;
}

static struct hvp_error *visit(void *arg, const struct hvp_walk_file *file)
{
	uint64_t key = hvp_hash_u64(file->stat->st_dev) ^ file->stat->st_ino;
	struct search *search = arg;
	bool is_new;

	if (!(file->stat->st_mode & 0111) || !is_fixed_program(file))
		return NULL;
	if (!hvp_map_insert(&search->seen, key, &is_new))
		return hvp_error_no_memory;
	return is_new ? search->found(search->arg, file->path) : NULL;
}

struct hvp_error *hvp_guest_programs_walk(const char *root,
					  const volatile sig_atomic_t *interrupted,
					  struct hvp_error *(*found)(void *arg, const char *path),
					  void *arg, bool *ret_is_cut_short)
{
	static const char *const excluded[] = {"/proc", "/sys", "/dev", NULL};
	hvp_scope(search_deinit) struct search search = {.found = found, .arg = arg};
	const struct hvp_walk_options options = {
		.interrupted = interrupted,
		.excluded = excluded,
		.visit = visit,
		.arg = &search,
	};
	hvp_scope(hvp_close_fd) int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return hvp_error_from_errno(errno, "cannot read the folder %s", root);
	return hvp_walk(fd, &options, ret_is_cut_short);
}
