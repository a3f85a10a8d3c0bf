/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/cli/csv_out.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "common/cli/text.h"

void hvp_csv_init(struct hvp_csv *csv, FILE *out)
{
	*csv = (struct hvp_csv){.out = out};
}

static void begin_field(struct hvp_csv *csv)
{
	if (csv->has_field)
		putc(',', csv->out);
	csv->has_field = true;
}

/* Spreadsheets calculate what begins like this, and a name can be a guest's. */
static bool is_formula(const char *value)
{
	return *value && strchr("=+-@", *value) && value[1];
}

void hvp_csv_string(struct hvp_csv *csv, const char *value)
{
	bool is_quoted;

	begin_field(csv);
	if (!value)
		return;
	is_quoted = strpbrk(value, ",\" \n\r");
	if (is_quoted)
		putc('"', csv->out);
	if (is_formula(value))
		fprintf(csv->out, "\\x%02x", (unsigned int)*value++);
	if (!is_quoted) {
		hvp_text_print(csv->out, value);
		return;
	}
	for (size_t left = strlen(value); left;) {
		char escaped[HVP_TEXT_ESCAPED];
		size_t taken = hvp_text_escape_next(value, left, escaped);

		fputs(escaped[0] == '"' ? "\"\"" : escaped, csv->out);
		value += taken;
		left -= taken;
	}
	putc('"', csv->out);
}

void hvp_csv_uint(struct hvp_csv *csv, uint64_t value)
{
	begin_field(csv);
	fprintf(csv->out, "%" PRIu64, value);
}

void hvp_csv_hex(struct hvp_csv *csv, uint64_t value)
{
	begin_field(csv);
	fprintf(csv->out, "0x%" PRIx64, value);
}

void hvp_csv_double(struct hvp_csv *csv, double value)
{
	begin_field(csv);
	if (isfinite(value))
		fprintf(csv->out, "%.4f", value);
}

void hvp_csv_end_row(struct hvp_csv *csv)
{
	putc('\n', csv->out);
	csv->has_field = false;
}
