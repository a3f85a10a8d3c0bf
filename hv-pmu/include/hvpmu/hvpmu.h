/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The PMU virtualization core: a physical PMU partitioned between one host and the guest that
 * runs on a CPU. All policy and state is here; a hypervisor supplies hvpmu_env.h (hv-pmu/env/)
 * and calls these functions at the places that docs/hv-pmu.md lists.
 *
 * No allocation, no locks, no floating point, no pointers in a vCPU's state. All functions of one
 * vCPU are called on one CPU at a time, with interrupts off where `env` is an argument; only
 * hvpmu_nmi() may preempt them. Specifications: Intel SDM volume 3 (325384), "Performance
 * Monitoring"; AMD APM volume 2 (24593), "Performance Monitoring Counters".
 */
#ifndef HVPMU_HVPMU_H
#define HVPMU_HVPMU_H

#include <hvpmu_env.h>

#define HVPMU_MAX_GP 16
#define HVPMU_MAX_FIXED 8

/*
 * A set of counters is a mask laid out as IA32_PERF_GLOBAL_CTRL: bit i is general counter i, bit
 * 32 + i is fixed counter i. The same numbers name single counters.
 */
#define HVPMU_FIXED(i) (32 + (i))

/* What the functions below return, besides 0. */
enum hvpmu_result {
	HVPMU_OK = 0,
	HVPMU_GP = -1,	    /* inject #GP(0) into the guest */
	HVPMU_UNKNOWN = -2, /* not an MSR of the PMU: not handled here */
	HVPMU_INVALID = -3, /* an argument or a saved state that no hardware could have */
	HVPMU_BUSY = -4,    /* the host uses counters that would become the guests' */
};

enum hvpmu_vendor {
	HVPMU_INTEL,
	HVPMU_AMD,
	HVPMU_VENDORS,
};

/* What a physical PMU can do: filled by the hypervisor from CPUID and MSRs, once. */
struct hvpmu_caps {
	u8 vendor; /* enum hvpmu_vendor */
	/* Intel: CPUID.0AH:EAX[7:0]. AMD: 0 K7 counters only, 1 PerfCtrExtCore, 2 PerfMonV2. */
	u8 version;
	u8 num_gp;
	u8 num_fixed;
	u8 gp_width; /* bits of a general counter */
	u8 fixed_width;
	u8 num_events;		/* Intel: CPUID.0AH:EAX[31:24], architectural events listed */
	u32 events_unavailable; /* Intel: CPUID.0AH:EBX */
	bool has_full_width;	/* Intel: IA32_PERF_CAPABILITIES.FW_WRITE[13] */
	bool has_entry_ctrl;	/* VMX: the "load IA32_PERF_GLOBAL_CTRL" VM-entry control */
	bool has_exit_ctrl;	/* VMX: the one for VM exits */
	bool has_ctrl_erratum;	/* hvpmu_has_ctrl_erratum(): these two cannot be relied on */
};

/* What one side of a partition sees: the guest's PMU. A vCPU keeps its own copy. */
struct hvpmu_part {
	u8 vendor;
	u8 version; /* as in hvpmu_caps, at most what the core implements */
	u8 num_gp;
	u8 num_fixed;
	u8 gp_width;
	u8 fixed_width;
	u8 num_events;
	bool has_full_width;
	u32 events_unavailable;
	u8 layout;	/* of the hardware, whatever the guest's CPUID says: hvpmu_layout_index() */
	bool loads_all; /* the hypervisor's choice, before any vCPU has it: see below */
	u8 reserved[2];
	u64 guest_mask; /* counters of the guest */
	u64 host_mask;	/* counters that stay the host's */
};

/*
 * `loads_all`: a vCPU with a counter in use has all of its counters in hardware, for two writes
 * each when it comes to a CPU and when it leaves. While hvpmu_env_pass_through() was last told of
 * all of guest_mask, the hypervisor may let the guest execute RDPMC without exits: the guest's own
 * counters are right, other guests' are not there, but it sees the host's, where it ought to get
 * #GP. For hypervisors that trust their guests with these; false as hvpmu_part_init() leaves it.
 */

/*
 * Splits a PMU: the guest gets `want_gp` general counters from 0 up and `want_fixed` fixed ones
 * from 0 up, the host keeps the rest. HVPMU_INVALID: more than there is, none at all, Intel
 * without GLOBAL_CTRL (version 1) or full-width writes, or an AMD count that CPUID cannot tell a
 * guest of (without PerfMonV2 a guest derives 4 or 6 from PerfCtrExtCore, APM volume 2, 13.2.1;
 * with it CPUID has four bits).
 */
int hvpmu_part_init(const struct hvpmu_caps *caps, unsigned int want_gp, unsigned int want_fixed,
		    struct hvpmu_part *ret);

