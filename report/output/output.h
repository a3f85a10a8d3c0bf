/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How results leave: a document is a head (or none) and tables of rows. Verbs describe what there is, a format prints it. A new format
 * is one file with an ops struct and a row in output.c (docs/how-to-add-an-output.md).
 */
#ifndef HVP_REPORT_OUTPUT_H
#define HVP_REPORT_OUTPUT_H

#include <stdio.h>

#include "report/profile/calltree.h"
#include "report/profile/head.h"
#include "report/profile/vcpu_set.h"

/* Rows of a verb's option table: which columns, and which format. `text` says what the verb has. */
#define HVP_FIELDS_OPTION(config_type, member, words, text)                                        \
	{                                                                                          \
		.type = HVP_OPTION_STRING, .letter = 'F', .name = "fields", .value = "LIST",       \
		.offset = offsetof(config_type, member), .completion = (words), .help = (text)     \
	}
#define HVP_FORMAT_OPTION(config_type, member, text)                                               \
	{                                                                                          \
		.type = HVP_OPTION_CHOICE, .name = "format",                                       \
		.offset = offsetof(config_type, member), .choices = hvp_output_names,              \
		.help = (text)                                                                     \
	}

enum hvp_cell_type {
	HVP_CELL_TEXT,
	/* For text with thousands separators; a plain number elsewhere. */
	HVP_CELL_COUNT,
	HVP_CELL_NUMBER,
	HVP_CELL_HEX,
	/* 0 to 100; coloured by size. */
	HVP_CELL_PERCENT,
	/* Nanoseconds; text and CSV print seconds. */
	HVP_CELL_TIME,
	HVP_CELL_VCPUS,
};

struct hvp_cell {
	/* Nothing known: "-", empty, null. */
	bool is_null;
	/* Null because the samples differ: "*" for people. */
	bool is_mixed;
	union {
		/* Borrowed, unescaped: names come from guests and files, formats escape them. */
		const char *text;
		uint64_t number;
		double percent;
		const struct hvp_vcpu_set *vcpus;
	};
	/* Where `text` may point to. */
	char buf[HVP_VALUE_TEXT];
};

struct hvp_table_column {
	/* CSV's heading and JSON's member. */
	const char *name;
	/* Text's heading. */
	const char *heading;
	enum hvp_cell_type type;
	/* For text without the rest of the rows known: 0 is as wide as it must be. */
	unsigned int width;
	/* Not for text: said in the title, or too wide. */
	bool is_for_machines;
};

struct hvp_table {
	/* JSON's member that holds the rows; consecutive tables of one key share it. */
	const char *key;
	/* Text's line above the table; NULL: none. Escaped already. */
	const char *title;
	const struct hvp_table_column *columns;
	size_t num_columns;
	/* Rows are printed as they come, and CSV's heading stands once: `script`. */
	bool is_streamed;
};

struct hvp_output;

struct hvp_output_ops {
	const char *name;
	/* Begins and ends the document. `schema` names it for machines: "hvprof-report/1". */
	void (*begin)(struct hvp_output *output, const char *schema);
	void (*end)(struct hvp_output *output);
	/* At most once, before the tables. */
	void (*head)(struct hvp_output *output, const struct hvp_head *head);
	void (*table_begin)(struct hvp_output *output, const struct hvp_table *table);
	/* As many cells as the table has columns. `tree`, which may be NULL, is the row's call tree. */
	void (*row)(struct hvp_output *output, const struct hvp_cell *cells,
		    const struct hvp_tree_view *tree);
	/* `remark`: what was left out, or NULL. */
	void (*table_end)(struct hvp_output *output, const char *remark);
	/* A line between or behind tables, only for people. May be NULL. */
	void (*remark)(struct hvp_output *output, const char *text);
};

struct hvp_output {
	const struct hvp_output_ops *ops;
	FILE *out;
	bool has_color;
	/* Columns of the terminal; 0: not a terminal, nothing is cut. */
	unsigned int width;
	/* JSON as one object a line, without a document around: `script`. */
	bool is_lines;
	/* The format's own. */
	void *state;
	/* Memory ran out; hvp_output_finish() says so. */
	bool has_failed;
};

/* The names of all formats, NULL-terminated: the choices of --format; and the format of each choice. */
extern const char *const hvp_output_names[];
const struct hvp_output_ops *hvp_output_by_index(int index);

/* One of each, beside its ops. */
extern const struct hvp_output_ops hvp_output_text, hvp_output_csv, hvp_output_json;

/* No memory while printing. What the stream itself met (a full disk, a closed pipe) main reports. */
struct hvp_error *hvp_output_finish(struct hvp_output *output) hvp_must_use;

#endif
