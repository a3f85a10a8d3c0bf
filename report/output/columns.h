/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The columns of `report` as data: how each is called, what it needs to be known, and what it says
 * of a row. --fields chooses among them; a new column is one row in columns.c.
 */
#ifndef HVP_REPORT_COLUMNS_H
#define HVP_REPORT_COLUMNS_H

#include "report/profile/entries.h"
#include "report/output/output.h"

struct hvp_row_view {
	const struct hvp_entries *entries;
	const struct hvp_section *section;
	const struct hvp_entry *entry;
};

struct hvp_column {
	struct hvp_table_column table;
	/* The dimensions it shows. */
	hvp_dim_set dims;
	enum hvp_dim dim;
	const char *help;
	void (*get)(const struct hvp_row_view *view, const struct hvp_column *column,
		    struct hvp_cell *ret);
};

/* Their names, for help and completion. */
#define HVP_REPORT_FIELDS                                                                          \
	"children share_total share_owner samples children_samples period owner domain vcpu "      \
	"vcpus mode cpu event pid tid comm address aspace image path symbol unresolved line"

extern const struct hvp_column hvp_columns[];
extern const size_t hvp_num_columns;

#define HVP_MAX_FIELDS 32

/* Columns in the order in which they stand. */
struct hvp_fields {
	const struct hvp_column *columns[HVP_MAX_FIELDS];
	size_t num;
	hvp_dim_set dims;
};

/* What is shown when nothing is said: shares, samples, vCPUs and the sort keys. */
void hvp_fields_init(struct hvp_fields *ret, const struct hvp_dim_list *sort, bool has_children);
/*
 * "samples,image,symbol" replaces the fields; "+pid,-vcpu" adds and removes. HVP_ERROR_USAGE lists
 * the fields.
 */
struct hvp_error *hvp_fields_parse(struct hvp_fields *fields, const char *text) hvp_must_use;
bool hvp_fields_has(const struct hvp_fields *fields, const char *name);
/* By name; unknown names are a bug. */
void hvp_fields_add(struct hvp_fields *fields, const char *name);
void hvp_fields_remove(struct hvp_fields *fields, const char *name);

#endif
