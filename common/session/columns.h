/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Columns of numbers, each in the encoding that suits it: what samples and stacks are stored as. A
 * table is rows x columns; a chunk holds some rows of it, column by column, and every column says
 * its own encoding, so that a reader needs no agreement with the writer beyond the meaning of a
 * column's number.
 */
#ifndef HVP_COMMON_SESSION_COLUMNS_H
#define HVP_COMMON_SESSION_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/bytes.h"
#include "common/base/error.h"
#include "common/base/scope.h"
#include "common/session/format.h"

/* What a column's numbers are like: how the encoder goes about it. */
enum hvp_column_kind {
	/* Small numbers. */
	HVP_COLUMN_NUMBER,
	/* Numbers near their predecessors. */
	HVP_COLUMN_GRADUAL,
	/* Numbers that rise by about the same step. */
	HVP_COLUMN_TICKING,
	/* Few distinct numbers, some far more frequent than others. */
	HVP_COLUMN_CODED,
	/* Large numbers that come again in the same order. */
	HVP_COLUMN_PATTERN,
	/* Mostly determined by another column, which is CODED and comes before. */
	HVP_COLUMN_FOLLOWS,
};

struct hvp_column_layout {
	const char *name;
	uint8_t id;
	/* Width of the values: 8, 16, 32 or 64 bits. */
	uint8_t bits;
	enum hvp_column_kind kind;
	/* Of HVP_COLUMN_FOLLOWS: the id of the other column. */
	uint8_t leader;
};

/* A column's id is below this. */
#define HVP_MAX_COLUMNS 32

struct hvp_column_encoder;

/* For chunks of up to `max_rows` rows, compressing with zstd's `level`. */
struct hvp_error *hvp_column_encoder_create(size_t max_rows, int level,
					    struct hvp_column_encoder **ret) hvp_must_use;
/* Accepts NULL. */
void hvp_column_encoder_destroy(struct hvp_column_encoder *encoder);
/* Bytes that it takes for each of max_rows, about. */
size_t hvp_column_encoder_row_cost(void);
/* Bytes it holds. */
size_t hvp_column_encoder_memory(const struct hvp_column_encoder *encoder);

/* Begins a chunk: forgets the dictionaries. */
void hvp_column_encoder_reset(struct hvp_column_encoder *encoder);
/*
 * Appends one column: id, size, contents. Columns without a single value other than 0 are left out,
 * which readers take for all 0. Returns whether it was appended.
 */
bool hvp_column_encode(struct hvp_column_encoder *encoder, const struct hvp_column_layout *layout,
		       const uint64_t *values, size_t num_rows, struct hvp_buf *buf);
/* The same for a column of which the caller knows that all rows have `value`. */
bool hvp_column_encode_same(struct hvp_column_encoder *encoder,
			    const struct hvp_column_layout *layout, uint64_t value,
			    struct hvp_buf *buf);

/* How the decoder hands a column out. */
enum hvp_column_form {
	/* All rows have `same`. */
	HVP_FORM_SAME,
	/* values[row] */
	HVP_FORM_VALUES,
	/* values[codes[row]]; all codes are below `num_values`. */
	HVP_FORM_CODED,
};

struct hvp_column {
	enum hvp_column_form form;
	uint64_t same;
	uint64_t *values;
	uint32_t *codes;
	size_t num_values;
};

static inline uint64_t hvp_column_at(const struct hvp_column *column, size_t row)
{
	switch (column->form) {
	case HVP_FORM_VALUES: return column->values[row];
	case HVP_FORM_CODED: return column->values[column->codes[row]];
	default: return column->same;
	}
}

struct hvp_column_decoder;

struct hvp_error *hvp_column_decoder_create(struct hvp_column_decoder **ret) hvp_must_use;
/* Accepts NULL. */
void hvp_column_decoder_destroy(struct hvp_column_decoder *decoder);

/*
 * Decodes the columns up to the reader's end. Columns whose bit (1 << id) is not in `wanted` may be
 * left out (as all 0), unknown ids (not below HVP_MAX_COLUMNS) are. The columns are valid until the
 * next call. Memory is bounded by num_rows, which is at most HVP_MAX_ROWS.
 */
struct hvp_error *hvp_column_decode(struct hvp_column_decoder *decoder, struct hvp_reader *reader,
				    size_t num_rows, uint32_t wanted,
				    const struct hvp_column **ret) hvp_must_use;

#endif