/*
 * The guest's PMU as narrowed by what the hypervisor's user put into the guest's CPUID: leaf 0AH
 * on Intel, 80000022H on AMD, as {eax, ebx, ecx, edx}. HVPMU_INVALID: it promises more than the
 * partition has - with AMD's PerfMonV2 anything but core counters, on Intel from version 3 on
 * AnyThread, which EDX[15] has to deny. A leaf of zeros is a guest without a PMU, but for AMD:
 * before PerfMonV2 it says nothing and the partition stays as it is, and with it the guest has the
 * four counters of K7, if the partition has as many.
 */
int hvpmu_part_narrow(const struct hvpmu_part *part, const u32 cpuid[4], struct hvpmu_part *ret);

/* CPUID leaf 0AH for the guest, {eax, ebx, ecx, edx}; zeros on AMD. SDM volume 2, CPUID. */
void hvpmu_cpuid_0a(const struct hvpmu_part *part, u32 ret_regs[4]);

/* CPUID leaf 80000022H for the guest; zeros on Intel and without PerfMonV2. APM volume 3, E.4.13. */
void hvpmu_cpuid_80000022(const struct hvpmu_part *part, u32 ret_regs[4]);

/* AMD: whether the guest's CPUID 80000001H:ECX has PerfCtrExtCore[23]. */
bool hvpmu_has_core_ext(const struct hvpmu_part *part);

/* Intel: the guest's IA32_PERF_CAPABILITIES: FW_WRITE or nothing. */
u64 hvpmu_perf_capabilities(const struct hvpmu_part *part);

/*
 * Who owns the partitioned counters of the whole machine: the host until the first partitioned VM
 * starts. One per host; the hypervisor's lock guards it.
 */
struct hvpmu_arbiter {
	u64 guest_mask; /* counters taken from the host; 0 while no VM is partitioned */
	u32 num_vms;
	u32 reserved;
};

/*
 * Takes the guest's counters from the host for one more VM. `host_in_use`: counters that events of
 * the host occupy, on any CPU. HVPMU_BUSY: *ret_conflict are those that the host must vacate
 * first, and nothing has changed.
 */
int hvpmu_arbiter_acquire(struct hvpmu_arbiter *arbiter, const struct hvpmu_part *part,
			  u64 host_in_use, u64 *ret_conflict);

/* Gives them back when the last VM ends. Returns the counters that are the host's again. */
u64 hvpmu_arbiter_release(struct hvpmu_arbiter *arbiter);

/* Counters that an event of the host may be put on. `all`: every counter of the machine. */
u64 hvpmu_arbiter_host_mask(const struct hvpmu_arbiter *arbiter, u64 all);

/* One access: the layout of an entry of the VMCS's MSR areas (SDM volume 3, "MSR-Load Area"). */
struct hvpmu_plan_entry {
	u32 msr;
	u32 reserved; /* 0 */
	u64 value;
};

/* A counter and a selector for each general one, a counter for each fixed one, their control. */
#define HVPMU_PLAN_MAX (2 * HVPMU_MAX_GP + HVPMU_MAX_FIXED + 1)

/* The address of a VMCS's MSR area, &entry[0] if it is used as one, has its low four bits clear. */
struct hvpmu_plan {
	u32 count;
	u32 reserved[3];
	struct hvpmu_plan_entry entry[HVPMU_PLAN_MAX];
} __attribute__((aligned(16)));

/* What a vCPU's counts are kept of, in guest mode and in hypervisor mode. */
enum hvpmu_account_event {
	HVPMU_ACCOUNT_CYCLES,
	HVPMU_ACCOUNT_INSTRUCTIONS,
	HVPMU_ACCOUNT_EVENTS,
};

/* Totals of one vCPU since its creation; a domain's are the sums of its vCPUs'. */
struct hvpmu_account {
	u64 guest[HVPMU_ACCOUNT_EVENTS]; /* between VM entry and VM exit */
	u64 hyp[HVPMU_ACCOUNT_EVENTS];	 /* in the hypervisor, while this vCPU was on a CPU */
	u64 loads;			 /* times its counters were put into hardware */
	u64 puts;
	u64 pmis;			 /* PMIs requested for it */
	u64 emulated;			 /* instructions counted for it by hvpmu_retired() */
	u64 since[HVPMU_ACCOUNT_EVENTS]; /* the host's counters at the last switch of mode */
};

enum hvpmu_state {
	HVPMU_INACTIVE, /* every register is served from this structure */
	HVPMU_LOADED,	/* the counters in `hw` live in the hardware of one CPU */
};

/*
 * One vCPU's PMU. Only the core touches the members; they are here to be embedded and to be
 * checked. Values of counters in `hw` are in hardware; the ones here are what was last seen.
 */
