/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text of /proc/kallsyms and of System.map: lines "ffffffff81000000 T name\t[module]"
 * (kernel/kallsyms.c, scripts/link-vmlinux.sh). Lines of another form are counted and left out.
 */
#ifndef HVP_SYMBOLIZER_KALLSYMS_H
#define HVP_SYMBOLIZER_KALLSYMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"

struct hvp_kallsyms_symbol {
	uint64_t address;
	/* In the text, which is borrowed and has been cut up with NULs. */
	const char *name;
	/* Index in `modules`, or HVP_KALLSYMS_CORE. */
	uint16_t module;
	char type;
};

#define HVP_KALLSYMS_CORE UINT16_MAX

struct hvp_kallsyms {
	/* Symbols of kernel addresses, as ordered in the text. */
	struct hvp_kallsyms_symbol *symbols;
	size_t num, capacity;
	/* Names of modules, and of the pseudo modules "bpf" and "__builtin__*". */
	const char **modules;
	size_t num_modules, capacity_modules;
	/* Well-known symbols; 0 when absent. `text` is _text, or _stext without one. */
	uint64_t text, stext, etext, sinittext, einittext;
	size_t num_bad_lines;
	/*
	 * There are symbols and all have address 0: kptr_restrict, or a reader without CAP_SYSLOG.
	 */
	bool is_restricted;
};

/*
 * Parses `size` bytes at `text`, which it changes (NULs after names); text[size] must be writable.
 * HVP_ERROR_FORMAT when no line of it is a symbol; `name` is for messages.
 */
struct hvp_error *hvp_kallsyms_parse(char *text, size_t size, const char *name,
				     struct hvp_kallsyms *ret) hvp_must_use;
void hvp_kallsyms_deinit(struct hvp_kallsyms *kallsyms);

/* Functions, by nm's letter: text and weak. */
static inline bool hvp_kallsyms_is_text(char type)
{
	return type == 'T' || type == 't' || type == 'W' || type == 'w' || type == 'i';
}

#endif
