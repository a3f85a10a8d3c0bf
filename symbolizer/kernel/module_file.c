/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbolizer/kernel/module_file.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "common/base/array.h"
#include "symbolizer/elf/elf_internal.h"
#include "symbolizer/kernel/module_relocate.h"
#include "symbolizer/walk.h"

/* Below a kernel's root, or an unpacked package. Files with debug information come first. */
static const char *const folders[] = {"/usr/lib/debug/lib/modules",
				      "/usr/lib/debug/usr/lib/modules", "/lib/modules",
				      "/usr/lib/modules"};

struct search {
	struct hvp_kernel *kernel;
	struct hvp_image *image;
	/* The module's name as in kallsyms, without brackets. */
	char name[128];
	const uint8_t *build_id;
	uint8_t build_id_size;
	/* The folder of the walk that is under way, and the root that it is below. */
	const char *root, *folder;
	struct hvp_names own, all;
};

static void search_deinit(struct search *search)
{
	hvp_names_deinit(&search->own);
	hvp_names_deinit(&search->all);
}

static struct hvp_error *gather_names(struct search *search)
{
	const struct hvp_kallsyms *kallsyms = &search->kernel->kallsyms;

	for (size_t i = 0; i < kallsyms->num; i++) {
		const struct hvp_kallsyms_symbol *symbol = &kallsyms->symbols[i];
		bool is_own = symbol->module != HVP_KALLSYMS_CORE &&
			      !strcmp(kallsyms->modules[symbol->module], search->name);

		if (is_own)
			hvp_try(hvp_names_add(&search->own, symbol->name, symbol->address));
		hvp_try(hvp_names_add(&search->all, symbol->name, symbol->address));
	}
	return NULL;
}

/* The collector records the build ids of modules with their mappings: "[kvm_amd]". */
static void find_build_id(struct search *search)
{
	const struct hvp_session *session = search->kernel->session;

	if (search->kernel->sources.is_guest)
		return;
	for (size_t i = 0; i < hvp_session_num_records(session); i++) {
		const struct hvp_record *record = hvp_session_record(session, i);

		if (record->type != HVP_RECORD_MMAP || record->mmap.pid != HVP_PID_KERNEL ||
		    strcmp(record->mmap.path, search->image->path) != 0)
			continue;
		search->build_id = record->mmap.build_id;
		search->build_id_size = record->mmap.build_id_size;
	}
}

/* Takes the ELF over: for code, for lines, or for both; what the image has already is not replaced. */
static void use(struct search *search, struct hvp_elf *elf)
{
	struct hvp_image *image = search->image;
	uint8_t byte;
	struct hvp_error *err = elf->num_segments
					? hvp_elf_code(elf, elf->segments[0].address, 1, &byte)
					: hvp_error_no_memory;
	bool has_code = !err;

	hvp_error_destroy(err);
	if (has_code && !image->elf) {
		image->elf = elf;
	} else if (hvp_elf_has_dwarf(elf) && !image->debug) {
		image->debug = elf;
	} else {
		hvp_elf_destroy(elf);
	}
}

static void try_elf(struct search *search, struct hvp_elf *elf)
{
	struct hvp_error *err = NULL;

	if (search->build_id_size && elf->build_id_size == search->build_id_size &&
	    memcmp(elf->build_id, search->build_id, elf->build_id_size) != 0)
		err = hvp_error_create(HVP_ERROR_NOT_FOUND, "%s has another build id",
				       hvp_elf_path(elf));
	if (!err)
		err = hvp_module_relocate(elf, &search->own, &search->all);
	if (!err) {
		use(search, elf);
		return;
	}
	hvp_finder_log_error(search->kernel->images->finder, err);
	hvp_elf_destroy(elf);
}

static bool has_all(const struct search *search)
{
	const struct hvp_image *image = search->image;

	return image->elf && (image->debug || hvp_elf_has_dwarf(image->elf));
}

