/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A small set of vCPU numbers: the vCPUs on which the samples of an entry were taken. */
#ifndef HVP_REPORT_VCPU_SET_H
#define HVP_REPORT_VCPU_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More than any VMM gives; larger numbers come from broken sessions and count as "others". */
#define HVP_MAX_VCPUS 8192u

struct hvp_vcpu_set {
	/* vCPUs 0 to 63. */
	uint64_t low;
	/* The others, made when first needed. */
	uint64_t *high;
	uint32_t num_high;
	bool has_others;
};

/* Zero-initialise. Without memory the number counts among the others. */
void hvp_vcpu_set_add(struct hvp_vcpu_set *set, uint32_t vcpu);
void hvp_vcpu_set_deinit(struct hvp_vcpu_set *set);
/* The smallest member not below `from`; UINT32_MAX when there is none. */
uint32_t hvp_vcpu_set_next(const struct hvp_vcpu_set *set, uint32_t from);
/* "0-3,7", "0,2,...", "-" for none; what does not fit ends in "...". Returns `buf`. */
const char *hvp_vcpu_set_text(const struct hvp_vcpu_set *set, char *buf, size_t size);

#endif
