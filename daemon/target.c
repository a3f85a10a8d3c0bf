/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/target.h"

#include <string.h>
#include <strings.h>

static bool is_name_of(const char *wanted, const char *name)
{
	size_t length = strlen(wanted);

	return !strncmp(wanted, name, length) && (!name[length] || name[length] == '#');
}

bool hvp_target_has_vm(const struct hvp_target *target, const struct hvp_vm *vm)
{
	uint64_t pid;

	for (size_t i = 0; i < target->num_guests; i++) {
		const char *wanted = target->guests[i];

		if (is_name_of(wanted, vm->name) || (*vm->uuid && !strcasecmp(wanted, vm->uuid)) ||
		    (hvp_parse_u64(wanted, UINT32_MAX, &pid) && pid == vm->pid))
			return true;
	}
	return !target->num_guests;
}

bool hvp_target_wants(const struct hvp_target *target, const struct hvp_sample *sample, bool has_vm)
{
	if (target->host && !hvp_mode_is_guest(sample->mode))
		return true;
	/* --host alone, or the host's own samples where guests were asked for. */
	if (sample->domain == HVP_DOMAIN_HOST || (target->host && !target->num_guests))
		return false;
	return has_vm && (!target->vcpus.num || hvp_cpu_list_has(&target->vcpus, sample->vcpu));
}
