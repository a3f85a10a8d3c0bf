/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/perfdata/import_guests.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "daemon/kvm/vmm_identity.h"

static struct hvp_error *add_name(struct hvp_import_guests *guests, const char *text)
{
	const char *equals = strchr(text, '=');
	unsigned long pid;
	uint32_t name;
	char *end;

	errno = 0;
	pid = strtoul(text, &end, 10);
	if (!equals || end != equals || end == text || errno || pid > UINT32_MAX || !equals[1])
		return hvp_error_create(
			HVP_ERROR_USAGE,
			"--name %s: give it as PID=NAME, with the process id of the "
			"guest's VMM",
			text);
	if (strlen(equals + 1) >= HVP_VM_NAME_MAX)
		return hvp_error_create(HVP_ERROR_USAGE, "--name %s: the name is longer than %d",
					text, HVP_VM_NAME_MAX - 1);
	hvp_try(hvp_strpool_intern(&guests->strings, equals + 1, &name));
	return hvp_map_set(&guests->name_of_pid, pid, name);
}

struct hvp_error *hvp_import_guests_init(const char *const *names, size_t num_names,
					 struct hvp_import_guests *ret)
{
	memset(ret, 0, sizeof(*ret));
	hvp_strpool_init(&ret->strings);
	for (size_t i = 0; i < num_names; i++)
		hvp_try(add_name(ret, names[i]));
	return NULL;
}

void hvp_import_guests_deinit(struct hvp_import_guests *guests)
{
	hvp_map_deinit(&guests->comm_of_tid);
	hvp_map_deinit(&guests->name_of_pid);
	hvp_map_deinit(&guests->seen);
	hvp_strpool_deinit(&guests->strings);
	free(guests->vcpus);
}

static struct hvp_error *see_sample(void *arg, struct hvp_sample *sample)
{
	struct hvp_import_guests *guests = arg;
	bool is_new;

	if (!hvp_mode_is_guest(sample->mode))
		return NULL;
	if (!hvp_map_insert(&guests->seen, (uint64_t)sample->pid << 32 | sample->tid, &is_new))
		return hvp_error_no_memory;
	if (!is_new)
		return NULL;
	hvp_try(hvp_array_reserve(&guests->vcpus, &guests->capacity, guests->num_vcpus + 1,
				  sizeof(*guests->vcpus)));
	guests->vcpus[guests->num_vcpus++] = (struct hvp_import_vcpu){sample->pid, sample->tid};
	return NULL;
}

static struct hvp_error *see_record(void *arg, const struct hvp_record *record)
{
	struct hvp_import_guests *guests = arg;
	uint32_t name;

	if (record->type != HVP_RECORD_COMM)
		return NULL;
	hvp_try(hvp_strpool_intern(&guests->strings, record->comm.name, &name));
	return hvp_map_set(&guests->comm_of_tid, record->comm.tid, name);
}

struct hvp_sink hvp_import_guests_sink(struct hvp_import_guests *guests)
{
	return (struct hvp_sink){.sample = see_sample, .record = see_record, .arg = guests};
}

static const char *comm_of(const struct hvp_import_guests *guests, uint32_t tid)
{
	uint64_t name = 0;

	hvp_map_get(&guests->comm_of_tid, tid, &name);
	return hvp_strpool_text(&guests->strings, (uint32_t)name);
}

static void identify(const struct hvp_import_guests *guests, uint32_t pid,
		     struct hvp_vm_identity *ret)
{
	const char *comm = comm_of(guests, pid);
	uint64_t name;

	memset(ret, 0, sizeof(*ret));
	/* The VMM's kind is in its program's name, of which the comm is the beginning. */
	hvp_vm_identity_from_command("", 0, comm, ret);
	ret->from = "comm";
	if (hvp_map_get(&guests->name_of_pid, pid, &name)) {
		snprintf(ret->name, sizeof(ret->name), "%s",
			 hvp_strpool_text(&guests->strings, (uint32_t)name));
		ret->from = "import";
	} else {
		snprintf(ret->name, sizeof(ret->name), "pid %u (%s)", pid,
			 *comm ? comm : "unknown");
	}
}

static int compare_vcpus(const void *a, const void *b)
{
	const struct hvp_import_vcpu *left = a, *right = b;

	if (left->pid != right->pid)
		return left->pid < right->pid ? -1 : 1;
	return left->tid < right->tid ? -1 : left->tid > right->tid;
}

struct hvp_error *hvp_import_guests_add(struct hvp_import_guests *guests,
					struct hvp_domain_table *domains)
{
	uint32_t domain = 0, next = 0;

	if (guests->num_vcpus)
		qsort(guests->vcpus, guests->num_vcpus, sizeof(*guests->vcpus), compare_vcpus);
	for (size_t i = 0; i < guests->num_vcpus; i++) {
		const struct hvp_import_vcpu *vcpu = &guests->vcpus[i];
		struct hvp_vm_identity identity;
		uint32_t number;

		if (!i || vcpu->pid != vcpu[-1].pid) {
			identify(guests, vcpu->pid, &identity);
			hvp_try(hvp_domain_table_add_vm(domains, vcpu->pid, HVP_VM_FD_NONE, 0,
							false, &identity, &domain));
			next = 0;
		}
		if (!hvp_vcpu_from_thread_name(comm_of(guests, vcpu->tid), &number))
			number = next;
		next = number + 1;
		hvp_try(hvp_domain_table_bind_vcpu(domains, domain, number, vcpu->tid, 0));
	}
	return NULL;
}
