/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The functions of a compilation unit, and what was inlined into each. */
#include <dwarf.h>
#include <stdlib.h>

#include "common/base/array.h"
#include "symbolizer/elf/dwarf_internal.h"

/* Namespaces in namespaces, blocks in blocks: deeper than any program is written. */
#define MAX_DEPTH 128

/* The next sibling, as long as the walk moves forward and has budget. */
static bool next_sibling(struct hvp_unit *unit, Dwarf_Die *die)
{
	Dwarf_Off offset = dwarf_dieoffset(die);
	Dwarf_Die next;

	if (!unit->budget || dwarf_siblingof(die, &next) != 0 || dwarf_dieoffset(&next) <= offset)
		return false;
	unit->budget--;
	*die = next;
	return true;
}

static struct hvp_error *add_function(struct hvp_unit *unit, Dwarf_Die *die)
{
	Dwarf_Addr base, begin, end;
	ptrdiff_t at = 0;

	while ((at = dwarf_ranges(die, at, &base, &begin, &end)) > 0) {
		/* Linkers leave what they threw away at address 0. */
		if (!begin || begin >= end || !unit->budget)
			continue;
		unit->budget--;
		hvp_try(hvp_array_reserve(&unit->functions, &unit->capacity, unit->num + 1,
					  sizeof(*unit->functions)));
		unit->functions[unit->num++] = (struct hvp_dwarf_function){
			.begin = begin,
			.end = end,
			.die = dwarf_dieoffset(die),
		};
	}
	return NULL;
}

static bool holds_functions(int tag)
{
	return tag == DW_TAG_namespace || tag == DW_TAG_structure_type ||
	       tag == DW_TAG_class_type || tag == DW_TAG_module || tag == DW_TAG_union_type;
}

static struct hvp_error *walk_functions(struct hvp_unit *unit, Dwarf_Die *parent, int depth)
{
	Dwarf_Die die;

	if (depth > MAX_DEPTH || dwarf_child(parent, &die) != 0)
		return NULL;
	do {
		int tag = dwarf_tag(&die);

		if (tag == DW_TAG_subprogram)
			hvp_try(add_function(unit, &die));
		else if (holds_functions(tag) && dwarf_haschildren(&die) > 0)
			hvp_try(walk_functions(unit, &die, depth + 1));
	} while (next_sibling(unit, &die));
	return NULL;
}

static int by_begin(const void *a, const void *b)
{
	const struct hvp_dwarf_function *left = a, *right = b;

	if (left->begin != right->begin)
		return left->begin < right->begin ? -1 : 1;
	return left->die < right->die ? -1 : left->die > right->die;
}

struct hvp_error *hvp_unit_read_functions(struct hvp_unit *unit)
{
	hvp_try(walk_functions(unit, &unit->full, 0));
	if (unit->num)
		qsort(unit->functions, unit->num, sizeof(*unit->functions), by_begin);
	return NULL;
}

struct hvp_dwarf_function *hvp_unit_find_function(const struct hvp_unit *unit, uint64_t address)
{
	size_t low = 0, high = unit->num;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (unit->functions[middle].begin <= address)
			low = middle + 1;
		else
			high = middle;
	}
	/* Functions do not overlap; alike ones (COMDAT twins) do, hence a few tries. */
	for (size_t tries = 0; low > 0 && tries < 8; low--, tries++) {
		if (address < unit->functions[low - 1].end)
			return &unit->functions[low - 1];
	}
	return NULL;
}

static const char *call_file(struct hvp_dwarf *dwarf, struct hvp_unit *unit, Dwarf_Die *die)
{
	Dwarf_Attribute attribute;
	Dwarf_Files *files;
	Dwarf_Word index;
	size_t num;
	const char *path;

	if (!dwarf_attr(die, DW_AT_call_file, &attribute) ||
	    dwarf_formudata(&attribute, &index) != 0 ||
	    dwarf_getsrcfiles(&unit->full, &files, &num) != 0 || index >= num)
		return NULL;
	path = dwarf_filesrc(files, index, NULL, NULL);
	return path ? hvp_dwarf_text(dwarf, path) : NULL;
}

static uint32_t call_line(Dwarf_Die *die)
{
	Dwarf_Attribute attribute;
	Dwarf_Word line;

	if (!dwarf_attr(die, DW_AT_call_line, &attribute) ||
	    dwarf_formudata(&attribute, &line) != 0 || line > UINT32_MAX)
		return 0;
	return (uint32_t)line;
}

static struct hvp_error *add_inline(struct hvp_dwarf *dwarf, struct hvp_unit *unit,
				    struct hvp_dwarf_function *function, Dwarf_Die *die,
				    uint32_t depth)
{
	struct hvp_inline made = {
		.depth = depth,
		.name = hvp_dwarf_name(dwarf, die),
		.call_file = call_file(dwarf, unit, die),
		.call_line = call_line(die),
	};
	Dwarf_Addr base;
	ptrdiff_t at = 0;

	while ((at = dwarf_ranges(die, at, &base, &made.begin, &made.end)) > 0) {
		if (made.begin >= made.end || made.end <= function->begin ||
		    made.begin >= function->end || !unit->budget)
			continue;
		unit->budget--;
		hvp_try(hvp_array_reserve(&function->inlines, &function->capacity_inlines,
					  function->num_inlines + 1, sizeof(made)));
		function->inlines[function->num_inlines++] = made;
	}
	return NULL;
}

static struct hvp_error *walk_inlines(struct hvp_dwarf *dwarf, struct hvp_unit *unit,
				      struct hvp_dwarf_function *function, Dwarf_Die *parent,
				      uint32_t depth, int nesting)
{
	Dwarf_Die die;

	if (nesting > MAX_DEPTH || dwarf_child(parent, &die) != 0)
		return NULL;
	do {
		int tag = dwarf_tag(&die);
		bool is_inline = tag == DW_TAG_inlined_subroutine;

		if (!is_inline && tag != DW_TAG_lexical_block && tag != DW_TAG_try_block &&
		    tag != DW_TAG_catch_block)
			continue;
		if (is_inline)
			hvp_try(add_inline(dwarf, unit, function, &die, depth));
		if (dwarf_haschildren(&die) > 0)
			hvp_try(walk_inlines(dwarf, unit, function, &die, depth + is_inline,
					     nesting + 1));
	} while (next_sibling(unit, &die));
	return NULL;
}

struct hvp_error *hvp_dwarf_read_inlines(struct hvp_dwarf *dwarf, struct hvp_unit *unit,
					 struct hvp_dwarf_function *function)
{
	Dwarf *owner = dwarf_cu_getdwarf(unit->full.cu);
	Dwarf_Die die;

	if (function->has_inlines)
		return NULL;
	function->has_inlines = true;
	if (!owner || !dwarf_offdie(owner, function->die, &die))
		return NULL;
	function->name = hvp_dwarf_name(dwarf, &die);
	return walk_inlines(dwarf, unit, function, &die, 1, 0);
}
