/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files about DWARF share. */
#ifndef HVP_SYMBOLIZER_DWARF_INTERNAL_H
#define HVP_SYMBOLIZER_DWARF_INTERNAL_H

#include <elfutils/libdw.h>

#include "common/base/arena.h"
#include "common/base/map.h"
#include "symbolizer/elf/dwarf.h"

/* One stretch of an inlined function's code within its caller. */
struct hvp_inline {
	uint64_t begin, end;
	/* 1: inlined into the function itself. */
	uint32_t depth;
	/* In the arena or NULL. */
	const char *name;
	const char *call_file;
	uint32_t call_line;
};

/* One stretch of a function's code. */
struct hvp_dwarf_function {
	uint64_t begin, end;
	Dwarf_Off die;
	/*
	 * Made when first asked for; shared by the stretches of one function only by being made
	 * alike.
	 */
	bool has_inlines;
	const char *name;
	struct hvp_inline *inlines;
	size_t num_inlines, capacity_inlines;
};

/* A compilation unit that has been asked for. */
struct hvp_unit {
	Dwarf_Die die;
	/* Where the functions are: the same, or the DIE in the .dwo file of a skeleton unit. */
	Dwarf_Die full;
	struct hvp_dwarf_function *functions;
	size_t num, capacity;
	/* Entries still allowed to be visited: hostile files must not make a walk endless. */
	size_t budget;
	struct hvp_unit *next;
};

/* What was answered for one address. */
struct hvp_lines {
	struct hvp_line *lines;
	size_t num;
};

struct hvp_unit_range {
	uint64_t begin, end;
	Dwarf_Off die;
};

struct hvp_dwarf {
	const struct hvp_elf *elf;
	struct hvp_elf *alternate;
	Dwarf *dwarf, *alternate_dwarf;
	struct hvp_dwarf_options options;
	struct hvp_arena arena;
	/* Address -> struct hvp_lines already made. */
	struct hvp_map results;
	/* CU DIE offset -> unit. */
	struct hvp_map units;
	struct hvp_unit *all_units;
	/* Only for units that .debug_aranges does not have. */
	bool has_ranges;
	struct hvp_unit_range *ranges;
	size_t num_ranges, capacity_ranges;
};

/* dwarf_names.c */

/* Text of the file with its control characters escaped. */
const char *hvp_dwarf_text(struct hvp_dwarf *dwarf, const char *text);
/*
 * A name for printing from DW_AT_linkage_name or DW_AT_name, also through origins; NULL without
 * one.
 */
const char *hvp_dwarf_name(struct hvp_dwarf *dwarf, Dwarf_Die *die);

/* dwarf_functions.c: all stretches of functions of a unit, ordered. */
struct hvp_error *hvp_unit_read_functions(struct hvp_unit *unit) hvp_must_use;
struct hvp_dwarf_function *hvp_unit_find_function(const struct hvp_unit *unit, uint64_t address);
/* The inlined functions in a stretch, once. */
struct hvp_error *hvp_dwarf_read_inlines(struct hvp_dwarf *dwarf, struct hvp_unit *unit,
					 struct hvp_dwarf_function *function) hvp_must_use;

#endif
