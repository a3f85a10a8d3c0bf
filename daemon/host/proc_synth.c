/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/host/proc_synth.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "common/base/array.h"
#include "common/base/bytes.h"
#include "common/base/map.h"
#include "common/base/scope.h"
#include "daemon/host/elf_build_id.h"

/* A process with more is a hostile one. */
#define MAX_MAPS (64u << 20)

/* A file that was looked into. */
struct known_file {
	uint64_t device, inode;
	bool has_id;
	struct hvp_build_id id;
};

struct synth {
	const struct hvp_host_roots *roots;
	const struct hvp_sink *sink;
	struct hvp_proc_synth_stats stats;
	/* A hash of device and inode -> index in files. */
	struct hvp_map file_of_hash;
	struct known_file *files;
	size_t num_files, capacity;
	/* Used again for process after process. */
	struct hvp_buf maps;
	ino_t own_mount_namespace;
};

static void synth_deinit(struct synth *synth)
{
	hvp_map_deinit(&synth->file_of_hash);
	hvp_buf_deinit(&synth->maps);
	free(synth->files);
}

static bool take_hex(char **at, char end, uint64_t *ret)
{
	char *begin = *at;
	uint64_t value = 0;

	for (;; (*at)++) {
		unsigned char c = (unsigned char)**at;

		if (c >= '0' && c <= '9')
			value = value << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (uint64_t)(c - 'a' + 10);
		else
			break;
	}
	if (*at == begin || *at - begin > 16 || **at != end)
		return false;
	(*at)++;
	*ret = value;
	return true;
}

/* "7f00-7f10 r-xp 00001000 fe:01 1234      /usr/lib/x.so" */
bool hvp_maps_parse(char *line, struct hvp_maps_line *ret)
{
	uint64_t major, minor;
	char *at = line;

	if (!take_hex(&at, '-', &ret->begin) || !take_hex(&at, ' ', &ret->end) ||
	    strnlen(at, 5) < 5 || at[4] != ' ' || ret->begin > ret->end)
		return false;
	ret->is_exec = at[2] == 'x';
	at += 5;
	if (!take_hex(&at, ' ', &ret->offset) || !take_hex(&at, ':', &major) ||
	    !take_hex(&at, ' ', &minor))
		return false;
	ret->device = major << 32 | minor;
	errno = 0;
	ret->inode = strtoull(at, &at, 10);
	if (errno)
		return false;
	at += strspn(at, " ");
	ret->path = at;
	return true;
}

static bool read_fd(int fd, struct hvp_buf *buf)
{
	hvp_buf_clear(buf);
	while (buf->size < MAX_MAPS) {
		ssize_t n;

		if (!hvp_buf_reserve(buf, 65536))
			return false;
		n = read(fd, buf->data + buf->size, buf->capacity - buf->size - 1);
		if (n < 0)
			return false;
		if (n == 0)
			break;
		buf->size += (size_t)n;
	}
	buf->data[buf->size] = 0;
	return true;
}

static bool is_mapped_file(const struct hvp_maps_line *line, const struct stat *info)
{
	return info->st_ino == line->inode && major(info->st_dev) == line->device >> 32 &&
	       minor(info->st_dev) == (uint32_t)line->device;
}

/*
 * The file by its name as the process sees it, or by its mapping, which takes a privilege.
 * `*ret_is_certain` is false when what has the name may be another file: it was replaced, the
 * process lives in a place of its own making, or the file system has two numbers for one file.
 */
static int open_mapped(int pid_fd, const struct hvp_maps_line *line, bool *ret_is_certain)
{
	hvp_scope(hvp_close_fd) int named = -1;
	char path[4096 + 8];
	struct stat info;
	int mapped;

	*ret_is_certain = true;
	if (snprintf(path, sizeof(path), "root%s", line->path) < (int)sizeof(path))
		named = hvp_file_open_regular(pid_fd, path, 0, &info);
	if (named >= 0 && is_mapped_file(line, &info))
		return hvp_take_fd(&named);
	snprintf(path, sizeof(path), "map_files/%" PRIx64 "-%" PRIx64, line->begin, line->end);
	mapped = hvp_file_open_regular(pid_fd, path, 0, &info);
	if (mapped >= 0)
		return mapped;
	*ret_is_certain = false;
	return hvp_take_fd(&named);
}

static uint64_t hash_file(const struct hvp_maps_line *line)
{
	return hvp_hash_u64(line->device) ^ line->inode;
}

