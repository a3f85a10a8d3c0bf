/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbolizer/elf/symtab.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/scope.h"
#include "symbolizer/elf/demangle.h"

void hvp_symtab_init(struct hvp_symtab *symtab, enum hvp_naming naming)
{
	*symtab = (struct hvp_symtab){.naming = naming};
	hvp_arena_init(&symtab->names);
	pthread_mutex_init(&symtab->lock, NULL);
}

void hvp_symtab_deinit(struct hvp_symtab *symtab)
{
	free(symtab->entries);
	hvp_arena_deinit(&symtab->names);
	pthread_mutex_destroy(&symtab->lock);
}

/*
 * Mapping symbols of arm64 and RISC-V ($x, $d.1), assemblers' local labels, and what has no name.
 */
static bool is_function_name(const char *raw)
{
	if (!*raw || *raw == '$' || *raw == '\001')
		return false;
	return !(raw[0] == '.' && raw[1] == 'L') &&
	       !(raw[0] == 'L' && raw[1] == '0' && raw[2] == '\001');
}

static bool ends_with(const char *text, size_t length, const char *end)
{
	size_t end_length = strlen(end);

	return length > end_length && !memcmp(text + length - end_length, end, end_length);
}

/* Linker scripts put such names at the borders of sections, where a function begins as well. */
static bool is_border_name(const char *raw, size_t length)
{
	static const char *const whole[] = {"_text",	   "_stext",	 "_start_kernel",
					    "_init_begin", "_einittext", "_sinittext"};

	if (raw[0] != '_')
		return false;
	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
		if (!strcmp(raw, whole[i]))
			return true;
	}
	return ends_with(raw, length, "_start") || ends_with(raw, length, "_begin") ||
	       ends_with(raw, length, "_end");
}

/*
 * Exported before hidden, a section's border last, few leading underscores, then the longer name.
 */
static int32_t rank_of(const char *raw, enum hvp_binding binding)
{
	size_t length = strnlen(raw, 255);
	size_t underscores = 0;
	int32_t rank = 0;

	while (underscores < 7 && raw[underscores] == '_')
		underscores++;
	rank += binding != HVP_BINDING_LOCAL ? 1 << 20 : 0;
	rank -= is_border_name(raw, length) ? 1 << 21 : 0;
	rank += (int32_t)(7 - underscores) << 12;
	rank += binding == HVP_BINDING_GLOBAL ? 1 << 10 : 0;
	return rank + (int32_t)length;
}

struct hvp_error *hvp_symtab_add(struct hvp_symtab *symtab, const char *raw, uint64_t address,
				 uint64_t size, uint64_t limit, enum hvp_binding binding)
{
	if (!is_function_name(raw))
		return NULL;
	if (size > UINT64_MAX - address)
		size = UINT64_MAX - address;
	hvp_try(hvp_array_reserve(&symtab->entries, &symtab->capacity, symtab->num + 1,
				  sizeof(*symtab->entries)));
	symtab->entries[symtab->num++] = (struct hvp_symtab_entry){
		.symbol = {.address = address, .size = size},
		.raw = raw,
		.limit = limit,
		.rank = rank_of(raw, binding),
	};
	return NULL;
}

/* Functions in functions in functions: no linker makes that many; a hostile file must not cost time. */
#define MAX_NESTED 64u
#define RADIX_BITS 11
#define RADIX (1u << RADIX_BITS)

/* One stable pass of counting sort by `shift`. */
static void radix_pass(const struct hvp_symtab_entry *from, struct hvp_symtab_entry *to, size_t num,
		       uint64_t base, unsigned int shift)
{
	size_t starts[RADIX] = {0}, sum = 0;

	for (size_t i = 0; i < num; i++)
		starts[(from[i].symbol.address - base) >> shift & (RADIX - 1)]++;
	for (size_t digit = 0; digit < RADIX; digit++) {
		size_t count = starts[digit];

		starts[digit] = sum;
		sum += count;
	}
	for (size_t i = 0; i < num; i++)
		to[starts[(from[i].symbol.address - base) >> shift & (RADIX - 1)]++] = from[i];
}

/* Symbols of one image lie close together, so that few passes do. */
static struct hvp_error *sort_by_address(struct hvp_symtab *symtab)
{
	hvp_scope(hvp_free_ptr) struct hvp_symtab_entry *other = NULL;
	uint64_t min = UINT64_MAX, max = 0;
	bool is_sorted = true;

