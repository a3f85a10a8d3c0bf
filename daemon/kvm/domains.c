/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/kvm/domains.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/base/map.h"
#include "common/base/strpool.h"
#include "daemon/host/threads.h"

/* A VM's threads run on for a moment after its process or descriptor is reported gone. */
#define END_SLACK_NS 100000000u
/* The parent of all kernel threads. */
#define KTHREADD_PID 2u

struct vm {
	uint32_t pid;
	int fd;
	/*
	 * Samples before `since` are of an earlier VM or process; 0: since ever. `end` 0: it runs.
	 */
	uint64_t since, end;
	/* It ended with its process, whose other threads may keep its files for a while. */
	bool has_lost_process;
	/* As it is called, and what it was made of: texts and numbers in `names`. */
	const char *name;
	uint32_t name_number, base_number;
	char uuid[HVP_VM_UUID_MAX];
	/* Static texts. */
	const char *vmm, *from;
	uint32_t num_vcpus;
	/* The VM of the same pid that came before, as a domain; 0: none. */
	uint32_t older;
};

struct hvp_domain_table {
	struct hvp_sink sink;
	struct hvp_threads threads;
	/* Domain d is vms[d - 1]. */
	struct vm *vms;
	size_t num, capacity;
	/* pid -> the newest domain of that process. */
	struct hvp_map newest;
	struct hvp_strpool names;
	/* Numbers in `names`: those that a VM has; a name -> the last number put behind it. */
	struct hvp_map taken, last_suffix;
};

static struct vm *vm_of(const struct hvp_domain_table *domains, uint32_t domain)
{
	return &domains->vms[domain - 1];
}

struct hvp_error *hvp_domain_table_create(const struct hvp_sink *sink,
					  struct hvp_domain_table **ret)
{
	struct hvp_domain_table *domains = calloc(1, sizeof(*domains));

	if (!domains)
		return hvp_error_no_memory;
	domains->sink = *sink;
	*ret = domains;
	return NULL;
}

void hvp_domain_table_destroy(struct hvp_domain_table *domains)
{
	if (!domains)
		return;
	free(domains->vms);
	hvp_map_deinit(&domains->newest);
	hvp_map_deinit(&domains->taken);
	hvp_map_deinit(&domains->last_suffix);
	hvp_strpool_deinit(&domains->names);
	hvp_threads_deinit(&domains->threads);
	free(domains);
}

static uint32_t newest_of(const struct hvp_domain_table *domains, uint32_t pid)
{
	uint64_t domain;

	return hvp_map_get(&domains->newest, pid, &domain) ? (uint32_t)domain : 0;
}

static bool is_live_at(const struct vm *vm, uint64_t time)
{
	return time >= vm->since && (!vm->end || time <= vm->end + END_SLACK_NS);
}

/* The process's VM at a time: 0 when it has none or more than one. */
static uint32_t sole_vm(const struct hvp_domain_table *domains, uint32_t pid, uint64_t time)
{
	uint32_t found = 0;

	for (uint32_t domain = newest_of(domains, pid); domain;
	     domain = vm_of(domains, domain)->older) {
		if (!is_live_at(vm_of(domains, domain), time))
			continue;
		if (found)
			return 0;
		found = domain;
	}
	return found;
}

bool hvp_domain_table_find_vm(const struct hvp_domain_table *domains, uint32_t pid, int fd,
			      uint32_t *ret_domain)
{
	for (uint32_t domain = newest_of(domains, pid); domain;
	     domain = vm_of(domains, domain)->older) {
		const struct vm *vm = vm_of(domains, domain);

		if (vm->end || (fd != HVP_VM_FD_NONE && vm->fd != fd))
			continue;
		*ret_domain = domain;
		return true;
	}
	return false;
}

bool hvp_domain_table_find_vcpu(struct hvp_domain_table *domains, uint32_t pid, uint32_t tid,
				uint64_t time, uint32_t *ret_domain)
{
	const struct hvp_thread *thread = hvp_threads_find(&domains->threads, pid, tid, time);

	if (!thread || !thread->is_vcpu)
		return false;
	*ret_domain = thread->domain;
	return true;
}

