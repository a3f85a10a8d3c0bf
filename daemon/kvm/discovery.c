/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/kvm/discovery.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "daemon/kvm/inquiry.h"
#include "daemon/kvm/kvm_debugfs.h"
#include "daemon/kvm/libvirt_status.h"
#include "daemon/kvm/uevents.h"

const char *const hvp_qmp_use_names[] = {"nameless", "always", "never", NULL};

/* For `list`, which has nothing else to do. */
#define SETTLE_MS 2000

/*
 * A VM that was created has no vCPUs yet, and those have no thread before they run: looked at again
 * after these times.
 */
static const uint64_t follow_up_ns[] = {100000000, 500000000, 2000000000, 10000000000};

/* A process whose VM is young. */
struct follow_up {
	uint32_t pid;
	uint64_t due;
	size_t step;
};

struct hvp_discovery {
	struct hvp_discovery_options options;
	struct hvp_domain_table *domains;
	struct hvp_inquiry *inquiry;
	int uevents;
	bool is_new;
	uint64_t time;
	struct follow_up *follow_ups;
	size_t num_follow_ups, capacity;
	/* Why debugfs cannot be read. */
	struct hvp_error *limit;
};

struct hvp_error *hvp_discovery_create(const struct hvp_discovery_options *options,
				       struct hvp_domain_table *domains, struct hvp_discovery **ret)
{
	hvp_scope(hvp_discovery_destroy_scope) struct hvp_discovery *discovery =
		calloc(1, sizeof(*discovery));

	if (!discovery)
		return hvp_error_no_memory;
	discovery->uevents = -1;
	discovery->options = *options;
	discovery->domains = domains;
	hvp_try(hvp_inquiry_create(&discovery->inquiry));
	discovery->uevents = hvp_uevents_open();
	*ret = hvp_take(discovery);
	return NULL;
}

void hvp_discovery_destroy(struct hvp_discovery *discovery)
{
	if (!discovery)
		return;
	hvp_inquiry_destroy(discovery->inquiry);
	hvp_close_fd(&discovery->uevents);
	hvp_error_destroy(discovery->limit);
	free(discovery->follow_ups);
	free(discovery);
}

int hvp_discovery_poll_fd(const struct hvp_discovery *discovery)
{
	return discovery->uevents;
}

const char *hvp_discovery_limit(const struct hvp_discovery *discovery)
{
	return discovery->limit ? hvp_error_message(discovery->limit) : NULL;
}

/* False when the process does not run under libvirt. */
static bool find_libvirt(struct hvp_discovery *discovery, uint32_t pid, const char *name,
			 struct hvp_libvirt_status *ret)
{
	struct hvp_error *err = hvp_libvirt_find(discovery->options.roots, pid, name, ret);

	if (err && hvp_error_code(err) != HVP_ERROR_NOT_FOUND)
		hvp_log(discovery->options.log, HVP_LOG_WARNING, HVP_LOG_DOMAINS, "%s",
			hvp_error_message(err));
	hvp_error_destroy(err);
	return !err;
}

/*
 * What libvirt knows replaces what the command line says. False when neither has a name. A name
 * that is made of a socket's path is not one that libvirt knows.
 */
static bool read_libvirt(struct hvp_discovery *discovery, uint32_t pid,
			 struct hvp_vm_identity *identity)
{
	bool is_qemu = !strcmp(identity->vmm, "qemu");
	bool has_name = strcmp(identity->from, "comm") != 0;
	hvp_scope(hvp_libvirt_status_deinit) struct hvp_libvirt_status status = {0};

	if (!find_libvirt(discovery, pid, is_qemu && has_name ? identity->name : "", &status))
		return has_name;
	memcpy(identity->name, status.name, sizeof(status.name));
	if (status.uuid[0])
		memcpy(identity->uuid, status.uuid, sizeof(status.uuid));
	identity->from = "libvirt";
	return true;
}

/* Its threads and files are seen as the VMM sees them: it may live in a container. */
static struct hvp_error *ask_vmm(struct hvp_discovery *discovery, uint32_t pid, uint32_t domain,
				 const char *socket)
{
	char path[HVP_VM_PATH_MAX + 512];

	snprintf(path, sizeof(path), "%s/%u/%s/%s", discovery->options.roots->proc, pid,
		 *socket == '/' ? "root" : "cwd", socket);
	return hvp_inquiry_ask(discovery->inquiry, domain, pid, path);
}

