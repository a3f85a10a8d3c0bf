/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "--guest NAME=kallsyms:FILE,root:DIR,...": the parts are one table. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "symbolizer/symbolizer.h"

#define MAX_OF_ONE_PART 1024u

typedef struct hvp_error *(*part_fn)(struct hvp_guest_images *images, void *place, const char *name,
				     const char *value);

static struct hvp_error *bad_value(const char *name, const char *value, const char *wanted)
{
	return hvp_error_create(HVP_ERROR_USAGE, "%s:%s is not %s", name, value, wanted);
}

static struct hvp_error *take_path(struct hvp_guest_images *images, void *place, const char *name,
				   const char *value)
{
	char **path = place;

	(void)images;
	if (*path)
		return hvp_error_create(HVP_ERROR_USAGE, "%s: is given twice", name);
	*path = strdup(value);
	return *path ? NULL : hvp_error_no_memory;
}

/* Hexadecimal with 0x, otherwise decimal. */
static bool parse_number(const char *text, uint64_t *ret)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*ret = strtoull(text, &end, text[0] == '0' && (text[1] | 0x20) == 'x' ? 16 : 10);
	return !errno && !*end;
}

static struct hvp_error *take_offset(struct hvp_guest_images *images, void *place, const char *name,
				     const char *value)
{
	bool is_negative = *value == '-';
	uint64_t number;

	(void)place;
	if (!parse_number(value + is_negative, &number) || number > INT64_MAX)
		return bad_value(name, value, "an offset such as 0x1c000000");
	images->kaslr_offset = is_negative ? -(int64_t)number : (int64_t)number;
	images->has_kaslr_offset = true;
	return NULL;
}

static struct hvp_error *take_address(struct hvp_guest_images *images, void *place,
				      const char *name, const char *value)
{
	(void)place;
	if (!parse_number(value, &images->text_address))
		return bad_value(name, value, "the address of _text, such as 0xffffffff9b000000");
	images->has_text_address = true;
	return NULL;
}

static struct hvp_error *take_program(struct hvp_guest_images *images, void *place,
				      const char *name, const char *value)
{
	const char *at = strrchr(value, '@');
	struct hvp_guest_program program = {0};
	size_t capacity = images->num_programs;

	(void)place;
	/* A path may have an @ of its own: only a number behind it makes it a base. */
	program.has_base = at && parse_number(at + 1, &program.base);
	if (images->num_programs == MAX_OF_ONE_PART)
		return hvp_error_create(HVP_ERROR_USAGE, "too many parts %s:", name);
	hvp_try(hvp_array_reserve(&images->programs, &capacity, images->num_programs + 1,
				  sizeof(*images->programs)));
	program.path = program.has_base ? strndup(value, (size_t)(at - value)) : strdup(value);
	if (!program.path)
		return hvp_error_no_memory;
	images->programs[images->num_programs++] = program;
	return *program.path ? NULL : bad_value(name, value, "a path in the guest");
}

static struct hvp_error *take_maps(struct hvp_guest_images *images, void *place, const char *name,
				   const char *value)
{
	size_t capacity = images->num_maps;
	char *path;

	(void)place;
	if (images->num_maps == MAX_OF_ONE_PART)
		return hvp_error_create(HVP_ERROR_USAGE, "too many parts %s:", name);
	hvp_try(hvp_array_reserve(&images->maps, &capacity, images->num_maps + 1,
				  sizeof(*images->maps)));
	path = strdup(value);
	if (!path)
		return hvp_error_no_memory;
	images->maps[images->num_maps++] = path;
	return NULL;
}

static const struct part {
	const char *name;
	part_fn take;
	/* Of the path that take_path() fills. */
	size_t offset;
} parts[] = {
	{"kallsyms", take_path, offsetof(struct hvp_guest_images, kallsyms)},
	{"modules", take_path, offsetof(struct hvp_guest_images, modules)},
	{"vmlinux", take_path, offsetof(struct hvp_guest_images, vmlinux)},
	{"root", take_path, offsetof(struct hvp_guest_images, root)},
	{"kaslr", take_offset, 0},
	{"text", take_address, 0},
	{"program", take_program, 0},
	{"maps", take_maps, 0},
};

