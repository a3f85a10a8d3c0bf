/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The second step: from a place in an image to names, lines and code. */
#include <stdlib.h>

#include "symbolizer/elf/dwarf.h"
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

static struct hvp_error *no_code(const struct hvp_image *image)
{
	const char *what_to_do = hvp_unresolved_text(image->why);

	if (image->kind == HVP_IMAGE_JIT)
		what_to_do = "code made at run time is not in the session";
	else if (image->kernel && image->kernel->core == image)
		what_to_do = "install the kernel's debug package, or give --vmlinux, for a guest "
			     "--guest NAME=vmlinux:FILE";
	else if (image->kernel)
		what_to_do = "install the kernel's debug package, or give a folder with its "
			     "/lib/modules as --symfs, for a guest as --guest NAME=root:DIR";
	return hvp_error_create(HVP_ERROR_NOT_FOUND,
				"there is no file here with the code of %s: %s", image->name,
				what_to_do);
}

struct hvp_error *hvp_symbolizer_code(struct hvp_symbolizer *symbolizer,
				      const struct hvp_image *const_image, uint64_t address,
				      size_t size, uint8_t **ret)
{
	hvp_scope(hvp_free_ptr) uint8_t *code = NULL;
	struct hvp_image *image;
	uint64_t delta;

	image = image_with_file(owned(const_image), &delta);
	if (!image)
		return no_code(const_image);
	hvp_image_open(&symbolizer->images, image);
	if (!image->elf)
		return hvp_error_create(HVP_ERROR_NOT_FOUND, "%s: %s", image->path,
					hvp_unresolved_text(image->open_why));
	code = malloc(size ? size : 1);
	if (!code)
		return hvp_error_no_memory;
	hvp_try(hvp_elf_code(image->elf, address - delta, size, code));
	*ret = hvp_take(code);
	return NULL;
}
