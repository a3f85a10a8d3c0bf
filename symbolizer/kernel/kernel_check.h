/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Do the images given for a kernel fit what was sampled, and each other? */
#ifndef HVP_SYMBOLIZER_KERNEL_CHECK_H
#define HVP_SYMBOLIZER_KERNEL_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/session/reader.h"
#include "symbolizer/kernel/kallsyms.h"
#include "symbolizer/elf/symtab.h"

struct hvp_kernel_range;

/* Addresses at which a kernel was sampled, from the front of the session. */
struct hvp_kernel_ips {
	uint64_t *ips;
	size_t num;
};

/* At most some thousand. A session that cannot be read gives none. */
struct hvp_error *hvp_kernel_ips_read(const struct hvp_session *session, uint32_t domain,
				      bool is_guest, struct hvp_kernel_ips *ret) hvp_must_use;
void hvp_kernel_ips_deinit(struct hvp_kernel_ips *ips);

/*
 * The ranges are ordered and disjoint. How many samples lie in the ranges at all; how many where only the kernel's core can be, and of
 * these in the ranges.
 */
struct hvp_kernel_fit {
	size_t num, num_known;
	size_t num_core, num_inside;
	uint64_t example_outside;
};
void hvp_kernel_measure_fit(const struct hvp_kernel_ips *ips, const struct hvp_kernel_range *ranges,
			    size_t num_ranges, uint64_t text, struct hvp_kernel_fit *ret);
/* Enough samples, and more outside than chance. */
bool hvp_kernel_is_misfit(const struct hvp_kernel_fit *fit);

/*
 * Compares names at kallsyms' addresses minus `delta` with those of a vmlinux's table. False when
 * too many differ: another kernel, or another KASLR offset.
 */
bool hvp_kernel_tables_agree(const struct hvp_kallsyms *kallsyms, const struct hvp_symtab *symtab,
			     uint64_t delta);

#endif
