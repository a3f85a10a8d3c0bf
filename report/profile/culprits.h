/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the samples without a symbol are: of each reason the files, processes or domains with the most of
 * them, so that the reader knows whose symbols to look for first.
 */
#ifndef HVP_REPORT_CULPRITS_H
#define HVP_REPORT_CULPRITS_H

#include "common/base/map.h"
#include "report/profile/profile.h"

#define HVP_NUM_CULPRITS 3

struct hvp_culprits {
	/* Of a dimension that hvp_culprits_dim() tells; samples are 0 from the last one on. */
	struct {
		uint64_t value;
		uint64_t samples;
	} most[HVP_NUM_UNRESOLVED][HVP_NUM_CULPRITS];
	/* (reason, value) -> samples, while counting. */
	struct hvp_map counts;
};

/* What samples of a reason are told apart by: an image, a command or a domain. */
enum hvp_dim hvp_culprits_dim(enum hvp_unresolved why);

/* Nothing is counted when the profile does not know the dimension's value. Zero-initialise before. */
struct hvp_error *hvp_culprits_add(struct hvp_culprits *culprits, enum hvp_unresolved why,
				   const struct hvp_spot *spot, uint64_t samples) hvp_must_use;
/* Fills in `most`, largest first; of equal ones the lower value. */
void hvp_culprits_seal(struct hvp_culprits *culprits);
void hvp_culprits_deinit(struct hvp_culprits *culprits);

#endif
