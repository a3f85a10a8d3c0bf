/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A CPU's PMU, its LVTPC, and what VM entries and exits do to them: written from the manuals and
 * sharing no code with the core, so that the two can be held against each other. Intel: SDM volume
 * 3, "Performance Monitoring", "VM Entries", "VM Exits"; AMD: APM volume 2, 13.2 and 15.
 *
 * A machine_cpu is plain data: copy it, compare it, hash it. No skid: an overflow raises its PMI at once.
 */
#ifndef HVP_TESTS_MACHINE_H
#define HVP_TESTS_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#define MACHINE_MAX_GP 16
#define MACHINE_MAX_FIXED 8
#define MACHINE_MAX_AREA 64

enum machine_vendor {
	MACHINE_INTEL,
	MACHINE_AMD,
};

/* What this kind of CPU has; constant. Widths below the real 48 bits make small state spaces. */
struct machine_model {
	enum machine_vendor vendor;
	unsigned int
		version; /* Intel: CPUID.0AH:EAX[7:0]; AMD: 0 K7, 1 PerfCtrExtCore, 2 PerfMonV2 */
	unsigned int num_gp;
	unsigned int num_fixed;
	unsigned int gp_width;
	unsigned int fixed_width;
	bool has_full_width;
	bool has_svm;	     /* AMD: selectors have HostOnly and GuestOnly */
	bool has_any_thread; /* Intel, versions 3 and 4; CPUID.0AH:EDX[15] says that it is gone */
};

struct machine_cpu {
	const struct machine_model *model;
	uint64_t gp_counter[MACHINE_MAX_GP];
	uint64_t gp_select[MACHINE_MAX_GP];
	uint64_t fixed_counter[MACHINE_MAX_FIXED];
	uint64_t fixed_ctrl;
	uint64_t global_ctrl;
	uint64_t status;
	uint64_t debugctl;
	uint32_t lvtpc;
	bool in_guest;	    /* between VM entry and VM exit */
	bool nmi_pending;   /* latched, not yet delivered */
	bool nmi_blocked;   /* between delivery and IRET */
	uint64_t num_rdmsr; /* accesses made, for the benchmarks */
	uint64_t num_wrmsr;
	uint64_t num_rdpmc;
	uint64_t num_area; /* MSRs that entries and exits switched through the MSR areas */
};

/* After reset: SDM volume 3, "Processor State After Reset". The LVTPC is masked. */
void machine_init(struct machine_cpu *cpu, const struct machine_model *model);

/* Instructions. false: #GP(0), and nothing has changed. */
bool machine_wrmsr(struct machine_cpu *cpu, uint32_t msr, uint64_t value);
bool machine_rdmsr(struct machine_cpu *cpu, uint32_t msr, uint64_t *ret_value);
bool machine_rdpmc(struct machine_cpu *cpu, uint32_t index, uint64_t *ret_value);

/* Events, as event | umask << 8. */
enum machine_event {
	MACHINE_CYCLES,
	MACHINE_INSTRUCTIONS,
	MACHINE_BRANCHES,
};

/*
 * The event happens `count` times at this CPL: every counter that is on for it counts; count is
 * below 2^width. Overflows set their status bits and raise PMIs.
 */
void machine_count(struct machine_cpu *cpu, enum machine_event event, unsigned int cpl,
		   uint64_t count);

/* Counters (bit i general, bit 32 + i fixed) that would count the event now. */
uint64_t machine_counting(const struct machine_cpu *cpu, enum machine_event event,
			  unsigned int cpl);

/* Delivers a latched NMI: true once, and NMIs are blocked until machine_iret(). */
bool machine_take_nmi(struct machine_cpu *cpu);
void machine_iret(struct machine_cpu *cpu);

/* An entry of the VMCS's MSR areas. */
struct machine_area_entry {
	uint32_t msr;
	uint32_t reserved;
	uint64_t value;
};

/* The parts of a VMCS that concern the PMU. */
struct machine_vmcs {
	bool entry_loads_ctrl; /* VM-entry control 13: load IA32_PERF_GLOBAL_CTRL */
	bool exit_loads_ctrl;  /* VM-exit control 12 */
	uint64_t guest_ctrl;
	uint64_t host_ctrl;
	uint32_t num_entry_load;
	uint32_t num_exit_load;
	uint32_t num_exit_store;
	struct machine_area_entry entry_load[MACHINE_MAX_AREA];
	struct machine_area_entry exit_load[MACHINE_MAX_AREA];
	struct machine_area_entry exit_store[MACHINE_MAX_AREA];
};

/*
 * VM entry. false: it fails, and *ret_reason is why: a field of the VMCS, or the number of the
 * MSR-area entry from 1 up as the exit qualification says (SDM volume 3, "VM-Entry Failures").
 * SVM: machine_vmrun(), machine_vmexit_svm(), to which only the mode matters.
 */
enum machine_entry_failure {
	MACHINE_ENTRY_GUEST_CTRL = -1, /* reserved bits in the guest's IA32_PERF_GLOBAL_CTRL */
	MACHINE_ENTRY_HOST_CTRL = -2,
};
bool machine_vmentry(struct machine_cpu *cpu, struct machine_vmcs *vmcs, int *ret_reason);
/* VM exit. false: VMX abort, an entry that cannot be stored or loaded. */
bool machine_vmexit(struct machine_cpu *cpu, struct machine_vmcs *vmcs);
void machine_vmrun(struct machine_cpu *cpu);
void machine_vmexit_svm(struct machine_cpu *cpu);

#endif