/* Only threads that the process has: somebody else wrote or said the numbers. */
static struct hvp_error *bind_vcpus(struct hvp_discovery *discovery, uint32_t domain, uint32_t pid,
				    const struct hvp_kvm_vcpu *vcpus, size_t num)
{
	char path[512];

	for (size_t i = 0; i < num; i++) {
		snprintf(path, sizeof(path), "%s/%u/task/%u", discovery->options.roots->proc, pid,
			 vcpus[i].tid);
		if (vcpus[i].tid && !access(path, F_OK))
			hvp_try(hvp_domain_table_bind_vcpu(discovery->domains, domain,
							   vcpus[i].vcpu, vcpus[i].tid,
							   discovery->time));
	}
	return NULL;
}

static struct hvp_error *add_vm(struct hvp_discovery *discovery, const struct hvp_kvm_vm *vm,
				uint32_t *ret_domain)
{
	struct hvp_vm_identity identity;
	bool has_name;

	if (hvp_domain_table_find_vm(discovery->domains, vm->pid, vm->fd, ret_domain))
		return NULL;
	hvp_vm_identity_read(discovery->options.roots, vm->pid, &identity);
	has_name = read_libvirt(discovery, vm->pid, &identity);
	hvp_log(discovery->options.log, HVP_LOG_DEBUG, HVP_LOG_DOMAINS,
		"VM of process %u, descriptor %d: %s (%s)", vm->pid, vm->fd, identity.name,
		identity.vmm);
	hvp_try(hvp_domain_table_add_vm(discovery->domains, vm->pid, vm->fd, discovery->time,
					discovery->is_new, &identity, ret_domain));
	if (!identity.control[0] || discovery->options.qmp == HVP_QMP_NEVER ||
	    (has_name && discovery->options.qmp != HVP_QMP_ALWAYS))
		return NULL;
	return ask_vmm(discovery, vm->pid, *ret_domain, identity.control);
}

static bool has_threads(const struct hvp_kvm_vm *vm)
{
	for (size_t i = 0; i < vm->num_vcpus; i++)
		if (vm->vcpus[i].tid)
			return true;
	return false;
}

/* KVM does not tell the vCPUs' threads; libvirt may. It runs one VM in a process. */
static struct hvp_error *bind_from_libvirt(struct hvp_discovery *discovery,
					   const struct hvp_kvm_vm *vm, uint32_t domain)
{
	hvp_scope(hvp_libvirt_status_deinit) struct hvp_libvirt_status status = {0};
	struct hvp_vm known;

	hvp_domain_table_get(discovery->domains, domain, &known);
	/* "web#2": the name is libvirt's no more. */
	if (strcmp(known.from, "libvirt") != 0 ||
	    !find_libvirt(discovery, vm->pid, strchr(known.name, '#') ? "" : known.name, &status))
		return NULL;
	return bind_vcpus(discovery, domain, vm->pid, status.vcpus, status.num_vcpus);
}

static struct hvp_error *see_vm(void *arg, const struct hvp_kvm_vm *vm)
{
	struct hvp_discovery *discovery = arg;
	uint32_t domain;

	hvp_try(add_vm(discovery, vm, &domain));
	for (size_t i = 0; i < vm->num_vcpus; i++)
		if (vm->vcpus[i].tid)
			hvp_try(hvp_domain_table_bind_vcpu(discovery->domains, domain,
							   vm->vcpus[i].vcpu, vm->vcpus[i].tid,
							   discovery->time));
	return has_threads(vm) ? NULL : bind_from_libvirt(discovery, vm, domain);
}

/*
 * A kernel before 6.0 does not tell a vCPU's thread: the names of the threads do, where the process
 * has but one VM.
 */
static struct hvp_error *see_vm_of_debugfs(void *arg, const struct hvp_kvm_vm *vm)
{
	struct hvp_discovery *discovery = arg;

	hvp_try(see_vm(arg, vm));
	return vm->num_vcpus && !has_threads(vm)
		       ? hvp_kvm_proc_scan(discovery->options.roots, vm->pid, see_vm, arg)
		       : NULL;
}

static struct hvp_error *scan(struct hvp_discovery *discovery, uint32_t only_pid)
{
	const struct hvp_host_roots *roots = discovery->options.roots;
	struct hvp_error *err;

	discovery->time = hvp_clock_now();
	err = hvp_kvm_debugfs_scan(roots, only_pid, see_vm_of_debugfs, discovery);
	if (!err || (hvp_error_code(err) != HVP_ERROR_NOT_FOUND &&
		     hvp_error_code(err) != HVP_ERROR_PERMISSION))
		return err;
	hvp_error_destroy(discovery->limit);
	discovery->limit = err;
	return hvp_kvm_proc_scan(roots, only_pid, see_vm, discovery);
}

struct hvp_error *hvp_discovery_scan(struct hvp_discovery *discovery, bool is_first)
{
	discovery->is_new = !is_first;
	return scan(discovery, 0);
}

