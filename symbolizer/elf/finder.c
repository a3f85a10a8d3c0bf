/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbolizer/elf/finder.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "symbolizer/elf/elf_internal.h"

#define DEBUG_DIR "/usr/lib/debug"
/* Below this size loading is not felt. */
#define SLOW_SIZE ((size_t)32 << 20)

void hvp_finder_progress(const struct hvp_finder *finder, const char *stage, const char *path)
{
	if (finder->progress)
		finder->progress(finder->progress_arg, stage, path);
}

void hvp_finder_log_error(const struct hvp_finder *finder, struct hvp_error *err)
{
	if (!err)
		return;
	hvp_log(finder->log, HVP_LOG_DEBUG, HVP_LOG_SYMBOLS, "%s", hvp_error_message(err));
	hvp_error_destroy(err);
}

static bool is_absent(const struct hvp_error *err)
{
	int os_errno = hvp_error_errno(err);

	return os_errno == ENOENT || os_errno == ENOTDIR || os_errno == EACCES;
}

bool hvp_finder_is_trusted(const struct hvp_finder *finder, const char *root)
{
	return !root || (finder->host_root && !strcmp(root, finder->host_root));
}

/* Loads the file, and unpacks it where its name says that it is packed. */
static struct hvp_error *load_file(const struct hvp_finder *finder, const char *root,
				   const char *path, struct hvp_file *ret)
{
	size_t length = strlen(path);
	struct hvp_file packed;
	struct hvp_error *err;

	hvp_try(hvp_file_load(root, path, hvp_finder_is_trusted(finder, root), ret));
	if (length < 3 || strcmp(path + length - 3, ".xz") != 0)
		return NULL;
	packed = *ret;
	*ret = (struct hvp_file){0};
	err = hvp_xz_unpack(packed.path, packed.data, packed.size, ret);
	if (!err) {
		ret->path = packed.path;
		packed.path = NULL;
	} else {
		hvp_file_deinit(ret);
	}
	hvp_file_deinit(&packed);
	return err;
}

/* NULL when it is not there; a file that is there and broken sets *ret_why. */
static struct hvp_elf *open_elf(const struct hvp_finder *finder, const char *root, const char *path,
				enum hvp_unresolved *ret_why)
{
	struct hvp_elf *elf = NULL;
	struct hvp_file file;
	struct hvp_error *err = load_file(finder, root, path, &file);

	if (err) {
		*ret_why = is_absent(err) ? HVP_UNRESOLVED_NO_FILE : HVP_UNRESOLVED_BAD_FILE;
		hvp_finder_log_error(finder, err);
		return NULL;
	}
	if (file.size >= SLOW_SIZE)
		hvp_finder_progress(finder, "loading symbols", file.path);
	err = hvp_elf_create(&file, &elf);
	if (err) {
		*ret_why = HVP_UNRESOLVED_BAD_FILE;
		hvp_notes_add(finder->notes, "%s", hvp_error_message(err));
		hvp_finder_log_error(finder, err);
		return NULL;
	}
	return elf;
}

struct hvp_elf *hvp_finder_open_module(const struct hvp_finder *finder, const char *root,
				       const char *path)
{
	enum hvp_unresolved why;

	return open_elf(finder, root, path, &why);
}

static bool has_build_id(const struct hvp_elf *elf, const uint8_t *build_id, size_t size)
{
	size_t common = elf->build_id_size < size ? elf->build_id_size : size;

	if (!common || memcmp(elf->build_id, build_id, common) != 0)
		return false;
	/* perf pads short ids with zeros. */
	for (size_t i = common; i < size; i++) {
		if (build_id[i])
			return false;
	}
	return elf->build_id_size <= size;
}

