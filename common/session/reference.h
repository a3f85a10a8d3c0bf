/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How columns refer to what is numbered as it appears: mostly it is the next one, or one of late.
 * So a number is stored by its distance from the highest one before it in its column; 0 is nobody's
 * number and stays 0.
 */
#ifndef HVP_COMMON_SESSION_REFERENCE_H
#define HVP_COMMON_SESSION_REFERENCE_H

#include "common/base/bytes.h"

/* `highest` is 0 at the beginning of a column. */
static inline uint64_t hvp_reference_put(uint32_t *highest, uint32_t number)
{
	uint64_t distance;

	if (!number)
		return 0;
	distance = hvp_zigzag((int64_t)number - (int64_t)*highest);
	*highest = number > *highest ? number : *highest;
	return distance + 1;
}

/* Whatever the file says becomes a number. */
static inline uint32_t hvp_reference_get(uint32_t *highest, uint64_t stored)
{
	uint32_t number;

	if (!stored)
		return 0;
	number = *highest + (uint32_t)hvp_unzigzag(stored - 1);
	*highest = number > *highest ? number : *highest;
	return number;
}

#endif
