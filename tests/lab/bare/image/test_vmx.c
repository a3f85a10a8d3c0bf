/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What VT-x alone has: PERF_GLOBAL_CTRL in the VMCS, MSR areas, entries that fail. */
#include "check.h"
#include "pmu.h"
#include "tests.h"
#include "vmx.h"

struct area_entry {
	u32 msr, reserved;
	u64 value;
};

static struct area_entry area[8] __attribute__((aligned(16)));

static void start(u64 rip)
{
	pmu_clear();
	vmx_reset(rip);
}

static void set_area(u32 field, u32 count_field, u32 num)
{
	vmx_write(field, (u64)area);
	vmx_write(count_field, num);
}

/* Reads GLOBAL_CTRL in the guest, and in the host after the exit. */
static void check_global_ctrl(bool loads_at_entry, bool loads_at_exit)
{
	struct vm_run run = {.rcx = PMU_GLOBAL_CTRL, .toggle = {.msr = MSR_KERNEL_GS_BASE}};
	u64 in_guest = loads_at_entry ? 2 : 1;

	start(GUEST(rdmsr));
	wrmsr(PMU_GLOBAL_CTRL, 1);
	vmx_write(VMCS_GUEST_PERF_GLOBAL_CTRL, 2);
	vmx_write(VMCS_HOST_PERF_GLOBAL_CTRL, 4);
	vmx_control(VMCS_ENTRY_CONTROLS, VMX_ENTRY_LOAD_PERF_GLOBAL_CTRL, loads_at_entry);
	vmx_control(VMCS_EXIT_CONTROLS, VMX_EXIT_LOAD_PERF_GLOBAL_CTRL, loads_at_exit);
	check_begin();
	vmx_run(&run);
	check_step(run.exit, VM_EXIT_CALL, "exit of reason", run.reason);
	check_step(run.rax, in_guest, "in the guest", 0);
	check_step(rdmsr(PMU_GLOBAL_CTRL), loads_at_exit ? 4 : in_guest, "in the host", 0);
	check_step(vmx_read(VMCS_GUEST_PERF_GLOBAL_CTRL), 2, "the guest's field", 0);
	check_end("PERF_GLOBAL_CTRL loaded at entry %u, at exit %u", loads_at_entry, loads_at_exit);
}

/* SDM volume 3, 28.3.1, on processors that have the control: what the guest wrote is in its field. */
static void check_saved_global_ctrl(bool saves)
{
	struct vm_run run = {
		.rcx = PMU_GLOBAL_CTRL, .rax = 3, .toggle = {.msr = MSR_KERNEL_GS_BASE}};

	start(GUEST(wrmsr));
	vmx_write(VMCS_GUEST_PERF_GLOBAL_CTRL, 2);
	vmx_control(VMCS_ENTRY_CONTROLS, VMX_ENTRY_LOAD_PERF_GLOBAL_CTRL, true);
	vmx_control(VMCS_EXIT_CONTROLS, VMX_EXIT_LOAD_PERF_GLOBAL_CTRL, true);
	vmx_control(VMCS_EXIT_CONTROLS, VMX_EXIT_SAVE_PERF_GLOBAL_CTRL, saves);
	check_begin();
	vmx_run(&run);
	check_step(run.exit, VM_EXIT_CALL, "exit of reason", run.reason);
	check_step(vmx_read(VMCS_GUEST_PERF_GLOBAL_CTRL), saves ? 3 : 2, "the guest's field", 0);
	check_step(rdmsr(PMU_GLOBAL_CTRL), 0, "in the host", 0);
	check_end("PERF_GLOBAL_CTRL saved at exit %u", saves);
}

/* SDM volume 3, 27.2.2 and 27.3.1.1: reserved bits of PERF_GLOBAL_CTRL, bit by bit. */
static void check_reserved(bool is_host)
{
	u64 valid = msr_mask(pmu.shape.num_gp) | msr_mask(pmu.shape.num_fixed) << 32;

	check_begin();
	for (u32 bit = 0; bit < 64; bit++) {
		struct vm_run run = {.toggle = {.msr = MSR_KERNEL_GS_BASE}};
		u32 fails = is_host ? VMX_REASON_INSTRUCTION | 8
				    : VMX_REASON_ENTRY_FAILED | VMX_REASON_GUEST_STATE;

		start(GUEST(nops));
		if (is_host) {
			vmx_control(VMCS_EXIT_CONTROLS, VMX_EXIT_LOAD_PERF_GLOBAL_CTRL, true);
			vmx_write(VMCS_HOST_PERF_GLOBAL_CTRL, 1ULL << bit);
		} else {
			vmx_control(VMCS_ENTRY_CONTROLS, VMX_ENTRY_LOAD_PERF_GLOBAL_CTRL, true);
			vmx_write(VMCS_GUEST_PERF_GLOBAL_CTRL, 1ULL << bit);
		}
		vmx_run(&run);
		check_step(run.reason, valid >> bit & 1 ? 18 : fails, "reason for bit", bit);
	}
	check_end("entry with reserved bits in the %s's PERF_GLOBAL_CTRL",
		  is_host ? "host" : "guest");
}

