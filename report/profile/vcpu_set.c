/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/profile/vcpu_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_HIGH (HVP_MAX_VCPUS / 64 - 1)

/* The word that holds vCPUs from 64 on; NULL without memory. */
static uint64_t *high_word(struct hvp_vcpu_set *set, uint32_t index)
{
	if (index >= set->num_high) {
		uint64_t *high = realloc(set->high, (index + 1) * sizeof(*high));

		if (!high)
			return NULL;
		memset(high + set->num_high, 0, (index + 1 - set->num_high) * sizeof(*high));
		set->high = high;
		set->num_high = index + 1;
	}
	return &set->high[index];
}

void hvp_vcpu_set_add(struct hvp_vcpu_set *set, uint32_t vcpu)
{
	uint64_t *word = vcpu < 64 ? &set->low : NULL;

	if (vcpu >= 64 && vcpu < HVP_MAX_VCPUS)
		word = high_word(set, vcpu / 64 - 1);
	if (word)
		*word |= 1ULL << vcpu % 64;
	else
		set->has_others = true;
}

void hvp_vcpu_set_deinit(struct hvp_vcpu_set *set)
{
	free(set->high);
	*set = (struct hvp_vcpu_set){0};
}

static bool has_vcpu(const struct hvp_vcpu_set *set, uint32_t vcpu)
{
	if (vcpu < 64)
		return set->low >> vcpu & 1;
	return vcpu / 64 - 1 < set->num_high && set->high[vcpu / 64 - 1] >> vcpu % 64 & 1;
}

uint32_t hvp_vcpu_set_next(const struct hvp_vcpu_set *set, uint32_t from)
{
	while (from < 64 * (set->num_high + 1)) {
		if (has_vcpu(set, from))
			return from;
		from++;
	}
	return UINT32_MAX;
}

const char *hvp_vcpu_set_text(const struct hvp_vcpu_set *set, char *buf, size_t size)
{
	uint32_t first = hvp_vcpu_set_next(set, 0);
	size_t used = 0;
	char range[32];

	snprintf(buf, size, "%s", set->has_others ? "..." : "-");
	while (first != UINT32_MAX) {
		uint32_t last = first;

		while (has_vcpu(set, last + 1))
			last++;
		if (last == first)
			snprintf(range, sizeof(range), "%s%u", used ? "," : "", first);
		else
			snprintf(range, sizeof(range), "%s%u-%u", used ? "," : "", first, last);
		if (used + strlen(range) + sizeof(",...") > size) {
			snprintf(buf + used, size - used, ",...");
			return buf;
		}
		used += (size_t)snprintf(buf + used, size - used, "%s", range);
		first = hvp_vcpu_set_next(set, last + 1);
	}
	if (used && set->has_others)
		snprintf(buf + used, size - used, ",...");
	return buf;
}