struct hvpmu_vcpu {
	struct hvpmu_part part;
	u64 gp_counter[HVPMU_MAX_GP];
	u64 gp_select[HVPMU_MAX_GP]; /* as the guest wrote them */
	u64 fixed_counter[HVPMU_MAX_FIXED];
	u64 fixed_ctrl;
	u64 global_ctrl;
	u64 status;	     /* overflows that are no longer in the physical GLOBAL_STATUS */
	u64 denied;	     /* counters whose event the filter forbids */
	u64 selected;	     /* counters that their own control has on */
	u64 with_pmi;	     /* counters whose control asks for a PMI */
	u64 of_retired[2];   /* selected ones that hvpmu_retired() adds to, by its kind */
	u64 hw;		     /* counters that live in hardware; 0 if inactive */
	u64 guest_ctrl;	     /* the guest half of GLOBAL_CTRL for the next entry */
	u8 state;	     /* enum hvpmu_state */
	bool freezes_on_pmi; /* the guest's IA32_DEBUGCTL.FREEZE_PERFMON_ON_PMI */
	bool pmi_pending;    /* requested, not yet taken by hvpmu_take_pmi() */
	u8 reserved[5];
	struct hvpmu_account account;
};

/* One CPU's state of the core; the env of a CPU refers to it as env->cpu. */
struct hvpmu_cpu {
	const struct hvpmu_part *part; /* the machine's partition */
	struct hvpmu_vcpu *loaded;     /* the vCPU whose counters are in this CPU, or NULL */
	u64 host_fixed_ctrl;	       /* the host's half of IA32_FIXED_CTR_CTRL */
	u64 guest_fixed_ctrl;	       /* the guest's half, as it is in hardware */
	u64 nmi_claimed;      /* overflows that an NMI took in the middle, left to who is busy */
	bool is_busy;	      /* the core is changing hardware: hvpmu_nmi() leaves the vCPU alone */
	bool is_pmi_expected; /* a status was acknowledged whose NMI may still arrive */
	u8 reserved[6];
};

/* Prepares a CPU: nothing loaded, the host's half of IA32_FIXED_CTR_CTRL as given. */
void hvpmu_cpu_init(struct hvpmu_cpu *cpu, const struct hvpmu_part *part, u64 host_fixed_ctrl);

/* A vCPU after power-on reset (SDM volume 3, table "IA-32 and Intel 64 processor states"). */
void hvpmu_vcpu_init(struct hvpmu_vcpu *vcpu, const struct hvpmu_part *part);

/* Back to power-on values, wherever the vCPU's counters are; its account goes on. */
void hvpmu_vcpu_reset(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env);

/*
 * Emulated accesses. `from_host`: the hypervisor's user, not the guest, as for live migration: may
 * write what is read-only (not GLOBAL_INUSE, which only reflects other registers), in full width,
 * and never causes a PMI. HVPMU_GP as hardware would:
 * nothing has changed. HVPMU_UNKNOWN: not a register of the PMU.
 * The privilege checks of RDPMC (CPL, CR4.PCE) and of RDMSR/WRMSR are the caller's.
 */
int hvpmu_wrmsr(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, u32 msr, u64 value, bool from_host);
int hvpmu_rdmsr(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, u32 msr, u64 *ret_value,
		bool from_host);
int hvpmu_rdpmc(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, u32 index, u64 *ret_value);

/*
 * The guest's IA32_DEBUGCTL.FREEZE_PERFMON_ON_PMI[12] changed. The bit must never be set in the
 * guest's physical IA32_DEBUGCTL: it would freeze the host's counters too. Nothing on AMD, whose
 * guests are not told of LbrAndPmcFreeze.
 */
void hvpmu_set_freeze_on_pmi(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, bool enabled);

/*
 * Before every VM entry, interrupts off. Loads the vCPU's counters if they are enabled and not
 * loaded yet; otherwise touches nothing. Intel: returns the guest half of GLOBAL_CTRL for this
 * entry, to be merged with the host's half. AMD: 0, the hardware gates by GuestOnly.
 */
u64 hvpmu_enter(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env);

/* The vCPU leaves this CPU (or the hypervisor wants the hardware): all values return to memory. */
void hvpmu_put(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env);

/* What hvpmu_nmi() found out. */
struct hvpmu_nmi {
	u64 guest;	  /* overflows of guests' counters; they have been taken care of */
	u64 host;	  /* the host's, untouched; 0 where no status register tells */
	bool is_expected; /* none now, but an acknowledged one was on its way: not an unknown NMI */
};

/*
 * In each NMI while guests own counters, before the host's own PMI handler. Overflows of the loaded
 * vCPU are harvested, and its PMI is requested. The LVTPC of the host is re-armed unless there are
 * overflows of the host, whose handler does so when it has acknowledged them.
 */
struct hvpmu_nmi hvpmu_nmi(struct hvpmu_env *env);

