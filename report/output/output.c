/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/output/output.h"

#include "common/base/array.h"

/* Also the order of the choices of --format; the first is the default. */
static const struct hvp_output_ops *const outputs[] = {
	&hvp_output_text,
	&hvp_output_csv,
	&hvp_output_json,
};

const char *const hvp_output_names[] = {"text", "csv", "json", NULL};

_Static_assert(HVP_ARRAY_SIZE(outputs) + 1 == HVP_ARRAY_SIZE(hvp_output_names),
	       "each output has a name");

const struct hvp_output_ops *hvp_output_by_index(int index)
{
	return outputs[index];
}

struct hvp_error *hvp_output_finish(struct hvp_output *output)
{
	return output->has_failed ? hvp_error_no_memory : NULL;
}
