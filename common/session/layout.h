/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tables of a session: which columns samples and stacks have, which fields each record has, and
 * where they are in memory. From these tables the writer writes, the reader reads, and the file's
 * own description of itself (the schema chunk) is made. A new record is one more table and one more
 * row.
 */
#ifndef HVP_COMMON_SESSION_LAYOUT_H
#define HVP_COMMON_SESSION_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/bytes.h"
#include "common/session/columns.h"

/* How a field is stored. The numbers are part of the format. */
enum hvp_field_kind {
	/* A varint. */
	HVP_FIELD_NUMBER = 1,
	/* The number of a string (varint). In memory const char *. */
	HVP_FIELD_STRING = 2,
	/*
	 * The same of bytes that are no text. In memory an array of HVP_BUILD_ID_MAX, and its size.
	 */
	HVP_FIELD_BUILD_ID = 3,
	/* The number of a blob (varint). In memory a pointer and a size_t. */
	HVP_FIELD_BLOB = 4,
};

struct hvp_field_layout {
	const char *name;
	enum hvp_field_kind kind;
	/* Where it is in struct hvp_record, and bytes of a NUMBER. */
	uint16_t offset;
	uint8_t width;
	/* Where the size of a BUILD_ID or BLOB is. */
	uint16_t size_offset;
	/* The largest value of an enumeration or flag; 0: what fits. */
	uint8_t max;
};

struct hvp_record_layout {
	const char *name;
	uint8_t type;
	uint8_t num_fields;
	const struct hvp_field_layout *fields;
};

/* NULL for a type that this version does not know. */
const struct hvp_record_layout *hvp_record_layout_find(uint64_t type);

/* The columns, in the order in which they are written. */
extern const struct hvp_column_layout hvp_sample_layout[];
extern const size_t hvp_sample_layout_size;
extern const struct hvp_column_layout hvp_stack_layout[];
extern const size_t hvp_stack_layout_size;
extern const struct hvp_column_layout hvp_chain_layout[];
extern const size_t hvp_chain_layout_size;

/* The payload of the schema chunk. */
void hvp_schema_put(struct hvp_buf *buf);

#endif
