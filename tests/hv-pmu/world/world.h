/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One small world: the rig, and beside it what each guest and each host would see with a PMU of its own.
 * An action changes both; the invariants compare them.
 */
#ifndef HVP_TESTS_WORLD_H
#define HVP_TESTS_WORLD_H

#include <stddef.h>

#include "tests/hv-pmu/rig/rig.h"

/* How big the world is, and what happens in it. */
struct scope {
	const char *name;
	struct machine_model machine; /* of a CPU */
	unsigned int guest_gp;
	unsigned int guest_fixed;
	int num_cpus;
	int num_vcpus;
	unsigned int used_gp; /* guest counters that the guests really use, from 0 up */
	bool loads_all;	      /* the partition's: RDPMC without exits */
	bool uses_areas;      /* switch GLOBAL_CTRL through the MSR areas, as with the errata */
	bool has_host_events; /* the host counts on its first counter, with a PMI */
	bool has_filter;
	bool has_freeze;
	bool has_emulation;
	bool has_migration_state; /* save and restore */
};

struct world {
	struct rig rig;
	struct machine_cpu guest[RIG_MAX_VCPUS]; /* each vCPU's private PMU */
	struct machine_cpu host[RIG_MAX_CPUS];	 /* each CPU's host's */
	/* What an action must not do is noted here by the actions themselves. */
	const char *violation;
};

enum action_kind {
	/* By the guest on a CPU that is in guest mode. */
	ACTION_COUNT,
	ACTION_SELECT,
	ACTION_COUNTER,
	ACTION_FIXED_CTRL,
	ACTION_GLOBAL_CTRL,
	ACTION_STATUS_CLEAR,
	ACTION_STATUS_SET,
	ACTION_READ_STATUS,
	ACTION_READ_COUNTER,
	ACTION_FORBIDDEN, /* a register, a bit or an index that is not the guest's */
	ACTION_UNMASK,
	ACTION_EXIT,
	/* By the hypervisor on a CPU that is in host mode. */
	ACTION_ENTER,
	ACTION_PUT,
	ACTION_LOAD,
	ACTION_NMI,
	ACTION_HOST_COUNT,
	ACTION_FILTER,
	ACTION_FREEZE,
	ACTION_EMULATE,
	ACTION_SAVE_RESTORE,
	ACTION_KINDS,
};

#define NUM_FORBIDDEN 9 /* arguments of ACTION_FORBIDDEN */
#define NMI_NEVER 0xff

struct action {
	u8 kind; /* enum action_kind */
	u8 cpu;
	u8 argument; /* which counter, or which vCPU */
	u8 value;    /* which of the action's values */
	u8 nmi_at;   /* a latched NMI arrives before this access of the core; NMI_NEVER */
};

/* The start: vCPUs nowhere, the host's events programmed. false: the scope is not possible. */
bool world_init(struct world *world, const struct scope *scope);

/*
 * Does the action, if it can be done now; returns whether it was. *ret_accesses: how many accesses
 * the core made, so that the caller knows where an NMI could have arrived.
 */
bool world_act(struct world *world, const struct scope *scope, struct action action,
	       unsigned int *ret_accesses);

/*
 * What actions are made of; also for other drivers of a world. Each is one step between
 * world_begin() and world_end(), which compare the PMIs that were injected and the overflows that
 * the host was given with those of the private PMUs.
 */
struct world_mark {
	u32 injected[RIG_MAX_VCPUS];
};
void world_begin(const struct world *world, struct world_mark *ret);
void world_end(struct world *world, const struct world_mark *mark);

/* What the vCPU's guest, in guest mode, writes and reads: through the rig and on its private PMU. */
void world_guest_write(struct world *world, int vcpu, u32 msr, u64 value);
void world_guest_read(struct world *world, int vcpu, u32 msr);
void world_guest_rdpmc(struct world *world, int vcpu, u32 index);

/* Events on the private PMU only. What the filter denies does not count there either. */
void world_count_private(struct world *world, int vcpu, enum machine_event event, unsigned int cpl,
			 u64 count);

/*
 * The core's state goes out as bytes, and what comes back must be the same guest; bytes that no guest
 * could have made must be refused.
 */
void world_save_and_restore(struct world *world, int vcpu, struct hvpmu_env *env);

/* Counts that grow without end and decide nothing are set to 0, so that states can be compared. */
void world_normalize(struct world *world);

/* NULL, or a sentence: the number of the invariant in docs/hv-pmu.md and what is wrong. */
const char *world_check(const struct world *world, const struct scope *scope);

/* "vCPU 0 on CPU 1: PERFEVTSEL0 = ..., NMI before access 3" */
void action_describe(const struct world *world, struct action action, char *ret, size_t size);

#endif
