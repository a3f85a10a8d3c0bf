/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbolizer/elf/dwarf.h"

#include <dwarf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/array.h"
#include "symbolizer/elf/dwarf_internal.h"
#include "symbolizer/elf/elf_internal.h"

/* Far more entries than the largest unit of a kernel or a browser has. */
#define UNIT_BUDGET ((size_t)20 << 20)
#define MAX_FRAMES 128

/*
 * libdw would open whatever file .gnu_debugaltlink names by itself: in the current folder, outside
 * of a guest's root, a FIFO. The finder has looked for it.
 */
static void hide_alternate(const struct hvp_elf *elf)
{
	GElf_Shdr header;
	Elf_Scn *section = hvp_elf_find_section(elf, ".gnu_debugaltlink", &header);

	header.sh_type = SHT_NOBITS;
	if (section)
		(void)gelf_update_shdr(section, &header);
}

struct hvp_error *hvp_dwarf_create(const struct hvp_elf *elf, struct hvp_elf *alternate,
				   const struct hvp_dwarf_options *options, struct hvp_dwarf **ret)
{
	struct hvp_dwarf *dwarf = calloc(1, sizeof(*dwarf));

	if (!dwarf) {
		hvp_elf_destroy(alternate);
		return hvp_error_no_memory;
	}
	dwarf->elf = elf;
	dwarf->alternate = alternate;
	dwarf->options = *options;
	hvp_arena_init(&dwarf->arena);
	hvp_map_init(&dwarf->results);
	hvp_map_init(&dwarf->units);
	hide_alternate(elf);
	dwarf->dwarf = dwarf_begin_elf(elf->elf, DWARF_C_READ, NULL);
	if (!dwarf->dwarf) {
		hvp_dwarf_destroy(dwarf);
		return hvp_error_create(HVP_ERROR_FORMAT, "%s: line information: %s",
					hvp_elf_path(elf), dwarf_errmsg(-1));
	}
	if (alternate) {
		hide_alternate(alternate);
		dwarf->alternate_dwarf = dwarf_begin_elf(alternate->elf, DWARF_C_READ, NULL);
	}
	if (dwarf->alternate_dwarf)
		dwarf_setalt(dwarf->dwarf, dwarf->alternate_dwarf);
	*ret = dwarf;
	return NULL;
}

static void unit_destroy(struct hvp_unit *unit)
{
	for (size_t i = 0; i < unit->num; i++)
		free(unit->functions[i].inlines);
	free(unit->functions);
	free(unit);
}

void hvp_dwarf_destroy(struct hvp_dwarf *dwarf)
{
	if (!dwarf)
		return;
	while (dwarf->all_units) {
		struct hvp_unit *unit = dwarf->all_units;

		dwarf->all_units = unit->next;
		unit_destroy(unit);
	}
	if (dwarf->dwarf)
		dwarf_end(dwarf->dwarf);
	if (dwarf->alternate_dwarf)
		dwarf_end(dwarf->alternate_dwarf);
	hvp_elf_destroy(dwarf->alternate);
	free(dwarf->ranges);
	hvp_map_deinit(&dwarf->results);
	hvp_map_deinit(&dwarf->units);
	hvp_arena_deinit(&dwarf->arena);
	free(dwarf);
}

static int by_begin(const void *a, const void *b)
{
	const struct hvp_unit_range *left = a, *right = b;

	return left->begin < right->begin ? -1 : left->begin > right->begin;
}

/* Clang writes no .debug_aranges: read the ranges of all units, once. Touches one entry a unit. */
static struct hvp_error *read_ranges(struct hvp_dwarf *dwarf)
{
	Dwarf_CU *cu = NULL;
	Dwarf_Die die;
	uint8_t type;

