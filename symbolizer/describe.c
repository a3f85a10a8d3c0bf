/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The second step: from a place in an image to names, lines and code. */
#include <stdlib.h>

#include "common/base/debug_package.h"
#include "symbolizer/elf/dwarf.h"
#include "symbolizer/kernel/kcore.h"
#include "symbolizer/symbolizer_internal.h"

/* Callers hold images as const; the symbolizer that owns them may fill them. */
static struct hvp_image *owned(const struct hvp_image *image)
{
	return (struct hvp_image *)image;
}

const struct hvp_symbol *hvp_symbolizer_symbol(struct hvp_symbolizer *symbolizer,
					       const struct hvp_location *location,
					       enum hvp_unresolved *ret_why)
{
	struct hvp_image *image = owned(location->image);
	struct hvp_symtab_entry *entry;
	const struct hvp_symbol *symbol;

	*ret_why = location->why;
	if (location->why)
		return NULL;
	hvp_image_load_table(&symbolizer->images, image);
	entry = hvp_symtab_find(&image->symtab, location->address);
	symbol = entry ? hvp_symtab_present(&image->symtab, entry) : NULL;
	if (!symbol)
		*ret_why = image->table_why ? image->table_why : HVP_UNRESOLVED_NO_SYMBOL;
	return symbol;
}

/*
 * The image whose file has lines and code, and what to subtract from addresses: a kernel's are in
 * its vmlinux.
 */
static struct hvp_image *image_with_file(struct hvp_image *image, uint64_t *ret_delta)
{
	*ret_delta = 0;
	if (image->kind == HVP_IMAGE_ELF)
		return image;
	if (image->kind == HVP_IMAGE_KERNEL && image->kernel)
		return hvp_kernel_file_of(image->kernel, image, ret_delta);
	return NULL;
}

/* The image's lock is held. */
static struct hvp_error *open_dwarf(struct hvp_symbolizer *symbolizer, struct hvp_image *image)
{
	const struct hvp_wanted wanted = {.root = image->root, .path = image->path};
	const struct hvp_dwarf_options options = {
		.naming = symbolizer->finder.naming,
		.follows_split = hvp_finder_is_trusted(&symbolizer->finder, image->root),
	};
	struct hvp_elf *elf;

	if (image->has_looked_for_dwarf)
		return NULL;
	image->has_looked_for_dwarf = true;
	elf = hvp_image_debug_elf(&symbolizer->images, image);
	if (!elf) {
		hvp_log(symbolizer->finder.log, HVP_LOG_DEBUG, HVP_LOG_SYMBOLS,
			"%s: no line information, neither in the file nor in a debug file",
			image->path);
		return NULL;
	}
	hvp_finder_progress(&symbolizer->finder, "reading line information", hvp_elf_path(elf));
	return hvp_dwarf_create(elf, hvp_finder_open_alternate(&symbolizer->finder, &wanted, elf),
				&options, &image->dwarf);
}

struct hvp_error *hvp_symbolizer_lines(struct hvp_symbolizer *symbolizer,
				       const struct hvp_location *location,
				       const struct hvp_line **ret, size_t *ret_num)
{
	const struct hvp_symbol *symbol;
	struct hvp_error *err;
	enum hvp_unresolved why;
	struct hvp_image *image;
	uint64_t delta;

	*ret = NULL;
	*ret_num = 0;
	symbol = hvp_symbolizer_symbol(symbolizer, location, &why);
	image = image_with_file(owned(location->image), &delta);
	if (location->why || !image)
		return NULL;
	hvp_image_load_table(&symbolizer->images, image);
	pthread_mutex_lock(&image->lock);
	err = open_dwarf(symbolizer, image);
	if (!err && image->dwarf)
		err = hvp_dwarf_lines(image->dwarf, location->address - delta,
				      symbol ? symbol->name : NULL, ret, ret_num);
	pthread_mutex_unlock(&image->lock);
	return err;
}

