// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The partition: who has which counters, and what CPUID tells the guest of its own. */
#include "counters.h"
#include "layout.h"

#define INTEL_VERSION_MAX 5
#define AMD_VERSION_MAX 2

static bool are_caps_usable(const struct hvpmu_caps *caps)
{
	if (caps->num_gp > HVPMU_MAX_GP || caps->num_fixed > HVPMU_MAX_FIXED ||
	    caps->gp_width > 64 || caps->fixed_width > 64 || !caps->gp_width)
		return false;
	if (caps->vendor == HVPMU_INTEL)
		return caps->version >= 2 && caps->has_full_width &&
		       (!caps->num_fixed || caps->fixed_width) &&
		       caps->num_gp <= HVPMU_INTEL_MSR_GP;
	return caps->vendor == HVPMU_AMD && !caps->num_fixed;
}

#define AMD_NUM_CORE_PMC 0xfU /* CPUID 80000022H:EBX[3:0] */

/* APM volume 2, 13.2.1: without CPUID 80000022H a guest takes 4 or 6 for granted. */
static bool is_amd_count_tellable(const struct hvpmu_caps *caps, unsigned int want_gp)
{
	if (caps->version >= 2)
		return want_gp <= AMD_NUM_CORE_PMC;
	return want_gp == HVPMU_K7_COUNTERS ||
	       (caps->version == 1 && want_gp == HVPMU_CORE_COUNTERS);
}

static u8 guest_version(const struct hvpmu_caps *caps, unsigned int want_gp)
{
	if (caps->vendor == HVPMU_INTEL)
		return caps->version < INTEL_VERSION_MAX ? caps->version : INTEL_VERSION_MAX;
	if (caps->version >= AMD_VERSION_MAX)
		return AMD_VERSION_MAX;
	return want_gp == HVPMU_CORE_COUNTERS ? 1 : 0;
}

int hvpmu_part_init(const struct hvpmu_caps *caps, unsigned int want_gp, unsigned int want_fixed,
		    struct hvpmu_part *ret)
{
	u64 all;

	if (!are_caps_usable(caps) || want_gp > caps->num_gp || want_fixed > caps->num_fixed ||
	    !(want_gp + want_fixed))
		return HVPMU_INVALID;
	if (caps->vendor == HVPMU_AMD && !is_amd_count_tellable(caps, want_gp))
		return HVPMU_INVALID;
	all = hvpmu_counters(caps->num_gp, caps->num_fixed);
	*ret = (struct hvpmu_part){
		.vendor = caps->vendor,
		.version = guest_version(caps, want_gp),
		.layout = hvpmu_layout_index(caps),
		.num_gp = (u8)want_gp,
		.num_fixed = (u8)want_fixed,
		.gp_width = caps->gp_width,
		.fixed_width = want_fixed ? caps->fixed_width : 0,
		.num_events = caps->num_events,
		.has_full_width = caps->vendor == HVPMU_INTEL && caps->has_full_width,
		.events_unavailable = caps->events_unavailable,
		.guest_mask = hvpmu_counters(want_gp, want_fixed),
	};
	ret->host_mask = all & ~ret->guest_mask;
	return HVPMU_OK;
}

bool hvpmu_has_core_ext(const struct hvpmu_part *part)
{
	return part->vendor == HVPMU_AMD && part->version >= 1;
}

u64 hvpmu_perf_capabilities(const struct hvpmu_part *part)
{
	return part->vendor == HVPMU_INTEL && part->has_full_width ? HVPMU_CAP_FW_WRITE : 0;
}

#define CPUID_ANYTHREAD_DEPRECATED (1U << 15) /* 0AH:EDX */
#define CPUID_PERFMON_V2 1U		      /* 80000022H:EAX */

void hvpmu_cpuid_0a(const struct hvpmu_part *part, u32 ret_regs[4])
{
	memset(ret_regs, 0, 4 * sizeof(*ret_regs));
	if (part->vendor != HVPMU_INTEL || !part->version)
		return;
	ret_regs[0] = part->version | (u32)part->num_gp << 8 | (u32)part->gp_width << 16 |
		      (u32)part->num_events << 24;
	ret_regs[1] = part->events_unavailable;
	if (part->version >= 5)
		ret_regs[2] = (u32)hvpmu_low_bits(part->num_fixed);
	ret_regs[3] = part->num_fixed | (u32)part->fixed_width << 5 | CPUID_ANYTHREAD_DEPRECATED;
}

void hvpmu_cpuid_80000022(const struct hvpmu_part *part, u32 ret_regs[4])
{
	memset(ret_regs, 0, 4 * sizeof(*ret_regs));
	if (part->vendor != HVPMU_AMD || part->version < 2)
		return;
	ret_regs[0] = CPUID_PERFMON_V2;
	ret_regs[1] = part->num_gp;
}