/* "DIR/.build-id/ab/cdef.debug" */
static bool build_id_path(const char *dir, const uint8_t *build_id, size_t size, const char *suffix,
			  char path[PATH_MAX])
{
	char hex[2 * HVP_BUILD_ID_MAX + 1];

	if (size < 2 || size > HVP_BUILD_ID_MAX)
		return false;
	for (size_t i = 0; i < size; i++)
		snprintf(hex + 2 * i, 3, "%02x", build_id[i]);
	return snprintf(path, PATH_MAX, "%s/.build-id/%.2s/%s%s", dir, hex, hex + 2, suffix) <
	       PATH_MAX;
}

static struct hvp_elf *open_if_build_id(const struct hvp_finder *finder, const char *root,
					const char *path, const struct hvp_wanted *wanted)
{
	enum hvp_unresolved why;
	struct hvp_elf *elf = open_elf(finder, root, path, &why);

	if (elf && !has_build_id(elf, wanted->build_id, wanted->build_id_size)) {
		hvp_log(finder->log, HVP_LOG_DEBUG, HVP_LOG_SYMBOLS,
			"%s has another build id than the one that is looked for",
			hvp_elf_path(elf));
		hvp_elf_destroy(elf);
		elf = NULL;
	}
	return elf;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* "DIR/prog.debug": what somebody put there by hand. */
static struct hvp_elf *open_by_name(const struct hvp_finder *finder, const char *dir,
				    const struct hvp_wanted *wanted)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s.debug", dir, base_name(wanted->path)) >= PATH_MAX)
		return NULL;
	return open_if_build_id(finder, NULL, path, wanted);
}

static struct hvp_elf *open_with_build_id(const struct hvp_finder *finder, const char *root,
					  const char *dir, const struct hvp_wanted *wanted)
{
	char path[PATH_MAX];

	if (!build_id_path(dir, wanted->build_id, wanted->build_id_size, ".debug", path))
		return NULL;
	return open_if_build_id(finder, root, path, wanted);
}

/* Below the image's own root, on this machine, in the containers that it ran in, where the user said, then from the servers. */
struct hvp_elf *hvp_finder_open_by_build_id(const struct hvp_finder *finder,
					    const struct hvp_wanted *wanted)
{
	char unpacked[PATH_MAX];
	struct hvp_elf *elf;

	if (wanted->build_id_size < 8)
		return NULL;
	elf = wanted->root ? open_with_build_id(finder, wanted->root, DEBUG_DIR, wanted) : NULL;
	if (!elf)
		elf = open_with_build_id(finder, NULL, DEBUG_DIR, wanted);
	for (size_t i = 0; !elf && i < wanted->num_pids; i++) {
		char root[32];

		snprintf(root, sizeof(root), "/proc/%u/root", wanted->pids[i]);
		elf = open_with_build_id(finder, root, DEBUG_DIR, wanted);
	}
	for (size_t i = 0; !elf && finder->debug_dirs && finder->debug_dirs[i]; i++) {
		const char *dir = finder->debug_dirs[i];

		elf = open_with_build_id(finder, NULL, dir, wanted);
		if (!elf && snprintf(unpacked, sizeof(unpacked), "%s%s", dir, DEBUG_DIR) < PATH_MAX)
			elf = open_with_build_id(finder, NULL, unpacked, wanted);
		if (!elf)
			elf = open_by_name(finder, dir, wanted);
	}
	return elf;
}

static struct hvp_elf *download(const struct hvp_finder *finder, const struct hvp_wanted *wanted,
				enum hvp_debuginfod_kind kind)
{
	hvp_scope(hvp_free_ptr) char *path = NULL;
	enum hvp_unresolved why;
	struct hvp_error *err;

	if (!finder->use_debuginfod || !finder->debuginfod || wanted->build_id_size < 8)
		return NULL;
	hvp_finder_progress(finder, "asking debuginfod servers for", wanted->path);
	err = hvp_debuginfod_find(finder->debuginfod, kind, wanted->build_id, wanted->build_id_size,
				  &path);
	if (err) {
		if (hvp_error_code(err) != HVP_ERROR_NOT_FOUND)
			hvp_notes_add(finder->notes, "debuginfod: %s", hvp_error_message(err));
		hvp_finder_log_error(finder, err);
		return NULL;
	}
	return open_elf(finder, NULL, path, &why);
}

