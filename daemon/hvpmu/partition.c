/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/hvpmu/partition.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#include "common/base/scope.h"

#define COUNTERS_TEXT 48

const char *const hvp_partition_state_names[] = {"none", "off", "idle", "active", "on"};

static void ask_device(const struct hvp_host_roots *roots, const struct hvp_hvpmu_calls *calls,
		       struct hvp_partition *partition)
{
	hvp_scope(hvp_hvpmu_device_close) struct hvp_hvpmu_device device = {.fd = -1};
	struct hvp_error *err = hvp_hvpmu_device_open(calls, roots, &device);

	partition->state = HVP_PARTITION_ON;
	if (!err) {
		partition->info = device.info;
		partition->state =
			device.info.guest_mask ? HVP_PARTITION_ACTIVE : HVP_PARTITION_IDLE;
	}
	hvp_error_destroy(err);
}

void hvp_partition_read(const struct hvp_host_roots *roots, const struct hvp_hvpmu_calls *calls,
			struct hvp_partition *ret)
{
	char path[512], text[16];
	uint64_t num;

	*ret = (struct hvp_partition){.state = HVP_PARTITION_NONE};
	snprintf(path, sizeof(path), "%s/module/kvm/parameters/hvpmu", roots->sys);
	if (!hvp_file_read_u64(path, &num))
		return;
	ret->num_counters = (unsigned int)num;
	ret->state = HVP_PARTITION_OFF;
	if (!num)
		return;
	snprintf(path, sizeof(path), "%s/module/kvm/parameters/hvpmu_rdpmc", roots->sys);
	ret->is_rdpmc_direct =
		hvp_file_read_small(AT_FDCWD, path, text, sizeof(text)) > 0 && *text == 'Y';
	ask_device(roots, calls, ret);
}

/* As in IA32_PERF_GLOBAL_CTRL: general counters below, fixed ones above. */
static const char *counters_text(uint64_t mask, char buf[COUNTERS_TEXT])
{
	const int num_general = __builtin_popcountll(mask & UINT32_MAX);
	const int num_fixed = __builtin_popcountll(mask >> 32);

	if (num_fixed)
		snprintf(buf, COUNTERS_TEXT, "%d counters and %d fixed (0x%" PRIx64 ")",
			 num_general, num_fixed, mask);
	else
		snprintf(buf, COUNTERS_TEXT, "%d counters (0x%" PRIx64 ")", num_general, mask);
	return buf;
}

const char *hvp_partition_text(const struct hvp_partition *partition, char buf[HVP_PARTITION_TEXT])
{
	const struct hvpmu_dev_info *info = &partition->info;
	const char *rdpmc = partition->is_rdpmc_direct
				    ? "; guests may read the host's counters, too (kvm.hvpmu_rdpmc)"
				    : "";
	char guests[COUNTERS_TEXT], host[COUNTERS_TEXT];

	switch (partition->state) {
	case HVP_PARTITION_NONE: return "not in this kernel (CONFIG_KVM_HVPMU), or no kvm loaded";
	case HVP_PARTITION_OFF: return "off (kvm.hvpmu is 0)";
	case HVP_PARTITION_IDLE:
		snprintf(buf, HVP_PARTITION_TEXT,
			 "on, %u counters for guests; no VM has them now: all are the host's%s",
			 partition->num_counters, rdpmc);
		return buf;
	case HVP_PARTITION_ACTIVE:
		snprintf(buf, HVP_PARTITION_TEXT, "on: %u %s %s, the host has %s%s", info->num_vms,
			 info->num_vms == 1 ? "VM has" : "VMs have",
			 counters_text(info->guest_mask, guests),
			 counters_text(info->host_mask, host), rdpmc);
		return buf;
	case HVP_PARTITION_ON:
		snprintf(buf, HVP_PARTITION_TEXT,
			 "on, %u counters for guests; whether VMs have them now cannot be asked%s",
			 partition->num_counters, rdpmc);
		return buf;
	}
	return "";
}