static int narrow_intel(const struct hvpmu_part *part, const u32 cpuid[4], struct hvpmu_part *ret)
{
	ret->version = (u8)(cpuid[0] & 0xff);
	ret->num_gp = (u8)(cpuid[0] >> 8 & 0xff);
	ret->gp_width = (u8)(cpuid[0] >> 16 & 0xff);
	ret->num_events = (u8)(cpuid[0] >> 24);
	ret->events_unavailable = cpuid[1];
	ret->num_fixed = (u8)(cpuid[3] & 0x1f);
	ret->fixed_width = (u8)(cpuid[3] >> 5 & 0xff);
	if (ret->version < 2 || ret->version > part->version)
		return HVPMU_INVALID; /* version 1 could not be gated by GLOBAL_CTRL */
	/* AnyThread came with version 3: no guest gets it. */
	if (ret->version >= 3 && !(cpuid[3] & CPUID_ANYTHREAD_DEPRECATED))
		return HVPMU_INVALID;
	if (ret->gp_width != part->gp_width ||
	    (ret->num_fixed && ret->fixed_width != part->fixed_width))
		return HVPMU_INVALID;
	if (ret->version >= 5 && cpuid[2] & ~(u32)hvpmu_low_bits(ret->num_fixed))
		return HVPMU_INVALID; /* fixed counters beyond the contiguous ones */
	if (ret->num_events > part->num_events || part->events_unavailable &
							  ~ret->events_unavailable &
							  (u32)hvpmu_low_bits(ret->num_events))
		return HVPMU_INVALID;
	return HVPMU_OK;
}

static int narrow_amd(const struct hvpmu_part *part, const u32 cpuid[4], struct hvpmu_part *ret)
{
	/* No LBR stack, no northbridge or memory counters. */
	if (part->version < 2 || cpuid[0] != CPUID_PERFMON_V2 || cpuid[1] & ~AMD_NUM_CORE_PMC ||
	    cpuid[2] | cpuid[3])
		return HVPMU_INVALID;
	ret->num_gp = (u8)cpuid[1];
	return HVPMU_OK;
}

/* A leaf of zeros: on Intel no PMU; on AMD no PerfMonV2, and counters that nobody has to tell of. */
static void narrow_to_nothing(const struct hvpmu_part *part, struct hvpmu_part *ret)
{
	if (part->vendor == HVPMU_AMD && part->version < 2)
		return;
	ret->version = 0;
	ret->num_fixed = 0;
	ret->num_gp = part->vendor == HVPMU_AMD && part->num_gp >= HVPMU_K7_COUNTERS
			      ? HVPMU_K7_COUNTERS
			      : 0;
}

int hvpmu_part_narrow(const struct hvpmu_part *part, const u32 cpuid[4], struct hvpmu_part *ret)
{
	struct hvpmu_part narrowed = *part;
	int result;

	if (!(cpuid[0] | cpuid[1] | cpuid[2] | cpuid[3])) {
		narrow_to_nothing(part, &narrowed);
	} else {
		result = part->vendor == HVPMU_INTEL ? narrow_intel(part, cpuid, &narrowed)
						     : narrow_amd(part, cpuid, &narrowed);
		if (result)
			return result;
	}
	if (narrowed.num_gp > part->num_gp || narrowed.num_fixed > part->num_fixed)
		return HVPMU_INVALID;
	narrowed.guest_mask = hvpmu_counters(narrowed.num_gp, narrowed.num_fixed);
	*ret = narrowed;
	return HVPMU_OK;
}

int hvpmu_arbiter_acquire(struct hvpmu_arbiter *arbiter, const struct hvpmu_part *part,
			  u64 host_in_use, u64 *ret_conflict)
{
	*ret_conflict = 0;
	if (arbiter->num_vms && arbiter->guest_mask != part->guest_mask)
		return HVPMU_INVALID; /* one partition at a time */
	if (!arbiter->num_vms) {
		*ret_conflict = host_in_use & part->guest_mask;
		if (*ret_conflict)
			return HVPMU_BUSY;
		arbiter->guest_mask = part->guest_mask;
	}
	arbiter->num_vms++;
	return HVPMU_OK;
}

u64 hvpmu_arbiter_release(struct hvpmu_arbiter *arbiter)
{
	u64 released = 0;

	if (arbiter->num_vms && !--arbiter->num_vms) {
		released = arbiter->guest_mask;
		arbiter->guest_mask = 0;
	}
	return released;
}

u64 hvpmu_arbiter_host_mask(const struct hvpmu_arbiter *arbiter, u64 all)
{
	return all & ~arbiter->guest_mask;
}
