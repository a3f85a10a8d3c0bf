/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * perf-PID.map, which JIT compilers write: lines "START SIZE NAME", both numbers in hexadecimal
 * (perf's Documentation/jit-interface.txt). Code is thrown away and its memory used again: the
 * later line wins.
 */
#ifndef HVP_SYMBOLIZER_JIT_MAP_H
#define HVP_SYMBOLIZER_JIT_MAP_H

#include "common/base/error.h"
#include "symbolizer/elf/finder.h"
#include "symbolizer/elf/symtab.h"

struct hvp_image;

/*
 * Parses text (which it cuts up, and which must outlive the table; text[size] writable) into an
 * empty table.
 */
struct hvp_error *hvp_jit_map_parse(char *text, size_t size, struct hvp_symtab *symtab,
				    size_t *ret_num_bad_lines) hvp_must_use;

/* Fills the image's table from its blob or file. */
enum hvp_unresolved hvp_jit_map_load(const struct hvp_finder *finder, struct hvp_image *image);

#endif
