/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbolizer/kernel/kallsyms.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/scope.h"
#include "common/base/strpool.h"

/*
 * Kernel addresses have the top bit on every 64-bit architecture; below are per-CPU offsets and
 * absolute values.
 */
#define KERNEL_BIT ((uint64_t)1 << 63)
/* More than any kernel has loaded. */
#define MAX_MODULES 4096

struct line {
	uint64_t address;
	char *name;
	size_t name_size;
	/* NULL without one. */
	char *module;
	size_t module_size;
	char type;
};

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* A symbol's line without its newline; false when it has another form. */
static bool parse_line(char *at, char *end, struct line *ret)
{
	const char *begin = at;
	uint64_t address = 0;
	int digit;

	for (; at < end && (digit = hex_digit(*at)) >= 0; at++)
		address = address << 4 | (uint64_t)digit;
	if (at - begin < 1 || at - begin > 16 || end - at < 4 || at[0] != ' ' || at[2] != ' ')
		return false;
	*ret = (struct line){.address = address, .type = at[1], .name = at + 3};
	for (at += 3; at < end && !is_blank(*at); at++)
		;
	ret->name_size = (size_t)(at - ret->name);
	while (at < end && is_blank(*at))
		at++;
	if (at < end && *at == '[' && end - at >= 3 && end[-1] == ']') {
		ret->module = at + 1;
		ret->module_size = (size_t)(end - 1 - ret->module);
	}
	return ret->name_size > 0 && !memchr(ret->name, '\0', ret->name_size) &&
	       !(ret->module && memchr(ret->module, '\0', ret->module_size));
}

static struct hvp_error *module_index(struct hvp_kallsyms *kallsyms, struct hvp_strpool *names,
				      struct line *line, uint16_t *ret)
{
	uint32_t number;

	line->module[line->module_size] = '\0';
	hvp_try(hvp_strpool_add(names, line->module, line->module_size, &number));
	if (number <= kallsyms->num_modules) {
		*ret = (uint16_t)(number - 1);
		return NULL;
	}
	if (kallsyms->num_modules == MAX_MODULES)
		return hvp_error_create(HVP_ERROR_FORMAT, "more than %d modules", MAX_MODULES);
	hvp_try(hvp_array_reserve(&kallsyms->modules, &kallsyms->capacity_modules,
				  kallsyms->num_modules + 1, sizeof(*kallsyms->modules)));
	*ret = (uint16_t)kallsyms->num_modules;
	kallsyms->modules[kallsyms->num_modules++] = line->module;
	return NULL;
}

static void note_landmark(struct hvp_kallsyms *kallsyms, const char *name, uint64_t address)
{
	struct {
		const char *name;
		uint64_t *place;
	} landmarks[] = {
		{"_text", &kallsyms->text},	      {"_stext", &kallsyms->stext},
		{"_etext", &kallsyms->etext},	      {"_sinittext", &kallsyms->sinittext},
		{"_einittext", &kallsyms->einittext},
	};

	if (name[0] != '_')
		return;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(landmarks); i++) {
		if (!strcmp(name, landmarks[i].name))
			*landmarks[i].place = address;
	}
}

static struct hvp_error *add_symbol(struct hvp_kallsyms *kallsyms, struct hvp_strpool *names,
				    struct line *line)
{
	uint16_t module = HVP_KALLSYMS_CORE;

	if (line->module)
		hvp_try(module_index(kallsyms, names, line, &module));
	line->name[line->name_size] = '\0';
	if (module == HVP_KALLSYMS_CORE)
		note_landmark(kallsyms, line->name, line->address);
	hvp_try(hvp_array_reserve(&kallsyms->symbols, &kallsyms->capacity, kallsyms->num + 1,
				  sizeof(*kallsyms->symbols)));
	kallsyms->symbols[kallsyms->num++] = (struct hvp_kallsyms_symbol){
		.address = line->address,
		.name = line->name,
		.module = module,
		.type = line->type,
	};
	return NULL;
}

static struct hvp_error *parse_lines(char *text, size_t size, struct hvp_kallsyms *kallsyms,
				     size_t *ret_num_zero)
{
	/* Of modules, numbered as in kallsyms->modules and one more. */
	hvp_scope(hvp_strpool_deinit) struct hvp_strpool names = {0};
	char *end = text + size;

	for (char *at = text, *next; at < end; at = next) {
		char *newline = memchr(at, '\n', (size_t)(end - at));
		char *line_end = newline ? newline : end;
		struct line line;

		next = newline ? newline + 1 : end;
		if (line_end > at && line_end[-1] == '\r')
			line_end--;
		if (line_end == at)
			continue;
		if (!parse_line(at, line_end, &line))
			kallsyms->num_bad_lines++;
		else if (line.address & KERNEL_BIT)
			hvp_try(add_symbol(kallsyms, &names, &line));
		else if (!line.address)
			(*ret_num_zero)++;
	}
	return NULL;
}

struct hvp_error *hvp_kallsyms_parse(char *text, size_t size, const char *name,
				     struct hvp_kallsyms *ret)
{
	struct hvp_kallsyms kallsyms = {0};
	struct hvp_error *err;
	size_t num_zero = 0;

	*ret = (struct hvp_kallsyms){0};
	err = parse_lines(text, size, &kallsyms, &num_zero);
	if (!err && !kallsyms.num && !num_zero)
		err = hvp_error_create(HVP_ERROR_FORMAT,
				       "%zu lines and none is a kernel symbol: give a copy of "
				       "/proc/kallsyms or a System.map",
				       kallsyms.num_bad_lines);
	if (err) {
		hvp_kallsyms_deinit(&kallsyms);
		return hvp_error_wrap(err, "%s", name);
	}
	if (!kallsyms.text)
		kallsyms.text = kallsyms.stext;
	/* A few percpu symbols have address 0 in any kernel. */
	kallsyms.is_restricted = !kallsyms.num;
	*ret = kallsyms;
	return NULL;
}

void hvp_kallsyms_deinit(struct hvp_kallsyms *kallsyms)
{
	free(kallsyms->symbols);
	free(kallsyms->modules);
	*kallsyms = (struct hvp_kallsyms){0};
}
