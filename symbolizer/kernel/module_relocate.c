/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbolizer/kernel/module_relocate.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "symbolizer/elf/elf_internal.h"

#define MAX_SECTIONS 65536u

void hvp_names_init(struct hvp_names *names)
{
	*names = (struct hvp_names){0};
	hvp_strpool_init(&names->pool);
}

void hvp_names_deinit(struct hvp_names *names)
{
	hvp_strpool_deinit(&names->pool);
	free(names->addresses);
}

struct hvp_error *hvp_names_add(struct hvp_names *names, const char *name, uint64_t address)
{
	uint32_t index;

	hvp_try(hvp_strpool_intern(&names->pool, name, &index));
	if (!index || index <= names->num)
		return NULL;
	hvp_try(hvp_array_reserve(&names->addresses, &names->capacity, index,
				  sizeof(*names->addresses)));
	names->addresses[names->num++] = address;
	return NULL;
}

static bool find_name(const struct hvp_names *names, const char *name, uint64_t *ret)
{
	uint32_t index;

	if (!hvp_strpool_find(&names->pool, name, strlen(name), &index) || !index ||
	    index > names->num)
		return false;
	*ret = names->addresses[index - 1];
	return true;
}

/* Where a section was loaded, as its functions say: the address most of them agree on. */
struct place {
	uint64_t base;
	/* Votes for `base` less votes against it while counting (Boyer and Moore), then votes for it. */
	size_t votes;
	size_t num_voters;
	uint64_t offset, size;
	bool is_exec, has_contents;
};

struct layout {
	struct place *places;
	size_t num;
	struct hvp_elf_symbols symbols;
};

static void layout_deinit(struct layout *layout)
{
	free(layout->places);
}

static struct hvp_error *read_sections(const struct hvp_elf *elf, struct layout *layout)
{
	Elf_Scn *section = NULL;

	if (elf_getshdrnum(elf->elf, &layout->num) || layout->num > MAX_SECTIONS)
		return hvp_elf_error(elf, "section headers");
	layout->places = calloc(layout->num + 1, sizeof(*layout->places));
	if (!layout->places)
		return hvp_error_no_memory;
	while ((section = elf_nextscn(elf->elf, section))) {
		size_t index = elf_ndxscn(section);
		GElf_Shdr header;

		if (index >= layout->num || !gelf_getshdr(section, &header))
			continue;
		layout->places[index] = (struct place){
			.offset = header.sh_offset,
			.size = header.sh_size,
			.is_exec =
				(header.sh_flags & SHF_ALLOC) && (header.sh_flags & SHF_EXECINSTR),
			.has_contents = header.sh_type != SHT_NOBITS,
		};
	}
	if (!hvp_elf_open_symbols(elf, SHT_SYMTAB, &layout->symbols))
		return hvp_error_create(HVP_ERROR_NOT_FOUND, "%s has no symbols", elf->file.path);
	return NULL;
}

/* The place that a function's symbol votes on, and its vote; NULL when it says nothing. */
static struct place *vote_of(const struct layout *layout, size_t index, const struct hvp_names *own,
			     uint64_t *ret_base)
{
	struct place *place;
	const char *name;
	uint64_t address;
	GElf_Sym symbol;

	if (!hvp_elf_get_symbol(&layout->symbols, index, &symbol, &name) ||
	    symbol.st_shndx >= layout->num || symbol.st_shndx == SHN_UNDEF)
		return NULL;
	place = &layout->places[symbol.st_shndx];
	if (!place->is_exec || !find_name(own, name, &address))
		return NULL;
	*ret_base = address - symbol.st_value;
	return place;
}

static void count_votes(struct layout *layout, const struct hvp_names *own)
{
	struct place *place;
	uint64_t base;

	for (size_t i = 1; i < layout->symbols.num; i++) {
		place = vote_of(layout, i, own, &base);
		if (!place)
			continue;
		place->num_voters++;
		if (!place->votes)
			place->base = base;
		place->votes += place->base == base ? 1 : (size_t)-1;
	}
	for (size_t i = 0; i < layout->num; i++)
		layout->places[i].votes = 0;
	for (size_t i = 1; i < layout->symbols.num; i++) {
		place = vote_of(layout, i, own, &base);
		if (place)
			place->votes += place->base == base;
	}
}

/* Local functions can share a name, so not all have to agree. */
static struct hvp_error *check_votes(const struct hvp_elf *elf, const struct layout *layout)
{
	size_t votes = 0, voters = 0;

	for (size_t i = 0; i < layout->num; i++) {
		votes += layout->places[i].votes;
		voters += layout->places[i].num_voters;
	}
	if (!votes || votes * 10 < voters * 8)
		return hvp_error_create(
			HVP_ERROR_NOT_FOUND,
			"%s is another version of the module: of %zu functions %zu lie "
			"where the running ones do",
			elf->file.path, voters, votes);
	return NULL;
}

