/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The dimensions of a profile: what samples can be told apart by. Their names are the words of
 * --sort, --fields and --filter, the columns of CSV and the members of JSON. A value is a number
 * whose meaning the dimension's row in dims.c knows.
 */
#ifndef HVP_REPORT_DIMS_H
#define HVP_REPORT_DIMS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"

enum hvp_dim {
	/* enum hvp_owner */
	HVP_DIM_OWNER,
	/* Domain id; HVP_VALUE_NONE where there is none. */
	HVP_DIM_DOMAIN,
	HVP_DIM_VCPU,
	/* enum hvp_mode */
	HVP_DIM_MODE,
	HVP_DIM_CPU,
	HVP_DIM_PID,
	HVP_DIM_TID,
	/* String number in hvp_tasks.names. */
	HVP_DIM_COMM,
	/* Index of the first image that has this path. */
	HVP_DIM_IMAGE,
	/* hvp_symbol_value() */
	HVP_DIM_SYMBOL,
	/* String number in the profile's strings: "file.c:12". */
	HVP_DIM_LINE,
	/* Index in the session's event table. */
	HVP_DIM_EVENT,
	HVP_DIM_ADDRESS,
	/* hvp_aspace_of_row(); HVP_VALUE_NONE where it is not known. */
	HVP_DIM_ASPACE,
};
#define HVP_NUM_DIMS 14

/* Several values at once, in a row that sums samples which differ here. */
#define HVP_VALUE_MIXED UINT64_MAX
/* No value: a host sample's vCPU. */
#define HVP_VALUE_NONE (UINT64_MAX - 1)

/* A set of dimensions. */
typedef uint32_t hvp_dim_set;
#define HVP_DIM_BIT(dim) (1u << (dim))

enum hvp_value_kind {
	HVP_KIND_TEXT,
	HVP_KIND_NUMBER,
	HVP_KIND_HEX,
};

struct hvp_dim_info {
	const char *name;
	/* Another word for it, or NULL: perf's. */
	const char *alias;
	const char *heading;
	enum hvp_value_kind kind;
	/* One line for the manual and --help. */
	const char *help;
};

extern const struct hvp_dim_info hvp_dims[HVP_NUM_DIMS];

/* By name or alias, not case sensitive. */
bool hvp_dim_find(const char *word, enum hvp_dim *ret);

/*
 * "domain,image,symbol" into an ordered list of at most HVP_NUM_DIMS; HVP_ERROR_USAGE lists the
 * words there are.
 */
struct hvp_dim_list {
	enum hvp_dim dims[HVP_NUM_DIMS];
	unsigned int num;
	hvp_dim_set set;
};
struct hvp_error *hvp_dim_list_parse(const char *option, const char *text,
				     struct hvp_dim_list *ret) hvp_must_use;

/* The words of all dimensions, "owner, domain, ...", in the caller's buffer. */
#define HVP_DIM_WORDS 160
const char *hvp_dim_words(char buf[HVP_DIM_WORDS]);

#endif
