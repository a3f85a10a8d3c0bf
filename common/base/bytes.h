/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one bounded reader for all binary input, and the growable buffer for all binary output.
 * Everything is little-endian. Varints are unsigned LEB128 of at most 10 bytes (DWARF 5, 7.6);
 * signed values are zigzag-coded first.
 */
#ifndef HVP_COMMON_BASE_BYTES_H
#define HVP_COMMON_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"

/* A window on bytes that it borrows, with the name and file offset that errors give. */
struct hvp_reader {
	const char *name;
	const uint8_t *begin;
	const uint8_t *at;
	const uint8_t *end;
	/* Offset of `begin` in the file called `name`. */
	uint64_t base;
};

/* `name` and `data` must outlive the reader. */
void hvp_reader_init(struct hvp_reader *reader, const char *name, const void *data, size_t size,
		     uint64_t base);

static inline size_t hvp_reader_left(const struct hvp_reader *reader)
{
	return (size_t)(reader->end - reader->at);
}

/* The offset of the next byte in the file. */
static inline uint64_t hvp_reader_offset(const struct hvp_reader *reader)
{
	return reader->base + (uint64_t)(reader->at - reader->begin);
}

/* An HVP_ERROR_FORMAT that names the file and the current offset. */
struct hvp_error *hvp_reader_error(const struct hvp_reader *reader, const char *format,
				   ...) hvp_must_use hvp_returns_error hvp_printf(2, 3);

/*
 * Each moves past what it read; on error (HVP_ERROR_TRUNCATED, _FORMAT) the position is unchanged.
 */
struct hvp_error *hvp_read_u8(struct hvp_reader *reader, uint8_t *ret) hvp_must_use;
struct hvp_error *hvp_read_u16(struct hvp_reader *reader, uint16_t *ret) hvp_must_use;
struct hvp_error *hvp_read_u32(struct hvp_reader *reader, uint32_t *ret) hvp_must_use;
struct hvp_error *hvp_read_u64(struct hvp_reader *reader, uint64_t *ret) hvp_must_use;
struct hvp_error *hvp_read_varint(struct hvp_reader *reader, uint64_t *ret) hvp_must_use;
struct hvp_error *hvp_read_signed(struct hvp_reader *reader, int64_t *ret) hvp_must_use;
/* A varint that must be at most `max`; `what` names it in the error. */
struct hvp_error *hvp_read_bounded(struct hvp_reader *reader, const char *what, uint64_t max,
				   uint64_t *ret) hvp_must_use;
/* `size` bytes of the input itself, borrowed for as long as the input lives. */
struct hvp_error *hvp_read_bytes(struct hvp_reader *reader, size_t size,
				 const uint8_t **ret) hvp_must_use;
/* A string of the input that ends in NUL within `max` bytes (NUL included), borrowed. */
struct hvp_error *hvp_read_cstring(struct hvp_reader *reader, size_t max,
				   const char **ret) hvp_must_use;
/* A window of `size` bytes as a reader of its own; the outer one moves past it. */
struct hvp_error *hvp_read_window(struct hvp_reader *reader, size_t size,
				  struct hvp_reader *ret) hvp_must_use;

/*
 * A growable byte buffer. Appending never fails in the middle of a record: when memory runs out the
 * buffer becomes `failed`, ignores what follows, and hvp_buf_check() reports it once.
 */
struct hvp_buf {
	uint8_t *data;
	size_t size;
	size_t capacity;
	bool failed;
};

void hvp_buf_init(struct hvp_buf *buf);
void hvp_buf_deinit(struct hvp_buf *buf);
/* Forgets the contents (and `failed`), keeps the memory. */
void hvp_buf_clear(struct hvp_buf *buf);
/* Room for `more` bytes at data + size; false (and failed) when there is none. */
bool hvp_buf_reserve(struct hvp_buf *buf, size_t more);
struct hvp_error *hvp_buf_check(const struct hvp_buf *buf) hvp_must_use;

void hvp_buf_add_u8(struct hvp_buf *buf, uint8_t value);
void hvp_buf_add_u16(struct hvp_buf *buf, uint16_t value);
void hvp_buf_add_u32(struct hvp_buf *buf, uint32_t value);
void hvp_buf_add_u64(struct hvp_buf *buf, uint64_t value);
void hvp_buf_add_varint(struct hvp_buf *buf, uint64_t value);
void hvp_buf_add_signed(struct hvp_buf *buf, int64_t value);
void hvp_buf_add_bytes(struct hvp_buf *buf, const void *data, size_t size);
/* A varint length and the bytes without a NUL; NULL is written as "". */
void hvp_buf_add_string(struct hvp_buf *buf, const char *text);

static inline uint64_t hvp_zigzag(int64_t value)
{
	return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
}

static inline int64_t hvp_unzigzag(uint64_t value)
{
	return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

/*
 * Writes at most 10 bytes at `at`, which must have them; returns the place behind. For hot paths.
 */
static inline uint8_t *hvp_put_varint(uint8_t *at, uint64_t value)
{
	while (value >= 0x80) {
		*at++ = (uint8_t)value | 0x80;
		value >>= 7;
	}
	*at++ = (uint8_t)value;
	return at;
}

#endif
