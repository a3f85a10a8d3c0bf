/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/kvm/kvm_stats.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/array.h"
#include "common/base/scope.h"
#include "daemon/kvm/kvm_debugfs.h"

static const char *const files[HVP_NUM_KVM_STATS] = {
	[HVP_KVM_GUEST_CYCLES] = "hvpmu_guest_cycles",
	[HVP_KVM_GUEST_INSTRUCTIONS] = "hvpmu_guest_instructions",
	[HVP_KVM_HYP_CYCLES] = "hvpmu_hyp_cycles",
	[HVP_KVM_HYP_INSTRUCTIONS] = "hvpmu_hyp_instructions",
	[HVP_KVM_LOADS] = "hvpmu_loads",
	[HVP_KVM_PUTS] = "hvpmu_puts",
	[HVP_KVM_PMIS] = "hvpmu_pmis",
	[HVP_KVM_EMULATED] = "hvpmu_emulated",
	[HVP_KVM_EXITS] = "exits",
};

/* "vcpu3" or "." */
static void read_counts(const struct hvp_kvm_stats *stats, int folder_fd, const char *folder,
			struct hvp_kvm_counts *ret)
{
	*ret = (struct hvp_kvm_counts){0};
	for (unsigned int i = 0; i < HVP_NUM_KVM_STATS; i++) {
		char path[80], text[32];

		snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
		if (stats->kept >> i & 1 &&
		    hvp_file_read_small(folder_fd, path, text, sizeof(text)) > 0 &&
		    hvp_parse_u64(text, UINT64_MAX, &ret->values[i]))
			ret->known |= 1u << i;
		else
			ret->values[i] = 0;
	}
}

/*
 * A VM takes cycles, of the hypervisor's at least: without any, it has not run yet, or the host did
 * not give its counters for it.
 */
static void forget_what_was_not_counted(struct hvp_kvm_vm_stats *vm)
{
	const struct hvp_kvm_counts *total = &vm->total;

	if (total->values[HVP_KVM_HYP_CYCLES] || !hvp_kvm_knows(total, HVP_KVM_HYP_CYCLES))
		return;
	vm->total.known &= ~HVP_KVM_CYCLES;
	for (size_t i = 0; i < vm->num_vcpus; i++)
		vm->vcpus[i].counts.known &= ~HVP_KVM_CYCLES;
}

/* A sum only of what every vCPU tells; the rest is the VM's folder's to say. */
static void sum_up(struct hvp_kvm_vm_stats *vm)
{
	for (unsigned int i = 0; i < HVP_NUM_KVM_STATS; i++) {
		uint64_t sum = 0;
		bool is_known = vm->num_vcpus != 0;

		for (size_t k = 0; k < vm->num_vcpus; k++) {
			is_known = is_known && hvp_kvm_knows(&vm->vcpus[k].counts, i);
			sum += vm->vcpus[k].counts.values[i];
		}
		if (!is_known)
			continue;
		vm->total.values[i] = sum;
		vm->total.known |= 1u << i;
	}
}

static int compare_vcpus(const void *a, const void *b)
{
	const struct hvp_kvm_vcpu_stats *x = a, *y = b;

	return x->vcpu < y->vcpu ? -1 : x->vcpu > y->vcpu;
}

static struct hvp_error *read_vm(void *arg, const struct hvp_kvm_vm *from)
{
	struct hvp_kvm_stats *stats = arg;
	struct hvp_kvm_vm_stats *vm;

	hvp_try(hvp_array_reserve(&stats->vms, &stats->capacity, stats->num + 1,
				  sizeof(*stats->vms)));
	vm = &stats->vms[stats->num];
	*vm = (struct hvp_kvm_vm_stats){.pid = from->pid, .fd = from->fd};
	vm->vcpus = calloc(from->num_vcpus + 1, sizeof(*vm->vcpus));
	if (!vm->vcpus)
		return hvp_error_no_memory;
	stats->num++;
	for (size_t i = 0; i < from->num_vcpus; i++) {
		struct hvp_kvm_vcpu_stats *vcpu = &vm->vcpus[vm->num_vcpus++];
		char folder[32];

		vcpu->vcpu = from->vcpus[i].vcpu;
		snprintf(folder, sizeof(folder), "vcpu%u", vcpu->vcpu);
		read_counts(stats, from->folder_fd, folder, &vcpu->counts);
	}
	qsort(vm->vcpus, vm->num_vcpus, sizeof(*vm->vcpus), compare_vcpus);
	read_counts(stats, from->folder_fd, ".", &vm->total);
	sum_up(vm);
	forget_what_was_not_counted(vm);
	return NULL;
}

uint32_t hvp_kvm_stats_kept(const struct hvp_host_roots *roots)
{
	char path[512], text[16];
	uint64_t num;

	snprintf(path, sizeof(path), "%s/module/kvm/parameters/hvpmu", roots->sys);
	if (hvp_file_read_u64(path, &num) && !num)
		return ~HVP_KVM_OF_PMU;
	snprintf(path, sizeof(path), "%s/module/kvm/parameters/hvpmu_account", roots->sys);
	if (hvp_file_read_small(AT_FDCWD, path, text, sizeof(text)) > 0 && *text == 'N')
		return ~HVP_KVM_CYCLES;
	return UINT32_MAX;
}

struct hvp_error *hvp_kvm_stats_read(const struct hvp_host_roots *roots, struct hvp_kvm_stats *ret)
{
	hvp_scope(hvp_kvm_stats_deinit) struct hvp_kvm_stats stats = {
		.kept = hvp_kvm_stats_kept(roots)};

	hvp_try(hvp_kvm_debugfs_scan(roots, 0, read_vm, &stats));
	*ret = stats;
	stats = (struct hvp_kvm_stats){0};
	return NULL;
}

void hvp_kvm_stats_deinit(struct hvp_kvm_stats *stats)
{
	for (size_t i = 0; i < stats->num; i++)
		free(stats->vms[i].vcpus);
	free(stats->vms);
	*stats = (struct hvp_kvm_stats){0};
}
