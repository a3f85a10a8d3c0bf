/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The figures of `hvprof stat`, one span of time after the other, as text, CSV or JSON. */
#ifndef HVP_DAEMON_STAT_OUTPUT_H
#define HVP_DAEMON_STAT_OUTPUT_H

#include <stdio.h>

#include "common/cli/csv_out.h"
#include "common/cli/json_out.h"
#include "daemon/stat.h"

enum hvp_stat_format {
	HVP_STAT_TEXT,
	HVP_STAT_CSV,
	HVP_STAT_JSON,
};
/* As on the command line. */
extern const char *const hvp_stat_format_names[];

struct hvp_stat_output {
	FILE *out;
	bool has_color;
	enum hvp_stat_format format;
	struct hvp_csv csv;
	struct hvp_json json;
	size_t num_spans;
};

void hvp_stat_output_begin(struct hvp_stat_output *output, FILE *out, enum hvp_stat_format format,
			   bool has_color);
/* One span: `from` nanoseconds behind the beginning of all, and as long as `length`. */
struct hvp_error *hvp_stat_output_span(struct hvp_stat_output *output, const struct hvp_stat *stat,
				       uint64_t from, uint64_t length) hvp_must_use;
void hvp_stat_output_end(struct hvp_stat_output *output);

#endif
