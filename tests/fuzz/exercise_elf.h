/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All that the symbolizer does with an ELF file, done with bytes that may be anything. */
#ifndef HVP_TESTS_EXERCISE_ELF_H
#define HVP_TESTS_EXERCISE_ELF_H

#include <stdlib.h>
#include <string.h>

#include "symbolizer/elf/dwarf.h"
#include "symbolizer/elf/elf_image.h"

#define EXERCISE_ADDRESSES 24u

static inline void exercise_lines(const struct hvp_elf *elf, const struct hvp_symtab *symtab)
{
	const struct hvp_dwarf_options options = {0};
	struct hvp_dwarf *dwarf = NULL;
	struct hvp_error *err;
	size_t step = symtab->num / EXERCISE_ADDRESSES + 1;

	if (!hvp_elf_has_dwarf(elf))
		return;
	err = hvp_dwarf_create(elf, NULL, &options, &dwarf);
	for (size_t i = 0; !err && i < symtab->num; i += step) {
		const struct hvp_line *lines;
		size_t num;

		err = hvp_dwarf_lines(dwarf, symtab->entries[i].symbol.address + 1, NULL, &lines,
				      &num);
		for (size_t j = 0; !err && j < num; j++) {
			if (lines[j].file && strlen(lines[j].file) > SIZE_MAX / 2)
				abort();
		}
	}
	hvp_error_destroy(err);
	hvp_dwarf_destroy(dwarf);
}

static inline struct hvp_error *exercise_symbols(struct hvp_elf *elf, struct hvp_symtab *symtab)
{
	size_t step;
	bool is_found;

	hvp_try(hvp_elf_add_symtab(elf, symtab, &is_found));
	hvp_try(hvp_elf_add_dynamic(elf, symtab));
	hvp_try(hvp_symtab_finish(symtab));
	step = symtab->num / EXERCISE_ADDRESSES + 1;
	for (size_t i = 0; i < symtab->num; i += step) {
		struct hvp_symtab_entry *entry = &symtab->entries[i];
		const struct hvp_symbol *symbol = hvp_symtab_present(symtab, entry);
		uint8_t code[16];

		/* Finding a symbol by its own address finds one that begins there. */
		if (!symbol ||
		    hvp_symtab_find(symtab, symbol->address)->symbol.address != symbol->address)
			abort();
		for (const char *at = symbol->name; *at; at++) {
			if ((unsigned char)*at < 0x20 || *at == 0x7f)
				abort();
		}
		hvp_error_destroy(hvp_elf_code(elf, symbol->address, sizeof(code), code));
	}
	return NULL;
}

static inline void exercise_elf(const uint8_t *data, size_t size, bool with_lines)
{
	struct hvp_elf *elf = NULL;
	struct hvp_symtab symtab;
	struct hvp_file file;
	const char *link;
	uint64_t address;
	uint32_t crc;

	if (hvp_file_copy("input", data, size, &file))
		return;
	hvp_symtab_init(&symtab, false);
	if (file.size) {
		struct hvp_error *err = hvp_elf_create(&file, &elf);

		if (!err)
			err = exercise_symbols(elf, &symtab);
		hvp_error_destroy(err);
	}
	if (elf) {
		for (uint64_t offset = 0; offset < size; offset += 1 + size / 16)
			(void)hvp_elf_offset_to_address(elf, offset, &address);
		(void)hvp_elf_debuglink(elf, &link, &crc);
		if (with_lines)
			exercise_lines(elf, &symtab);
	}
	hvp_symtab_deinit(&symtab);
	hvp_elf_destroy(elf);
	hvp_file_deinit(&file);
}

#endif
