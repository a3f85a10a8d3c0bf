/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names for the slots of the procedure linkage table on x86-64: each slot jumps through a word of
 * the GOT, whose relocation names the function. Reading the jump is exact for .plt, .plt.sec and
 * .plt.got alike, lazy or not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "symbolizer/elf/elf_internal.h"

#define SLOT_ALIGN 8u
#define MAX_PLT_NAME 4096

struct got_word {
	uint64_t address;
	const char *name;
};

struct got {
	struct got_word *words;
	size_t num, capacity;
};

static void got_deinit(struct got *got)
{
	free(got->words);
}

static int by_address(const void *a, const void *b)
{
	uint64_t left = ((const struct got_word *)a)->address;
	uint64_t right = ((const struct got_word *)b)->address;

	return left < right ? -1 : left > right;
}

static struct hvp_error *add_relocations(Elf_Data *data, size_t entry_size,
					 const struct hvp_elf_symbols *symbols, struct got *got)
{
	size_t num = data->d_size / entry_size;

	for (size_t i = 0; i < num && i <= INT32_MAX; i++) {
		const char *name;
		GElf_Rela rela;
		GElf_Sym symbol;

		if (!gelf_getrela(data, (int)i, &rela))
			continue;
		if (GELF_R_TYPE(rela.r_info) != R_X86_64_JUMP_SLOT &&
		    GELF_R_TYPE(rela.r_info) != R_X86_64_GLOB_DAT)
			continue;
		if (!hvp_elf_get_symbol(symbols, GELF_R_SYM(rela.r_info), &symbol, &name) || !*name)
			continue;
		hvp_try(hvp_array_reserve(&got->words, &got->capacity, got->num + 1,
					  sizeof(*got->words)));
		got->words[got->num++] = (struct got_word){rela.r_offset, name};
	}
	return NULL;
}

static struct hvp_error *read_got(const struct hvp_elf *elf, struct got *got)
{
	struct hvp_elf_symbols symbols;
	Elf_Scn *section = NULL;

	if (!hvp_elf_open_symbols(elf, SHT_DYNSYM, &symbols))
		return NULL;
	while ((section = elf_nextscn(elf->elf, section))) {
		GElf_Shdr header;
		Elf_Data *data;

		if (!gelf_getshdr(section, &header) || header.sh_type != SHT_RELA ||
		    !(header.sh_flags & SHF_ALLOC))
			continue;
		data = elf_getdata(section, NULL);
		if (data && data->d_buf)
			hvp_try(add_relocations(data,
						gelf_fsize(elf->elf, ELF_T_RELA, 1, EV_CURRENT),
						&symbols, got));
	}
	if (got->num)
		qsort(got->words, got->num, sizeof(*got->words), by_address);
	return NULL;
}

static struct hvp_error *add_slot(struct hvp_symtab *symtab, const char *name, uint64_t address,
				  uint64_t size)
{
	int length = (int)strnlen(name, MAX_PLT_NAME);
	char *text = hvp_arena_alloc(&symtab->names, (size_t)length + sizeof("@plt"));

	if (!text)
		return hvp_error_no_memory;
	memcpy(text, name, (size_t)length);
	memcpy(text + length, "@plt", sizeof("@plt"));
	return hvp_symtab_add(symtab, text, address, size, address + size, HVP_BINDING_GLOBAL);
}

/* `jmp *disp32(%rip)` (ff 25) somewhere in the slot, behind an optional endbr64 or bnd prefix. */
static struct hvp_error *add_section(const struct hvp_elf *elf, const char *name,
				     const struct got *got, struct hvp_symtab *symtab)
{
	GElf_Shdr header;
	const uint8_t *code;
	size_t size, slot;

	if (!hvp_elf_find_section(elf, name, &header) || !hvp_elf_section(elf, name, &code, &size))
		return NULL;
	slot = header.sh_entsize == SLOT_ALIGN ? SLOT_ALIGN : 2 * SLOT_ALIGN;
	for (size_t i = 0; i + 6 <= size; i++) {
		struct got_word key, *found;
		int32_t displacement;

		if (code[i] != 0xff || code[i + 1] != 0x25)
			continue;
		memcpy(&displacement, code + i + 2, sizeof(displacement));
		key.address = header.sh_addr + i + 6 + (uint64_t)(int64_t)displacement;
		found = bsearch(&key, got->words, got->num, sizeof(key), by_address);
		if (!found)
			continue;
		hvp_try(add_slot(symtab, found->name, header.sh_addr + i / slot * slot, slot));
		i = i / slot * slot + slot - 1;
	}
	return NULL;
}

struct hvp_error *hvp_elf_add_plt(const struct hvp_elf *elf, struct hvp_symtab *symtab)
{
	static const char *const sections[] = {".plt", ".plt.sec", ".plt.got"};
	hvp_scope(got_deinit) struct got got = {0};

	if (elf->header.e_machine != EM_X86_64)
		return NULL;
	hvp_try(read_got(elf, &got));
	for (size_t i = 0; got.num && i < HVP_ARRAY_SIZE(sections); i++)
		hvp_try(add_section(elf, sections[i], &got, symtab));
	return NULL;
}
