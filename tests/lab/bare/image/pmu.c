/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pmu.h"

#include "apic.h"
#include "trap.h"

struct pmu pmu;

static bool is_vendor_intel(void)
{
	return cpuid(0, 0).ebx == 0x756e6547; /* "Genu" */
}

/* SDM volume 2, CPUID leaf 0AH. */
static void init_intel(void)
{
	struct cpuid leaf = cpuid(0xa, 0);
	u32 version = leaf.eax & 0xff;

	pmu.shape.pmu = (u32)MSR_V2 << (version - 2);
	pmu.shape.num_gp = leaf.eax >> 8 & 0xff;
	pmu.shape.gp_width = leaf.eax >> 16 & 0xff;
	pmu.shape.num_fixed = leaf.edx & 0x1f;
	pmu.shape.fixed_width = leaf.edx >> 5 & 0xff;
	pmu.shape.has_any_thread = version >= 3 && !(leaf.edx & 1 << 15);
	pmu.has_global = true;
	pmu.status_msr = PMU_GLOBAL_STATUS;
	pmu.clear_msr = PMU_GLOBAL_CLEAR;
	pmu.control_msr = PMU_GLOBAL_CTRL;
}

/* APM volume 3, CPUID 80000001H:ECX[23] and 80000022H. */
static void init_amd(void)
{
	bool is_v2 = cpuid(0x80000000, 0).eax >= 0x80000022 && cpuid(0x80000022, 0).eax & 1;
	bool is_core = cpuid(0x80000001, 0).ecx & 1 << 23;

	pmu.shape.pmu = is_v2 ? MSR_MON2 : is_core ? MSR_CORE : MSR_K7;
	pmu.shape.num_gp = is_v2 ? cpuid(0x80000022, 0).ebx & 0xf : 6;
	pmu.shape.gp_width = 48;
	pmu.has_global = is_v2;
	pmu.status_msr = PMU_AMD_GLOBAL_STATUS;
	pmu.clear_msr = PMU_AMD_GLOBAL_CLEAR;
	pmu.control_msr = PMU_AMD_GLOBAL_CTRL;
}

void pmu_init(void)
{
	pmu.is_intel = is_vendor_intel();
	if (pmu.is_intel)
		init_intel();
	else
		init_amd();
	pmu.num = pmu.shape.num_gp + pmu.shape.num_fixed;
}

static bool is_fixed(u32 counter)
{
	return counter >= pmu.shape.num_gp;
}

u32 pmu_width(u32 counter)
{
	return is_fixed(counter) ? pmu.shape.fixed_width : pmu.shape.gp_width;
}

u32 pmu_counter_msr(u32 counter)
{
	if (is_fixed(counter))
		return PMU_FIXED0 + counter - pmu.shape.num_gp;
	return pmu.is_intel ? PMU_FULL_COUNTER0 + counter : PMU_AMD_COUNTER0 + 2 * counter;
}

static u32 select_msr(u32 counter)
{
	return pmu.is_intel ? PMU_SELECT0 + counter : PMU_AMD_SELECT0 + 2 * counter;
}

u32 pmu_rdpmc_index(u32 counter)
{
	return is_fixed(counter) ? 1U << 30 | (counter - pmu.shape.num_gp) : counter;
}

u64 pmu_status_bit(u32 counter)
{
	return 1ULL << (is_fixed(counter) ? 32 + counter - pmu.shape.num_gp : counter);
}

/* Fixed counter 0 counts instructions, 1 and 2 count cycles; what others count is not of use here. */
bool pmu_can_count(u32 counter, enum pmu_event event)
{
	switch (is_fixed(counter) ? counter - pmu.shape.num_gp : 4) {
	case 0: return event == PMU_INSTRUCTIONS;
	case 1:
	case 2: return event == PMU_CYCLES;
	case 3: return false;
	default: return true;
	}
}

u64 pmu_selector(enum pmu_event event, u64 how)
{
	static const u64 events[][2] = {
		[PMU_INSTRUCTIONS] = {0xc0, 0xc0}, [PMU_BRANCHES] = {0xc2, 0xc4},
		[PMU_CYCLES] = {0x76, 0x3c},	   [PMU_LOADS] = {0x0129, 0x81d0},
		[PMU_STORES] = {0x0229, 0x82d0},   [PMU_LOAD_STORES] = {0x0429, 0},
		[PMU_ACCESSES] = {0x0729, 0x83d0},
	};

	return events[event][pmu.is_intel] | how;
}

void pmu_clear(void)
{
	cpu_disable_interrupts();
	apic_set_lvtpc(LVTPC_MASKED);
	if (pmu.has_global)
		wrmsr(pmu.control_msr, 0);
	if (pmu.is_intel)
		wrmsr(PMU_FIXED_CTRL, 0);
	for (u32 i = 0; i < pmu.shape.num_gp; i++)
		wrmsr(select_msr(i), 0);
	for (u32 i = 0; i < pmu.num; i++)
		wrmsr(pmu_counter_msr(i), 0);
	if (pmu.has_global)
		wrmsr(pmu.clear_msr, rdmsr(pmu.status_msr));
	trap_forget();
}

static void prepare_fixed(u32 counter, u64 how)
{
	u32 shift = 4 * (counter - pmu.shape.num_gp);
	u64 field = (how & PMU_OS ? 1 : 0) | (how & PMU_USR ? 2 : 0) | (how & PMU_INT ? 8 : 0);

	wrmsr(PMU_FIXED_CTRL, (rdmsr(PMU_FIXED_CTRL) & ~(0xfULL << shift)) | field << shift);
}

struct measure_toggle pmu_prepare(u32 counter, enum pmu_event event, u64 how, u64 value)
{
	u64 selector = pmu_selector(event, how);
	struct measure_toggle toggle = {.msr = pmu.control_msr, .on = pmu_status_bit(counter)};

	wrmsr(pmu_counter_msr(counter), value);
	if (is_fixed(counter))
		prepare_fixed(counter, how);
	else
		wrmsr(select_msr(counter), selector | (pmu.has_global ? PMU_EN : 0));
	if (!pmu.has_global) {
		toggle.msr = select_msr(counter);
		toggle.on = selector | PMU_EN;
		toggle.off = selector;
	}
	return toggle;
}

u64 pmu_before_overflow(u32 counter, u64 n)
{
	return msr_mask(pmu_width(counter)) + 1 - n;
}

u64 pmu_read(u32 counter)
{
	return rdmsr(pmu_counter_msr(counter));
}

u64 pmu_status(void)
{
	return pmu.has_global ? rdmsr(pmu.status_msr) : 0;
}