/* "/usr/bin/prog (deleted)" is how the kernel names what was replaced while running. */
static void strip_deleted(const char *path, char clean[PATH_MAX])
{
	static const char mark[] = " (deleted)";
	size_t length = strnlen(path, PATH_MAX - 1);

	if (length > sizeof(mark) - 1 &&
	    !memcmp(path + length - (sizeof(mark) - 1), mark, sizeof(mark) - 1))
		length -= sizeof(mark) - 1;
	memcpy(clean, path, length);
	clean[length] = '\0';
}

/* As the processes see it that mapped it, in the containers that they live in. */
static struct hvp_elf *open_in_process_roots(const struct hvp_finder *finder,
					     const struct hvp_wanted *wanted, const char *path)
{
	struct hvp_elf *elf = NULL;
	enum hvp_unresolved why;
	char root[32];

	for (size_t i = 0; !elf && wanted->build_id_size && i < wanted->num_pids; i++) {
		snprintf(root, sizeof(root), "/proc/%u/root", wanted->pids[i]);
		elf = open_elf(finder, root, path, &why);
		if (elf && !has_build_id(elf, wanted->build_id, wanted->build_id_size)) {
			hvp_elf_destroy(elf);
			elf = NULL;
		}
	}
	return elf;
}

struct hvp_elf *hvp_finder_open(const struct hvp_finder *finder, const struct hvp_wanted *wanted,
				bool *ret_is_debug, enum hvp_unresolved *ret_why)
{
	char path[PATH_MAX];
	struct hvp_elf *elf;

	*ret_is_debug = false;
	strip_deleted(wanted->path, path);
	elf = open_elf(finder, wanted->root, path, ret_why);
	if (elf && wanted->build_id_size &&
	    !has_build_id(elf, wanted->build_id, wanted->build_id_size)) {
		*ret_why = HVP_UNRESOLVED_OTHER_BUILD_ID;
		hvp_elf_destroy(elf);
		elf = NULL;
	}
	if (!elf)
		elf = open_in_process_roots(finder, wanted, path);
	if (!elf)
		elf = download(finder, wanted, HVP_DEBUGINFOD_EXECUTABLE);
	if (elf)
		return elf;
	elf = hvp_finder_open_by_build_id(finder, wanted);
	*ret_is_debug = elf != NULL;
	return elf;
}

/* CRC-32 as in zlib, over the whole debug file (GDB manual, "Separate Debug Files"). */
static uint32_t crc32_of(const uint8_t *data, size_t size)
{
	uint32_t table[256], crc = ~0u;

	for (uint32_t i = 0; i < 256; i++) {
		table[i] = i;
		for (int bit = 0; bit < 8; bit++)
			table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xedb88320u : 0);
	}
	for (size_t i = 0; i < size; i++)
		crc = table[(crc ^ data[i]) & 0xff] ^ crc >> 8;
	return ~crc;
}

static struct hvp_elf *open_with_crc(const struct hvp_finder *finder, const char *root,
				     const char *path, uint32_t crc)
{
	enum hvp_unresolved why;
	struct hvp_elf *elf = open_elf(finder, root, path, &why);

	if (elf && crc32_of(elf->file.data, elf->file.size) != crc) {
		hvp_log(finder->log, HVP_LOG_DEBUG, HVP_LOG_SYMBOLS,
			"%s does not have the CRC of the .gnu_debuglink that names it",
			hvp_elf_path(elf));
		hvp_elf_destroy(elf);
		elf = NULL;
	}
	return elf;
}

