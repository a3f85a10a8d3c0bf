/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: any bytes as a VMM's command line; the first byte chooses the program. Every user
 * can start a process with any.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/kvm/vmm_identity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const programs[] = {"/usr/bin/qemu-system-x86_64",
					       "cloud-hypervisor",
					       "/firecracker",
					       "crosvm",
					       "lkvm",
					       "bash"};
	struct hvp_vm_identity identity;
	uint32_t number;
	char *text;

	if (!size)
		return 0;
	/* A copy of exactly this size: it need not end in NUL. */
	text = malloc(size);
	if (!text)
		abort();
	memcpy(text, data + 1, size - 1);
	hvp_vm_identity_from_command(text, size - 1,
				     programs[data[0] % (sizeof(programs) / sizeof(programs[0]))],
				     &identity);
	if (!memchr(identity.name, 0, sizeof(identity.name)) ||
	    !memchr(identity.uuid, 0, sizeof(identity.uuid)) ||
	    !memchr(identity.control, 0, sizeof(identity.control)) || !identity.vmm ||
	    !identity.from)
		abort();
	text[size - 1] = 0;
	hvp_vcpu_from_thread_name(text, &number);
	hvp_owner_from_thread_name(text, &number);
	free(text);
	return 0;
}