	for (size_t i = 0; i < symtab->num; i++) {
		uint64_t address = symtab->entries[i].symbol.address;

		is_sorted &= !i || symtab->entries[i - 1].symbol.address <= address;
		min = address < min ? address : min;
		max = address > max ? address : max;
	}
	if (is_sorted)
		return NULL;
	other = malloc(symtab->num * sizeof(*other));
	if (!other)
		return hvp_error_no_memory;
	for (unsigned int shift = 0; shift < 64 && (max - min) >> shift; shift += RADIX_BITS) {
		struct hvp_symtab_entry *sorted = other;

		radix_pass(symtab->entries, other, symtab->num, min, shift);
		other = symtab->entries;
		symtab->entries = sorted;
		symtab->capacity = symtab->num;
	}
	return NULL;
}

static bool is_better(const struct hvp_symtab_entry *entry, const struct hvp_symtab_entry *than)
{
	if (entry->rank != than->rank)
		return entry->rank > than->rank;
	/* Whatever the order of the file: the same name each time. */
	return strcmp(entry->raw, than->raw) < 0;
}

/* Of the symbols at one address the best name stays, with the largest size that any of them has. */
static void settle_aliases(struct hvp_symtab *symtab)
{
	size_t kept = 0;

	for (size_t i = 0; i < symtab->num; i++) {
		struct hvp_symtab_entry *entry = &symtab->entries[i];
		struct hvp_symtab_entry *last = kept ? &symtab->entries[kept - 1] : NULL;
		uint64_t size, limit;

		if (!last || last->symbol.address != entry->symbol.address) {
			symtab->entries[kept++] = *entry;
			continue;
		}
		size = last->symbol.size > entry->symbol.size ? last->symbol.size
							      : entry->symbol.size;
		limit = last->limit < entry->limit ? last->limit : entry->limit;
		if (is_better(entry, last))
			*last = *entry;
		last->symbol.size = size;
		last->limit = limit;
	}
	symtab->num = kept;
}

static uint64_t end_of(const struct hvp_symtab_entry *entry)
{
	return entry->symbol.address + entry->symbol.size;
}

/* Gives a size to those that have none, and turns limits into links to what reaches further. */
static void settle_sizes(struct hvp_symtab *symtab)
{
	for (size_t i = 0; i < symtab->num; i++) {
		struct hvp_symtab_entry *entry = &symtab->entries[i];
		uint64_t end = entry->limit;

		if (i + 1 < symtab->num && symtab->entries[i + 1].symbol.address < end)
			end = symtab->entries[i + 1].symbol.address;
		if (!entry->symbol.size && end > entry->symbol.address && end != UINT64_MAX)
			entry->symbol.size = end - entry->symbol.address;
		entry->limit = i;
		while (entry->limit && end_of(&symtab->entries[entry->limit - 1]) <= end_of(entry))
			entry->limit = symtab->entries[entry->limit - 1].limit;
	}
}

struct hvp_error *hvp_symtab_finish(struct hvp_symtab *symtab)
{
	hvp_try(sort_by_address(symtab));
	settle_aliases(symtab);
	settle_sizes(symtab);
	return NULL;
}

/* One more than the index of the last entry at or below the address. */
static size_t upper_bound(const struct hvp_symtab *symtab, uint64_t address)
{
	size_t low = 0, high = symtab->num;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (symtab->entries[middle].symbol.address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct hvp_symtab_entry *hvp_symtab_find(const struct hvp_symtab *symtab, uint64_t address)
{
	uint64_t i = upper_bound(symtab, address);

	/* Outwards: what ends before the address has nothing inside that reaches it. */
	for (unsigned int depth = 0; i > 0 && depth < MAX_NESTED; depth++) {
		struct hvp_symtab_entry *entry = &symtab->entries[i - 1];

		if (address - entry->symbol.address < entry->symbol.size ||
		    address == entry->symbol.address)
			return entry;
		i = entry->limit;
	}
	return NULL;
}

struct hvp_symtab_entry *hvp_symtab_at(const struct hvp_symtab *symtab, uint64_t address)
{
	size_t index = upper_bound(symtab, address);

	if (!index || symtab->entries[index - 1].symbol.address != address)
		return NULL;
	return &symtab->entries[index - 1];
}

const struct hvp_symbol *hvp_symtab_present(struct hvp_symtab *symtab,
					    struct hvp_symtab_entry *entry)
{
	const char *name = __atomic_load_n(&entry->symbol.name, __ATOMIC_ACQUIRE);

	if (name)
		return &entry->symbol;
	pthread_mutex_lock(&symtab->lock);
	name = entry->symbol.name;
	if (!name) {
		name = hvp_demangle(entry->raw, symtab->naming, &symtab->names);
		__atomic_store_n(&entry->symbol.name, name, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&symtab->lock);
	return name ? &entry->symbol : NULL;
}
