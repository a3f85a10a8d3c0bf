/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/profile/culprits.h"

/* Values of these dimensions are indexes of 32 bits. */
#define VALUE_BITS 32

enum hvp_dim hvp_culprits_dim(enum hvp_unresolved why)
{
	switch (why) {
	case HVP_UNRESOLVED_GUEST_USER:
	case HVP_UNRESOLVED_GUEST_KERNEL:
	case HVP_UNRESOLVED_MISMATCH: return HVP_DIM_DOMAIN;
	case HVP_UNRESOLVED_NO_MAPPING:
	case HVP_UNRESOLVED_JIT: return HVP_DIM_COMM;
	default: return HVP_DIM_IMAGE;
	}
}

struct hvp_error *hvp_culprits_add(struct hvp_culprits *culprits, enum hvp_unresolved why,
				   const struct hvp_spot *spot, uint64_t samples)
{
	uint64_t value = spot->values[hvp_culprits_dim(why)];
	uint64_t *count;

	if (value == HVP_VALUE_MIXED || value == HVP_VALUE_NONE)
		return NULL;
	count = hvp_map_insert(&culprits->counts, (uint64_t)why << VALUE_BITS | value, NULL);
	if (!count)
		return hvp_error_no_memory;
	*count += samples;
	return NULL;
}

static void rank(struct hvp_culprits *culprits, enum hvp_unresolved why, uint64_t value,
		 uint64_t samples)
{
	unsigned int at = HVP_NUM_CULPRITS;

	while (at > 0 && (samples > culprits->most[why][at - 1].samples ||
			  (samples == culprits->most[why][at - 1].samples &&
			   value < culprits->most[why][at - 1].value)))
		at--;
	if (at == HVP_NUM_CULPRITS)
		return;
	for (unsigned int i = HVP_NUM_CULPRITS - 1; i > at; i--)
		culprits->most[why][i] = culprits->most[why][i - 1];
	culprits->most[why][at].value = value;
	culprits->most[why][at].samples = samples;
}

void hvp_culprits_seal(struct hvp_culprits *culprits)
{
	uint64_t key, samples;
	size_t cursor = 0;

	while (hvp_map_next(&culprits->counts, &cursor, &key, &samples))
		rank(culprits, (enum hvp_unresolved)(key >> VALUE_BITS), (uint32_t)key, samples);
}

void hvp_culprits_deinit(struct hvp_culprits *culprits)
{
	hvp_map_deinit(&culprits->counts);
}
