/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the session's records to address spaces and the images mapped in them. */
#include <elf.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>

#include "common/base/array.h"
#include "symbolizer/symbolizer_internal.h"

static bool begins_with(const char *text, const char *begin)
{
	return !strncmp(text, begin, strlen(begin));
}

/* Executable memory that no file stands behind. */
static bool is_anonymous(const char *path)
{
	static const char *const begins[] = {"//anon",	"[anon",  "[heap",	    "[stack",
					     "/memfd:", "/SYSV",  "/anon_hugepage", "anon_inode",
					     "/dev/",	"/dmabuf"};

	for (size_t i = 0; i < HVP_ARRAY_SIZE(begins); i++) {
		if (begins_with(path, begins[i]))
			return true;
	}
	return !*path;
}

static const struct hvp_record_blob *find_vdso_blob(const struct hvp_session *session)
{
	for (size_t i = 0; i < hvp_session_num_records(session); i++) {
		const struct hvp_record *record = hvp_session_record(session, i);

		if (record->type == HVP_RECORD_BLOB && record->blob.kind == HVP_BLOB_VDSO &&
		    record->blob.domain == HVP_DOMAIN_HOST)
			return &record->blob;
	}
	return NULL;
}

/* The same kernel maps the same vDSO into every process; its section headers come last. */
static const struct hvp_record_blob *own_vdso(struct hvp_symbolizer *symbolizer)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)getauxval(AT_SYSINFO_EHDR);

	if (!symbolizer->is_live || !header || memcmp(header->e_ident, ELFMAG, SELFMAG))
		return NULL;
	symbolizer->own_vdso = (struct hvp_record_blob){
		.kind = HVP_BLOB_VDSO,
		.path = "[vdso]",
		.data = (const uint8_t *)header,
		.size = header->e_shoff + (size_t)header->e_shnum * header->e_shentsize,
	};
	return &symbolizer->own_vdso;
}

/* The process is in the image's ring of those that mapped it. */
static void remember_process(struct hvp_image *image, uint32_t pid)
{
	for (size_t i = 0; i < HVP_IMAGE_PIDS; i++)
		if (image->pids[i] == pid)
			return;
	image->pids[image->num_pids++ % HVP_IMAGE_PIDS] = pid;
}

static uint64_t mount_namespace_of(uint32_t pid)
{
	char path[48];
	struct stat info;

	snprintf(path, sizeof(path), "/proc/%u/ns/mnt", pid);
	return stat(path, &info) ? 0 : info.st_ino;
}

/*
 * A file without a build id is known by its path alone, and a container's path says nothing here:
 * only below the root of a process that is still in that container. False for all others.
 */
static bool find_container_root(const struct hvp_symbolizer *symbolizer, uint32_t pid, char *ret,
				size_t size)
{
	uint64_t recorded;

	if (!hvp_map_get(&symbolizer->mounts_of_pid, pid, &recorded) ||
	    recorded == symbolizer->own_mounts)
		return false;
	/* It has ended: nothing is there, which is what shall be found. */
	if (mount_namespace_of(pid) == recorded)
		snprintf(ret, size, "/proc/%u/root", pid);
	else
		snprintf(ret, size, "/proc/%u/ended", pid);
	return true;
}

static struct hvp_error *file_image(struct hvp_symbolizer *symbolizer,
				    const struct hvp_record_mmap *mmap, struct hvp_image **ret)
{
	char container[32];
	struct hvp_image_spec spec = {
		.kind = HVP_IMAGE_ELF,
		.path = mmap->path,
		.root = symbolizer->host_root,
		.build_id = mmap->build_id,
		.build_id_size = mmap->build_id_size <= HVP_BUILD_ID_MAX ? mmap->build_id_size : 0,
	};

	if (!spec.build_id_size &&
	    find_container_root(symbolizer, mmap->pid, container, sizeof(container)))
		spec.root = container;
	hvp_try(hvp_images_get(&symbolizer->images, &spec, ret));
	if (symbolizer->is_live && !symbolizer->host_root && spec.build_id_size)
		remember_process(*ret, mmap->pid);
	if (!(*ret)->exec_size && mmap->is_exec) {
		(*ret)->exec_offset = mmap->file_offset;
		(*ret)->exec_size = mmap->size;
	}
	if (!strcmp(mmap->path, "[vdso]"))
		(*ret)->blob = symbolizer->vdso;
	return NULL;
}

/* A JIT map that the session carries, or that the program left on this machine. */
static struct hvp_error *add_jit_image(struct hvp_symbolizer *symbolizer, uint32_t pid,
				       const char *path, const struct hvp_record_blob *blob)
{
	struct hvp_image_spec spec = {
		.kind = HVP_IMAGE_JIT,
		.path = path,
		.root = symbolizer->host_root,
		.scope = pid,
	};
	struct hvp_image *image;

	hvp_try(hvp_images_get(&symbolizer->images, &spec, &image));
	image->blob = blob;
	return hvp_map_set(&symbolizer->jit_of_pid, pid, image->index);
}

