/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Source lines and inlined functions of one ELF file, by libdw. Reads only the compilation unit
 * that an address lies in, found through .debug_aranges; a unit without aranges through an index of
 * all units' ranges, made once. Not thread-safe: the image's lock is held.
 */
#ifndef HVP_SYMBOLIZER_DWARF_H
#define HVP_SYMBOLIZER_DWARF_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"
#include "symbolizer/elf/elf_image.h"
#include "symbolizer/symbolizer.h"

struct hvp_dwarf;

struct hvp_dwarf_options {
	enum hvp_naming naming;
	/*
	 * Follow units to the .dwo files that they name, wherever on this machine; not for what a
	 * guest wrote.
	 */
	bool follows_split;
};

/*
 * Borrows the ELF. `alternate` (may be NULL) is the file that dwz moved common parts to; taken
 * over, also on error. No file is opened but regular .dwo files.
 */
struct hvp_error *hvp_dwarf_create(const struct hvp_elf *elf, struct hvp_elf *alternate,
				   const struct hvp_dwarf_options *options,
				   struct hvp_dwarf **ret) hvp_must_use;
/* Accepts NULL. */
void hvp_dwarf_destroy(struct hvp_dwarf *dwarf);

/*
 * The frames at an address, innermost first; the last one is the function itself, called `symbol`,
 * or when that is NULL as DWARF calls it. Borrowed until the dwarf dies. None (and no error) when
 * no line is known.
 */
struct hvp_error *hvp_dwarf_lines(struct hvp_dwarf *dwarf, uint64_t address, const char *symbol,
				  const struct hvp_line **ret, size_t *ret_num) hvp_must_use;

#endif
