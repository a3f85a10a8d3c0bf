/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbolizer/jit_map.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "symbolizer/images.h"

#define MAX_MAP_SIZE ((size_t)1 << 30)

struct function {
	uint64_t address, size;
	const char *name;
	/* Line number: of overlapping functions the later one is alive. */
	size_t order;
};

struct functions {
	struct function *items;
	size_t num, capacity;
};

static void functions_deinit(struct functions *functions)
{
	free(functions->items);
}

/*
 * A number in hexadecimal, with or without 0x, and the blanks behind it; NULL when there is none.
 */
static char *parse_hex(char *at, uint64_t *ret)
{
	uint64_t value = 0;
	size_t num = 0;

	if (at[0] == '0' && (at[1] == 'x' || at[1] == 'X'))
		at += 2;
	for (;; at++, num++) {
		int digit = *at >= '0' && *at <= '9'   ? *at - '0'
			    : *at >= 'a' && *at <= 'f' ? *at - 'a' + 10
			    : *at >= 'A' && *at <= 'F' ? *at - 'A' + 10
						       : -1;

		if (digit < 0)
			break;
		value = value << 4 | (uint64_t)digit;
	}
	if (!num || num > 16 || *at != ' ')
		return NULL;
	while (*at == ' ')
		at++;
	*ret = value;
	return at;
}

static bool parse_line(char *line, struct function *ret)
{
	char *at = parse_hex(line, &ret->address);

	at = at ? parse_hex(at, &ret->size) : NULL;
	if (!at || !*at || ret->size > UINT64_MAX - ret->address)
		return false;
	ret->name = at;
	return true;
}

static struct hvp_error *parse_lines(char *text, size_t size, struct functions *functions,
				     size_t *ret_num_bad_lines)
{
	char *end = text + size;
	size_t order = 0;

	*ret_num_bad_lines = 0;
	for (char *at = text, *next; at < end; at = next, order++) {
		char *newline = memchr(at, '\n', (size_t)(end - at));
		struct function function = {.order = order};

		next = newline ? newline + 1 : end;
		*(newline ? newline : end) = '\0';
		if (!parse_line(at, &function)) {
			*ret_num_bad_lines += *at != '\0';
			continue;
		}
		hvp_try(hvp_array_reserve(&functions->items, &functions->capacity,
					  functions->num + 1, sizeof(*functions->items)));
		functions->items[functions->num++] = function;
	}
	return NULL;
}

static int by_address_latest_first(const void *a, const void *b)
{
	const struct function *left = a, *right = b;

	if (left->address != right->address)
		return left->address < right->address ? -1 : 1;
	return left->order > right->order ? -1 : left->order < right->order;
}

/* A heap with the latest function on top. */
static void heap_push(const struct function **heap, size_t *num, const struct function *function)
{
	size_t at = (*num)++;

	while (at && heap[(at - 1) / 2]->order < function->order) {
		heap[at] = heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	heap[at] = function;
}

static void heap_pop(const struct function **heap, size_t *num)
{
	const struct function *last = heap[--*num];
	size_t at = 0;

	for (size_t child; (child = 2 * at + 1) < *num; at = child) {
		if (child + 1 < *num && heap[child + 1]->order > heap[child]->order)
			child++;
		if (heap[child]->order <= last->order)
			break;
		heap[at] = heap[child];
	}
	heap[at] = last;
}

/*
 * A function that begins inside a later one has been overwritten. What a later one overwrites in
 * its middle keeps the rest.
 */
static struct hvp_error *add_living(const struct functions *functions, struct hvp_symtab *symtab)
{
	hvp_scope(hvp_free_ptr) const struct function **heap =
		calloc(functions->num ? functions->num : 1, sizeof(const struct function *));
	size_t num = 0;

	if (!heap)
		return hvp_error_no_memory;
	for (size_t i = 0; i < functions->num; i++) {
		const struct function *function = &functions->items[i];

		while (num && function->address - heap[0]->address >= heap[0]->size)
			heap_pop(heap, &num);
		if (num && heap[0]->order > function->order)
			continue;
		heap_push(heap, &num, function);
		hvp_try(hvp_symtab_add(symtab, function->name, function->address, function->size,
				       UINT64_MAX, HVP_BINDING_GLOBAL));
	}
	return NULL;
}

struct hvp_error *hvp_jit_map_parse(char *text, size_t size, struct hvp_symtab *symtab,
				    size_t *ret_num_bad_lines)
{
	hvp_scope(functions_deinit) struct functions functions = {0};

	hvp_try(parse_lines(text, size, &functions, ret_num_bad_lines));
	if (functions.num)
		qsort(functions.items, functions.num, sizeof(*functions.items),
		      by_address_latest_first);
	hvp_try(add_living(&functions, symtab));
	return hvp_symtab_finish(symtab);
}

static struct hvp_error *read_text(struct hvp_image *image)
{
	if (image->blob)
		return hvp_file_copy(image->path, image->blob->data, image->blob->size,
				     &image->text);
	return hvp_file_read_below(image->root, image->path, MAX_MAP_SIZE, &image->text);
}

enum hvp_unresolved hvp_jit_map_load(const struct hvp_finder *finder, struct hvp_image *image)
{
	struct hvp_error *err = read_text(image);
	size_t num_bad_lines = 0;

	if (err) {
		hvp_finder_log_error(finder, err);
		return HVP_UNRESOLVED_JIT;
	}
	err = hvp_jit_map_parse((char *)image->text.data, image->text.size, &image->symtab,
				&num_bad_lines);
	if (num_bad_lines)
		hvp_notes_add(finder->notes, "%s: %zu lines are not \"START SIZE NAME\"",
			      image->path, num_bad_lines);
	if (!err)
		return HVP_RESOLVED;
	image->symtab.num = 0;
	hvp_notes_add(finder->notes, "%s: %s", image->path, hvp_error_message(err));
	hvp_finder_log_error(finder, err);
	return HVP_UNRESOLVED_BAD_FILE;
}
