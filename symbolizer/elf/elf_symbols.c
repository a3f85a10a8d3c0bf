/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The functions that .symtab and .dynsym name. */
#include <string.h>

#include "symbolizer/elf/elf_internal.h"

/* Where executable sections end: bounds for symbols of assembler code, which have no size. */
struct section_bounds {
	uint64_t *ends;
	size_t num;
};

static struct hvp_error *read_bounds(const struct hvp_elf *elf, struct section_bounds *ret)
{
	Elf_Scn *section = NULL;

	if (elf_getshdrnum(elf->elf, &ret->num))
		return hvp_elf_error(elf, "section headers");
	ret->ends = calloc(ret->num ? ret->num : 1, sizeof(*ret->ends));
	if (!ret->ends)
		return hvp_error_no_memory;
	while ((section = elf_nextscn(elf->elf, section))) {
		size_t index = elf_ndxscn(section);
		GElf_Shdr header;

		if (index >= ret->num || !gelf_getshdr(section, &header))
			continue;
		if ((header.sh_flags & (SHF_ALLOC | SHF_EXECINSTR)) ==
			    (SHF_ALLOC | SHF_EXECINSTR) &&
		    header.sh_size <= UINT64_MAX - header.sh_addr)
			ret->ends[index] = header.sh_addr + header.sh_size;
	}
	return NULL;
}

/* "fclose@@GLIBC_2.2.5" is how linkers note the default version of what people call fclose. */
static struct hvp_error *plain_name(struct hvp_symtab *symtab, const char **name)
{
	const char *version = strstr(*name, "@@");

	if (!version || version == *name)
		return NULL;
	*name = hvp_arena_strndup(&symtab->names, *name, (size_t)(version - *name));
	return *name ? NULL : hvp_error_no_memory;
}

static enum hvp_binding binding_of(const GElf_Sym *symbol)
{
	switch (GELF_ST_BIND(symbol->st_info)) {
	case STB_LOCAL: return HVP_BINDING_LOCAL;
	case STB_WEAK: return HVP_BINDING_WEAK;
	default: return HVP_BINDING_GLOBAL;
	}
}

/* Functions, and untyped labels in executable sections (assembler without .type). */
static bool is_function(const GElf_Sym *symbol, const struct section_bounds *bounds,
			uint64_t *ret_limit)
{
	unsigned int type = GELF_ST_TYPE(symbol->st_info);
	uint64_t end = symbol->st_shndx < bounds->num ? bounds->ends[symbol->st_shndx] : 0;

	if (symbol->st_shndx == SHN_UNDEF || symbol->st_shndx == SHN_COMMON)
		return false;
	*ret_limit = end ? end : UINT64_MAX;
	if (type == STT_FUNC || type == STT_GNU_IFUNC)
		return true;
	return type == STT_NOTYPE && end && symbol->st_value < end;
}

static struct hvp_error *add_symbols(const struct hvp_elf *elf, uint32_t type,
				     struct hvp_symtab *symtab, bool *ret_found)
{
	hvp_scope(hvp_free_ptr) uint64_t *owner = NULL;
	struct section_bounds bounds = {0};
	struct hvp_elf_symbols symbols;

	*ret_found = hvp_elf_open_symbols(elf, type, &symbols);
	if (!*ret_found)
		return NULL;
	hvp_try(read_bounds(elf, &bounds));
	owner = bounds.ends;
	for (size_t i = 1; i < symbols.num; i++) {
		const char *name;
		uint64_t limit;
		GElf_Sym symbol;

		if (!hvp_elf_get_symbol(&symbols, i, &symbol, &name))
			continue;
		/* Thumb functions carry their mode in bit 0. */
		if (elf->header.e_machine == EM_ARM)
			symbol.st_value &= ~(uint64_t)1;
		if (!is_function(&symbol, &bounds, &limit))
			continue;
		hvp_try(plain_name(symtab, &name));
		hvp_try(hvp_symtab_add(symtab, name, symbol.st_value, symbol.st_size, limit,
				       binding_of(&symbol)));
	}
	return NULL;
}

struct hvp_error *hvp_elf_add_symtab(struct hvp_elf *elf, struct hvp_symtab *symtab,
				     bool *ret_found)
{
	return add_symbols(elf, SHT_SYMTAB, symtab, ret_found);
}

struct hvp_error *hvp_elf_add_dynamic(struct hvp_elf *elf, struct hvp_symtab *symtab)
{
	bool is_found;

	hvp_try(add_symbols(elf, SHT_DYNSYM, symtab, &is_found));
	hvp_try(hvp_elf_add_plt(elf, symtab));
	hvp_try(hvp_elf_open_mini(elf));
	return elf->mini ? add_symbols(elf->mini, SHT_SYMTAB, symtab, &is_found) : NULL;
}
