/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small streaming JSON writer (RFC 8259): constant memory, always valid UTF-8. It writes through
 * stdio; an error of the stream shows in ferror(). Calls must nest properly: that is asserted.
 *
 *	hvp_json_begin_object(&json, NULL);
 *	hvp_json_string(&json, "image", name);
 *	hvp_json_end_object(&json);
 *	hvp_json_finish(&json);
 */
#ifndef HVP_COMMON_CLI_JSON_OUT_H
#define HVP_COMMON_CLI_JSON_OUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define HVP_JSON_MAX_DEPTH 32

struct hvp_json {
	FILE *out;
	/* Every member on a line of its own, two spaces a level. */
	bool is_indented;
	unsigned int depth;
	/* For each level: a bit for "is an array", one for "has a member". */
	uint32_t arrays, members;
};

void hvp_json_init(struct hvp_json *json, FILE *out, bool is_indented);
/* A newline behind the last value; everything is closed. */
void hvp_json_finish(struct hvp_json *json);

/* `key` is NULL in arrays and for the outermost value, and only there. */
void hvp_json_begin_object(struct hvp_json *json, const char *key);
void hvp_json_end_object(struct hvp_json *json);
void hvp_json_begin_array(struct hvp_json *json, const char *key);
void hvp_json_end_array(struct hvp_json *json);

/* Bytes that are not UTF-8 become U+FFFD, one each; NULL is null. */
void hvp_json_string(struct hvp_json *json, const char *key, const char *value);
void hvp_json_uint(struct hvp_json *json, const char *key, uint64_t value);
/* "0xffffffff81000000": a string, because JSON's numbers are exact to 2^53 only. */
void hvp_json_hex(struct hvp_json *json, const char *key, uint64_t value);
/*
 * The shortest form that reads back the same; NaN and infinities, which JSON lacks, are null. Wants
 * LC_NUMERIC to be "C", as main leaves it.
 */
void hvp_json_double(struct hvp_json *json, const char *key, double value);
void hvp_json_bool(struct hvp_json *json, const char *key, bool value);
void hvp_json_null(struct hvp_json *json, const char *key);

#endif