static struct hvp_error *no_file(const struct hvp_image *image)
{
	if (image->kind == HVP_IMAGE_JIT)
		return hvp_error_create(HVP_ERROR_NOT_FOUND,
					"there is no file here with the code of %s: code made at "
					"run time is not in the session",
					image->name);
	return hvp_error_create(HVP_ERROR_NOT_FOUND, "there is no file here with the code of %s",
				image->name);
}

/* The kernel that the image is part of, or NULL; a vmlinux may be the core of several. */
static const struct hvp_kernel *kernel_of(const struct hvp_symbolizer *symbolizer,
					  const struct hvp_image *image)
{
	return symbolizer->host_kernel->core == image ? symbolizer->host_kernel : image->kernel;
}

/* What the file lacked, what memory lacked, and what to do. */
static struct hvp_error *no_kernel_code(const struct hvp_kernel *kernel,
					const struct hvp_image *image, struct hvp_error *file_err,
					struct hvp_error *live_err)
{
	static const char *const advice[2][2] = {
		{"give a folder with its /lib/modules as --symfs DIR", "give --vmlinux FILE"},
		{"give a folder with its /lib/modules as --guest NAME=root:DIR",
		 "give --guest NAME=vmlinux:FILE"},
	};
	const struct hvp_kernel_sources *sources = &kernel->sources;
	char command[256] = "";
	struct hvp_error *err;

	if (!sources->is_guest)
		hvp_debug_package_command(NULL, sources->release, command, sizeof(command));
	err = hvp_error_create(HVP_ERROR_NOT_FOUND, "%s%s%s: %s%s%s", hvp_error_message(file_err),
			       live_err ? ", nor is it read from memory: " : "",
			       live_err ? hvp_error_message(live_err) : "",
			       advice[sources->is_guest][kernel->core == image],
			       *command ? ", or " : "", command);
	hvp_error_destroy(file_err);
	hvp_error_destroy(live_err);
	return err;
}

static struct hvp_error *code_of_file(struct hvp_symbolizer *symbolizer,
				      const struct hvp_image *const_image, uint64_t address,
				      size_t size, uint8_t *ret)
{
	struct hvp_image *image;
	uint64_t delta;

	image = image_with_file(owned(const_image), &delta);
	if (!image)
		return no_file(const_image);
	hvp_image_open(&symbolizer->images, image);
	if (!image->elf)
		return hvp_error_create(HVP_ERROR_NOT_FOUND, "%s: %s", image->path,
					hvp_unresolved_text(image->open_why));
	return hvp_elf_code(image->elf, address - delta, size, ret);
}

static struct hvp_error *code_in_memory(struct hvp_symbolizer *symbolizer,
					const struct hvp_kernel *kernel, struct hvp_image *image,
					uint64_t address, size_t size, uint8_t *ret)
{
	const struct hvp_symtab_entry *entry;

	hvp_image_load_table(&symbolizer->images, image);
	entry = hvp_symtab_find(&image->symtab, address);
	return hvp_kernel_live_code(kernel, image, entry ? entry->raw : "", address, size, ret);
}

struct hvp_error *hvp_symbolizer_code(struct hvp_symbolizer *symbolizer,
				      const struct hvp_image *const_image, uint64_t address,
				      size_t size, uint8_t **ret, bool *ret_is_live)
{
	const struct hvp_kernel *kernel = kernel_of(symbolizer, const_image);
	hvp_scope(hvp_free_ptr) uint8_t *code = malloc(size ? size : 1);
	struct hvp_image *image = owned(const_image);
	struct hvp_error *err, *live_err = NULL;

	if (!code)
		return hvp_error_no_memory;
	*ret_is_live = false;
	err = code_of_file(symbolizer, image, address, size, code);
	if (err && !kernel)
		return err;
	if (err && !kernel->sources.is_guest)
		live_err = code_in_memory(symbolizer, kernel, image, address, size, code);
	if (err && (live_err || kernel->sources.is_guest))
		return no_kernel_code(kernel, image, err, live_err);
	*ret_is_live = err != NULL;
	hvp_error_destroy(err);
	*ret = hvp_take(code);
	return NULL;
}
