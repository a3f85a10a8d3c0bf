/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Texts that kernels write: /proc/kallsyms or System.map, and /proc/modules. */
#include <stdlib.h>
#include <string.h>

#include "common/base/scope.h"
#include "symbolizer/kernel/kallsyms.h"
#include "symbolizer/kernel/modules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse_kallsyms(char *text, size_t size)
{
	struct hvp_kallsyms kallsyms;

	hvp_error_destroy(hvp_kallsyms_parse(text, size, "input", &kallsyms));
	for (size_t i = 0; i < kallsyms.num; i++) {
		const struct hvp_kallsyms_symbol *symbol = &kallsyms.symbols[i];

		if (!(symbol->address >> 63) || !*symbol->name ||
		    symbol->name + strlen(symbol->name) > text + size)
			abort();
		if (symbol->module != HVP_KALLSYMS_CORE && symbol->module >= kallsyms.num_modules)
			abort();
	}
	hvp_kallsyms_deinit(&kallsyms);
}

static void parse_modules(const char *text, size_t size)
{
	struct hvp_modules modules;

	hvp_error_destroy(hvp_modules_parse(text, size, &modules));
	for (size_t i = 0; i < modules.num; i++) {
		if (!modules.items[i].size ||
		    modules.items[i].address + modules.items[i].size < modules.items[i].address)
			abort();
	}
	hvp_modules_deinit(&modules);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	hvp_scope(hvp_free_ptr) char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	parse_modules(text, size);
	parse_kallsyms(text, size);
	return 0;
}
