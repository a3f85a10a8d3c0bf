/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A perf-PID.map, which any program of any user may have written. */
#include <stdlib.h>
#include <string.h>

#include "common/base/scope.h"
#include "symbolizer/jit_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	hvp_scope(hvp_free_ptr) char *text = malloc(size + 1);
	struct hvp_symtab symtab;
	size_t num_bad_lines;

	if (!text)
		return 0;
	memcpy(text, data, size);
	hvp_symtab_init(&symtab, false);
	hvp_error_destroy(hvp_jit_map_parse(text, size, &symtab, &num_bad_lines));
	for (size_t i = 0; i < symtab.num; i++) {
		struct hvp_symtab_entry *entry = &symtab.entries[i];

		if (i && entry[-1].symbol.address >= entry->symbol.address)
			abort();
		if (!hvp_symtab_present(&symtab, entry) ||
		    hvp_symtab_find(&symtab, entry->symbol.address) != entry)
			abort();
	}
	hvp_symtab_deinit(&symtab);
	return 0;
}