	if (dwarf->has_ranges)
		return NULL;
	dwarf->has_ranges = true;
	while (dwarf_get_units(dwarf->dwarf, cu, &cu, NULL, &type, &die, NULL) == 0) {
		Dwarf_Addr base, begin, end;
		ptrdiff_t at = 0;

		while ((at = dwarf_ranges(&die, at, &base, &begin, &end)) > 0) {
			if (begin >= end)
				continue;
			hvp_try(hvp_array_reserve(&dwarf->ranges, &dwarf->capacity_ranges,
						  dwarf->num_ranges + 1, sizeof(*dwarf->ranges)));
			dwarf->ranges[dwarf->num_ranges++] =
				(struct hvp_unit_range){begin, end, dwarf_dieoffset(&die)};
		}
	}
	if (dwarf->num_ranges)
		qsort(dwarf->ranges, dwarf->num_ranges, sizeof(*dwarf->ranges), by_begin);
	return NULL;
}

static bool find_in_ranges(struct hvp_dwarf *dwarf, uint64_t address, Dwarf_Die *ret)
{
	size_t low = 0, high = dwarf->num_ranges;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (dwarf->ranges[middle].begin <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low && address < dwarf->ranges[low - 1].end &&
	       dwarf_offdie(dwarf->dwarf, dwarf->ranges[low - 1].die, ret);
}

static struct hvp_error *find_unit_die(struct hvp_dwarf *dwarf, uint64_t address, Dwarf_Die *ret,
				       bool *ret_found)
{
	*ret_found = dwarf_addrdie(dwarf->dwarf, address, ret) != NULL;
	if (*ret_found)
		return NULL;
	hvp_try(read_ranges(dwarf));
	*ret_found = find_in_ranges(dwarf, address, ret);
	return NULL;
}

static const char *text_attribute(Dwarf_Die *die, unsigned int name)
{
	Dwarf_Attribute attribute;

	return dwarf_attr(die, name, &attribute) ? dwarf_formstring(&attribute) : NULL;
}

/* libdw opens the .dwo file by its name alone, and would wait for ever for a FIFO's writer. */
static bool has_regular_dwo(Dwarf_Die *die)
{
	const char *name = text_attribute(die, DW_AT_dwo_name);
	const char *folder = text_attribute(die, DW_AT_comp_dir);
	char path[PATH_MAX];
	struct stat status;

	name = name ? name : text_attribute(die, DW_AT_GNU_dwo_name);
	if (!name || (*name != '/' && !folder))
		return false;
	if (snprintf(path, sizeof(path), "%s%s%s", *name == '/' ? "" : folder,
		     *name == '/' ? "" : "/", name) >= PATH_MAX)
		return false;
	return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

/* Where the functions of a skeleton unit are. */
static void open_split(const struct hvp_dwarf *dwarf, struct hvp_unit *unit)
{
	Dwarf_Die ignored, full;
	uint8_t type;

	if (!dwarf->options.follows_split || !has_regular_dwo(&unit->die))
		return;
	if (dwarf_cu_info(unit->die.cu, NULL, &type, &ignored, &full, NULL, NULL, NULL) == 0 &&
	    type == DW_UT_skeleton && full.addr)
		unit->full = full;
}

static struct hvp_error *make_unit(struct hvp_dwarf *dwarf, const Dwarf_Die *die,
				   struct hvp_unit **ret)
{
	struct hvp_unit *unit = calloc(1, sizeof(*unit));

	if (!unit)
		return hvp_error_no_memory;
	unit->die = unit->full = *die;
	unit->budget = UNIT_BUDGET;
	unit->next = dwarf->all_units;
	dwarf->all_units = unit;
	open_split(dwarf, unit);
	*ret = unit;
	return hvp_unit_read_functions(unit);
}

/* NULL in *ret when no unit has the address. */
static struct hvp_error *find_unit(struct hvp_dwarf *dwarf, uint64_t address, struct hvp_unit **ret)
{
	struct hvp_unit *unit = NULL;
	Dwarf_Die die;
	uint64_t known;
	bool is_found;

	*ret = NULL;
	hvp_try(find_unit_die(dwarf, address, &die, &is_found));
	if (!is_found)
		return NULL;
	if (hvp_map_get(&dwarf->units, dwarf_dieoffset(&die), &known)) {
		*ret = (struct hvp_unit *)(uintptr_t)known;
		return NULL;
	}
	hvp_try(make_unit(dwarf, &die, &unit));
	hvp_try(hvp_map_set(&dwarf->units, dwarf_dieoffset(&die), (uint64_t)(uintptr_t)unit));
	*ret = unit;
	return NULL;
}

/* The inlined functions that cover the address, innermost first. */
static size_t find_inlines(const struct hvp_dwarf_function *function, uint64_t address,
			   const struct hvp_inline *found[MAX_FRAMES])
{
	size_t num = 0;

	for (size_t i = 0; function && i < function->num_inlines; i++) {
		const struct hvp_inline *each = &function->inlines[i];
		size_t at;

		if (address < each->begin || address >= each->end || num == MAX_FRAMES)
			continue;
		for (at = num++; at > 0 && found[at - 1]->depth < each->depth; at--)
			found[at] = found[at - 1];
		found[at] = each;
	}
	return num;
}

static void read_line(struct hvp_dwarf *dwarf, struct hvp_unit *unit, uint64_t address,
		      struct hvp_line *ret)
{
	Dwarf_Line *line = dwarf_getsrc_die(&unit->die, address);
	const char *file;
	int number;

	if (!line)
		return;
	file = dwarf_linesrc(line, NULL, NULL);
	ret->file = file ? hvp_dwarf_text(dwarf, file) : NULL;
	if (dwarf_lineno(line, &number) == 0 && number > 0)
		ret->line = (uint32_t)number;
}

/*
 * A frame's own line is where the next inner one was called, and of the innermost what the line
 * table has.
 */
static struct hvp_error *make_lines(struct hvp_dwarf *dwarf, uint64_t address, const char *symbol,
				    struct hvp_lines *ret)
{
	const struct hvp_inline *found[MAX_FRAMES];
	struct hvp_dwarf_function *function;
	struct hvp_line innermost = {0};
	struct hvp_unit *unit;
	size_t num;

	hvp_try(find_unit(dwarf, address, &unit));
	if (!unit)
		return NULL;
	function = hvp_unit_find_function(unit, address);
	if (function)
		hvp_try(hvp_dwarf_read_inlines(dwarf, unit, function));
	read_line(dwarf, unit, address, &innermost);
	num = find_inlines(function, address, found);
	if (!innermost.file && !num)
		return NULL;
	ret->lines = hvp_arena_calloc(&dwarf->arena, num + 1, sizeof(*ret->lines));
	if (!ret->lines)
		return hvp_error_no_memory;
	ret->num = num + 1;
	ret->lines[0] = innermost;
	for (size_t i = 0; i < num; i++) {
		ret->lines[i].function = found[i]->name;
		ret->lines[i].is_inlined = true;
		ret->lines[i + 1].file = found[i]->call_file;
		ret->lines[i + 1].line = found[i]->call_line;
	}
	ret->lines[num].function = symbol ? symbol : function ? function->name : NULL;
	return NULL;
}

struct hvp_error *hvp_dwarf_lines(struct hvp_dwarf *dwarf, uint64_t address, const char *symbol,
				  const struct hvp_line **ret, size_t *ret_num)
{
	struct hvp_lines *lines;
	uint64_t known;

	if (hvp_map_get(&dwarf->results, address, &known)) {
		lines = (struct hvp_lines *)(uintptr_t)known;
	} else {
		lines = hvp_arena_calloc(&dwarf->arena, 1, sizeof(*lines));
		if (!lines)
			return hvp_error_no_memory;
		hvp_try(make_lines(dwarf, address, symbol, lines));
		hvp_try(hvp_map_set(&dwarf->results, address, (uint64_t)(uintptr_t)lines));
	}
	*ret = lines->lines;
	*ret_num = lines->num;
	return NULL;
}