struct hvp_error *hvp_discovery_resolve(struct hvp_discovery *discovery, uint32_t pid)
{
	/* A guest ran before we knew of it: whether it ran before the session, nobody can tell. */
	discovery->is_new = false;
	return scan(discovery, pid);
}

static struct hvp_error *follow(struct hvp_discovery *discovery, uint32_t pid)
{
	hvp_try(hvp_array_reserve(&discovery->follow_ups, &discovery->capacity,
				  discovery->num_follow_ups + 1, sizeof(*discovery->follow_ups)));
	discovery->follow_ups[discovery->num_follow_ups++] =
		(struct follow_up){.pid = pid, .due = hvp_clock_now() + follow_up_ns[0]};
	return NULL;
}

static struct hvp_error *handle(struct hvp_discovery *discovery, const struct hvp_uevent *event)
{
	/* The thread that created the VM; when all is over it may be gone, and then it was the main one or is not known. */
	const struct hvp_kvm_vm vm = {
		.pid = hvp_kvm_process_of(discovery->options.roots, event->pid),
		.fd = event->fd,
		.folder_fd = -1};
	uint32_t domain;

	discovery->time = hvp_clock_now();
	discovery->is_new = true;
	if (event->is_create) {
		hvp_try(add_vm(discovery, &vm, &domain));
		return follow(discovery, vm.pid);
	}
	if (hvp_domain_table_find_vm(discovery->domains, vm.pid, vm.fd, &domain))
		return hvp_domain_table_end_vm(discovery->domains, domain, discovery->time);
	return NULL;
}

static struct hvp_error *follow_up(struct hvp_discovery *discovery, uint64_t now)
{
	const size_t num_steps = sizeof(follow_up_ns) / sizeof(follow_up_ns[0]);

	for (size_t i = 0; i < discovery->num_follow_ups;) {
		struct follow_up *item = &discovery->follow_ups[i];
		uint32_t pid = item->pid;

		if (item->due > now) {
			i++;
			continue;
		}
		if (++item->step < num_steps) {
			item->due = now + follow_up_ns[item->step];
			i++;
		} else {
			*item = discovery->follow_ups[--discovery->num_follow_ups];
		}
		discovery->is_new = true;
		hvp_try(scan(discovery, pid));
	}
	return NULL;
}

/* A VMM has answered. Its word on the vCPUs counts where KVM and the threads' names told none. */
static struct hvp_error *take_answer(struct hvp_discovery *discovery,
				     const struct hvp_inquiry_answer *answer)
{
	struct hvp_vm_identity identity = {.vmm = "", .from = "qmp"};
	struct hvp_vm known;

	if (answer->error) {
		hvp_log(discovery->options.log, HVP_LOG_WARNING, HVP_LOG_DOMAINS, "%s",
			hvp_error_message(answer->error));
		return NULL;
	}
	hvp_domain_table_get(discovery->domains, answer->domain, &known);
	snprintf(identity.name, sizeof(identity.name), "%s", answer->qmp.name);
	snprintf(identity.uuid, sizeof(identity.uuid), "%s", answer->qmp.uuid);
	if (!identity.name[0]) {
		snprintf(identity.name, sizeof(identity.name), "%s", known.name);
		identity.from = known.from;
	}
	discovery->time = hvp_clock_now();
	hvp_try(hvp_domain_table_identify(discovery->domains, answer->domain, &identity,
					  discovery->time));
	if (known.num_vcpus || known.end)
		return NULL;
	return bind_vcpus(discovery, answer->domain, answer->pid, answer->qmp.vcpus,
			  answer->qmp.num_vcpus);
}

static struct hvp_error *take_answers(struct hvp_discovery *discovery)
{
	struct hvp_inquiry_answer answer;

	while (hvp_inquiry_next(discovery->inquiry, &answer)) {
		struct hvp_error *err = take_answer(discovery, &answer);

		hvp_inquiry_answer_deinit(&answer);
		hvp_try(err);
	}
	return NULL;
}

struct hvp_error *hvp_discovery_settle(struct hvp_discovery *discovery)
{
	hvp_inquiry_wait(discovery->inquiry, SETTLE_MS);
	return take_answers(discovery);
}

struct hvp_error *hvp_discovery_update(struct hvp_discovery *discovery)
{
	struct hvp_uevent event;

	while (discovery->uevents >= 0 && hvp_uevents_next(discovery->uevents, &event))
		hvp_try(handle(discovery, &event));
	hvp_try(take_answers(discovery));
	return discovery->num_follow_ups ? follow_up(discovery, hvp_clock_now()) : NULL;
}
