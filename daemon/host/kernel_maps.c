/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/host/kernel_maps.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/base/bytes.h"

#define MAX_MODULES_FILE (4u << 20)
/*
 * Where modules begin at the earliest (MODULES_VADDR with KASLR): the kernel's text ends before it.
 */
#define KERNEL_TEXT_LIMIT 0xffffffffc0000000ull

bool hvp_kernel_build_id(const struct hvp_host_roots *roots, struct hvp_build_id *ret)
{
	hvp_scope(hvp_free_ptr) char *path = NULL;
	hvp_scope(hvp_free_ptr) char *notes = NULL;
	struct hvp_error *err;
	size_t size;

	if (asprintf(&path, "%s/kernel/notes", roots->sys) < 0)
		return false;
	err = hvp_file_read(path, 65536, &notes, &size);
	if (err) {
		hvp_error_destroy(err);
		return false;
	}
	return hvp_build_id_from_notes(notes, size, ret);
}

static bool module_build_id(const struct hvp_host_roots *roots, const char *module,
			    struct hvp_build_id *ret)
{
	hvp_scope(hvp_free_ptr) char *path = NULL;
	char notes[256];
	ssize_t n;

	if (asprintf(&path, "%s/module/%s/notes/.note.gnu.build-id", roots->sys, module) < 0)
		return false;
	hvp_scope(hvp_close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, notes, sizeof(notes));
	return n > 0 && hvp_build_id_from_notes(notes, (size_t)n, ret);
}

/*
 * "01000000-01ffffff : Kernel code" of /proc/iomem: how long the text is, physically and so
 * virtually.
 */
static uint64_t kernel_text_size(const struct hvp_host_roots *roots)
{
	hvp_scope(hvp_free_ptr) char *path = NULL;
	hvp_scope(hvp_free_ptr) char *text = NULL;
	struct hvp_error *err;
	uint64_t begin, end;
	char *line;

	if (asprintf(&path, "%s/iomem", roots->proc) < 0)
		return 0;
	err = hvp_file_read(path, 1 << 20, &text, NULL);
	if (err) {
		hvp_error_destroy(err);
		return 0;
	}
	line = strstr(text, " : Kernel code");
	while (line && line > text && line[-1] != '\n')
		line--;
	if (!line || sscanf(line, " %" SCNx64 "-%" SCNx64, &begin, &end) != 2 || end <= begin)
		return 0;
	return end - begin + 1;
}

/*
 * The next line without its newline; NULL at the end, and for lines longer than any of kallsyms'.
 */
static const char *next_line(FILE *file, char *line, int size)
{
	if (!fgets(line, size, file))
		return NULL;
	line[strcspn(line, "\n")] = 0;
	return line;
}

bool hvp_kernel_text_address(const struct hvp_host_roots *roots, uint64_t *ret)
{
	hvp_scope(hvp_close_file) FILE *file = NULL;
	hvp_scope(hvp_free_ptr) char *path = NULL;
	char line[1024];

	if (asprintf(&path, "%s/kallsyms", roots->proc) < 0)
		return false;
	file = fopen(path, "re");
	while (file && next_line(file, line, sizeof(line))) {
		char *end;
		uint64_t address = strtoull(line, &end, 16);

		if (strcmp(end, " T _text") && strcmp(end, " T _stext"))
			continue;
		*ret = address;
		return true;
	}
	return false;
}

static struct hvp_error *emit_map(const struct hvp_sink *sink, const char *path, uint64_t address,
				  uint64_t size, uint64_t offset, const struct hvp_build_id *id)
{
	struct hvp_record record = {.type = HVP_RECORD_MMAP,
				    .time = hvp_clock_now(),
				    .mmap = {.pid = HVP_PID_KERNEL,
					     .tid = 0,
					     .address = address,
					     .size = size,
					     .file_offset = offset,
					     .path = path,
					     .is_exec = true}};

	if (id) {
		memcpy(record.mmap.build_id, id->bytes, id->size);
		record.mmap.build_id_size = id->size;
	}
	return sink->record(sink->arg, &record);
}

static struct hvp_error *emit_text(const struct hvp_host_roots *roots, const struct hvp_sink *sink)
{
	uint64_t address, size = kernel_text_size(roots);
	struct hvp_build_id id;
	bool has_id = hvp_kernel_build_id(roots, &id);

	if (!hvp_kernel_text_address(roots, &address))
		return NULL;
	if (!address) {
		const struct hvp_record note = {
			.type = HVP_RECORD_NOTE,
			.time = hvp_clock_now(),
			.note = {"the kernel hides its addresses from this user, so its functions "
				 "have no names here: run as root, or "
				 "sysctl -w kernel.kptr_restrict=0"}};

		return sink->record(sink->arg, &note);
	}
	if (!size)
		size = KERNEL_TEXT_LIMIT > address ? KERNEL_TEXT_LIMIT - address : 0;
	return emit_map(sink, "[kernel.kallsyms]_text", address, size, address,
			has_id ? &id : NULL);
}

/* "kvm_amd 155648 0 - Live 0xffffffffc0a5e000 (E)" */
static struct hvp_error *emit_module(const struct hvp_host_roots *roots,
				     const struct hvp_sink *sink, char *line)
{
	char name[64], path[72];
	struct hvp_build_id id;
	uint64_t size, address;
	bool has_id;

	if (sscanf(line, "%63s %" SCNu64 " %*s %*s %*s %" SCNx64, name, &size, &address) != 3 ||
	    !address || strchr(name, '/'))
		return NULL;
	has_id = module_build_id(roots, name, &id);
	snprintf(path, sizeof(path), "[%s]", name);
	return emit_map(sink, path, address, size, 0, has_id ? &id : NULL);
}

static struct hvp_error *emit_modules(const struct hvp_host_roots *roots,
				      const struct hvp_sink *sink)
{
	hvp_scope(hvp_free_ptr) char *path = NULL;
	hvp_scope(hvp_free_ptr) char *text = NULL;
	struct hvp_record blob = {.type = HVP_RECORD_BLOB,
				  .time = hvp_clock_now(),
				  .blob = {.kind = HVP_BLOB_MODULES, .path = "/proc/modules"}};
	struct hvp_error *err;
	char *line, *save;
	size_t size;

	if (asprintf(&path, "%s/modules", roots->proc) < 0)
		return hvp_error_no_memory;
	err = hvp_file_read(path, MAX_MODULES_FILE, &text, &size);
	if (err) {
		/* A kernel without modules has no such file. */
		hvp_error_destroy(err);
		return NULL;
	}
	blob.blob.data = (const uint8_t *)text;
	blob.blob.size = size;
	if (size)
		hvp_try(sink->record(sink->arg, &blob));
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		hvp_try(emit_module(roots, sink, line));
	return NULL;
}

struct hvp_error *hvp_kernel_maps_emit(const struct hvp_host_roots *roots,
				       const struct hvp_sink *sink)
{
	hvp_try(emit_text(roots, sink));
	return emit_modules(roots, sink);
}
