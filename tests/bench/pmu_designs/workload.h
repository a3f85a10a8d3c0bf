/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is done with each design: the columns of the comparison. */
#ifndef HVP_TESTS_PMU_WORKLOAD_H
#define HVP_TESTS_PMU_WORKLOAD_H

#include "design.h"

#define WORKLOAD_MAX_COUNTERS 8 /* that a guest has, in each scenario */

struct workload {
	const struct design *design;
	const struct scenario *scenario;
	unsigned int in_use; /* counters that the guest counts with, the general ones first */
};

/* A column: a state that it starts from, and the step that is measured. */
struct column {
	const char *name;
	unsigned int min_in_use; /* with fewer it means nothing */
	bool is_goal;		 /* ours must be the fewest */
	void (*prepare)(const struct workload *workload);
	void (*step)(const struct workload *workload);
};

extern const struct column workload_columns[];
extern const unsigned int workload_num_columns;

extern const struct scenario workload_scenarios[];
extern const unsigned int workload_num_scenarios;

/* The guest sets its counters up and runs for a while. NULL: no such world. */
struct machine_cpu *workload_begin(const struct workload *workload);

/*
 * After the step: what the guest sees, as a hash of all its registers and of the PMIs that it got,
 * which must be the same under each design.
 */
u64 workload_fingerprint(const struct workload *workload);

#endif
