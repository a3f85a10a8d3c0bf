/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbolizer/notes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/array.h"
#include "symbolizer/elf/demangle.h"

/* A session with a thousand broken files must not bury its report. */
#define MAX_NOTES 64

void hvp_notes_init(struct hvp_notes *notes)
{
	*notes = (struct hvp_notes){0};
	pthread_mutex_init(&notes->lock, NULL);
}

void hvp_notes_deinit(struct hvp_notes *notes)
{
	for (size_t i = 0; i < notes->num; i++)
		free(notes->lines[i]);
	free(notes->lines);
	pthread_mutex_destroy(&notes->lock);
}

/* Takes `line` over. */
static void add_line(struct hvp_notes *notes, char *line)
{
	struct hvp_error *err = NULL;

	for (size_t i = 0; i < notes->num; i++) {
		if (strcmp(notes->lines[i], line))
			continue;
		free(line);
		return;
	}
	if (notes->num < MAX_NOTES)
		err = hvp_array_reserve(&notes->lines, &notes->capacity, notes->num + 1,
					sizeof(*notes->lines));
	if (err || notes->num == MAX_NOTES) {
		hvp_error_destroy(err);
		notes->num_dropped++;
		free(line);
		return;
	}
	notes->lines[notes->num++] = line;
}

void hvp_notes_add(struct hvp_notes *notes, const char *format, ...)
{
	struct hvp_arena arena = {0};
	const char *escaped;
	char *line = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&line, format, args) < 0)
		line = NULL;
	va_end(args);
	escaped = line ? hvp_escape_controls(line, &arena) : NULL;
	if (escaped && escaped != line) {
		free(line);
		line = strdup(escaped);
	}
	hvp_arena_deinit(&arena);
	if (!line)
		return;
	pthread_mutex_lock(&notes->lock);
	add_line(notes, line);
	pthread_mutex_unlock(&notes->lock);
}

size_t hvp_notes_num(const struct hvp_notes *notes)
{
	struct hvp_notes *locked = (struct hvp_notes *)notes;
	size_t num;

	pthread_mutex_lock(&locked->lock);
	num = notes->num;
	pthread_mutex_unlock(&locked->lock);
	return num;
}

const char *hvp_notes_line(const struct hvp_notes *notes, size_t index)
{
	struct hvp_notes *locked = (struct hvp_notes *)notes;
	const char *line;

	pthread_mutex_lock(&locked->lock);
	line = index < notes->num ? notes->lines[index] : NULL;
	pthread_mutex_unlock(&locked->lock);
	return line;
}
