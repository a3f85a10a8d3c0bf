/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/kvm/domain_join.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "daemon/kvm/kvm_debugfs.h"

void hvp_domain_join_init(struct hvp_domain_join *join, const struct hvp_host_roots *roots,
			  struct hvp_domain_table *domains, struct hvp_discovery *discovery)
{
	*join = (struct hvp_domain_join){
		.roots = roots, .domains = domains, .discovery = discovery};
}

void hvp_domain_join_deinit(struct hvp_domain_join *join)
{
	hvp_map_deinit(&join->of_number);
	free(join->items);
}

static struct hvp_joined_domain *item_of(const struct hvp_domain_join *join, uint32_t number)
{
	uint64_t at;

	return hvp_map_get(&join->of_number, number, &at) ? &join->items[at - 1] : NULL;
}

/* The process's only VM that ran then and that no other number stands for. */
static bool find_sole_vm(const struct hvp_domain_join *join, uint32_t pid, uint64_t time,
			 uint32_t *ret_domain)
{
	uint32_t num_found = 0;

	for (uint32_t domain = 1; domain <= hvp_domain_table_num(join->domains); domain++) {
		bool is_taken = false;
		struct hvp_vm vm;

		hvp_domain_table_get(join->domains, domain, &vm);
		for (size_t i = 0; i < join->num; i++)
			is_taken |= join->items[i].domain == domain;
		if (vm.pid != pid || (vm.end && vm.end < time) || is_taken)
			continue;
		*ret_domain = domain;
		num_found++;
	}
	return num_found == 1;
}

static bool find_vm(const struct hvp_domain_join *join, const struct hvp_joined_domain *item,
		    uint32_t tid, uint64_t time, uint32_t *ret_domain)
{
	if (item->fd != HVP_VM_FD_NONE)
		return hvp_domain_table_find_vm(join->domains, item->pid, item->fd, ret_domain);
	return (tid &&
		hvp_domain_table_find_vcpu(join->domains, item->pid, tid, time, ret_domain)) ||
	       find_sole_vm(join, item->pid, time, ret_domain);
}

/*
 * Not known to discovery. Other VMs of the process must not become one with it: a descriptor that
 * none can have keeps it apart.
 */
static struct hvp_error *add_vm(const struct hvp_domain_join *join,
				const struct hvp_joined_domain *item, uint64_t time,
				uint32_t *ret_domain)
{
	struct hvp_vm_identity identity;
	int fd = item->fd != HVP_VM_FD_NONE ? item->fd
					    : HVP_VM_FD_NONE - 1 - (int)(item - join->items);

	hvp_vm_identity_read(join->roots, item->pid, &identity);
	return hvp_domain_table_add_vm(join->domains, item->pid, fd, time, false, &identity,
				       ret_domain);
}

static struct hvp_error *join_item(struct hvp_domain_join *join, struct hvp_joined_domain *item,
				   uint32_t tid, uint64_t time)
{
	bool is_found;
	uint32_t domain;

	if (item->domain)
		return NULL;
	is_found = find_vm(join, item, tid, time, &domain);
	if (!is_found && join->discovery) {
		hvp_try(hvp_discovery_resolve(join->discovery, item->pid));
		is_found = find_vm(join, item, tid, time, &domain);
	}
	if (!is_found)
		hvp_try(add_vm(join, item, time, &domain));
	item->domain = domain;
	return NULL;
}

static struct hvp_error *see_domain(struct hvp_domain_join *join, const struct hvp_record *record)
{
	const struct hvp_record_domain *from = &record->domain;
	struct hvp_joined_domain *item = item_of(join, from->domain);
	uint32_t pid;

	if (from->state == HVP_DOMAIN_ENDED)
		return item && item->domain
			       ? hvp_domain_table_end_vm(join->domains, item->domain, record->time)
			       : NULL;
	if (item)
		return NULL;
	hvp_try(hvp_array_reserve(&join->items, &join->capacity, join->num + 1,
				  sizeof(*join->items)));
	item = &join->items[join->num];
	*item = (struct hvp_joined_domain){.fd = HVP_VM_FD_NONE,
					   .pid = hvp_kvm_process_of(join->roots, from->pid)};
	if (!hvp_kvm_parse_folder(from->name, &pid, &item->fd))
		item->fd = HVP_VM_FD_NONE;
	return hvp_map_set(&join->of_number, from->domain, ++join->num);
}

static struct hvp_error *see_vcpu(struct hvp_domain_join *join, const struct hvp_record *record)
{
	const struct hvp_record_vcpu *from = &record->vcpu;
	struct hvp_joined_domain *item = item_of(join, from->domain);

	if (!item)
		return NULL;
	hvp_try(join_item(join, item, from->tid, record->time));
	return from->tid ? hvp_domain_table_bind_vcpu(join->domains, item->domain, from->vcpu,
						      from->tid, record->time)
			 : NULL;
}

struct hvp_error *hvp_domain_join_see(struct hvp_domain_join *join, const struct hvp_record *record)
{
	return record->type == HVP_RECORD_DOMAIN ? see_domain(join, record)
						 : see_vcpu(join, record);
}

bool hvp_domain_join_find(const struct hvp_domain_join *join, uint32_t number, uint32_t pid,
			  uint32_t *ret_domain)
{
	const struct hvp_joined_domain *item = item_of(join, number);

	if (!item || !item->domain || item->pid != pid)
		return false;
	*ret_domain = item->domain;
	return true;
}