uint32_t hvp_domain_table_num(const struct hvp_domain_table *domains)
{
	return (uint32_t)domains->num;
}

void hvp_domain_table_get(const struct hvp_domain_table *domains, uint32_t domain,
			  struct hvp_vm *ret)
{
	const struct vm *vm = vm_of(domains, domain);

	*ret = (struct hvp_vm){
		.domain = domain,
		.pid = vm->pid,
		.fd = vm->fd,
		.end = vm->end,
		.name = vm->name,
		.uuid = vm->uuid,
		.vmm = vm->vmm,
		.from = vm->from,
		.num_vcpus = vm->num_vcpus,
	};
}

static struct hvp_error *deliver_vm(struct hvp_domain_table *domains, uint32_t domain,
				    uint64_t time, enum hvp_domain_state state)
{
	const struct vm *vm = vm_of(domains, domain);
	const struct hvp_record record = {.type = HVP_RECORD_DOMAIN,
					  .time = time,
					  .domain = {.domain = domain,
						     .state = state,
						     .pid = vm->pid,
						     .name = vm->name,
						     .uuid = vm->uuid,
						     .vmm = vm->vmm,
						     .identity_from = vm->from}};

	return domains->sink.record(domains->sink.arg, &record);
}

/*
 * "web", "web#2", "web#3". Those that were tried are not tried again: a host may start thousands of
 * VMs with one name.
 */
static struct hvp_error *find_free_name(struct hvp_domain_table *domains, uint32_t base,
					uint32_t *ret)
{
	const char *name = hvp_strpool_text(&domains->names, base);
	char text[HVP_VM_NAME_MAX + 24];
	uint64_t *suffix;

	*ret = base;
	if (!hvp_map_find(&domains->taken, base))
		return NULL;
	suffix = hvp_map_insert(&domains->last_suffix, base, NULL);
	if (!suffix)
		return hvp_error_no_memory;
	*suffix = *suffix ? *suffix : 1;
	do {
		snprintf(text, sizeof(text), "%s#%llu", name, (unsigned long long)++*suffix);
		hvp_try(hvp_strpool_intern(&domains->names, text, ret));
	} while (hvp_map_find(&domains->taken, *ret));
	return NULL;
}

static struct hvp_error *set_name(struct hvp_domain_table *domains, struct vm *vm, const char *name)
{
	uint32_t base, number;

	hvp_try(hvp_strpool_intern(&domains->names, name, &base));
	if (vm->name && vm->base_number == base)
		return NULL;
	hvp_try(find_free_name(domains, base, &number));
	hvp_try(hvp_map_set(&domains->taken, number, 1));
	if (vm->name)
		hvp_map_remove(&domains->taken, vm->name_number);
	vm->name = hvp_strpool_text(&domains->names, number);
	vm->name_number = number;
	vm->base_number = base;
	return NULL;
}

/*
 * Replaces what is known by what is known better: a name of its own by none, a process's name by a
 * VM's.
 */
static struct hvp_error *identify(struct hvp_domain_table *domains, uint32_t domain,
				  const struct hvp_vm_identity *identity)
{
	struct vm *vm = vm_of(domains, domain);

	if (!identity)
		return NULL;
	if (vm->name && !strcmp(identity->from, "comm") && strcmp(vm->from, "comm"))
		return NULL;
	hvp_try(set_name(domains, vm, identity->name));
	vm->from = identity->from;
	if (*identity->vmm)
		vm->vmm = identity->vmm;
	if (*identity->uuid)
		snprintf(vm->uuid, sizeof(vm->uuid), "%s", identity->uuid);
	return NULL;
}

/*
 * From when on a new VM of a process can have samples: not before the process, nor before the end
 * of the VM it follows.
 */
