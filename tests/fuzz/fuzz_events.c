/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: any text as an event. What is accepted must make sense: some mode is wanted, and the
 * scope has words.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/perf/events.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Places that do not exist: what this machine's PMUs are called must not matter. */
	static const struct hvp_host_roots roots = {.proc = "/nonexistent",
						    .sys = "/nonexistent",
						    .debugfs = "/nonexistent",
						    .tracefs = "/nonexistent"};
	struct hvp_event_spec spec, clock;
	char *text = malloc(size + 1);
	struct hvp_error *err;

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = 0;
	err = hvp_event_parse(text, &roots, &spec);
	if (!err) {
		if (strcmp(spec.name, text) || spec.precise > 3 || !*hvp_event_scope(spec.modes))
			abort();
		if (hvp_event_fall_back(&spec, &clock) || clock.modes != spec.modes)
			abort();
		hvp_event_spec_deinit(&clock);
		hvp_event_spec_deinit(&spec);
	}
	hvp_error_destroy(err);
	free(text);
	return 0;
}
