/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/base/bytes.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VARINT_MAX_BYTES 10

void hvp_reader_init(struct hvp_reader *reader, const char *name, const void *data, size_t size,
		     uint64_t base)
{
	const uint8_t *begin = data;

	/* An empty buffer may have no address: NULL + 0 is undefined in C. */
	*reader = (struct hvp_reader){.name = name,
				      .begin = begin,
				      .at = begin,
				      .end = size ? begin + size : begin,
				      .base = base};
}

struct hvp_error *hvp_reader_error(const struct hvp_reader *reader, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return hvp_error_at(HVP_ERROR_FORMAT, reader->name, hvp_reader_offset(reader), "%s", text);
}

static struct hvp_error *truncated(const struct hvp_reader *reader, size_t wanted)
{
	return hvp_error_at(HVP_ERROR_TRUNCATED, reader->name, hvp_reader_offset(reader),
			    "%zu bytes expected, %zu left: the input is cut short", wanted,
			    hvp_reader_left(reader));
}

/* Copies a fixed-size field out and moves on. */
static struct hvp_error *read_fixed(struct hvp_reader *reader, void *ret, size_t size)
{
	if (hvp_reader_left(reader) < size)
		return truncated(reader, size);
	memcpy(ret, reader->at, size);
	reader->at += size;
	return NULL;
}

struct hvp_error *hvp_read_u8(struct hvp_reader *reader, uint8_t *ret)
{
	return read_fixed(reader, ret, sizeof(*ret));
}

struct hvp_error *hvp_read_u16(struct hvp_reader *reader, uint16_t *ret)
{
	uint16_t value;

	hvp_try(read_fixed(reader, &value, sizeof(value)));
	*ret = le16toh(value);
	return NULL;
}

struct hvp_error *hvp_read_u32(struct hvp_reader *reader, uint32_t *ret)
{
	uint32_t value;

	hvp_try(read_fixed(reader, &value, sizeof(value)));
	*ret = le32toh(value);
	return NULL;
}

struct hvp_error *hvp_read_u64(struct hvp_reader *reader, uint64_t *ret)
{
	uint64_t value;

	hvp_try(read_fixed(reader, &value, sizeof(value)));
	*ret = le64toh(value);
	return NULL;
}

struct hvp_error *hvp_read_varint(struct hvp_reader *reader, uint64_t *ret)
{
	uint64_t value = 0;

	for (size_t i = 0; i < VARINT_MAX_BYTES; i++) {
		uint8_t byte;

		if (i >= hvp_reader_left(reader))
			return truncated(reader, i + 1);
		byte = reader->at[i];
		/* The tenth byte has room for the one bit that 9 * 7 leave over. */
		if (i == VARINT_MAX_BYTES - 1 && byte > 1)
			break;
		value |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (!(byte & 0x80)) {
			reader->at += i + 1;
			*ret = value;
			return NULL;
		}
	}
	return hvp_reader_error(reader, "a number does not fit in 64 bits");
}

struct hvp_error *hvp_read_signed(struct hvp_reader *reader, int64_t *ret)
{
	uint64_t value;

	hvp_try(hvp_read_varint(reader, &value));
	*ret = hvp_unzigzag(value);
	return NULL;
}

struct hvp_error *hvp_read_bounded(struct hvp_reader *reader, const char *what, uint64_t max,
				   uint64_t *ret)
{
	struct hvp_reader ahead = *reader;
	uint64_t value;

	hvp_try(hvp_read_varint(&ahead, &value));
	if (value > max)
		return hvp_reader_error(reader, "%s is %llu, at most %llu can be", what,
					(unsigned long long)value, (unsigned long long)max);
	*reader = ahead;
	*ret = value;
	return NULL;
}

struct hvp_error *hvp_read_bytes(struct hvp_reader *reader, size_t size, const uint8_t **ret)
{
	if (hvp_reader_left(reader) < size)
		return truncated(reader, size);
	*ret = reader->at;
	reader->at += size;
	return NULL;
}

struct hvp_error *hvp_read_cstring(struct hvp_reader *reader, size_t max, const char **ret)
{
	size_t left = hvp_reader_left(reader);
	const uint8_t *nul = memchr(reader->at, 0, left < max ? left : max);

	if (!nul)
		return hvp_reader_error(reader, "a string does not end within %zu bytes",
					left < max ? left : max);
	*ret = (const char *)reader->at;
	reader->at = nul + 1;
	return NULL;
}

struct hvp_error *hvp_read_window(struct hvp_reader *reader, size_t size, struct hvp_reader *ret)
{
	uint64_t base = hvp_reader_offset(reader);
	const uint8_t *data;

	hvp_try(hvp_read_bytes(reader, size, &data));
	hvp_reader_init(ret, reader->name, data, size, base);
	return NULL;
}

void hvp_buf_init(struct hvp_buf *buf)
{
	*buf = (struct hvp_buf){0};
}

void hvp_buf_deinit(struct hvp_buf *buf)
{
	free(buf->data);
	hvp_buf_init(buf);
}

void hvp_buf_clear(struct hvp_buf *buf)
{
	buf->size = 0;
	buf->failed = false;
}

bool hvp_buf_reserve(struct hvp_buf *buf, size_t more)
{
	size_t capacity = buf->capacity ? buf->capacity : 256;
	uint8_t *data;

	if (buf->failed)
		return false;
	if (buf->capacity - buf->size >= more)
		return true;
	while (capacity - buf->size < more) {
		if (capacity > SIZE_MAX / 2) {
			buf->failed = true;
			return false;
		}
		capacity *= 2;
	}
	data = realloc(buf->data, capacity);
	if (!data) {
		buf->failed = true;
		return false;
	}
	buf->data = data;
	buf->capacity = capacity;
	return true;
}

struct hvp_error *hvp_buf_check(const struct hvp_buf *buf)
{
	return buf->failed ? hvp_error_no_memory : NULL;
}

void hvp_buf_add_bytes(struct hvp_buf *buf, const void *data, size_t size)
{
	if (!size || !hvp_buf_reserve(buf, size))
		return;
	memcpy(buf->data + buf->size, data, size);
	buf->size += size;
}

void hvp_buf_add_u8(struct hvp_buf *buf, uint8_t value)
{
	hvp_buf_add_bytes(buf, &value, sizeof(value));
}

void hvp_buf_add_u16(struct hvp_buf *buf, uint16_t value)
{
	uint16_t le = htole16(value);

	hvp_buf_add_bytes(buf, &le, sizeof(le));
}

void hvp_buf_add_u32(struct hvp_buf *buf, uint32_t value)
{
	uint32_t le = htole32(value);

	hvp_buf_add_bytes(buf, &le, sizeof(le));
}

void hvp_buf_add_u64(struct hvp_buf *buf, uint64_t value)
{
	uint64_t le = htole64(value);

	hvp_buf_add_bytes(buf, &le, sizeof(le));
}

void hvp_buf_add_varint(struct hvp_buf *buf, uint64_t value)
{
	if (!hvp_buf_reserve(buf, VARINT_MAX_BYTES))
		return;
	buf->size = (size_t)(hvp_put_varint(buf->data + buf->size, value) - buf->data);
}

void hvp_buf_add_signed(struct hvp_buf *buf, int64_t value)
{
	hvp_buf_add_varint(buf, hvp_zigzag(value));
}

void hvp_buf_add_string(struct hvp_buf *buf, const char *text)
{
	size_t size = text ? strlen(text) : 0;

	hvp_buf_add_varint(buf, size);
	hvp_buf_add_bytes(buf, text, size);
}
