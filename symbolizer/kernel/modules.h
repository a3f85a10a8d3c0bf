/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text of /proc/modules: "kvm_amd 167936 0 - Live 0xffffffffc0a00000 (OE)"
 * (kernel/module/procfs.c).
 */
#ifndef HVP_SYMBOLIZER_MODULES_H
#define HVP_SYMBOLIZER_MODULES_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"

struct hvp_module {
	/* Owned by the list. */
	char *name;
	uint64_t address, size;
};

struct hvp_modules {
	struct hvp_module *items;
	size_t num, capacity;
	size_t num_bad_lines;
};

/*
 * An empty text is an empty list (a kernel without modules). Modules whose address was hidden are
 * left out.
 */
struct hvp_error *hvp_modules_parse(const char *text, size_t size,
				    struct hvp_modules *ret) hvp_must_use;
void hvp_modules_deinit(struct hvp_modules *modules);

#endif
