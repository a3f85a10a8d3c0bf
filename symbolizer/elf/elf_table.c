/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Symbol tables as they stand in the file, with every index and name checked. */
#include <string.h>

#include "symbolizer/elf/elf_internal.h"

/* The first section of a type; NULL when there is none. */
static Elf_Scn *find_type(const struct hvp_elf *elf, uint32_t type, GElf_Shdr *ret)
{
	Elf_Scn *section = NULL;

	while ((section = elf_nextscn(elf->elf, section))) {
		if (gelf_getshdr(section, ret) && ret->sh_type == type)
			return section;
	}
	return NULL;
}

bool hvp_elf_open_symbols(const struct hvp_elf *elf, uint32_t type, struct hvp_elf_symbols *ret)
{
	GElf_Shdr header, strings_header;
	Elf_Scn *section = find_type(elf, type, &header);
	Elf_Scn *strings_section;
	Elf_Data *strings;
	size_t entry;

	if (!section)
		return false;
	entry = gelf_fsize(elf->elf, ELF_T_SYM, 1, EV_CURRENT);
	strings_section = elf_getscn(elf->elf, header.sh_link);
	if (!strings_section || !gelf_getshdr(strings_section, &strings_header) ||
	    strings_header.sh_type != SHT_STRTAB)
		return false;
	ret->data = elf_getdata(section, NULL);
	strings = elf_getdata(strings_section, NULL);
	if (!ret->data || !ret->data->d_buf || !strings || !strings->d_buf || !strings->d_size)
		return false;
	ret->num = ret->data->d_size / entry;
	ret->strings = strings->d_buf;
	ret->strings_size = strings->d_size;
	/* Then every name that begins inside also ends inside. */
	return !ret->strings[ret->strings_size - 1];
}

bool hvp_elf_get_symbol(const struct hvp_elf_symbols *symbols, size_t index, GElf_Sym *ret,
			const char **ret_name)
{
	if (index >= symbols->num || index > INT32_MAX ||
	    !gelf_getsym(symbols->data, (int)index, ret) || ret->st_name >= symbols->strings_size)
		return false;
	*ret_name = symbols->strings + ret->st_name;
	return true;
}

void hvp_elf_symbol_values(const struct hvp_elf *elf, const char *const *names, size_t num,
			   uint64_t *values)
{
	struct hvp_elf_symbols symbols;

	memset(values, 0, num * sizeof(*values));
	if (!hvp_elf_open_symbols(elf, SHT_SYMTAB, &symbols))
		return;
	for (size_t i = 1; i < symbols.num; i++) {
		const char *name;
		GElf_Sym symbol;

		if (!hvp_elf_get_symbol(&symbols, i, &symbol, &name))
			continue;
		for (size_t j = 0; j < num; j++) {
			if (name[0] == names[j][0] && !strcmp(name, names[j]))
				values[j] = symbol.st_value;
		}
	}
}