/* "kvm-amd.ko" or "kvm_amd.ko.xz" is the module kvm_amd. */
static bool is_file_of(const char *file, const char *module)
{
	size_t i;

	for (i = 0; module[i]; i++) {
		if (file[i] != module[i] && !(file[i] == '-' && module[i] == '_'))
			return false;
	}
	return !strcmp(file + i, ".ko") || !strcmp(file + i, ".ko.debug") ||
	       !strcmp(file + i, ".ko.xz");
}

static struct hvp_error *visit(void *arg, const struct hvp_walk_file *file)
{
	struct search *search = arg;
	struct hvp_elf *elf;
	char path[PATH_MAX];

	if (has_all(search) || !is_file_of(file->name, search->name) ||
	    snprintf(path, sizeof(path), "%s%s", search->folder, file->path) >= PATH_MAX)
		return NULL;
	elf = hvp_finder_open_module(search->kernel->images->finder, search->root, path);
	if (elf)
		try_elf(search, elf);
	return NULL;
}

/*
 * Walks one of the folders below `root`/`prefix`. The host's release is known; a guest may have several, and
 * only one fits.
 */
static void walk_folder(struct search *search, const char *root, const char *prefix,
			const char *folder)
{
	const char *release = search->kernel->sources.release;
	const struct hvp_finder *finder = search->kernel->images->finder;
	const struct hvp_walk_options options = {
		.interrupted = finder->interrupted, .visit = visit, .arg = search};
	hvp_scope(hvp_close_fd) int fd = -1;
	struct hvp_error *err;
	char path[PATH_MAX];
	bool is_cut_short;

	if (snprintf(path, sizeof(path), "%s%s%s%s", prefix, folder, release ? "/" : "",
		     release ? release : "") >= PATH_MAX)
		return;
	search->root = root;
	search->folder = path;
	err = hvp_open_folder_below(root, path, &fd);
	if (!err)
		err = hvp_walk(fd, &options, &is_cut_short);
	hvp_finder_log_error(finder, err);
}

static void walk_folders(struct search *search, const char *root, const char *prefix)
{
	for (size_t i = 0; i < HVP_ARRAY_SIZE(folders) && !has_all(search); i++)
		walk_folder(search, root, prefix, folders[i]);
}

static void look_for_file(struct search *search)
{
	const struct hvp_finder *finder = search->kernel->images->finder;
	const struct hvp_wanted wanted = {
		.root = search->kernel->sources.root,
		.path = search->image->path,
		.build_id = search->build_id,
		.build_id_size = search->build_id_size,
	};
	struct hvp_elf *elf = hvp_finder_open_by_build_id(finder, &wanted);

	if (elf)
		try_elf(search, elf);
	/* This machine's own modules say nothing of a guest's. */
	if (wanted.root || !search->kernel->sources.is_guest)
		walk_folders(search, wanted.root, "");
	for (size_t i = 0; finder->debug_dirs && finder->debug_dirs[i]; i++)
		walk_folders(search, NULL, finder->debug_dirs[i]);
}

void hvp_module_file_open(struct hvp_kernel *kernel, struct hvp_image *image)
{
	hvp_scope(search_deinit) struct search search = {.kernel = kernel, .image = image};
	size_t length = strlen(image->path);
	struct hvp_error *err;

	if (atomic_load(&image->has_debug))
		return;
	hvp_names_init(&search.own);
	hvp_names_init(&search.all);
	if (length > 2 && length - 2 < sizeof(search.name)) {
		memcpy(search.name, image->path + 1, length - 2);
		find_build_id(&search);
		hvp_finder_progress(kernel->images->finder, "looking for the file of", image->path);
		err = gather_names(&search);
		if (!err)
			look_for_file(&search);
		hvp_finder_log_error(kernel->images->finder, err);
	}
	image->open_why = image->elf ? HVP_RESOLVED : HVP_UNRESOLVED_NO_FILE;
	atomic_store(&image->has_debug, true);
}
