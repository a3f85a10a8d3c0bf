/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/cli/suggest.h"

#include <limits.h>
#include <string.h>

#define MAX_WORD 63u

static unsigned int min(unsigned int left, unsigned int right)
{
	return left < right ? left : right;
}

unsigned int hvp_edit_distance(const char *left, const char *right)
{
	size_t num_left = strnlen(left, MAX_WORD), num_right = strnlen(right, MAX_WORD);
	/* Row i: the distances from the first i letters of `left`; only the last three rows are
	 * kept. */
	unsigned int rows[3][MAX_WORD + 1];

	for (unsigned int j = 0; j <= num_right; j++)
		rows[0][j] = j;
	for (unsigned int i = 1; i <= num_left; i++) {
		unsigned int *row = rows[i % 3];
		const unsigned int *above = rows[(i - 1) % 3], *above_that = rows[(i + 1) % 3];

		row[0] = i;
		for (unsigned int j = 1; j <= num_right; j++) {
			unsigned int is_other = left[i - 1] != right[j - 1];

			row[j] = min(above[j] + 1, row[j - 1] + 1);
			row[j] = min(row[j], above[j - 1] + is_other);
			if (i > 1 && j > 1 && left[i - 1] == right[j - 2] &&
			    left[i - 2] == right[j - 1])
				row[j] = min(row[j], above_that[j - 2] + 1);
		}
	}
	return rows[num_left % 3][num_right];
}

void hvp_suggestion_init(struct hvp_suggestion *suggestion, const char *word)
{
	*suggestion = (struct hvp_suggestion){.word = word, .distance = UINT_MAX};
}

void hvp_suggestion_try(struct hvp_suggestion *suggestion, const char *candidate)
{
	size_t size = strlen(suggestion->word);
	unsigned int distance;

	if (!candidate)
		return;
	if (size >= 2 && !strncmp(suggestion->word, candidate, size)) {
		distance = 0;
	} else {
		distance = hvp_edit_distance(suggestion->word, candidate);
		/* One slip in every three letters is still the same word. */
		if (distance > (size + 2) / 3)
			return;
	}
	if (distance >= suggestion->distance)
		return;
	suggestion->distance = distance;
	suggestion->nearest = candidate;
}
