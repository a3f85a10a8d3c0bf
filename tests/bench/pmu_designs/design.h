/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Three ways to give a guest a PMU, on the model machine (tests/hv-pmu/machine), which counts their
 * accesses. Each really works: the guest's counters and PMIs come out the same.
 */
#ifndef HVP_TESTS_PMU_DESIGN_H
#define HVP_TESTS_PMU_DESIGN_H

#include <hvpmu/hvpmu.h>

#include "tests/hv-pmu/machine/machine.h"

/* A machine, and what of it the guest's CPUID shows: its lowest counters. */
struct scenario {
	const char *name;
	struct machine_model model;
	unsigned int guest_gp;
	unsigned int guest_fixed;
};

/* One CPU and one vCPU. The guest's functions are called, and return, in guest mode. */
struct design {
	const char *name;
	/* A new world, the vCPU nowhere; it lasts until the next one of the same design. */
	struct machine_cpu *(*begin)(const struct scenario *scenario);
	void (*come)(void);  /* the vCPU's thread comes to the CPU */
	void (*enter)(void); /* from the hypervisor's run loop into the guest */
	void (*exit)(void);  /* and back into it */
	void (*leave)(void); /* the thread leaves the CPU */
	/* After that: no value of the guest stays where a program of the host could read it. NULL: leave() did that. */
	void (*scrub)(void);
	int (*guest_wrmsr)(u32 msr, u64 value);
	int (*guest_rdmsr)(u32 msr, u64 *ret_value);
	int (*guest_rdpmc)(u32 index, u64 *ret_value);
	void (*guest_count)(enum machine_event event, u64 count); /* PMIs are delivered */
	unsigned int (*num_injected)(void);			  /* PMIs that reached the guest */
};

/* hv-pmu, as a hypervisor uses it: tests/hv-pmu/rig. */
extern const struct design design_partitioned;
/* Every guest counter is a perf_event of the host: KVM of Linux 6.12. */
extern const struct design design_emulated;
/* The guest has the PMU while KVM's run loop runs: KVM of Linux 7.0, enable_mediated_pmu. */
extern const struct design design_mediated;

#endif