/* For all processes that map the file. Without memory it is looked into again. */
static void remember_file(struct synth *synth, const struct known_file *file, uint64_t hash)
{
	struct hvp_error *err = hvp_array_reserve(&synth->files, &synth->capacity,
						  synth->num_files + 1, sizeof(*synth->files));

	if (!err)
		err = hvp_map_set(&synth->file_of_hash, hash, synth->num_files);
	if (!err)
		synth->files[synth->num_files++] = *file;
	hvp_error_destroy(err);
}

/*
 * Each file is opened once, whoever maps it: so that nobody can tell what another's file is, only
 * what certainly is the mapped file is remembered.
 */
static bool find_build_id(struct synth *synth, int pid_fd, const struct hvp_maps_line *line,
			  struct hvp_build_id *ret)
{
	struct known_file file = {.device = line->device, .inode = line->inode};
	uint64_t hash = hash_file(line), index;
	bool is_certain;

	if (line->path[0] != '/' || !line->inode)
		return false;
	if (hvp_map_get(&synth->file_of_hash, hash, &index) &&
	    synth->files[index].device == line->device &&
	    synth->files[index].inode == line->inode) {
		*ret = synth->files[index].id;
		return synth->files[index].has_id;
	}
	hvp_scope(hvp_close_fd) int fd = open_mapped(pid_fd, line, &is_certain);
	if (fd < 0)
		return false;
	file.has_id = hvp_build_id_from_fd(fd, &file.id);
	synth->stats.build_ids += file.has_id;
	if (is_certain)
		remember_file(synth, &file, hash);
	*ret = file.id;
	return file.has_id;
}

static struct hvp_error *emit_mapping(struct synth *synth, int pid_fd, uint32_t pid, uint64_t time,
				      const struct hvp_maps_line *line)
{
	struct hvp_build_id id;
	struct hvp_record record = {.type = HVP_RECORD_MMAP,
				    .time = time,
				    .mmap = {.pid = pid,
					     .tid = pid,
					     .address = line->begin,
					     .size = line->end - line->begin,
					     .file_offset = line->offset,
					     /* As the kernel calls it in PERF_RECORD_MMAP. */
					     .path = *line->path ? line->path : "//anon",
					     .is_exec = true}};

	if (find_build_id(synth, pid_fd, line, &id)) {
		memcpy(record.mmap.build_id, id.bytes, id.size);
		record.mmap.build_id_size = id.size;
	}
	synth->stats.mappings++;
	return synth->sink->record(synth->sink->arg, &record);
}

static struct hvp_error *emit_mappings(struct synth *synth, int pid_fd, uint32_t pid, uint64_t time,
				       bool *ret_has_any)
{
	hvp_scope(hvp_close_fd) int fd = openat(pid_fd, "maps", O_RDONLY | O_CLOEXEC);
	char *at, *newline;

	*ret_has_any = false;
	if (fd < 0 || !read_fd(fd, &synth->maps)) {
		synth->stats.unreadable++;
		return NULL;
	}
	*ret_has_any = synth->maps.size != 0;
	for (at = (char *)synth->maps.data; (newline = strchr(at, '\n')); at = newline + 1) {
		struct hvp_maps_line line;

		*newline = 0;
		if (hvp_maps_parse(at, &line) && line.is_exec)
			hvp_try(emit_mapping(synth, pid_fd, pid, time, &line));
	}
	return NULL;
}

static struct hvp_error *emit_comm(struct synth *synth, int dir_fd, const char *path, uint32_t pid,
				   uint32_t tid, uint64_t time)
{
	char name[64];
	const struct hvp_record record = {.type = HVP_RECORD_COMM,
					  .time = time,
					  .comm = {.pid = pid, .tid = tid, .name = name}};

	if (hvp_file_read_small(dir_fd, path, name, sizeof(name)) < 0)
		return NULL;
	synth->stats.threads++;
	return synth->sink->record(synth->sink->arg, &record);
}

static struct hvp_error *emit_threads(struct synth *synth, int pid_fd, uint32_t pid, uint64_t time)
{
	struct stat info;
	struct dirent *entry;
	struct hvp_error *err = NULL;
	uint64_t tid;
	DIR *tasks;
	int fd;

