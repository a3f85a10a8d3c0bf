/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vm.h"

#include "pmu.h"
#include "svm.h"
#include "vmx.h"

/* What vm_path.inc says of the two ways; vmx.S and svm.S fill the tables. */
#define NUM_BEFORE 12
#define NUM_AFTER 12
extern const u64 vmx_before[], vmx_after[], svm_before[], svm_after[];

const struct vm_path vmx_path = {vmx_before, vmx_after, NUM_BEFORE, NUM_AFTER};
const struct vm_path svm_path = {svm_before, svm_after, NUM_BEFORE, NUM_AFTER};

const struct vm_path *vm_path(void)
{
	return pmu.is_intel ? &vmx_path : &svm_path;
}

bool vm_is_there(void)
{
	return pmu.is_intel ? vmx_is_there() : svm_is_there();
}

void vm_init(void)
{
	if (pmu.is_intel)
		vmx_init();
	else
		svm_init();
}

void vm_reset(u64 rip)
{
	if (pmu.is_intel)
		vmx_reset(rip);
	else
		svm_reset(rip);
}

void vm_exit_on_msr(u32 msr, bool on_read, bool on_write)
{
	if (pmu.is_intel)
		vmx_exit_on_msr(msr, on_read, on_write);
	else
		svm_exit_on_msr(msr, on_read, on_write);
}

void vm_exit_on_rdpmc(bool exits)
{
	if (pmu.is_intel)
		vmx_control(VMCS_CPU_CONTROLS, VMX_CPU_RDPMC, exits);
	else
		svm_intercept(SVM_INTERCEPT_RDPMC, exits);
}

void vm_exit_on_nmi(bool exits)
{
	if (pmu.is_intel)
		vmx_control(VMCS_PIN_CONTROLS, VMX_PIN_NMI, exits);
	else
		svm_intercept(SVM_INTERCEPT_NMI, exits);
}

struct measure_toggle vm_prepare(u32 counter, u32 event, u64 how, u64 value, bool in_guest,
				 bool in_host)
{
	u64 only = in_guest == in_host ? 0 : in_guest ? PMU_GUEST_ONLY : PMU_HOST_ONLY;
	struct measure_toggle toggle;

	if (!pmu.is_intel)
		return pmu_prepare(counter, event, how | only, value);
	toggle = pmu_prepare(counter, event, how, value);
	vmx_control(VMCS_ENTRY_CONTROLS, VMX_ENTRY_LOAD_PERF_GLOBAL_CTRL, true);
	vmx_control(VMCS_EXIT_CONTROLS, VMX_EXIT_LOAD_PERF_GLOBAL_CTRL, true);
	vmx_write(VMCS_GUEST_PERF_GLOBAL_CTRL, in_guest ? toggle.on : 0);
	vmx_write(VMCS_HOST_PERF_GLOBAL_CTRL, in_host ? toggle.on : 0);
	if (!in_host)
		toggle.on = 0;
	return toggle;
}

void vm_run(struct vm_run *run)
{
	if (pmu.is_intel)
		vmx_run(run);
	else
		svm_run(run);
}
