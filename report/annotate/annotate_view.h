/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How annotated functions are printed: one ops struct for each format. */
#ifndef HVP_REPORT_ANNOTATE_VIEW_H
#define HVP_REPORT_ANNOTATE_VIEW_H

#include <stdio.h>

#include "report/annotate/annotate.h"

enum hvp_annotate_style {
	HVP_STYLE_AUTO_PANES,
	HVP_STYLE_SIDE,
	HVP_STYLE_MIXED,
	HVP_STYLE_ASM,
	HVP_STYLE_SOURCE,
};

struct hvp_annotate_view {
	FILE *out;
	bool has_color;
	/* Columns to fill; text alone looks at it. */
	unsigned int width;
	enum hvp_annotate_style style;
	/* Stretches without samples too. */
	bool has_all;
	struct hvp_sources *sources;
	/* Of the host, or NULL. Borrowed from the session. */
	const char *kernel_release;
	/* The format's own. */
	void *state;
};

struct hvp_annotate_ops {
	const char *name;
	/* The document, and one function of it. `whose` names the owners of its samples. */
	struct hvp_error *(*begin)(struct hvp_annotate_view *view);
	struct hvp_error *(*function)(struct hvp_annotate_view *view,
				      const struct hvp_annotation *annotation, const char *whose);
	/* A fact about the whole, in words. */
	void (*remark)(struct hvp_annotate_view *view, const char *text);
	void (*end)(struct hvp_annotate_view *view);
};

/* In the order of hvp_output_names. */
extern const struct hvp_annotate_ops hvp_annotate_text, hvp_annotate_csv, hvp_annotate_json;

#endif
