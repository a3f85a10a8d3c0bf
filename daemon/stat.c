/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/stat.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/array.h"

/* What the domain table learns goes into no file here: it is asked for the names. */
static struct hvp_error *ignore_record(void *arg, const struct hvp_record *record)
{
	(void)arg;
	(void)record;
	return NULL;
}

struct hvp_error *hvp_stat_init(struct hvp_stat *ret, const struct hvp_host_roots *roots,
				const struct hvp_target *target, enum hvp_qmp_use qmp)
{
	const struct hvp_discovery_options options = {.roots = roots, .qmp = qmp};
	const struct hvp_sink sink = {.record = ignore_record};

	*ret = (struct hvp_stat){.roots = roots, .target = target};
	hvp_try(hvp_domain_table_create(&sink, &ret->domains));
	hvp_try(hvp_discovery_create(&options, ret->domains, &ret->discovery));
	hvp_try(hvp_discovery_scan(ret->discovery, true));
	return hvp_discovery_settle(ret->discovery);
}

void hvp_stat_deinit(struct hvp_stat *stat)
{
	for (size_t i = 0; i < stat->num; i++)
		free(stat->vms[i].vcpus);
	free(stat->vms);
	hvp_discovery_destroy(stat->discovery);
	hvp_domain_table_destroy(stat->domains);
	*stat = (struct hvp_stat){0};
}

static struct hvp_error *name_vm(struct hvp_stat *stat, struct hvp_stat_vm *vm)
{
	struct hvp_vm known;
	uint32_t domain;

	if (!hvp_domain_table_find_vm(stat->domains, vm->pid, vm->fd, &domain))
		hvp_try(hvp_discovery_resolve(stat->discovery, vm->pid));
	/* It may have ended between the two looks. */
	if (!hvp_domain_table_find_vm(stat->domains, vm->pid, vm->fd, &domain)) {
		snprintf(vm->name, sizeof(vm->name), "pid %u", vm->pid);
		known = (struct hvp_vm){.pid = vm->pid, .name = vm->name, .uuid = ""};
	} else {
		hvp_domain_table_get(stat->domains, domain, &known);
		snprintf(vm->name, sizeof(vm->name), "%s", known.name);
		snprintf(vm->uuid, sizeof(vm->uuid), "%s", known.uuid);
	}
	vm->is_wanted = hvp_target_has_vm(stat->target, &known);
	return NULL;
}

/*
 * Adds what was counted since the last reading. Somebody may have set a counter to 0 in between,
 * which debugfs lets root do. Files of a VM that is just ending are there and cannot be read: what
 * was read of them before stays.
 */
static void count(struct hvp_stat_counter *counter, const struct hvp_kvm_counts *now)
{
	for (unsigned int i = 0; i < HVP_NUM_KVM_STATS; i++) {
		uint64_t before = counter->last.values[i];

		if (!hvp_kvm_knows(now, i))
			continue;
		counter->counts.values[i] +=
			now->values[i] >= before ? now->values[i] - before : now->values[i];
		counter->last.values[i] = now->values[i];
	}
	counter->counts.known |= now->known;
}

static struct hvp_error *find_vcpu(struct hvp_stat_vm *vm, uint32_t number, bool *ret_is_new,
				   struct hvp_stat_counter **ret)
{
	for (size_t i = 0; i < vm->num_vcpus; i++) {
		if (vm->vcpus[i].vcpu != number)
			continue;
		*ret_is_new = false;
		*ret = &vm->vcpus[i];
		return NULL;
	}
	hvp_try(hvp_array_reserve(&vm->vcpus, &vm->capacity_vcpus, vm->num_vcpus + 1,
				  sizeof(*vm->vcpus)));
	*ret_is_new = true;
	*ret = &vm->vcpus[vm->num_vcpus++];
	**ret = (struct hvp_stat_counter){.vcpu = number};
	return NULL;
}

/* `is_first`: the span begins with these counters; otherwise what is new began at 0. */
static struct hvp_error *update_vm(struct hvp_stat_vm *vm, const struct hvp_kvm_vm_stats *now,
				   bool is_first)
{
	if (is_first)
		vm->total.last = now->total;
	count(&vm->total, &now->total);
	for (size_t i = 0; i < now->num_vcpus; i++) {
		struct hvp_stat_counter *vcpu;
		bool is_new;

		hvp_try(find_vcpu(vm, now->vcpus[i].vcpu, &is_new, &vcpu));
		if (is_first)
			vcpu->last = now->vcpus[i].counts;
		count(vcpu, &now->vcpus[i].counts);
	}
	return NULL;
}

