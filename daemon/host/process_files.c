/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/host/process_files.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>

#include "common/base/scope.h"
#include "daemon/host/proc_synth.h"

#define MAX_JIT_MAP (64u << 20)
#define MAX_VDSO (1u << 20)

struct hvp_error *hvp_process_files_emit_vdso(const struct hvp_host_roots *roots,
					      const struct hvp_sink *sink)
{
	uint64_t address = getauxval(AT_SYSINFO_EHDR);
	hvp_scope(hvp_free_ptr) char *maps = NULL;
	struct hvp_record record = {.type = HVP_RECORD_BLOB,
				    .time = hvp_clock_now(),
				    .blob = {.kind = HVP_BLOB_VDSO, .path = "[vdso]"}};
	char path[512], *line, *save;

	/* Its address is true of this process alone, so is the map it is looked up in. */
	(void)roots;
	snprintf(path, sizeof(path), "/proc/self/maps");
	hvp_error_destroy(hvp_file_read(path, 16u << 20, &maps, NULL));
	for (line = maps ? strtok_r(maps, "\n", &save) : NULL; line;
	     line = strtok_r(NULL, "\n", &save)) {
		struct hvp_maps_line map;

		if (!hvp_maps_parse(line, &map) || map.begin != address ||
		    map.end - map.begin > MAX_VDSO)
			continue;
		record.blob.data = (const uint8_t *)(uintptr_t)address;
		record.blob.size = map.end - map.begin;
		return sink->record(sink->arg, &record);
	}
	return NULL;
}

/* The pid that the process itself sees: the last number of NSpid in /proc/PID/status. */
static uint32_t inner_pid(const struct hvp_host_roots *roots, uint32_t pid)
{
	char path[512], status[4096];
	char *line, *last;
	uint64_t inner;

	snprintf(path, sizeof(path), "%s/%u/status", roots->proc, pid);
	if (hvp_file_read_small(AT_FDCWD, path, status, sizeof(status)) <= 0)
		return pid;
	line = strstr(status, "\nNSpid:");
	if (!line)
		return pid;
	line++;
	line[strcspn(line, "\n")] = 0;
	last = strrchr(line, '\t');
	return last && hvp_parse_u64(last + 1, UINT32_MAX, &inner) ? (uint32_t)inner : pid;
}

/* A map belongs to the user who runs the JIT (or root): /tmp is everybody's. */
static bool is_trusted(const char *path, const char *process)
{
	struct stat map, owner;

	return !lstat(path, &map) && S_ISREG(map.st_mode) &&
	       (!map.st_uid || (!stat(process, &owner) && owner.st_uid == map.st_uid));
}

static struct hvp_error *emit_jit_map(const struct hvp_host_roots *roots, uint32_t pid,
				      const struct hvp_sink *sink)
{
	struct hvp_record record = {.type = HVP_RECORD_BLOB,
				    .time = hvp_clock_now(),
				    .blob = {.kind = HVP_BLOB_JIT_MAP, .pid = pid}};
	hvp_scope(hvp_free_ptr) char *data = NULL;
	char path[512], process[512], name[64];
	struct hvp_error *err;
	size_t size;

	snprintf(name, sizeof(name), "/tmp/perf-%u.map", inner_pid(roots, pid));
	snprintf(process, sizeof(process), "%s/%u", roots->proc, pid);
	snprintf(path, sizeof(path), "%s/%u/root%s", roots->proc, pid, name);
	if (access(path, R_OK)) {
		/* It has ended: its map stays where it was, if that was not a container. */
		snprintf(path, sizeof(path), "%s", name);
		snprintf(process, sizeof(process), "/proc/self");
	}
	if (!is_trusted(path, process))
		return NULL;
	err = hvp_file_read(path, MAX_JIT_MAP, &data, &size);
	if (err) {
		hvp_error_destroy(err);
		return NULL;
	}
	record.blob.path = name;
	record.blob.data = (const uint8_t *)data;
	record.blob.size = size;
	return sink->record(sink->arg, &record);
}

struct hvp_error *hvp_process_files_emit_jit_maps(const struct hvp_host_roots *roots,
						  struct hvp_domain_table *domains,
						  const struct hvp_sink *sink)
{
	size_t cursor = 0;
	uint32_t pid;

	while (hvp_domain_table_next_sampled_process(domains, &cursor, &pid))
		if (pid && pid != UINT32_MAX)
			hvp_try(emit_jit_map(roots, pid, sink));
	return NULL;
}
