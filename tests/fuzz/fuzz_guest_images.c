/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The value of --guest, and names as the demangler gets them: both are text from outside. */
#include <stdlib.h>
#include <string.h>

#include "common/base/scope.h"
#include "symbolizer/elf/demangle.h"
#include "symbolizer/symbolizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demangle(const char *text)
{
	struct hvp_arena arena;
	const char *name;

	hvp_arena_init(&arena);
	name = hvp_demangle(text, HVP_NAMING_FULL, &arena);
	for (; name && *name; name++) {
		if ((unsigned char)*name < 0x20 || *name == 0x7f)
			abort();
	}
	hvp_arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	hvp_scope(hvp_free_ptr) char *text = malloc(size + 1);
	struct hvp_guest_images images;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	hvp_error_destroy(hvp_guest_images_parse(text, &images));
	hvp_guest_images_deinit(&images);
	demangle(text);
	return 0;
}
