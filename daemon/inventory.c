/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/inventory.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/map.h"
#include "daemon/kvm/discovery.h"
#include "daemon/kvm/domains.h"
#include "daemon/host/proc_synth.h"

/* Which thread is which vCPU of which domain, gathered from VCPU records. */
struct gathering {
	/* tid -> domain << 32 | vcpu */
	struct hvp_map vcpu_of_tid;
};

static void gathering_deinit(struct gathering *gathering)
{
	hvp_map_deinit(&gathering->vcpu_of_tid);
}

static struct hvp_error *take_record(void *arg, const struct hvp_record *record)
{
	struct gathering *gathering = arg;
	const struct hvp_record_vcpu *vcpu = &record->vcpu;

	if (record->type != HVP_RECORD_VCPU)
		return NULL;
	return hvp_map_set(&gathering->vcpu_of_tid, vcpu->tid,
			   (uint64_t)vcpu->domain << 32 | vcpu->vcpu);
}

/*
 * State and last CPU: fields 3 and 39 of /proc/PID/task/TID/stat, behind the name, which may hold
 * anything.
 */
static void read_thread(const struct hvp_host_roots *roots, uint32_t pid,
			struct hvp_inventory_thread *thread)
{
	char path[512], text[1024];
	char *at, *save, *field;

	thread->state = '?';
	thread->cpu = UINT32_MAX;
	snprintf(path, sizeof(path), "%s/%u/task/%u/comm", roots->proc, pid, thread->tid);
	if (hvp_file_read_small(AT_FDCWD, path, thread->name, sizeof(thread->name)) < 0)
		thread->name[0] = 0;
	snprintf(path, sizeof(path), "%s/%u/task/%u/stat", roots->proc, pid, thread->tid);
	if (hvp_file_read_small(AT_FDCWD, path, text, sizeof(text)) <= 0)
		return;
	at = strrchr(text, ')');
	field = at ? strtok_r(at + 1, " ", &save) : NULL;
	for (int number = 3; field; number++, field = strtok_r(NULL, " ", &save)) {
		if (number == 3)
			thread->state = *field;
		if (number == 39)
			thread->cpu = (uint32_t)strtoul(field, NULL, 10);
	}
}

static int compare_threads(const void *a, const void *b)
{
	const struct hvp_inventory_thread *x = a, *y = b;

	if (x->vcpu != y->vcpu)
		return x->vcpu < y->vcpu ? -1 : 1;
	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

static const char *state_of(const struct hvp_inventory_vm *vm)
{
	bool is_stopped = vm->num_threads != 0;

	for (size_t i = 0; i < vm->num_threads; i++) {
		if (vm->threads[i].state == 'R')
			return "running";
		if (vm->threads[i].state != 'T' && vm->threads[i].state != 't')
			is_stopped = false;
	}
	return !vm->num_threads ? "ended" : is_stopped ? "stopped" : "sleeping";
}

static struct hvp_error *read_threads(const struct hvp_host_roots *roots,
				      const struct gathering *gathering, uint32_t domain,
				      struct hvp_inventory_vm *vm)
{
	hvp_scope(hvp_free_ptr) uint32_t *tids = NULL;
	size_t num;

	hvp_try(hvp_proc_threads(roots, vm->pid, &tids, &num));
	vm->threads = calloc(num + 1, sizeof(*vm->threads));
	if (!vm->threads)
		return hvp_error_no_memory;
	for (size_t i = 0; i < num; i++) {
		struct hvp_inventory_thread *thread = &vm->threads[vm->num_threads];
		uint64_t value;
		bool is_vcpu = hvp_map_get(&gathering->vcpu_of_tid, tids[i], &value);

		/* A vCPU of another VM of the same process. */
		if (is_vcpu && value >> 32 != domain)
			continue;
		thread->tid = tids[i];
		thread->vcpu = is_vcpu ? (uint32_t)value : HVP_VCPU_NONE;
		vm->num_vcpus += is_vcpu;
		read_thread(roots, vm->pid, thread);
		vm->num_threads++;
	}
	qsort(vm->threads, vm->num_threads, sizeof(*vm->threads), compare_threads);
	vm->state = state_of(vm);
	return NULL;
}

static struct hvp_error *take_domain(const struct hvp_host_roots *roots,
				     const struct hvp_domain_table *domains,
				     const struct gathering *gathering, uint32_t domain,
				     struct hvp_inventory *inventory)
{
	struct hvp_inventory_vm *vm = &inventory->vms[inventory->num++];
	struct hvp_vm known;

	hvp_domain_table_get(domains, domain, &known);
	snprintf(vm->name, sizeof(vm->name), "%s", known.name);
	snprintf(vm->uuid, sizeof(vm->uuid), "%s", known.uuid);
	vm->vmm = known.vmm;
	vm->from = known.from;
	vm->pid = known.pid;
	return read_threads(roots, gathering, domain, vm);
}

struct hvp_error *hvp_inventory_read(const struct hvp_host_roots *roots, enum hvp_qmp_use qmp,
				     struct hvp_inventory *ret)
{
	const struct hvp_discovery_options options = {.roots = roots, .qmp = qmp};
	hvp_scope(gathering_deinit) struct gathering gathering = {0};
	hvp_scope(hvp_domain_table_destroy_scope) struct hvp_domain_table *domains = NULL;
	hvp_scope(hvp_discovery_destroy_scope) struct hvp_discovery *discovery = NULL;
	hvp_scope(hvp_inventory_deinit) struct hvp_inventory inventory = {0};
	const struct hvp_sink sink = {.record = take_record, .arg = &gathering};
	uint32_t num;

	hvp_try(hvp_domain_table_create(&sink, &domains));
	hvp_try(hvp_discovery_create(&options, domains, &discovery));
	hvp_try(hvp_discovery_scan(discovery, true));
	hvp_try(hvp_discovery_settle(discovery));
	num = hvp_domain_table_num(domains);
	inventory.vms = calloc(num + (size_t)1, sizeof(*inventory.vms));
	if (!inventory.vms)
		return hvp_error_no_memory;
	for (uint32_t domain = 1; domain <= num; domain++)
		hvp_try(take_domain(roots, domains, &gathering, domain, &inventory));
	if (hvp_discovery_limit(discovery))
		snprintf(inventory.limit, sizeof(inventory.limit), "%s",
			 hvp_discovery_limit(discovery));
	*ret = inventory;
	inventory = (struct hvp_inventory){0};
	return NULL;
}

void hvp_inventory_deinit(struct hvp_inventory *inventory)
{
	for (size_t i = 0; i < inventory->num; i++)
		free(inventory->vms[i].threads);
	free(inventory->vms);
	*inventory = (struct hvp_inventory){0};
}
