/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Puts the sections of a relocatable ELF file where its functions were seen, and applies its relocations. */
#ifndef HVP_SYMBOLIZER_MODULE_RELOCATE_H
#define HVP_SYMBOLIZER_MODULE_RELOCATE_H

#include "common/base/strpool.h"
#include "symbolizer/elf/elf_image.h"

/* Names and their addresses; where a name has several, the first. */
struct hvp_names {
	struct hvp_strpool pool;
	/* Of string n + 1 of the pool. */
	uint64_t *addresses;
	size_t num, capacity;
};

void hvp_names_init(struct hvp_names *names);
void hvp_names_deinit(struct hvp_names *names);
struct hvp_error *hvp_names_add(struct hvp_names *names, const char *name,
				uint64_t address) hvp_must_use;

/*
 * `own` are the module's functions, `all` the kernel's; both at run-time addresses. Fills the ELF's segments
 * from its executable sections. HVP_ERROR_NOT_FOUND: the functions lie otherwise in this file, it
 * is another version. Only x86-64. To be called before anything else reads the sections.
 */
struct hvp_error *hvp_module_relocate(struct hvp_elf *elf, const struct hvp_names *own,
				      const struct hvp_names *all) hvp_must_use;

#endif