	/* The link count tells the number of threads: most processes have one. */
	if (fstatat(pid_fd, "task", &info, 0) || info.st_nlink == 3)
		return NULL;
	fd = openat(pid_fd, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	tasks = fd < 0 ? NULL : fdopendir(fd);
	if (!tasks) {
		hvp_close_fd(&fd);
		return NULL;
	}
	while (!err && (entry = readdir(tasks))) {
		char path[64];

		if (!hvp_parse_u64(entry->d_name, UINT32_MAX, &tid) || tid == pid)
			continue;
		snprintf(path, sizeof(path), "%" PRIu64 "/comm", tid);
		err = emit_comm(synth, fd, path, pid, (uint32_t)tid, time);
	}
	closedir(tasks);
	return err;
}

/* Only where it is not ours: a container's files are found below /proc/PID/root. */
static struct hvp_error *emit_namespaces(struct synth *synth, int pid_fd, uint32_t pid,
					 uint64_t time)
{
	struct hvp_record record = {.type = HVP_RECORD_NAMESPACES,
				    .time = time,
				    .namespaces = {.pid = pid, .tid = pid}};
	struct stat info;

	if (fstatat(pid_fd, "ns/mnt", &info, 0) || info.st_ino == synth->own_mount_namespace)
		return NULL;
	record.namespaces.mount_namespace = info.st_ino;
	if (!fstatat(pid_fd, "ns/pid", &info, 0))
		record.namespaces.pid_namespace = info.st_ino;
	return synth->sink->record(synth->sink->arg, &record);
}

static struct hvp_error *emit_process(struct synth *synth, int proc_fd, uint32_t pid)
{
	uint64_t time = hvp_clock_now();
	bool is_user_process;
	char name[16];

	snprintf(name, sizeof(name), "%u", pid);
	hvp_scope(hvp_close_fd) int pid_fd =
		openat(proc_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (pid_fd < 0)
		return NULL;
	synth->stats.processes++;
	hvp_try(emit_comm(synth, pid_fd, "comm", pid, pid, time));
	hvp_try(emit_mappings(synth, pid_fd, pid, time, &is_user_process));
	/* Kernel threads have no mappings, and nothing of what follows. */
	if (!is_user_process)
		return NULL;
	hvp_try(emit_threads(synth, pid_fd, pid, time));
	return emit_namespaces(synth, pid_fd, pid, time);
}

static struct hvp_error *emit_all(struct synth *synth, int proc_fd)
{
	DIR *proc = opendir(synth->roots->proc);
	struct hvp_error *err = NULL;
	struct dirent *entry;
	uint64_t pid;

	if (!proc)
		return hvp_error_from_errno(errno, "%s: cannot read", synth->roots->proc);
	while (!err && (entry = readdir(proc)))
		if (hvp_parse_u64(entry->d_name, UINT32_MAX, &pid))
			err = emit_process(synth, proc_fd, (uint32_t)pid);
	closedir(proc);
	return err;
}

struct hvp_error *hvp_proc_synth(const struct hvp_host_roots *roots, const uint32_t *pids,
				 size_t num_pids, const struct hvp_sink *sink,
				 struct hvp_proc_synth_stats *ret)
{
	hvp_scope(synth_deinit) struct synth synth = {.roots = roots, .sink = sink};
	hvp_scope(hvp_close_fd) int proc_fd = open(roots->proc, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat info;

	if (proc_fd < 0)
		return hvp_error_from_errno(errno, "%s: cannot open", roots->proc);
	if (!fstatat(proc_fd, "self/ns/mnt", &info, 0))
		synth.own_mount_namespace = info.st_ino;
	if (!num_pids)
		hvp_try(emit_all(&synth, proc_fd));
	for (size_t i = 0; i < num_pids; i++)
		hvp_try(emit_process(&synth, proc_fd, pids[i]));
	if (ret)
		*ret = synth.stats;
	return NULL;
}

struct hvp_error *hvp_proc_threads(const struct hvp_host_roots *roots, uint32_t pid,
				   uint32_t **ret_tids, size_t *ret_num)
{
	hvp_scope(hvp_free_ptr) char *path = NULL;
	hvp_scope(hvp_free_ptr) uint32_t *tids = NULL;
	struct hvp_error *err = NULL;
	size_t num = 0, capacity = 0;
	struct dirent *entry;
	uint64_t tid;
	DIR *tasks;

	if (asprintf(&path, "%s/%u/task", roots->proc, pid) < 0)
		return hvp_error_no_memory;
	tasks = opendir(path);
	while (tasks && !err && (entry = readdir(tasks))) {
		if (!hvp_parse_u64(entry->d_name, UINT32_MAX, &tid))
			continue;
		err = hvp_array_reserve(&tids, &capacity, num + 1, sizeof(*tids));
		if (!err)
			tids[num++] = (uint32_t)tid;
	}
	if (tasks)
		closedir(tasks);
	hvp_try(err);
	*ret_tids = hvp_take(tids);
	*ret_num = num;
	return NULL;
}