static struct hvp_error *make_segments(struct hvp_elf *elf, const struct layout *layout)
{
	free(elf->segments);
	elf->num_segments = 0;
	elf->segments = calloc(layout->num + 1, sizeof(*elf->segments));
	if (!elf->segments)
		return hvp_error_no_memory;
	for (size_t i = 0; i < layout->num; i++) {
		const struct place *place = &layout->places[i];

		if (!place->votes || place->size > UINT64_MAX - place->base)
			continue;
		elf->segments[elf->num_segments++] = (struct hvp_segment){
			.offset = place->offset,
			.file_size = place->has_contents ? place->size : 0,
			.address = place->base,
			.size = place->size,
			.is_exec = true,
		};
	}
	return NULL;
}

/* A symbol's run-time address; 0 for what is not known, which shows as such in a disassembly. */
static uint64_t value_of(const struct layout *layout, size_t index, const struct hvp_names *all)
{
	uint64_t address = 0;
	const char *name;
	GElf_Sym symbol;

	if (!hvp_elf_get_symbol(&layout->symbols, index, &symbol, &name))
		return 0;
	if (symbol.st_shndx == SHN_UNDEF)
		return find_name(all, name, &address) ? address : 0;
	if (symbol.st_shndx >= layout->num)
		return symbol.st_shndx == SHN_ABS ? symbol.st_value : 0;
	return layout->places[symbol.st_shndx].base + symbol.st_value;
}

/* System V ABI, AMD64 supplement, 4.4.1: what is written where. */
static void apply(const GElf_Rela *rela, uint64_t value, uint64_t place, uint8_t *data, size_t size)
{
	size_t width = 4;

	value += (uint64_t)rela->r_addend;
	switch (GELF_R_TYPE(rela->r_info)) {
	case R_X86_64_64: width = 8; break;
	case R_X86_64_32:
	case R_X86_64_32S: break;
	case R_X86_64_PC64: width = 8; /* fallthrough */
	case R_X86_64_PC32:
	case R_X86_64_PLT32: value -= place; break;
	default: return;
	}
	if (rela->r_offset <= size && width <= size - rela->r_offset)
		memcpy(data + rela->r_offset, &value, width);
}

static bool is_worth_relocating(const struct hvp_elf *elf, const GElf_Shdr *target, size_t names)
{
	const char *name = elf_strptr(elf->elf, names, target->sh_name);

	return target->sh_type != SHT_NOBITS &&
	       ((target->sh_flags & SHF_EXECINSTR) || (name && !strncmp(name, ".debug_", 7)));
}

static void relocate_section(const struct hvp_elf *elf, const struct layout *layout,
			     const struct hvp_names *all, Elf_Scn *section, size_t names)
{
	GElf_Shdr header, target_header;
	Elf_Data *relocations, *data;
	Elf_Scn *target;
	size_t num;

	if (!gelf_getshdr(section, &header) || header.sh_type != SHT_RELA ||
	    header.sh_info >= layout->num)
		return;
	target = elf_getscn(elf->elf, header.sh_info);
	if (!target || !gelf_getshdr(target, &target_header) ||
	    !is_worth_relocating(elf, &target_header, names))
		return;
	if ((target_header.sh_flags & SHF_COMPRESSED) && elf_compress(target, 0, 0) < 0)
		return;
	relocations = elf_getdata(section, NULL);
	data = elf_rawdata(target, NULL);
	if (!relocations || !data || !data->d_buf)
		return;
	num = relocations->d_size / gelf_fsize(elf->elf, ELF_T_RELA, 1, EV_CURRENT);
	for (size_t i = 0; i < num && i <= INT32_MAX; i++) {
		GElf_Rela rela;

		if (!gelf_getrela(relocations, (int)i, &rela))
			continue;
		apply(&rela, value_of(layout, GELF_R_SYM(rela.r_info), all),
		      layout->places[header.sh_info].base + rela.r_offset, data->d_buf,
		      data->d_size);
	}
}

struct hvp_error *hvp_module_relocate(struct hvp_elf *elf, const struct hvp_names *own,
				      const struct hvp_names *all)
{
	hvp_scope(layout_deinit) struct layout layout = {0};
	Elf_Scn *section = NULL;
	size_t names;

	if (elf->header.e_type != ET_REL || elf->header.e_machine != EM_X86_64)
		return hvp_error_create(HVP_ERROR_UNSUPPORTED, "%s is not a module for x86-64",
					elf->file.path);
	hvp_try(read_sections(elf, &layout));
	if (elf_getshdrstrndx(elf->elf, &names))
		return hvp_elf_error(elf, "section names");
	count_votes(&layout, own);
	hvp_try(check_votes(elf, &layout));
	hvp_try(make_segments(elf, &layout));
	while ((section = elf_nextscn(elf->elf, section)))
		relocate_section(elf, &layout, all, section, names);
	return NULL;
}
