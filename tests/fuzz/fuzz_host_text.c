/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fuzz target: any bytes as what the running host tells the collector: by the first byte a line of
 * /proc/PID/maps, a uevent, ELF notes, or a list of CPUs.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/host/elf_build_id.h"
#include "daemon/host/host_files.h"
#include "daemon/host/proc_synth.h"
#include "daemon/kvm/uevents.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_maps(char *text)
{
	struct hvp_maps_line line;
	const char *end = text + strlen(text);

	if (hvp_maps_parse(text, &line) &&
	    (line.begin > line.end || line.path < text || line.path > end))
		abort();
}

static void try_cpus(const char *text)
{
	struct hvp_cpu_list list;
	struct hvp_error *err = hvp_cpu_list_parse(text, &list);

	hvp_error_destroy(err);
	if (err)
		return;
	for (size_t i = 0; i < list.num; i++)
		if (list.cpus[i] >= HVP_MAX_CPUS || (i && list.cpus[i - 1] >= list.cpus[i]))
			abort();
	hvp_cpu_list_deinit(&list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hvp_build_id id;
	struct hvp_uevent event;
	char *text;

	if (!size)
		return 0;
	text = malloc(size);
	if (!text)
		abort();
	memcpy(text, data + 1, size - 1);
	text[size - 1] = 0;
	switch (data[0] & 3) {
	case 0: try_maps(text); break;
	case 1: hvp_uevent_parse(text, size, &event); break;
	case 2:
		if (hvp_build_id_from_notes(text, size - 1, &id) &&
		    (!id.size || id.size > HVP_BUILD_ID_MAX))
			abort();
		break;
	default: try_cpus(text);
	}
	free(text);
	return 0;
}
