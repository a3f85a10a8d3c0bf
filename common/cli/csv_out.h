/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Comma-separated values (RFC 4180, with plain newlines): fields one after the other, then the end
 * of the row. */
#ifndef HVP_COMMON_CLI_CSV_OUT_H
#define HVP_COMMON_CLI_CSV_OUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct hvp_csv {
	FILE *out;
	bool has_field;
};

void hvp_csv_init(struct hvp_csv *csv, FILE *out);
/* Quoted where it must be; control characters and bytes that are not UTF-8 are escaped as on the
 * terminal, and so is the first character of what a spreadsheet would take for a formula (=, +, -,
 * @). NULL is empty. */
void hvp_csv_string(struct hvp_csv *csv, const char *value);
void hvp_csv_uint(struct hvp_csv *csv, uint64_t value);
void hvp_csv_hex(struct hvp_csv *csv, uint64_t value);
/* Four digits behind the point; empty for NaN and infinities. */
void hvp_csv_double(struct hvp_csv *csv, double value);
void hvp_csv_end_row(struct hvp_csv *csv);

#endif