/* Beside the file, in .debug/ beside it, and below the debug directory. */
static struct hvp_elf *open_by_debuglink(const struct hvp_finder *finder,
					 const struct hvp_wanted *wanted, const struct hvp_elf *elf)
{
	static const char *const forms[] = {"%s%.*s/%s", "%s%.*s/.debug/%s"};
	const char *slash = strrchr(wanted->path, '/');
	int dir_length = slash ? (int)(slash - wanted->path) : 0;
	struct hvp_elf *debug = NULL;
	char path[PATH_MAX];
	const char *name;
	uint32_t crc;

	if (!hvp_elf_debuglink(elf, &name, &crc) || strchr(name, '/') || dir_length >= PATH_MAX / 2)
		return NULL;
	for (size_t i = 0; !debug && i < 2; i++) {
		if (snprintf(path, sizeof(path), forms[i], "", dir_length, wanted->path, name) <
		    PATH_MAX)
			debug = open_with_crc(finder, wanted->root, path, crc);
	}
	if (!debug && snprintf(path, sizeof(path), forms[0], DEBUG_DIR, dir_length, wanted->path,
			       name) < PATH_MAX)
		debug = open_with_crc(finder, wanted->root, path, crc);
	for (size_t i = 0; !debug && finder->debug_dirs && finder->debug_dirs[i]; i++) {
		if (snprintf(path, sizeof(path), forms[0], finder->debug_dirs[i], dir_length,
			     wanted->path, name) < PATH_MAX)
			debug = open_with_crc(finder, NULL, path, crc);
		if (!debug &&
		    snprintf(path, sizeof(path), "%s/%s", finder->debug_dirs[i], name) < PATH_MAX)
			debug = open_with_crc(finder, NULL, path, crc);
	}
	return debug;
}

struct hvp_elf *hvp_finder_open_debug(const struct hvp_finder *finder,
				      const struct hvp_wanted *wanted, const struct hvp_elf *elf)
{
	struct hvp_wanted debug_wanted = *wanted;
	struct hvp_elf *debug;

	debug_wanted.build_id = elf->build_id;
	debug_wanted.build_id_size = elf->build_id_size;
	debug = hvp_finder_open_by_build_id(finder, &debug_wanted);
	if (!debug)
		debug = open_by_debuglink(finder, wanted, elf);
	if (!debug)
		debug = download(finder, &debug_wanted, HVP_DEBUGINFOD_DEBUGINFO);
	return debug;
}

/*
 * By the name in the link: that of a file on the machine that the debug file is from, or beside the
 * debug file.
 */
static struct hvp_elf *open_linked(const struct hvp_finder *finder, const char *root,
				   const struct hvp_elf *debug, const char *name)
{
	const char *beside = hvp_elf_path(debug), *slash;
	size_t root_length = root ? strlen(root) : 0;
	enum hvp_unresolved why;
	char path[PATH_MAX];

	if (root && !strncmp(beside, root, root_length))
		beside += root_length;
	else
		root = NULL;
	slash = strrchr(beside, '/');
	if (*name == '/')
		return open_elf(finder, root, name, &why);
	if (!slash || snprintf(path, sizeof(path), "%.*s/%s", (int)(slash - beside), beside,
			       name) >= PATH_MAX)
		return NULL;
	return open_elf(finder, root, path, &why);
}

struct hvp_elf *hvp_finder_open_alternate(const struct hvp_finder *finder,
					  const struct hvp_wanted *wanted,
					  const struct hvp_elf *debug)
{
	struct hvp_wanted alternate = *wanted;
	struct hvp_elf *elf;
	const uint8_t *data;
	size_t size, length;

	if (!hvp_elf_section(debug, ".gnu_debugaltlink", &data, &size))
		return NULL;
	/* A path, its NUL, and the build id of that file. */
	length = strnlen((const char *)data, size);
	if (length == size || size - length - 1 < 8 || size - length - 1 > HVP_BUILD_ID_MAX)
		return NULL;
	alternate.build_id = data + length + 1;
	alternate.build_id_size = (uint8_t)(size - length - 1);
	elf = hvp_finder_open_by_build_id(finder, &alternate);
	if (!elf)
		elf = open_linked(finder, wanted->root, debug, (const char *)data);
	if (elf && !has_build_id(elf, alternate.build_id, alternate.build_id_size)) {
		hvp_elf_destroy(elf);
		elf = NULL;
	}
	return elf;
}
