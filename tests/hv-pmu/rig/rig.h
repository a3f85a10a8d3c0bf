/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small hypervisor around the core, on the model machine: what a real one does with the core's
 * functions, no more. CPUs run vCPUs; a vCPU's guest makes accesses, which reach the machine where the
 * MSR bitmap passes them through and the core where it does not.
 *
 * A rig is plain data but for two pointers (model, hook): the checker copies and compares it.
 */
#ifndef HVP_TESTS_RIG_H
#define HVP_TESTS_RIG_H

#include "hvpmu/hvpmu.h"
#include "tests/hv-pmu/machine/machine.h"

#define RIG_MAX_CPUS 2
#define RIG_MAX_VCPUS 3
#define RIG_NOWHERE (-1)

struct rig_cpu {
	struct machine_cpu machine;
	struct hvpmu_cpu core;
	int vcpu;      /* that is on this CPU, or RIG_NOWHERE */
	u64 host_ctrl; /* the host's half of GLOBAL_CTRL */
	u64 reads;     /* what the MSR bitmap passes through to the guest */
	u64 writes;
	u64 host_overflows; /* that the host's handler has been given */
	u32 num_unknown;    /* NMIs that nobody claimed */
	u32 num_early;	    /* times that the LVTPC was opened over an overflow */
	u64 happened[3];    /* events on this CPU so far, by enum machine_event */
};

struct rig_vcpu {
	struct hvpmu_vcpu core;
	u32 lvtpc;    /* the guest's, virtual */
	int cpu;      /* that it is on, or RIG_NOWHERE */
	u32 requests; /* PMIs that the core asked for */
	u32 injected; /* PMIs that reached the guest */
};

struct rig {
	const struct machine_model *model;
	struct hvpmu_part part;
	struct hvpmu_caps caps;
	u8 switching;	  /* enum hvpmu_ctrl_switch */
	u64 denied;	  /* counters whose events the filter forbids, for hvpmu_env_is_allowed() */
	u64 denied_event; /* event | umask << 8 that it forbids on general counters; 0 is none */
	struct rig_cpu cpu[RIG_MAX_CPUS];
	struct rig_vcpu vcpu[RIG_MAX_VCPUS];
	int num_cpus;
	int num_vcpus;
	/* Called whenever the core asks something of its surroundings, if not NULL: for NMIs. */
	void (*hook)(struct rig *rig, int cpu, void *context);
	void *context;
};

/* Where the core's env points: which CPU of which rig it runs on. */
struct rig_place {
	struct rig *rig;
	int cpu;
};

/* false: no partition like this on the model. LVTPCs: the host's NMI, the guests' vector 0xec. */
bool rig_init(struct rig *rig, const struct machine_model *model, unsigned int guest_gp,
	      unsigned int guest_fixed, int num_cpus, int num_vcpus);

/* The core's env for code that runs on this CPU. */
struct hvpmu_env rig_env(struct rig *rig, int cpu, struct rig_place *place);

/* The scheduler: the vCPU comes to the CPU (which must be free), or leaves it, out of guest mode. */
void rig_load(struct rig *rig, int vcpu, int cpu);
void rig_put(struct rig *rig, int vcpu);

/* VM entry and exit of the vCPU on this CPU. Entry injects a pending PMI, if the LVTPC lets it. */
bool rig_enter(struct rig *rig, int cpu);
void rig_exit(struct rig *rig, int cpu);

/* Delivers a latched NMI, if there is one and NMIs are not blocked: exits the guest first. */
void rig_deliver_nmi(struct rig *rig, int cpu);

/* What the vCPU's guest does; it is on a CPU and in guest mode before and after. HVPMU_OK or HVPMU_GP. */
int rig_guest_wrmsr(struct rig *rig, int vcpu, u32 msr, u64 value);
int rig_guest_rdmsr(struct rig *rig, int vcpu, u32 msr, u64 *ret_value);
int rig_guest_rdpmc(struct rig *rig, int vcpu, u32 index, u64 *ret_value);
/* Whether its RDPMC reaches the machine, with any index: the partition's `loads_all`. */
bool rig_is_rdpmc_direct(const struct rig *rig, int vcpu);
/* Events happen in the guest; PMIs they raise are delivered, which may take it out of guest mode. */
void rig_guest_count(struct rig *rig, int vcpu, enum machine_event event, unsigned int cpl,
		     u64 count);

/* What the host does on a CPU that is not in guest mode; masks out what is not its own. */
void rig_host_program(struct rig *rig, int cpu, unsigned int counter, u64 select, u64 value);
void rig_host_count(struct rig *rig, int cpu, enum machine_event event, unsigned int cpl,
		    u64 count);

/*
 * The values that a guest would read now, without disturbing anything: for comparing with what it
 * should see. `counter` as in masks.
 */
u64 rig_peek_counter(const struct rig *rig, int vcpu, unsigned int counter);
u64 rig_peek_status(const struct rig *rig, int vcpu);

#endif
