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

/* Whether the process has the files that we have, and not a world of its own. */
static bool sees_our_files(const struct hvp_host_roots *roots, uint32_t pid)
{
	struct stat its, ours;
	char path[512];

	snprintf(path, sizeof(path), "%s/%u/ns/mnt", roots->proc, pid);
	if (stat(path, &its))
		return false;
	snprintf(path, sizeof(path), "%s/self/ns/mnt", roots->proc);
	return !stat(path, &ours) && its.st_ino == ours.st_ino;
}

/*
 * A map belongs to the user who runs the JIT, for /tmp is everybody's; or to root, but not in a
 * world that the process's user made, where any file of root's can stand under any name.
 */
static int open_jit_map(const char *path, const char *process, bool is_in_our_world)
{
	struct stat map, owner;
	hvp_scope(hvp_close_fd) int fd = hvp_file_open_regular(AT_FDCWD, path, O_NOFOLLOW, &map);

	if (fd < 0)
		return -1;
	if ((map.st_uid || !is_in_our_world) &&
	    (stat(process, &owner) || owner.st_uid != map.st_uid))
		return -1;
	return hvp_take_fd(&fd);
}

/* What could not be carried along is said. Consumes `why`. */
static struct hvp_error *note_no_map(struct hvp_error *why, const struct hvp_sink *sink)
{
	const struct hvp_record note = {
		.type = HVP_RECORD_NOTE, .time = hvp_clock_now(), .note = {hvp_error_message(why)}};
	struct hvp_error *err;

	if (hvp_error_code(why) == HVP_ERROR_NO_MEMORY)
		return why;
	err = sink->record(sink->arg, &note);
	hvp_error_destroy(why);
	return err;
}

static struct hvp_error *emit_jit_map(const struct hvp_host_roots *roots, uint32_t pid,
				      const struct hvp_sink *sink)
{
	struct hvp_record record = {.type = HVP_RECORD_BLOB,
				    .time = hvp_clock_now(),
				    .blob = {.kind = HVP_BLOB_JIT_MAP, .pid = pid}};
	hvp_scope(hvp_free_ptr) char *data = NULL;
	hvp_scope(hvp_close_fd) int fd = -1;
	char path[512], process[512], name[64];
	struct hvp_error *err;
	size_t size;

	snprintf(name, sizeof(name), "/tmp/perf-%u.map", inner_pid(roots, pid));
	snprintf(process, sizeof(process), "%s/%u", roots->proc, pid);
	snprintf(path, sizeof(path), "%s/%u/root%s", roots->proc, pid, name);
	if (!access(path, R_OK))
		fd = open_jit_map(path, process, sees_our_files(roots, pid));
	else
		/* It has ended: its map stays where it was, if that was not a container. */
		fd = open_jit_map(name, "/proc/self", true);
	if (fd < 0)
		return NULL;
	err = hvp_file_read_fd(fd, name, MAX_JIT_MAP, &data, &size);
	if (err)
		return note_no_map(err, sink);
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
