/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files about kernels share. */
#ifndef HVP_SYMBOLIZER_KERNEL_INTERNAL_H
#define HVP_SYMBOLIZER_KERNEL_INTERNAL_H

#include "symbolizer/kernel/kernel_image.h"

/* Where vmlinux was linked; 0 is absent. */
struct hvp_kernel_landmarks {
	uint64_t text, etext, sinittext, einittext;
};

/*
 * Is this ELF image the kernel, and how far is the running one above it? Loads the image's table.
 */
bool hvp_kernel_match_vmlinux(struct hvp_kernel *kernel, struct hvp_image *image,
			      struct hvp_kernel_landmarks *ret_linked, uint64_t *ret_delta);

/* kernel_ranges.c. Link-time (or kallsyms') bounds; those without extent are left out. */
struct hvp_error *hvp_kernel_add_range(struct hvp_kernel *kernel, uint64_t begin, uint64_t end,
				       uint64_t delta, struct hvp_image *image) hvp_must_use;
/* The page that the core's first function is in; 0 without functions. */
uint64_t hvp_kernel_first_text(const struct hvp_kernel *kernel);
/* The end of the page of the core's last function. */
uint64_t hvp_kernel_last_text(const struct hvp_kernel *kernel, uint64_t text);
/* Ranges of modules and of pseudo modules, by kallsyms and /proc/modules. */
struct hvp_error *hvp_kernel_add_modules(struct hvp_kernel *kernel) hvp_must_use;
/* Sorts the ranges and cuts those that run into the next. */
void hvp_kernel_order_ranges(struct hvp_kernel *kernel);
/* Gives each function of kallsyms to the table of the image whose range it is in. */
struct hvp_error *hvp_kernel_fill_tables(struct hvp_kernel *kernel, uint64_t shift) hvp_must_use;

#endif
