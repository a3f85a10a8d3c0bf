/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One guest, by VT-x or SVM as the processor has it. The guest runs in the image's own address space, in
 * ring 0, with the image's interrupt descriptor table; its general registers are the host's but for
 * those of struct vm_run.
 */
#ifndef HVP_BARE_VM_H
#define HVP_BARE_VM_H

#include "cpu.h"
#include "measure.h"

enum vm_exit {
	VM_EXIT_CALL, /* VMCALL, VMMCALL */
	VM_EXIT_NMI,
	VM_EXIT_INTERRUPT,
	VM_EXIT_RDMSR,
	VM_EXIT_WRMSR,
	VM_EXIT_RDPMC,
	VM_EXIT_EXCEPTION,
	VM_EXIT_FAILED, /* the entry; `reason` is the vendor's */
	VM_EXIT_OTHER,
};

/* The layout is known to vmx.S and svm.S. */
struct vm_run {
	struct measure_toggle toggle; /* `on` right before the entry, `off` after the exit */
	u64 rax, rcx, rdx;	      /* of the guest, in and out */
	u64 vmcb;
	/* out */
	enum vm_exit exit;
	u32 reason; /* as the vendor numbers it */
	u64 rip;    /* where the guest is */
};

/* What the guest can do; each ends with VMCALL or VMMCALL. */
extern const char guest_nops_intel[], guest_nops_amd[];	  /* nothing, GUEST_NOPS times */
extern const char guest_call_intel[], guest_call_amd[];	  /* calls what RCX points to */
extern const char guest_rdmsr_intel[], guest_rdmsr_amd[]; /* of RCX */
extern const char guest_wrmsr_intel[], guest_wrmsr_amd[];
extern const char guest_rdpmc_intel[], guest_rdpmc_amd[];
#define GUEST_NOPS 24
#define GUEST(name) ((u64)(pmu.is_intel ? guest_##name##_intel : guest_##name##_amd))
#define GUEST_CALL_ADDS 2 /* to a block: CALL, RET; VMCALL does not retire */

/* What runs between the toggle's two WRMSR: addresses of the instructions in their order. */
struct vm_path {
	const u64 *before, *after;
	u32 num_before,
		num_after; /* the entry is the last of `before`, the second WRMSR of `after` */
};

const struct vm_path *vm_path(void);

bool vm_is_there(void);
void vm_init(void);

/* A guest that is started anew; no MSR exits, RDPMC does not, NMIs and interrupts do. */
void vm_reset(u64 rip);
void vm_exit_on_msr(u32 msr, bool on_read, bool on_write);
void vm_exit_on_rdpmc(bool exits);
void vm_exit_on_nmi(bool exits);

/*
 * Whether a counter, prepared with all of `how` but the filters, counts in guest and host; returns the
 * toggle for it. On Intel by the VMCS's two values of PERF_GLOBAL_CTRL, on AMD by the selector.
 */
struct measure_toggle vm_prepare(u32 counter, u32 event, u64 how, u64 value, bool in_guest,
				 bool in_host);

/* Enters the guest, and lets NMIs in again when it has left. */
void vm_run(struct vm_run *run);

#endif