static void check_entry_load(void)
{
	struct vm_run run = {.rcx = PMU_FULL_COUNTER0 + 1, .toggle = {.msr = MSR_KERNEL_GS_BASE}};

	start(GUEST(rdmsr));
	area[0] = (struct area_entry){PMU_SELECT0 + 1, 0, 0x4300c0};
	area[1] = (struct area_entry){PMU_FULL_COUNTER0 + 1, 0, 0x123456789abc};
	set_area(VMCS_ENTRY_MSR_LOAD, VMCS_ENTRY_MSR_LOAD_COUNT, 2);
	check_begin();
	vmx_run(&run);
	check_step(run.exit, VM_EXIT_CALL, "exit of reason", run.reason);
	check_step((u32)run.rax | run.rdx << 32, 0x123456789abc, "counter in the guest", 1);
	check_step(rdmsr(PMU_SELECT0 + 1), 0x4300c0, "selector", 1);
	check_end("the MSR-load area of the entry");
}

/* The guest counts up to the exit, the area has that value, and the load area's is in force after it. */
static void check_exit_areas(void)
{
	struct vm_run run = {.rcx = 0};

	start(GUEST(nops));
	run.toggle = vm_prepare(0, PMU_INSTRUCTIONS, PMU_OS, 100, true, false);
	area[0] = (struct area_entry){PMU_FULL_COUNTER0, 0, 1};
	area[1] = (struct area_entry){PMU_SELECT0, 0, 2};
	area[2] = (struct area_entry){PMU_FULL_COUNTER0, 0, 77};
	vmx_write(VMCS_EXIT_MSR_STORE, (u64)area);
	vmx_write(VMCS_EXIT_MSR_STORE_COUNT, 2);
	vmx_write(VMCS_EXIT_MSR_LOAD, (u64)&area[2]);
	vmx_write(VMCS_EXIT_MSR_LOAD_COUNT, 1);
	check_begin();
	vmx_run(&run);
	check_step(run.exit, VM_EXIT_CALL, "exit of reason", run.reason);
	check_step(area[0].value, 100 + GUEST_NOPS, "stored counter", 0);
	check_step(area[1].value, pmu_selector(PMU_INSTRUCTIONS, PMU_OS | PMU_EN),
		   "stored selector", 0);
	check_step(pmu_read(0), 77, "counter after the exit", 0);
	check_end("the MSR-store and MSR-load areas of the exit");
}

/* SDM volume 3, 27.4: the qualification is the number of the entry that failed. */
static void check_bad_area(u32 msr, u64 value, const char *what)
{
	struct vm_run run = {.toggle = {.msr = MSR_KERNEL_GS_BASE}};

	start(GUEST(nops));
	area[0] = (struct area_entry){PMU_FULL_COUNTER0, 0, 5};
	area[1] = (struct area_entry){msr, 0, value};
	set_area(VMCS_ENTRY_MSR_LOAD, VMCS_ENTRY_MSR_LOAD_COUNT, 2);
	check_begin();
	vmx_run(&run);
	check_step(run.reason, VMX_REASON_ENTRY_FAILED | VMX_REASON_MSR_LOAD, "reason", 0);
	check_step(vmx_read(VMCS_EXIT_QUALIFICATION), 2, "qualification", 0);
	check_step(pmu_read(0), 5, "what came before it", 0);
	check_end("entry with %s in the MSR-load area", what);
}

static void check_length(u64 rip, u32 msr, enum vm_exit exit, const char *name)
{
	struct vm_run run = {.rcx = msr, .toggle = {.msr = MSR_KERNEL_GS_BASE}};

	start(rip);
	vmx_exit_on_msr(PMU_GLOBAL_CTRL, true, true);
	vm_exit_on_rdpmc(true);
	check_begin();
	vmx_run(&run);
	check_step(run.exit, exit, "exit of reason", run.reason);
	check_step(vmx_read(VMCS_EXIT_LENGTH), 2, "length", 0);
	check_end("length of an intercepted %s", name);
}

/* Addresses that no bitmap covers: SDM volume 3, 26.1.3. */
static void check_outside_of_bitmaps(void)
{
	struct vm_run run = {.rcx = 0xc0010000, .toggle = {.msr = MSR_KERNEL_GS_BASE}};

	start(GUEST(rdmsr));
	check_begin();
	vmx_run(&run);
	check_step(run.exit, VM_EXIT_RDMSR, "exit of reason", run.reason);
	start(GUEST(rdmsr));
	run.rcx = PMU_GLOBAL_CTRL;
	vmx_control(VMCS_CPU_CONTROLS, VMX_CPU_MSR_BITMAPS, false);
	vmx_run(&run);
	check_step(run.exit, VM_EXIT_RDMSR, "exit without bitmaps, reason", run.reason);
	check_end("MSRs outside of the bitmaps exit");
}

void test_vmx(void)
{
	if (!vmx_is_there())
		return;
	for (u32 way = 0; way < 4; way++)
		check_global_ctrl(way & 1, way & 2);
	check_saved_global_ctrl(false);
	if (vmx_may_exit_with(VMX_EXIT_SAVE_PERF_GLOBAL_CTRL))
		check_saved_global_ctrl(true);
	check_reserved(false);
	check_reserved(true);
	check_entry_load();
	check_exit_areas();
	check_bad_area(PMU_GLOBAL_CTRL, 1ULL << 63, "reserved bits of PERF_GLOBAL_CTRL");
	check_bad_area(PMU_FULL_COUNTER0, 1ULL << 63, "a counter's value that is too wide");
	check_bad_area(0xc0000100, 0, "FS_BASE");
	check_length(GUEST(rdmsr), PMU_GLOBAL_CTRL, VM_EXIT_RDMSR, "RDMSR");
	check_length(GUEST(wrmsr), PMU_GLOBAL_CTRL, VM_EXIT_WRMSR, "WRMSR");
	check_length(GUEST(rdpmc), 0, VM_EXIT_RDPMC, "RDPMC");
	check_outside_of_bitmaps();
	pmu_clear();
}