static struct hvp_stat_vm *find_live(const struct hvp_stat *stat, uint32_t pid, int fd)
{
	for (size_t i = 0; i < stat->num; i++)
		if (!stat->vms[i].has_ended && stat->vms[i].pid == pid && stat->vms[i].fd == fd)
			return &stat->vms[i];
	return NULL;
}

static struct hvp_error *take_vm(struct hvp_stat *stat, const struct hvp_kvm_vm_stats *now)
{
	struct hvp_stat_vm *vm = find_live(stat, now->pid, now->fd);

	if (vm)
		return update_vm(vm, now, false);
	hvp_try(hvp_array_reserve(&stat->vms, &stat->capacity, stat->num + 1, sizeof(*stat->vms)));
	vm = &stat->vms[stat->num++];
	*vm = (struct hvp_stat_vm){.pid = now->pid, .fd = now->fd, .has_begun = stat->has_read};
	hvp_try(name_vm(stat, vm));
	return update_vm(vm, now, !stat->has_read);
}

static bool has_vm(const struct hvp_kvm_stats *now, const struct hvp_stat_vm *vm)
{
	for (size_t i = 0; i < now->num; i++)
		if (now->vms[i].pid == vm->pid && now->vms[i].fd == vm->fd)
			return true;
	return false;
}

struct hvp_error *hvp_stat_read(struct hvp_stat *stat)
{
	hvp_scope(hvp_kvm_stats_deinit) struct hvp_kvm_stats now = {0};

	hvp_try(hvp_kvm_stats_read(stat->roots, &now));
	for (size_t i = 0; i < stat->num; i++)
		stat->vms[i].has_ended = stat->vms[i].has_ended || !has_vm(&now, &stat->vms[i]);
	for (size_t i = 0; i < now.num; i++)
		hvp_try(take_vm(stat, &now.vms[i]));
	stat->has_read = true;
	return hvp_discovery_update(stat->discovery);
}

static void restart(struct hvp_stat_counter *counter)
{
	const uint32_t known = counter->counts.known;

	counter->counts = (struct hvp_kvm_counts){.known = known};
}

void hvp_stat_begin_span(struct hvp_stat *stat)
{
	size_t kept = 0;

	for (size_t i = 0; i < stat->num; i++) {
		struct hvp_stat_vm *vm = &stat->vms[i];

		if (vm->has_ended) {
			free(vm->vcpus);
			continue;
		}
		vm->has_begun = false;
		restart(&vm->total);
		for (size_t k = 0; k < vm->num_vcpus; k++)
			restart(&vm->vcpus[k]);
		stat->vms[kept++] = *vm;
	}
	stat->num = kept;
}

size_t hvp_stat_num_wanted(const struct hvp_stat *stat)
{
	size_t num = 0;

	for (size_t i = 0; i < stat->num; i++)
		num += stat->vms[i].is_wanted;
	return num;
}

bool hvp_stat_knows(const struct hvp_stat *stat, uint32_t stats)
{
	for (size_t i = 0; i < stat->num; i++)
		if (stat->vms[i].is_wanted && stat->vms[i].total.counts.known & stats)
			return true;
	return false;
}

bool hvp_stat_has_run(const struct hvp_stat *stat)
{
	for (size_t i = 0; i < stat->num; i++) {
		const struct hvp_stat_counter *total = &stat->vms[i].total;

		if (stat->vms[i].is_wanted && (total->last.values[HVP_KVM_EXITS] ||
					       !hvp_kvm_knows(&total->counts, HVP_KVM_EXITS)))
			return true;
	}
	return false;
}

bool hvp_stat_lacks_instructions(const struct hvp_stat *stat)
{
	for (size_t i = 0; i < stat->num; i++) {
		const struct hvp_kvm_counts *counts = &stat->vms[i].total.counts;

		if (stat->vms[i].is_wanted && counts->values[HVP_KVM_GUEST_CYCLES] &&
		    hvp_kvm_knows(counts, HVP_KVM_GUEST_INSTRUCTIONS) &&
		    !counts->values[HVP_KVM_GUEST_INSTRUCTIONS])
			return true;
	}
	return false;
}

bool hvp_stat_ipc(const struct hvp_kvm_counts *counts, double *ret)
{
	const uint64_t cycles = counts->values[HVP_KVM_GUEST_CYCLES];
	const uint64_t instructions = counts->values[HVP_KVM_GUEST_INSTRUCTIONS];

	if (!cycles || !instructions)
		return false;
	*ret = (double)instructions / (double)cycles;
	return true;
}

bool hvp_stat_hyp_share(const struct hvp_kvm_counts *counts, double *ret)
{
	const double hyp = (double)counts->values[HVP_KVM_HYP_CYCLES];
	const double all = hyp + (double)counts->values[HVP_KVM_GUEST_CYCLES];

	if (!(all > 0))
		return false;
	*ret = 100 * hyp / all;
	return true;
}
