/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ranges of a kernel and the tables of the images in them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "symbolizer/kernel/kernel_internal.h"

#define PAGE_SIZE_MIN 4096u
/* A BPF program's or a trampoline's length is not in kallsyms; few are longer. */
#define MAX_PIECE_OF_CODE PAGE_SIZE_MIN

struct hvp_error *hvp_kernel_add_range(struct hvp_kernel *kernel, uint64_t begin, uint64_t end,
				       uint64_t delta, struct hvp_image *image)
{
	if (!begin || end <= begin)
		return NULL;
	hvp_try(hvp_array_reserve(&kernel->ranges, &kernel->capacity_ranges, kernel->num_ranges + 1,
				  sizeof(*kernel->ranges)));
	kernel->ranges[kernel->num_ranges++] = (struct hvp_kernel_range){
		.begin = begin + delta,
		.end = end + delta,
		.delta = delta,
		.image = image,
	};
	return NULL;
}

static uint64_t end_of_page(uint64_t address)
{
	return (address | (PAGE_SIZE_MIN - 1)) + 1;
}

static bool is_core_function(const struct hvp_kallsyms_symbol *symbol)
{
	return symbol->module == HVP_KALLSYMS_CORE && hvp_kallsyms_is_text(symbol->type);
}

uint64_t hvp_kernel_first_text(const struct hvp_kernel *kernel)
{
	uint64_t first = UINT64_MAX;

	for (size_t i = 0; i < kernel->kallsyms.num; i++) {
		const struct hvp_kallsyms_symbol *symbol = &kernel->kallsyms.symbols[i];

		if (is_core_function(symbol) && symbol->address < first)
			first = symbol->address;
	}
	return first == UINT64_MAX ? 0 : first & ~(uint64_t)(PAGE_SIZE_MIN - 1);
}

uint64_t hvp_kernel_last_text(const struct hvp_kernel *kernel, uint64_t text)
{
	uint64_t last = text;

	for (size_t i = 0; i < kernel->kallsyms.num; i++) {
		const struct hvp_kallsyms_symbol *symbol = &kernel->kallsyms.symbols[i];

		if (is_core_function(symbol) && symbol->address > last)
			last = symbol->address;
	}
	return end_of_page(last);
}

static struct hvp_error *module_image(struct hvp_kernel *kernel, const char *name,
				      struct hvp_image **ret)
{
	hvp_scope(hvp_free_ptr) char *shown = NULL;
	struct hvp_image_spec spec = {
		.kind = HVP_IMAGE_KERNEL,
		.scope = kernel->sources.domain + 1ULL,
	};

	if (asprintf(&shown, "[%s]", name) < 0) {
		shown = NULL;
		return hvp_error_no_memory;
	}
	spec.path = shown;
	hvp_try(hvp_images_get(kernel->images, &spec, ret));
	(*ret)->kernel = kernel;
	return NULL;
}

/* Not loaded from files: each function was allocated by itself, anywhere between real modules. */
static bool is_pseudo_module(const char *name)
{
	return !strcmp(name, "bpf") || !strncmp(name, "__builtin__", 11);
}

/* First and last function of each module of kallsyms. */
struct extent {
	uint64_t first, last;
	struct hvp_image *image;
};

static const struct hvp_module *find_module(const struct hvp_modules *modules, const char *name)
{
	for (size_t i = 0; i < modules->num; i++) {
		if (!strcmp(modules->items[i].name, name))
			return &modules->items[i];
	}
	return NULL;
}

/*
 * Functions say where a module's text is. /proc/modules adds where it begins and ends, unless its
 * memory is scattered (Linux 6.4 and later allocate text, data and init apart; the size there is
 * the sum).
 */
static struct hvp_error *add_module_range(struct hvp_kernel *kernel, const char *name,
					  const struct extent *extent)
{
	const struct hvp_module *module = find_module(&kernel->modules, name);
	uint64_t begin = extent->first & ~(uint64_t)(PAGE_SIZE_MIN - 1);
	uint64_t end = end_of_page(extent->last);

	if (module && module->address <= extent->first &&
	    extent->first - module->address < module->size) {
		begin = module->address;
		if (module->address + module->size > end)
			end = module->address + module->size;
	}
	return hvp_kernel_add_range(kernel, begin, end, 0, extent->image);
}

static struct hvp_error *measure(struct hvp_kernel *kernel, struct extent *extents)
{
	for (size_t i = 0; i < kernel->kallsyms.num; i++) {
		const struct hvp_kallsyms_symbol *symbol = &kernel->kallsyms.symbols[i];
		struct extent *extent = &extents[symbol->module];
		const char *name;

		if (symbol->module == HVP_KALLSYMS_CORE || !hvp_kallsyms_is_text(symbol->type))
			continue;
		name = kernel->kallsyms.modules[symbol->module];
		if (!extent->image) {
			hvp_try(module_image(kernel, name, &extent->image));
			extent->first = symbol->address;
		}
		if (is_pseudo_module(name))
			hvp_try(hvp_kernel_add_range(kernel, symbol->address,
						     symbol->address + MAX_PIECE_OF_CODE, 0,
						     extent->image));
		extent->first = symbol->address < extent->first ? symbol->address : extent->first;
		extent->last = symbol->address > extent->last ? symbol->address : extent->last;
	}
	return NULL;
}