#define PARTS_HELP                                                                                 \
	"kallsyms:FILE, modules:FILE, vmlinux:FILE, root:DIR, kaslr:0xOFFSET, text:0xADDRESS, "    \
	"program:PATH[@0xBASE] and maps:FILE"

/* The part that the text begins with, and its value; NULL when it begins with none. */
static const struct part *find_part(const char *text, const char **ret_value)
{
	for (size_t i = 0; i < HVP_ARRAY_SIZE(parts); i++) {
		size_t length = strlen(parts[i].name);

		if (strncmp(text, parts[i].name, length) || text[length] != ':')
			continue;
		*ret_value = text + length + 1;
		return &parts[i];
	}
	return NULL;
}

/* A comma ends a value only where another part follows, so that paths may have commas. */
static const char *end_of_value(const char *value)
{
	const char *comma = value, *ignored;

	while ((comma = strchr(comma, ','))) {
		if (find_part(comma + 1, &ignored))
			return comma;
		comma++;
	}
	return value + strlen(value);
}

static struct hvp_error *parse_parts(const char *text, struct hvp_guest_images *images)
{
	for (;;) {
		hvp_scope(hvp_free_ptr) char *copy = NULL;
		const char *value, *end;
		const struct part *part = find_part(text, &value);

		if (!part)
			return hvp_error_create(HVP_ERROR_USAGE,
						"\"%s\" is no part; there are " PARTS_HELP, text);
		end = end_of_value(value);
		copy = strndup(value, (size_t)(end - value));
		if (!copy)
			return hvp_error_no_memory;
		if (!*copy)
			return hvp_error_create(HVP_ERROR_USAGE, "%s: has no value", part->name);
		hvp_try(part->take(images, (char *)images + part->offset, part->name, copy));
		if (!*end)
			return NULL;
		text = end + 1;
	}
}

static struct hvp_error *check(const struct hvp_guest_images *images)
{
	if (images->num_programs && !images->root)
		return hvp_error_create(HVP_ERROR_USAGE, "program: needs root:DIR, the folder that "
							 "the program's path is taken in");
	if (images->num_maps && !images->root)
		return hvp_error_create(HVP_ERROR_USAGE,
					"maps: needs root:DIR, the folder that the "
					"paths in it are taken in");
	if (images->has_kaslr_offset && images->has_text_address)
		return hvp_error_create(HVP_ERROR_USAGE,
					"kaslr: and text: say the same thing; give one");
	if ((images->has_kaslr_offset || images->has_text_address) && !images->vmlinux &&
	    !images->kallsyms)
		return hvp_error_create(HVP_ERROR_USAGE, "kaslr: and text: need vmlinux:FILE, or a "
							 "System.map as kallsyms:FILE");
	return NULL;
}

struct hvp_error *hvp_guest_images_parse(const char *spec, struct hvp_guest_images *ret)
{
	const char *equals = strchr(spec, '=');
	struct hvp_error *err;

	*ret = (struct hvp_guest_images){0};
	if (!equals || equals == spec)
		return hvp_error_create(
			HVP_ERROR_USAGE,
			"--guest %s: give NAME=PART,...: the guest's name, UUID or VMM "
			"pid (or * for all others), and " PARTS_HELP,
			spec);
	ret->guest = strndup(spec, (size_t)(equals - spec));
	if (!ret->guest)
		return hvp_error_no_memory;
	err = parse_parts(equals + 1, ret);
	if (!err)
		err = check(ret);
	if (!err)
		return NULL;
	hvp_guest_images_deinit(ret);
	return hvp_error_wrap(err, "--guest %s", spec);
}

void hvp_guest_images_deinit(struct hvp_guest_images *images)
{
	for (size_t i = 0; i < images->num_programs; i++)
		free(images->programs[i].path);
	for (size_t i = 0; i < images->num_maps; i++)
		free(images->maps[i]);
	free(images->programs);
	free(images->maps);
	free(images->guest);
	free(images->kallsyms);
	free(images->modules);
	free(images->vmlinux);
	free(images->root);
	*images = (struct hvp_guest_images){0};
}
