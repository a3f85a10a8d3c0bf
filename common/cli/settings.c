/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/cli/settings.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"

#define SYSTEM_FILE "/etc/hvprof.conf"

void hvp_settings_deinit(struct hvp_settings *settings)
{
	hvp_arena_deinit(&settings->arena);
	free(settings->items);
	*settings = (struct hvp_settings){0};
}

/* A line, or a part of one. */
struct span {
	const char *begin, *end;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct span trim(struct span span)
{
	while (span.begin < span.end && is_blank(*span.begin))
		span.begin++;
	while (span.end > span.begin && is_blank(span.end[-1]))
		span.end--;
	return span;
}

/* A run over one file. */
struct ini {
	struct hvp_settings *settings;
	const char *file;
	unsigned int line;
	/* NULL before the first section. */
	const char *section;
};

static struct hvp_error *copy(struct ini *ini, struct span span, const char **ret)
{
	*ret = hvp_arena_strndup(&ini->settings->arena, span.begin,
				 (size_t)(span.end - span.begin));
	return *ret ? NULL : hvp_error_no_memory;
}

static struct hvp_error *parse_section(struct ini *ini, struct span line)
{
	if (line.end[-1] != ']' || line.end - line.begin < 3)
		return hvp_error_create(HVP_ERROR_USAGE,
					"%s:%u: a section is written [NAME], such as [report]",
					ini->file, ini->line);
	return copy(ini, trim((struct span){line.begin + 1, line.end - 1}), &ini->section);
}

static struct hvp_error *parse_setting(struct ini *ini, struct span line)
{
	const char *equals = memchr(line.begin, '=', (size_t)(line.end - line.begin));
	struct hvp_setting setting = {.file = ini->file, .line = ini->line};
	struct hvp_settings *settings = ini->settings;

	if (!equals || equals == line.begin)
		return hvp_error_create(HVP_ERROR_USAGE,
					"%s:%u: neither a [section] nor \"name = value\"",
					ini->file, ini->line);
	if (!ini->section)
		return hvp_error_create(HVP_ERROR_USAGE,
					"%s:%u: a setting stands in a section such as [report]",
					ini->file, ini->line);
	setting.section = ini->section;
	hvp_try(copy(ini, trim((struct span){line.begin, equals}), &setting.name));
	hvp_try(copy(ini, trim((struct span){equals + 1, line.end}), &setting.value));
	hvp_try(hvp_array_reserve(&settings->items, &settings->capacity, settings->num + 1,
				  sizeof(*settings->items)));
	settings->items[settings->num++] = setting;
	return NULL;
}

static struct hvp_error *parse_line(struct ini *ini, struct span line)
{
	if (memchr(line.begin, '\0', (size_t)(line.end - line.begin)))
		return hvp_error_create(HVP_ERROR_USAGE,
					"%s:%u: a NUL byte: this is not a text file", ini->file,
					ini->line);
	line = trim(line);
	if (line.begin == line.end || *line.begin == '#' || *line.begin == ';')
		return NULL;
	return *line.begin == '[' ? parse_section(ini, line) : parse_setting(ini, line);
}

struct hvp_error *hvp_settings_parse(struct hvp_settings *settings, const char *file,
				     const char *text, size_t size)
{
	struct ini ini = {.settings = settings};
	const char *end = text + size;

	ini.file = hvp_arena_strdup(&settings->arena, file);
	if (!ini.file)
		return hvp_error_no_memory;
	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		struct span line = {text, newline ? newline : end};

		ini.line++;
		hvp_try(parse_line(&ini, line));
		text = newline ? newline + 1 : end;
	}
	return NULL;
}

static struct hvp_error *parse_stream(struct hvp_settings *settings, const char *path, FILE *file)
{
	hvp_scope(hvp_free_ptr) char *text = malloc(HVP_SETTINGS_MAX_FILE + 1);
	size_t size;

	if (!text)
		return hvp_error_no_memory;
	size = fread(text, 1, HVP_SETTINGS_MAX_FILE + 1, file);
	if (ferror(file))
		return hvp_error_from_errno(errno, "%s: cannot be read", path);
	if (size > HVP_SETTINGS_MAX_FILE)
		return hvp_error_create(HVP_ERROR_USAGE,
					"%s: larger than 1 MiB, which no configuration is", path);
	return hvp_settings_parse(settings, path, text, size);
}

static struct hvp_error *load(struct hvp_settings *settings, const char *path, bool must_exist)
{
	hvp_scope(hvp_close_file) FILE *file = fopen(path, "re");

	if (file)
		return parse_stream(settings, path, file);
	if (!must_exist && (errno == ENOENT || errno == ENOTDIR))
		return NULL;
	return hvp_error_from_errno(errno, "%s: cannot be opened", path);
}

struct hvp_error *hvp_settings_load_file(struct hvp_settings *settings, const char *path)
{
	return load(settings, path, true);
}

static struct hvp_error *load_user_file(struct hvp_settings *settings)
{
	const char *folder = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	hvp_scope(hvp_free_ptr) char *path = NULL;
	int n;

	/* The XDG specification has relative paths ignored. */
	if (folder && folder[0] == '/')
		n = asprintf(&path, "%s/hvprof/config", folder);
	else if (home && home[0] == '/')
		n = asprintf(&path, "%s/.config/hvprof/config", home);
	else
		return NULL;
	if (n < 0) {
		path = NULL;
		return hvp_error_no_memory;
	}
	return load(settings, path, false);
}

struct hvp_error *hvp_settings_load(struct hvp_settings *settings)
{
	const char *only = getenv("HVPROF_CONFIG");

	if (only)
		return *only ? hvp_settings_load_file(settings, only) : NULL;
	hvp_try(load(settings, SYSTEM_FILE, false));
	return load_user_file(settings);
}

struct hvp_error *hvp_settings_apply(const struct hvp_settings *settings, const char *section,
				     const struct hvp_command *command, void *config)
{
	for (size_t i = 0; i < settings->num; i++) {
		const struct hvp_setting *setting = &settings->items[i];
		struct hvp_error *err;

		if (strcmp(setting->section, section))
			continue;
		err = hvp_options_set(command, setting->name, setting->value, config);
		if (err)
			return hvp_error_wrap(err, "%s:%u", setting->file, setting->line);
	}
	return NULL;
}

const struct hvp_setting *hvp_settings_find(const struct hvp_settings *settings,
					    const char *section, const char *name)
{
	for (size_t i = settings->num; i-- > 0;) {
		const struct hvp_setting *setting = &settings->items[i];

		if (!strcmp(setting->section, section) && !strcmp(setting->name, name))
			return setting;
	}
	return NULL;
}
