/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbolizer/elf/demangle.h"

#include <libiberty/demangle.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * A short mangled name can stand for an endless one (each substitution may double it). Longer input
 * is left alone, and output beyond the limit ends the demangler by a jump: in callback mode it
 * keeps nothing on the heap.
 */
#define MAX_MANGLED 4096
#define MAX_DEMANGLED 8192

struct output {
	jmp_buf overflow;
	size_t size;
	char text[MAX_DEMANGLED];
};

static void output_add(const char *text, size_t size, void *arg)
{
	struct output *output = arg;

	/* Empty pieces may come as NULL. */
	if (!size)
		return;
	if (size >= sizeof(output->text) - output->size)
		longjmp(output->overflow, 1);
	memcpy(output->text + output->size, text, size);
	output->size += size;
}

/* Without parameters the demangler forgets which copy of a function it is: ".constprop.0". */
static void add_clone(const char *suffix, struct output *output)
{
	if (!suffix)
		return;
	output_add(" [clone ", 8, output);
	output_add(suffix, strlen(suffix), output);
	output_add("]", 1, output);
}

static bool demangle_into(const char *raw, int flags, struct output *output)
{
	output->size = 0;
	if (setjmp(output->overflow))
		return false;
	/* Rust first: its legacy names are also valid C++ ones. */
	if (rust_demangle_callback(raw, flags, output_add, output))
		return true;
	output->size = 0;
	if (!cplus_demangle_v3_callback(raw, flags, output_add, output))
		return false;
	if (!(flags & DMGL_PARAMS))
		add_clone(strchr(raw, '.'), output);
	return true;
}

static bool looks_mangled(const char *raw)
{
	return raw[0] == '_' && (raw[1] == 'Z' || raw[1] == 'R' || !strncmp(raw, "__Z", 3) ||
				 !strncmp(raw, "__R", 3) || !strncmp(raw, "_GLOBAL_", 8));
}

/* The length of the valid, printable UTF-8 sequence at `at`, or 0. */
static size_t printable_length(const uint8_t *at)
{
	static const struct {
		uint8_t mask, value;
		uint32_t min;
	} forms[] = {{0xe0, 0xc0, 0xa0}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
	uint32_t code;

	if (*at < 0x80)
		return *at >= 0x20 && *at != 0x7f;
	for (size_t form = 0; form < sizeof(forms) / sizeof(forms[0]); form++) {
		size_t more = form + 1;

		if ((*at & forms[form].mask) != forms[form].value)
			continue;
		code = *at & (uint8_t)~forms[form].mask;
		for (size_t i = 1; i <= more; i++) {
			if ((at[i] & 0xc0) != 0x80)
				return 0;
			code = code << 6 | (at[i] & 0x3f);
		}
		/* Below the minimum: overlong, or a C1 control. */
		if (code < forms[form].min || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
			return 0;
		/* Marks that turn the direction of writing could disguise a name. */
		if ((code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069))
			return 0;
		return more + 1;
	}
	return 0;
}

const char *hvp_escape_controls(const char *raw, struct hvp_arena *arena)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *at = (const uint8_t *)raw;
	size_t size = 0, length;
	bool is_clean = true;
	char *escaped, *to;

	while (*at) {
		length = printable_length(at);
		is_clean &= length > 0;
		size += length ? length : 4;
		at += length ? length : 1;
	}
	if (is_clean)
		return raw;
	to = escaped = hvp_arena_alloc(arena, size + 1);
	if (!escaped)
		return NULL;
	for (at = (const uint8_t *)raw; *at; at += length) {
		length = printable_length(at);
		if (length) {
			to = mempcpy(to, at, length);
			continue;
		}
		*to++ = '\\';
		*to++ = 'x';
		*to++ = digits[*at >> 4];
		*to++ = digits[*at & 15];
		length = 1;
	}
	*to = '\0';
	return escaped;
}

const char *hvp_demangle(const char *raw, enum hvp_naming naming, struct hvp_arena *arena)
{
	int flags = naming == HVP_NAMING_FULL ? DMGL_PARAMS | DMGL_ANSI : DMGL_NO_OPTS;
	struct output output;
	const char *copy;

	if (naming == HVP_NAMING_MANGLED || !looks_mangled(raw) ||
	    strnlen(raw, MAX_MANGLED) == MAX_MANGLED || !demangle_into(raw, flags, &output) ||
	    !output.size)
		return hvp_escape_controls(raw, arena);
	output.text[output.size] = '\0';
	copy = hvp_escape_controls(output.text, arena);
	if (copy == output.text)
		copy = hvp_arena_strndup(arena, output.text, output.size);
	return copy;
}