static struct hvp_error *read_jit_blobs(struct hvp_symbolizer *symbolizer)
{
	for (size_t i = 0; i < hvp_session_num_records(symbolizer->session); i++) {
		const struct hvp_record *record = hvp_session_record(symbolizer->session, i);
		char path[64];

		if (record->type != HVP_RECORD_BLOB || record->blob.kind != HVP_BLOB_JIT_MAP ||
		    record->blob.domain != HVP_DOMAIN_HOST)
			continue;
		snprintf(path, sizeof(path), "/tmp/perf-%u.map", record->blob.pid);
		hvp_try(add_jit_image(symbolizer, record->blob.pid, path, &record->blob));
	}
	return NULL;
}

/* Only where the file can be this process's: on the machine itself, or in a copy of it. */
static struct hvp_error *look_for_jit_file(struct hvp_symbolizer *symbolizer, uint32_t pid)
{
	struct hvp_error *err;
	char path[64];
	uint64_t known;
	int fd;

	if ((!symbolizer->is_live && !symbolizer->host_root) ||
	    hvp_map_get(&symbolizer->jit_of_pid, pid, &known))
		return NULL;
	snprintf(path, sizeof(path), "/tmp/perf-%u.map", pid);
	err = hvp_open_below(symbolizer->host_root, path, &fd);
	if (err) {
		hvp_error_destroy(err);
		return NULL;
	}
	close(fd);
	return add_jit_image(symbolizer, pid, path, NULL);
}

static struct hvp_error *image_of(struct hvp_symbolizer *symbolizer,
				  const struct hvp_record_mmap *mmap, struct hvp_image **ret)
{
	uint64_t jit;

	if (!is_anonymous(mmap->path))
		return file_image(symbolizer, mmap, ret);
	hvp_try(look_for_jit_file(symbolizer, mmap->pid));
	*ret = hvp_map_get(&symbolizer->jit_of_pid, mmap->pid, &jit)
		       ? hvp_images_at(&symbolizer->images, (uint32_t)jit)
		       : symbolizer->stand_ins[HVP_STAND_IN_JIT];
	return NULL;
}

static struct hvp_error *read_mmap(struct hvp_symbolizer *symbolizer,
				   const struct hvp_record_mmap *mmap, uint64_t time)
{
	struct hvp_mapping mapping = {
		.begin = mmap->address,
		.size = mmap->size,
		.file_offset = mmap->file_offset,
	};

	if (mmap->pid == HVP_PID_KERNEL || !mmap->path)
		return NULL;
	hvp_try(image_of(symbolizer, mmap, &mapping.image));
	return hvp_spaces_map(&symbolizer->spaces, mmap->pid, time, &mapping);
}

static struct hvp_error *read_record(struct hvp_symbolizer *symbolizer,
				     const struct hvp_record *record)
{
	struct hvp_spaces *spaces = &symbolizer->spaces;

	switch (record->type) {
	case HVP_RECORD_MMAP: return read_mmap(symbolizer, &record->mmap, record->time);
	case HVP_RECORD_FORK:
		return hvp_spaces_fork(spaces, record->task.pid, record->task.parent_pid,
				       record->time);
	case HVP_RECORD_COMM:
		if (!record->comm.is_exec)
			return NULL;
		return hvp_spaces_exec(spaces, record->comm.pid, record->time);
	case HVP_RECORD_EXIT:
		hvp_spaces_exit(spaces, record->task.pid, record->task.tid, record->time);
		return NULL;
	default: return NULL;
	}
}

/* Which processes live among other mounts than we: their records may come after their mappings. */
static struct hvp_error *read_namespaces(struct hvp_symbolizer *symbolizer)
{
	if (!symbolizer->is_live || symbolizer->host_root)
		return NULL;
	symbolizer->own_mounts = mount_namespace_of((uint32_t)getpid());
	for (size_t i = 0; i < hvp_session_num_records(symbolizer->session); i++) {
		const struct hvp_record *record = hvp_session_record(symbolizer->session, i);

		if (record->type == HVP_RECORD_NAMESPACES && record->namespaces.mount_namespace)
			hvp_try(hvp_map_set(&symbolizer->mounts_of_pid, record->namespaces.pid,
					    record->namespaces.mount_namespace));
	}
	return NULL;
}

struct hvp_error *hvp_symbolizer_read_processes(struct hvp_symbolizer *symbolizer)
{
	const struct hvp_session *session = symbolizer->session;

	symbolizer->vdso = find_vdso_blob(session);
	if (!symbolizer->vdso)
		symbolizer->vdso = own_vdso(symbolizer);
	hvp_try(read_namespaces(symbolizer));
	hvp_try(read_jit_blobs(symbolizer));
	for (size_t i = 0; i < hvp_session_num_records(session); i++)
		hvp_try(read_record(symbolizer, hvp_session_record(session, i)));
	return hvp_spaces_freeze(&symbolizer->spaces);
}