static uint64_t since_of_new(const struct hvp_domain_table *domains, uint32_t pid, uint64_t time)
{
	uint64_t since = hvp_threads_start(&domains->threads, pid, time);

	for (uint32_t domain = newest_of(domains, pid); domain;
	     domain = vm_of(domains, domain)->older) {
		const struct vm *vm = vm_of(domains, domain);

		if (vm->end > since && vm->end <= time)
			since = vm->end;
	}
	return since;
}

/*
 * The VM of a process that has ended and that nobody has started anew. KVM may still list it, for
 * the process's last thread takes it away, and its first one was the process to everybody else.
 */
static bool find_orphan(const struct hvp_domain_table *domains, uint32_t pid, int fd, uint64_t time,
			uint32_t *ret_domain)
{
	const uint64_t start = hvp_threads_start(&domains->threads, pid, time);

	for (uint32_t domain = newest_of(domains, pid); domain;
	     domain = vm_of(domains, domain)->older) {
		const struct vm *vm = vm_of(domains, domain);

		if (vm->fd != fd || !vm->has_lost_process || start > vm->end)
			continue;
		*ret_domain = domain;
		return true;
	}
	return false;
}

static struct hvp_error *append_vm(struct hvp_domain_table *domains, uint32_t pid, int fd,
				   uint64_t time, uint32_t *ret_domain)
{
	struct vm vm = {.pid = pid, .fd = fd, .vmm = "", .from = ""};

	hvp_try(hvp_array_reserve(&domains->vms, &domains->capacity, domains->num + 1,
				  sizeof(*domains->vms)));
	vm.since = since_of_new(domains, pid, time);
	vm.older = newest_of(domains, pid);
	hvp_try(hvp_map_set(&domains->newest, pid, domains->num + 1));
	domains->vms[domains->num++] = vm;
	*ret_domain = (uint32_t)domains->num;
	return NULL;
}

struct hvp_error *hvp_domain_table_add_vm(struct hvp_domain_table *domains, uint32_t pid, int fd,
					  uint64_t time, bool is_new,
					  const struct hvp_vm_identity *identity,
					  uint32_t *ret_domain)
{
	uint32_t domain = 0;

	if (hvp_domain_table_find_vm(domains, pid, fd, ret_domain) ||
	    find_orphan(domains, pid, fd, time, ret_domain))
		return NULL;
	/* Its process has a domain already, made when nothing but the process was known. */
	for (uint32_t i = newest_of(domains, pid); i && !domain; i = vm_of(domains, i)->older)
		if (!vm_of(domains, i)->end && vm_of(domains, i)->fd == HVP_VM_FD_NONE)
			domain = i;
	if (domain) {
		vm_of(domains, domain)->fd = fd;
		is_new = false;
	} else {
		hvp_try(append_vm(domains, pid, fd, time, &domain));
	}
	hvp_try(identify(domains, domain, identity));
	/* Its other threads work for it, too, as long as it is the only VM of the process. */
	hvp_threads_forget_unbound(&domains->threads);
	*ret_domain = domain;
	return deliver_vm(domains, domain, time, is_new ? HVP_DOMAIN_STARTED : HVP_DOMAIN_RUNNING);
}

struct hvp_error *hvp_domain_table_identify(struct hvp_domain_table *domains, uint32_t domain,
					    const struct hvp_vm_identity *identity, uint64_t time)
{
	if (vm_of(domains, domain)->end)
		return NULL;
	hvp_try(identify(domains, domain, identity));
	return deliver_vm(domains, domain, time, HVP_DOMAIN_RUNNING);
}