/* Modules of /proc/modules that kallsyms knows nothing of still get their name. */
static struct hvp_error *add_nameless(struct hvp_kernel *kernel, const struct extent *extents)
{
	for (size_t i = 0; i < kernel->modules.num; i++) {
		const struct hvp_module *module = &kernel->modules.items[i];
		struct hvp_image *image;
		bool is_known = false;

		for (size_t j = 0; j < kernel->kallsyms.num_modules && !is_known; j++)
			is_known = extents[j].image &&
				   !strcmp(kernel->kallsyms.modules[j], module->name);
		if (is_known)
			continue;
		hvp_try(module_image(kernel, module->name, &image));
		hvp_try(hvp_kernel_add_range(kernel, module->address,
					     module->address + module->size, 0, image));
	}
	return NULL;
}

struct hvp_error *hvp_kernel_add_modules(struct hvp_kernel *kernel)
{
	size_t num = kernel->kallsyms.num_modules;
	hvp_scope(hvp_free_ptr) struct extent *extents = calloc(num + 1, sizeof(*extents));

	if (!extents)
		return hvp_error_no_memory;
	hvp_try(measure(kernel, extents));
	for (size_t i = 0; i < num; i++) {
		if (extents[i].image && !is_pseudo_module(kernel->kallsyms.modules[i]))
			hvp_try(add_module_range(kernel, kernel->kallsyms.modules[i], &extents[i]));
	}
	return add_nameless(kernel, extents);
}

static int by_begin(const void *a, const void *b)
{
	const struct hvp_kernel_range *left = a, *right = b;

	return left->begin < right->begin ? -1 : left->begin > right->begin;
}

void hvp_kernel_order_ranges(struct hvp_kernel *kernel)
{
	size_t kept = 0;

	if (kernel->num_ranges)
		qsort(kernel->ranges, kernel->num_ranges, sizeof(*kernel->ranges), by_begin);
	for (size_t i = 0; i < kernel->num_ranges; i++) {
		struct hvp_kernel_range *range = &kernel->ranges[i];

		if (i + 1 < kernel->num_ranges && range[1].begin < range->end)
			range->end = range[1].begin;
		if (range->begin < range->end)
			kernel->ranges[kept++] = *range;
	}
	kernel->num_ranges = kept;
}

/* The range of a run-time address; symbols come mostly in order, so the last one is tried first. */
static const struct hvp_kernel_range *range_of(const struct hvp_kernel *kernel, uint64_t address,
					       const struct hvp_kernel_range *last)
{
	size_t low = 0, high = kernel->num_ranges;

	if (last && address >= last->begin && address < last->end)
		return last;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (kernel->ranges[middle].begin <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low && address < kernel->ranges[low - 1].end ? &kernel->ranges[low - 1] : NULL;
}

static struct hvp_error *finish_tables(struct hvp_kernel *kernel)
{
	for (size_t i = 0; i < kernel->num_ranges; i++) {
		struct hvp_image *image = kernel->ranges[i].image;

		if (image->kind != HVP_IMAGE_KERNEL || atomic_load(&image->has_table))
			continue;
		hvp_try(hvp_symtab_finish(&image->symtab));
		atomic_store(&image->is_open, true);
		atomic_store(&image->has_table, true);
	}
	return NULL;
}

struct hvp_error *hvp_kernel_fill_tables(struct hvp_kernel *kernel, uint64_t shift)
{
	const struct hvp_kernel_range *range = NULL;

	for (size_t i = 0; i < kernel->kallsyms.num; i++) {
		const struct hvp_kallsyms_symbol *symbol = &kernel->kallsyms.symbols[i];
		bool is_global = symbol->type == 'T';
		enum hvp_binding binding = symbol->type == 'W' ? HVP_BINDING_WEAK
					   : is_global	       ? HVP_BINDING_GLOBAL
							       : HVP_BINDING_LOCAL;

		if (!hvp_kallsyms_is_text(symbol->type))
			continue;
		range = range_of(kernel, symbol->address + shift, range);
		if (!range || range->image->kind != HVP_IMAGE_KERNEL ||
		    atomic_load(&range->image->has_table))
			continue;
		hvp_try(hvp_symtab_add(&range->image->symtab, symbol->name,
				       symbol->address + shift - range->delta, 0,
				       range->end - range->delta, binding));
	}
	return finish_tables(kernel);
}
