/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the reading verbs take as text: filters, slices of time, sort keys and fields. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "report/output/columns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	hvp_scope(hvp_free_ptr) char *text = calloc(1, size + 1);
	struct hvp_filter filter = {0};
	struct hvp_dim_list sort;
	struct hvp_fields fields;
	struct hvp_error *err;
	uint64_t from, until;

	/* Regular expressions of any length take the C library any time. */
	if (!text || size > 256)
		return 0;
	memcpy(text, data, size);
	hvp_error_destroy(hvp_filter_parse(&filter, text));
	hvp_filter_deinit(&filter);
	err = hvp_time_slice_parse(text, 1000, UINT64_C(100000000000), &from, &until);
	if (!err && from > until)
		abort();
	hvp_error_destroy(err);
	err = hvp_dim_list_parse("--sort", text, &sort);
	if (!err && (!sort.num || sort.num > HVP_NUM_DIMS))
		abort();
	if (!err)
		hvp_fields_init(&fields, &sort, true);
	else
		fields = (struct hvp_fields){0};
	hvp_error_destroy(err);
	err = hvp_fields_parse(&fields, text);
	if (!err && (!fields.num || fields.num > HVP_MAX_FIELDS))
		abort();
	hvp_error_destroy(err);
	return 0;
}
