/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fuzz target: any bytes as a status file of libvirt. */
#include <stdlib.h>
#include <string.h>

#include "daemon/kvm/libvirt_status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hvp_libvirt_status status;
	/* A copy of exactly this size: it does not end in NUL. */
	char *text = malloc(size ? size : 1);
	struct hvp_error *err;

	if (!text)
		abort();
	if (size)
		memcpy(text, data, size);
	err = hvp_libvirt_status_parse("fuzz", text, size, &status);
	free(text);
	if (err) {
		hvp_error_destroy(err);
		return 0;
	}
	if (!status.pid || !status.name[0] || !memchr(status.name, 0, sizeof(status.name)) ||
	    !memchr(status.uuid, 0, sizeof(status.uuid)))
		abort();
	for (size_t i = 0; i < status.num_vcpus; i++)
		if (!status.vcpus[i].tid)
			abort();
	hvp_libvirt_status_deinit(&status);
	return 0;
}
