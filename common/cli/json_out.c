/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/cli/json_out.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/cli/text.h"

#define REPLACEMENT "\xef\xbf\xbd"

void hvp_json_init(struct hvp_json *json, FILE *out, bool is_indented)
{
	*json = (struct hvp_json){.out = out, .is_indented = is_indented};
}

void hvp_json_finish(struct hvp_json *json)
{
	assert(json->depth == 0);
	putc('\n', json->out);
}

static uint32_t level_bit(const struct hvp_json *json)
{
	return 1u << (json->depth - 1);
}

static void print_newline(struct hvp_json *json)
{
	if (json->is_indented)
		fprintf(json->out, "\n%*s", (int)json->depth * 2, "");
}

static void print_char(FILE *out, uint32_t c, const char *bytes, size_t length)
{
	/* Beside the two that must be escaped and C0, DEL and C1 are: a terminal may show the file.
	 */
	if (c == '"' || c == '\\')
		fprintf(out, "\\%c", (int)c);
	else if (c == '\n')
		fputs("\\n", out);
	else if (c == '\t')
		fputs("\\t", out);
	else if (c < 0x20 || (c >= 0x7f && c < 0xa0))
		fprintf(out, "\\u%04x", (unsigned int)c);
	else
		fwrite(bytes, 1, length, out);
}

static void print_string(FILE *out, const char *text)
{
	size_t left = strlen(text);

	putc('"', out);
	while (left) {
		uint32_t c = 0;
		size_t length = hvp_text_decode(text, left, &c);

		if (length)
			print_char(out, c, text, length);
		else
			fputs(REPLACEMENT, out);
		text += length ? length : 1;
		left -= length ? length : 1;
	}
	putc('"', out);
}

/* What stands before a value: a comma, a newline, a key. */
static void begin_value(struct hvp_json *json, const char *key)
{
	assert(!key == (!json->depth || (json->arrays & level_bit(json))));
	if (json->depth) {
		if (json->members & level_bit(json))
			putc(',', json->out);
		json->members |= level_bit(json);
		print_newline(json);
	}
	if (!key)
		return;
	print_string(json->out, key);
	fputs(json->is_indented ? ": " : ":", json->out);
}

static void begin_nest(struct hvp_json *json, const char *key, bool is_array)
{
	assert(json->depth < HVP_JSON_MAX_DEPTH);
	begin_value(json, key);
	putc(is_array ? '[' : '{', json->out);
	json->depth++;
	json->members &= ~level_bit(json);
	json->arrays &= ~level_bit(json);
	if (is_array)
		json->arrays |= level_bit(json);
}

static void end_nest(struct hvp_json *json, bool is_array)
{
	bool has_members;

	assert(json->depth && !!(json->arrays & level_bit(json)) == is_array);
	has_members = json->members & level_bit(json);
	json->depth--;
	if (has_members)
		print_newline(json);
	putc(is_array ? ']' : '}', json->out);
}

void hvp_json_begin_object(struct hvp_json *json, const char *key)
{
	begin_nest(json, key, false);
}

void hvp_json_end_object(struct hvp_json *json)
{
	end_nest(json, false);
}

void hvp_json_begin_array(struct hvp_json *json, const char *key)
{
	begin_nest(json, key, true);
}

void hvp_json_end_array(struct hvp_json *json)
{
	end_nest(json, true);
}

void hvp_json_string(struct hvp_json *json, const char *key, const char *value)
{
	if (!value) {
		hvp_json_null(json, key);
		return;
	}
	begin_value(json, key);
	print_string(json->out, value);
}

void hvp_json_uint(struct hvp_json *json, const char *key, uint64_t value)
{
	begin_value(json, key);
	fprintf(json->out, "%" PRIu64, value);
}

void hvp_json_hex(struct hvp_json *json, const char *key, uint64_t value)
{
	begin_value(json, key);
	fprintf(json->out, "\"0x%" PRIx64 "\"", value);
}

void hvp_json_double(struct hvp_json *json, const char *key, double value)
{
	/* 100 and not 1e+02. */
	bool is_plain = value == 0 || (fabs(value) >= 1e-4 && fabs(value) < 1e15);
	char text[40];

	if (!isfinite(value)) {
		hvp_json_null(json, key);
		return;
	}
	begin_value(json, key);
	for (int digits = 1; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value && !(is_plain && strchr(text, 'e')))
			break;
	}
	fputs(text, json->out);
}

void hvp_json_bool(struct hvp_json *json, const char *key, bool value)
{
	begin_value(json, key);
	fputs(value ? "true" : "false", json->out);
}

void hvp_json_null(struct hvp_json *json, const char *key)
{
	begin_value(json, key);
	fputs("null", json->out);
}
