/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "did you mean": the nearest of some words to one that does not exist. */
#ifndef HVP_COMMON_CLI_SUGGEST_H
#define HVP_COMMON_CLI_SUGGEST_H

#include <stddef.h>

/*
 * Insertions, deletions, replacements and swaps of neighbours between two words. Words of more than
 * 63 bytes are cut there: nobody mistypes those.
 */
unsigned int hvp_edit_distance(const char *left, const char *right);

/* Collects candidates for `word`, which it borrows like the candidates. */
struct hvp_suggestion {
	const char *word;
	/* The nearest so far, or NULL when none is near enough to be meant. */
	const char *nearest;
	unsigned int distance;
};

void hvp_suggestion_init(struct hvp_suggestion *suggestion, const char *word);
/* NULL candidates are ignored. A candidate that begins with the word beats all that do not. */
void hvp_suggestion_try(struct hvp_suggestion *suggestion, const char *candidate);

#endif