struct hvp_error *hvp_domain_table_bind_vcpu(struct hvp_domain_table *domains, uint32_t domain,
					     uint32_t vcpu, uint32_t tid, uint64_t time)
{
	struct vm *vm = vm_of(domains, domain);
	const struct hvp_record record = {.type = HVP_RECORD_VCPU,
					  .time = time,
					  .vcpu = {.domain = domain, .vcpu = vcpu, .tid = tid}};
	struct hvp_thread *thread;

	hvp_try(hvp_threads_get(&domains->threads, vm->pid, tid, time, &thread));
	if (thread->is_vcpu && thread->domain == domain && thread->vcpu == vcpu)
		return NULL;
	/* It ran another VM's vCPU before: that stays true for the time before. */
	if (thread->is_vcpu)
		hvp_try(hvp_threads_renew(&domains->threads, vm->pid, tid, time, &thread));
	thread->is_vcpu = true;
	thread->domain = domain;
	thread->vcpu = vcpu;
	if (vcpu >= vm->num_vcpus)
		vm->num_vcpus = vcpu + 1;
	return domains->sink.record(domains->sink.arg, &record);
}

struct hvp_error *hvp_domain_table_end_vm(struct hvp_domain_table *domains, uint32_t domain,
					  uint64_t time)
{
	struct vm *vm = vm_of(domains, domain);

	if (vm->end)
		return NULL;
	vm->end = time;
	return deliver_vm(domains, domain, time, HVP_DOMAIN_ENDED);
}

static struct hvp_error *end_process(struct hvp_domain_table *domains, uint32_t pid, uint64_t time,
				     bool is_exit)
{
	for (uint32_t domain = newest_of(domains, pid); domain;
	     domain = vm_of(domains, domain)->older) {
		struct vm *vm = vm_of(domains, domain);

		if (time < vm->since)
			continue;
		vm->has_lost_process |= is_exit && !vm->end;
		hvp_try(hvp_domain_table_end_vm(domains, domain, time));
	}
	return NULL;
}

static struct hvp_error *see_comm(struct hvp_domain_table *domains, const struct hvp_record *record)
{
	const struct hvp_record_comm *comm = &record->comm;
	struct hvp_thread *thread;
	uint32_t owner;

	hvp_try(hvp_threads_get(&domains->threads, comm->pid, comm->tid, record->time, &thread));
	snprintf(thread->comm, sizeof(thread->comm), "%s", comm->name);
	/* Any program can call itself so; of kernel threads each is a process of its own. */
	if (hvp_owner_from_thread_name(comm->name, &owner) && comm->pid == comm->tid &&
	    !thread->is_user) {
		thread->owner_pid = owner;
		thread->known_in = 0;
	}
	/* KVM's descriptors are closed by exec. */
	return comm->is_exec ? end_process(domains, comm->pid, record->time, false) : NULL;
}

/* Not a kernel thread: it works for its own process, whatever it is called. */
static void see_user_process(struct hvp_thread *thread)
{
	thread->is_user = true;
	if (thread->owner_pid == thread->pid)
		return;
	thread->owner_pid = thread->pid;
	thread->known_in = 0;
}

static void see_mapping(struct hvp_domain_table *domains, const struct hvp_record *record)
{
	struct hvp_thread *thread = hvp_threads_find(&domains->threads, record->mmap.pid,
						     record->mmap.pid, record->time);

	if (thread)
		see_user_process(thread);
}

static struct hvp_error *see_fork(struct hvp_domain_table *domains, const struct hvp_record *record)
{
	const struct hvp_record_task *task = &record->task;
	struct hvp_thread *thread;

	hvp_try(hvp_threads_renew(&domains->threads, task->pid, task->tid, record->time, &thread));
	thread->is_user = task->parent_pid != KTHREADD_PID;
	return NULL;
}

struct hvp_error *hvp_domain_table_see_record(struct hvp_domain_table *domains,
					      const struct hvp_record *record)
{
	const struct hvp_record_task *task = &record->task;

	switch (record->type) {
	case HVP_RECORD_FORK: return see_fork(domains, record);
	case HVP_RECORD_MMAP: see_mapping(domains, record); return NULL;
	case HVP_RECORD_EXIT:
		hvp_threads_end(&domains->threads, task->tid, record->time);
		return task->pid == task->tid ? end_process(domains, task->pid, record->time, true)
					      : NULL;
	case HVP_RECORD_COMM: return see_comm(domains, record);
	default: return NULL;
	}
}

/*
 * The domain of a thread that is no vCPU we know. Of a process that never had a VM it is known for
 * good; otherwise it depends on the time of the sample.
 */
