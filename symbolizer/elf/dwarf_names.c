/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dwarf.h>

#include "common/base/array.h"
#include "symbolizer/elf/demangle.h"
#include "symbolizer/elf/dwarf_internal.h"

const char *hvp_dwarf_text(struct hvp_dwarf *dwarf, const char *text)
{
	return hvp_escape_controls(text, &dwarf->arena);
}

const char *hvp_dwarf_name(struct hvp_dwarf *dwarf, Dwarf_Die *die)
{
	static const unsigned int attributes[] = {DW_AT_linkage_name, DW_AT_MIPS_linkage_name,
						  DW_AT_name};
	Dwarf_Attribute attribute;

	for (size_t i = 0; i < HVP_ARRAY_SIZE(attributes); i++) {
		const char *raw;

		if (!dwarf_attr_integrate(die, attributes[i], &attribute))
			continue;
		raw = dwarf_formstring(&attribute);
		if (raw && *raw)
			return hvp_demangle(raw, dwarf->options.naming, &dwarf->arena);
	}
	return NULL;
}
