/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbolizer/kernel/modules.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"

#define MAX_MODULES 4096
#define MAX_MODULE_SIZE ((uint64_t)1 << 30)

struct field {
	const char *at;
	size_t size;
};

/* The next word between blanks; an empty one at the end of the line. */
static struct field next_field(const char **at, const char *end)
{
	struct field field;

	while (*at < end && **at == ' ')
		(*at)++;
	field.at = *at;
	while (*at < end && **at != ' ')
		(*at)++;
	field.size = (size_t)(*at - field.at);
	return field;
}

static bool parse_number(struct field field, unsigned int base, uint64_t *ret)
{
	uint64_t value = 0;

	if (!field.size || field.size > 20)
		return false;
	for (size_t i = 0; i < field.size; i++) {
		char c = field.at[i];
		unsigned int digit = c >= '0' && c <= '9'   ? (unsigned int)(c - '0')
				     : c >= 'a' && c <= 'f' ? (unsigned int)(c - 'a') + 10
							    : 99;

		if (digit >= base || value > (UINT64_MAX - digit) / base)
			return false;
		value = value * base + digit;
	}
	*ret = value;
	return true;
}

static bool parse_line(const char *at, const char *end, struct field *ret_name,
		       struct hvp_module *ret)
{
	struct field fields[6];

	for (size_t i = 0; i < HVP_ARRAY_SIZE(fields); i++)
		fields[i] = next_field(&at, end);
	if (!fields[0].size || fields[5].size < 3 || memcmp(fields[5].at, "0x", 2) ||
	    memchr(fields[0].at, '\0', fields[0].size))
		return false;
	*ret_name = fields[0];
	fields[5].at += 2;
	fields[5].size -= 2;
	return parse_number(fields[1], 10, &ret->size) &&
	       parse_number(fields[5], 16, &ret->address) && ret->size <= MAX_MODULE_SIZE &&
	       ret->size <= UINT64_MAX - ret->address;
}

static struct hvp_error *add_line(struct hvp_modules *modules, const char *at, const char *end)
{
	struct hvp_module module;
	struct field name;

	if (!parse_line(at, end, &name, &module)) {
		modules->num_bad_lines++;
		return NULL;
	}
	if (!module.address || !module.size)
		return NULL;
	if (modules->num == MAX_MODULES)
		return hvp_error_create(HVP_ERROR_FORMAT, "more than %d modules", MAX_MODULES);
	hvp_try(hvp_array_reserve(&modules->items, &modules->capacity, modules->num + 1,
				  sizeof(*modules->items)));
	module.name = strndup(name.at, name.size);
	if (!module.name)
		return hvp_error_no_memory;
	modules->items[modules->num++] = module;
	return NULL;
}

struct hvp_error *hvp_modules_parse(const char *text, size_t size, struct hvp_modules *ret)
{
	const char *end = text + size;
	struct hvp_error *err = NULL;

	*ret = (struct hvp_modules){0};
	for (const char *at = text, *next; at < end && !err; at = next) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *line_end = newline ? newline : end;

		next = newline ? newline + 1 : end;
		if (line_end > at)
			err = add_line(ret, at, line_end);
	}
	if (err)
		hvp_modules_deinit(ret);
	return err;
}

void hvp_modules_deinit(struct hvp_modules *modules)
{
	for (size_t i = 0; i < modules->num; i++)
		free(modules->items[i].name);
	free(modules->items);
	*modules = (struct hvp_modules){0};
}
