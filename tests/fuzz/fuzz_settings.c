/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configuration file: parsed, applied to a table with an option of every type. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/cli/settings.h"
#include "tests/fuzz/every_option.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct every_option config = {0};
	struct hvp_settings settings = {0};

	hvp_error_destroy(hvp_settings_parse(&settings, "fuzz", (const char *)data, size));
	for (size_t i = 0; i < settings.num; i++) {
		const struct hvp_setting *setting = &settings.items[i];

		/* Each alone too: the first wrong one ends hvp_settings_apply(). */
		hvp_error_destroy(
			hvp_options_set(&every_command, setting->name, setting->value, &config));
		if (!hvp_settings_find(&settings, setting->section, setting->name))
			abort();
	}
	hvp_error_destroy(hvp_settings_apply(&settings, "every", &every_command, &config));
	hvp_options_deinit(&every_command, &config);
	hvp_settings_deinit(&settings);
	return 0;
}
