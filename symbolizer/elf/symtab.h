/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The symbols of one image, sorted by address. Filled once, finished once, then only read; names
 * are demangled when first asked for. Aliases of one address are settled when finishing: one name
 * stays.
 */
#ifndef HVP_SYMBOLIZER_SYMTAB_H
#define HVP_SYMBOLIZER_SYMTAB_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/error.h"
#include "symbolizer/symbolizer.h"

struct hvp_symtab_entry {
	/* The name is NULL until hvp_symtab_present() made it. */
	struct hvp_symbol symbol;
	/* As the file has it; borrowed. */
	const char *raw;
	/*
	 * While filling: where the section ends, UINT64_MAX if unknown. Finished: one more than the
	 * index of the nearest entry before that ends later, 0 without one.
	 */
	uint64_t limit;
	/* Which alias people would choose: more is better. */
	int32_t rank;
};

struct hvp_symtab {
	struct hvp_symtab_entry *entries;
	size_t num, capacity;
	/* Presented names. */
	struct hvp_arena names;
	pthread_mutex_t lock;
	enum hvp_naming naming;
};

void hvp_symtab_init(struct hvp_symtab *symtab, enum hvp_naming naming);
void hvp_symtab_deinit(struct hvp_symtab *symtab);

enum hvp_binding { HVP_BINDING_LOCAL, HVP_BINDING_WEAK, HVP_BINDING_GLOBAL };

/*
 * `raw` is borrowed as long as the table lives. `size` 0: up to the next symbol, but not beyond
 * `limit`. Names that stand for no function (mapping symbols, local labels, the empty name) are
 * left out.
 */
struct hvp_error *hvp_symtab_add(struct hvp_symtab *symtab, const char *raw, uint64_t address,
				 uint64_t size, uint64_t limit,
				 enum hvp_binding binding) hvp_must_use;
struct hvp_error *hvp_symtab_finish(struct hvp_symtab *symtab) hvp_must_use;

/* The innermost symbol that covers the address, or NULL; also NULL where dozens are nested. */
struct hvp_symtab_entry *hvp_symtab_find(const struct hvp_symtab *symtab, uint64_t address);
/* The symbol that begins exactly there, or NULL. */
struct hvp_symtab_entry *hvp_symtab_at(const struct hvp_symtab *symtab, uint64_t address);

/* The symbol with its name for printing. NULL when there is no memory. Thread-safe. */
const struct hvp_symbol *hvp_symtab_present(struct hvp_symtab *symtab,
					    struct hvp_symtab_entry *entry);

#endif