/*
 * Before VM entry: takes a pending PMI. Returns true with the interrupt to inject if the guest's
 * LVTPC lets it through; on Intel sets the mask bit in *lvtpc, as delivery does (SDM volume 3,
 * "Local Vector Table"). A PMI that finds the LVTPC masked is gone, as in hardware, and so is one
 * that finds a delivery mode that an LVTPC does not have. A vector below 16 is the caller's APIC's
 * to refuse.
 */
bool hvpmu_take_pmi(struct hvpmu_vcpu *vcpu, u32 *lvtpc, u32 *ret_interrupt);

enum hvpmu_retired {
	HVPMU_RETIRED_INSTRUCTION,
	HVPMU_RETIRED_BRANCH, /* an instruction that is also a branch */
};

/* The hypervisor emulated one instruction for the guest, at this CPL: counters of it count it. */
void hvpmu_retired(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env, enum hvpmu_retired kind,
		   unsigned int cpl);

/* Whether hvpmu_retired() may have something to do: worth a look before the CPL is found out. */
static inline bool hvpmu_wants_retired(const struct hvpmu_vcpu *vcpu, enum hvpmu_retired kind)
{
	u64 set = vcpu->of_retired[kind];

	/* Most that a PMI handler does, it does with GLOBAL_CTRL off. */
	return set && (vcpu->part.version < 2 || set & vcpu->global_ctrl);
}

/*
 * The event filter changed: hvpmu_env_is_allowed() is asked again for each counter, and those that
 * are now denied leave the hardware.
 */
void hvpmu_filter(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env);

/*
 * The host wrote its half of IA32_FIXED_CTR_CTRL: returns what to write to the register. Interrupts
 * are off until that is done: a vCPU that left meanwhile would find its half written back.
 */
u64 hvpmu_merge_fixed_ctrl(struct hvpmu_cpu *cpu, u64 host_value);

/*
 * The accesses that move counters between memory and hardware, as lists: the same that
 * hvpmu_enter() and hvpmu_put() make as WRMSR and RDPMC. A hypervisor may put them into the VMCS's
 * MSR areas.
 *   load   values to write so that the counters in `mask` live in hardware
 *   store  registers to read (value 0) when they leave it
 *   clear  values to write after that, so that nothing of the guest stays
 */
void hvpmu_plan_load(const struct hvpmu_vcpu *vcpu, const struct hvpmu_cpu *cpu, u64 mask,
		     struct hvpmu_plan *ret);
void hvpmu_plan_store(const struct hvpmu_vcpu *vcpu, u64 mask, struct hvpmu_plan *ret);
void hvpmu_plan_clear(const struct hvpmu_vcpu *vcpu, const struct hvpmu_cpu *cpu, u64 mask,
		      struct hvpmu_plan *ret);

/* How the guest half of GLOBAL_CTRL is switched at VM entry and VM exit. */
enum hvpmu_ctrl_switch {
	HVPMU_SWITCH_CONTROLS,	 /* VMX: the load-IA32_PERF_GLOBAL_CTRL controls and VMCS fields */
	HVPMU_SWITCH_AREAS,	 /* VMX: one entry in the entry-load and the exit-load MSR area */
	HVPMU_SWITCH_GUEST_ONLY, /* SVM: the selectors' GuestOnly bit, nothing to switch */
};
enum hvpmu_ctrl_switch hvpmu_ctrl_switch(const struct hvpmu_caps *caps);

/* Intel processors whose controls fail (specification updates AAK155, AAP115, AAT100, BC86, BA97). */
bool hvpmu_has_ctrl_erratum(unsigned int family, unsigned int model);

/* HVPMU_SWITCH_AREAS: the entry-load and exit-load entries for these two values of GLOBAL_CTRL. */
void hvpmu_ctrl_areas(u64 guest_ctrl, u64 host_ctrl, struct hvpmu_plan_entry *ret_entry,
		      struct hvpmu_plan_entry *ret_exit);

/*
 * Accounting, optional: called after hvpmu_enter() and after a VM exit, and around the time a vCPU
 * is on a CPU. Reads the host's counters through hvpmu_env_read_account().
 */
void hvpmu_account_load(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env);
void hvpmu_account_enter(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env);
void hvpmu_account_exit(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env);
void hvpmu_account_put(struct hvpmu_vcpu *vcpu, struct hvpmu_env *env);
void hvpmu_account_add(struct hvpmu_account *sum, const struct hvpmu_account *account);

/*
 * Debug builds and the checkers: whether the vCPU's state is one that can be. NULL, or a sentence
 * that names the invariant (docs/hv-pmu.md) that does not hold.
 */
const char *hvpmu_check(const struct hvpmu_vcpu *vcpu, const struct hvpmu_cpu *cpu);

#endif
