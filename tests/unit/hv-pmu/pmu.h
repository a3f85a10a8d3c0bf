/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One vCPU on one CPU of a model machine: what the tests of the core start from. */
#ifndef HVP_TESTS_UNIT_PMU_H
#define HVP_TESTS_UNIT_PMU_H

#include "hvpmu/hvpmu.h"
#include "tests/hv-pmu/rig/rig.h"

struct pmu {
	struct rig rig;
	struct rig_place place;
	struct hvpmu_env env;
	struct hvpmu_vcpu *vcpu; /* in the rig; so is the next one */
	struct machine_cpu *machine;
};

/* Eight general and four fixed counters of 48 bits, by version 2 to 5. */
extern const struct machine_model pmu_intel[6];
/* By version: four K7 counters, six of PerfCtrExtCore, six with PerfMonV2; 48 bits. */
extern const struct machine_model pmu_amd[3];

/* The vCPU is on the CPU, out of guest mode; of what the model has the guest gets this. */
void pmu_set_up(struct pmu *pmu, const struct machine_model *model, unsigned int guest_gp,
		unsigned int guest_fixed);

/* The guest's registers, by the same numbers on both vendors; each access must succeed. */
void pmu_write(struct pmu *pmu, u32 msr, u64 value);
u64 pmu_read(struct pmu *pmu, u32 msr);
u32 pmu_select_msr(const struct pmu *pmu, unsigned int counter);
u32 pmu_counter_msr(const struct pmu *pmu, unsigned int counter);
u32 pmu_ctrl_msr(const struct pmu *pmu);

/* Selector bits for retired instructions in kernel mode, enabled; the same on both vendors. */
#define PMU_INSTRUCTIONS 0x4200c0ULL
#define PMU_INT 0x100000ULL

/* Every counter of the guest counts instructions in kernel mode, and is in hardware. */
void pmu_load_all(struct pmu *pmu);

/* The guest runs and retires instructions in kernel mode; NMIs are delivered. Then it exits. */
void pmu_run(struct pmu *pmu, u64 instructions);

#endif
