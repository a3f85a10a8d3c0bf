/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One ELF file: program headers, build id, symbols, sections and code bytes, by libelf. Everything
 * that a file says about itself is checked before it is believed; a broken file gives
 * HVP_ERROR_FORMAT with its path.
 */
#ifndef HVP_SYMBOLIZER_ELF_IMAGE_H
#define HVP_SYMBOLIZER_ELF_IMAGE_H

#include <gelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/scope.h"
#include "common/model/record.h"
#include "symbolizer/file.h"
#include "symbolizer/elf/symtab.h"

struct hvp_segment {
	uint64_t offset, file_size;
	uint64_t address, size;
	bool is_exec;
};

struct hvp_elf {
	struct hvp_file file;
	/* .gnu_debugdata unpacked, when symbols were read from it: symbol names borrow from it. */
	struct hvp_elf *mini;
	Elf *elf;
	GElf_Ehdr header;
	/* PT_LOAD only. */
	struct hvp_segment *segments;
	size_t num_segments;
	uint8_t build_id[HVP_BUILD_ID_MAX];
	uint8_t build_id_size;
};

/* Takes `file` over, also on error. */
struct hvp_error *hvp_elf_create(struct hvp_file *file, struct hvp_elf **ret) hvp_must_use;
/* Accepts NULL. */
void hvp_elf_destroy(struct hvp_elf *elf);
HVP_DEFINE_SCOPE(hvp_elf_destroy, struct hvp_elf *);

static inline const char *hvp_elf_path(const struct hvp_elf *elf)
{
	return elf->file.path;
}

/*
 * The virtual address of a byte of the file, by the executable segments first; false when no
 * segment has it.
 */
bool hvp_elf_offset_to_address(const struct hvp_elf *elf, uint64_t offset, uint64_t *ret);

/*
 * Contents of a section by name (decompressed), borrowed; false when absent, empty or without
 * contents (NOBITS).
 */
bool hvp_elf_section(const struct hvp_elf *elf, const char *name, const uint8_t **ret_data,
		     size_t *ret_size);
/* Line information of its own: .debug_line, compressed or not. */
bool hvp_elf_has_dwarf(const struct hvp_elf *elf);
/* File name and CRC of .gnu_debuglink; false when absent. `*ret_name` is borrowed. */
bool hvp_elf_debuglink(const struct hvp_elf *elf, const char **ret_name, uint32_t *ret_crc);

/* Adds .symtab; false in *ret_found when there is none. Names stay borrowed from the ELF. */
struct hvp_error *hvp_elf_add_symtab(struct hvp_elf *elf, struct hvp_symtab *symtab,
				     bool *ret_found) hvp_must_use;
/*
 * Adds .dynsym, the symbols of .gnu_debugdata, and "name@plt" for PLT slots. Keeps strings in the
 * symtab's arena.
 */
struct hvp_error *hvp_elf_add_dynamic(struct hvp_elf *elf, struct hvp_symtab *symtab) hvp_must_use;

/*
 * Values of symbols of .symtab by exact name, in one pass; a name that is not there leaves its
 * value 0.
 */
void hvp_elf_symbol_values(const struct hvp_elf *elf, const char *const *names, size_t num,
			   uint64_t *values);

/*
 * Copies what the file has of [address, address + size); HVP_ERROR_NOT_FOUND when it is not all
 * there.
 */
struct hvp_error *hvp_elf_code(const struct hvp_elf *elf, uint64_t address, size_t size,
			       uint8_t *ret) hvp_must_use;

#endif