static void classify(const struct hvp_domain_table *domains, struct hvp_thread *thread,
		     uint64_t time)
{
	thread->domain = sole_vm(domains, thread->owner_pid, time);
	thread->vcpu = HVP_VCPU_NONE;
	thread->known_in =
		newest_of(domains, thread->owner_pid) ? 0 : domains->threads.generation + 1;
}

/* A guest ran, and of its VM we know the process alone. */
static struct hvp_error *assign_to_process(struct hvp_domain_table *domains,
					   struct hvp_thread *thread, struct hvp_sample *sample)
{
	struct hvp_vm_identity identity = {.vmm = "", .from = "comm"};
	const char *comm = hvp_threads_comm(&domains->threads, sample->pid);

	snprintf(identity.name, sizeof(identity.name), "pid %u (%s)", sample->pid,
		 *comm ? comm : "unknown");
	/* Several VMs in the process: one more stands for those that cannot be told apart. */
	hvp_try(append_vm(domains, sample->pid, HVP_VM_FD_NONE, sample->time, &sample->domain));
	hvp_try(identify(domains, sample->domain, &identity));
	thread->domain = sample->domain;
	/* The process has a VM now: what its other threads were taken for is asked again. */
	hvp_threads_forget_unbound(&domains->threads);
	return deliver_vm(domains, sample->domain, sample->time, HVP_DOMAIN_RUNNING);
}

static struct hvp_error *assign_guest(struct hvp_domain_table *domains, struct hvp_thread *thread,
				      struct hvp_sample *sample, bool *ret_wants_discovery)
{
	uint32_t domain;

	if (!thread->has_asked) {
		thread->has_asked = true;
		*ret_wants_discovery = true;
		return NULL;
	}
	if (sample->domain)
		return NULL;
	for (domain = newest_of(domains, sample->pid); domain;
	     domain = vm_of(domains, domain)->older) {
		if (vm_of(domains, domain)->fd != HVP_VM_FD_NONE ||
		    !is_live_at(vm_of(domains, domain), sample->time))
			continue;
		thread->domain = sample->domain = domain;
		return NULL;
	}
	return assign_to_process(domains, thread, sample);
}

struct hvp_error *hvp_domain_table_assign(struct hvp_domain_table *domains,
					  struct hvp_sample *sample, bool *ret_wants_discovery)
{
	struct hvp_thread *thread =
		hvp_threads_find_again(&domains->threads, sample->pid, sample->tid, sample->time);

	*ret_wants_discovery = false;
	if (!thread)
		hvp_try(hvp_threads_get(&domains->threads, sample->pid, sample->tid, sample->time,
					&thread));
	thread->is_sampled = true;
	/* Kernel threads run neither programs nor guests. */
	if (thread->owner_pid != thread->pid &&
	    (sample->mode == HVP_MODE_HOST_USER || hvp_mode_is_guest(sample->mode)))
		see_user_process(thread);
	if (!hvp_thread_is_known(&domains->threads, thread))
		classify(domains, thread, sample->time);
	sample->domain = thread->domain;
	sample->vcpu = thread->vcpu;
	/*
	 * Its VM ended, or was not there yet: what the thread does now it does for the host or for
	 * another VM.
	 */
	if (sample->domain && !is_live_at(vm_of(domains, sample->domain), sample->time)) {
		sample->domain = thread->is_vcpu ? sole_vm(domains, sample->pid, sample->time) : 0;
		sample->vcpu = HVP_VCPU_NONE;
	} else if (thread->is_vcpu) {
		return NULL;
	}
	if (!hvp_mode_is_guest(sample->mode))
		return NULL;
	return assign_guest(domains, thread, sample, ret_wants_discovery);
}

bool hvp_domain_table_next_sampled_process(struct hvp_domain_table *domains, size_t *cursor,
					   uint32_t *ret_pid)
{
	return hvp_threads_next_sampled(&domains->threads, cursor, ret_pid);
}
