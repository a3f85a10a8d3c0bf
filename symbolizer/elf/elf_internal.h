/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files about ELF share. */
#ifndef HVP_SYMBOLIZER_ELF_INTERNAL_H
#define HVP_SYMBOLIZER_ELF_INTERNAL_H

#include "symbolizer/elf/elf_image.h"

/* HVP_ERROR_FORMAT with libelf's own words. */
struct hvp_error *hvp_elf_error(const struct hvp_elf *elf,
				const char *what) hvp_must_use hvp_returns_error;
/* NULL when there is no such section. */
Elf_Scn *hvp_elf_find_section(const struct hvp_elf *elf, const char *name, GElf_Shdr *ret);
/* elf_table.c */

/* A symbol table with its strings, checked. */
struct hvp_elf_symbols {
	Elf_Data *data;
	size_t num;
	const char *strings;
	size_t strings_size;
};
/* False when the section is absent or has no contents. */
bool hvp_elf_open_symbols(const struct hvp_elf *elf, uint32_t type, struct hvp_elf_symbols *ret);
/* The symbol and its name (never NULL); false when it is out of range or its name is. */
bool hvp_elf_get_symbol(const struct hvp_elf_symbols *symbols, size_t index, GElf_Sym *ret,
			const char **ret_name);

/* plt.c: "name@plt" for the slots of .plt, .plt.sec and .plt.got. */
struct hvp_error *hvp_elf_add_plt(const struct hvp_elf *elf,
				  struct hvp_symtab *symtab) hvp_must_use;

/* minidebug.c: unpacks xz into memory, with bounds. `name` is for messages; on error the caller frees what is in `file`. */
struct hvp_error *hvp_xz_unpack(const char *name, const uint8_t *data, size_t size,
				struct hvp_file *file) hvp_must_use;

/* minidebug.c: unpacks .gnu_debugdata into elf->mini; leaves NULL when there is none. */
struct hvp_error *hvp_elf_open_mini(struct hvp_elf *elf) hvp_must_use;

#endif
