/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/kvm/guest_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/session/format.h"
#include "daemon/target.h"
#include "symbolizer/symbolizer.h"

/* A kallsyms of a kernel with a hundred modules has 15 MB. */
#define MAX_FILE (256u << 20)

struct file {
	/* NULL: not given. */
	char *data;
	size_t size;
};

struct guest {
	struct hvp_guest_images images;
	struct file kallsyms, modules;
	/*
	 * The highest domain that has them: domains are told of in ascending order, and again when
	 * they change.
	 */
	uint32_t last_domain;
};

struct hvp_guest_files {
	struct guest *guests;
	size_t num, capacity;
};

static struct hvp_error *read_file(const char *path, struct file *ret)
{
	if (!path)
		return NULL;
	return hvp_file_read(path, MAX_FILE, &ret->data, &ret->size);
}

static struct hvp_error *add_guest(struct hvp_guest_files *files, const char *spec)
{
	struct guest *guest;

	hvp_try(hvp_array_reserve(&files->guests, &files->capacity, files->num + 1,
				  sizeof(*files->guests)));
	guest = &files->guests[files->num];
	*guest = (struct guest){0};
	hvp_try(hvp_guest_images_parse(spec, &guest->images));
	files->num++;
	hvp_try(read_file(guest->images.kallsyms, &guest->kallsyms));
	return read_file(guest->images.modules, &guest->modules);
}

struct hvp_error *hvp_guest_files_create(const char *const *specs, size_t num,
					 struct hvp_guest_files **ret)
{
	hvp_scope(hvp_guest_files_destroy_scope) struct hvp_guest_files *files =
		calloc(1, sizeof(*files));

	if (!files)
		return hvp_error_no_memory;
	for (size_t i = 0; i < num; i++) {
		struct hvp_error *err = add_guest(files, specs[i]);

		if (err)
			return hvp_error_wrap(err, "--guest %s", specs[i]);
	}
	*ret = hvp_take(files);
	return NULL;
}

void hvp_guest_files_destroy(struct hvp_guest_files *files)
{
	if (!files)
		return;
	for (size_t i = 0; i < files->num; i++) {
		hvp_guest_images_deinit(&files->guests[i].images);
		free(files->guests[i].kallsyms.data);
		free(files->guests[i].modules.data);
	}
	free(files->guests);
	free(files);
}

static struct hvp_error *add_info(struct hvp_session_writer *writer, const char *guest,
				  const char *key, const char *value)
{
	hvp_scope(hvp_free_ptr) char *name = NULL;

	if (!value)
		return NULL;
	if (asprintf(&name, HVP_INFO_GUEST_PREFIX "%s.%s", guest, key) < 0)
		return hvp_error_no_memory;
	return hvp_session_writer_add_info(writer, name, value);
}

struct hvp_error *hvp_guest_files_add_info(const struct hvp_guest_files *files,
					   struct hvp_session_writer *writer)
{
	for (size_t i = 0; i < files->num; i++) {
		const struct hvp_guest_images *images = &files->guests[i].images;
		char number[32];

		hvp_try(add_info(writer, images->guest, "kallsyms", images->kallsyms));
		hvp_try(add_info(writer, images->guest, "modules", images->modules));
		hvp_try(add_info(writer, images->guest, "vmlinux", images->vmlinux));
		hvp_try(add_info(writer, images->guest, "root", images->root));
		snprintf(number, sizeof(number), "%#llx", (unsigned long long)images->kaslr_offset);
		if (images->has_kaslr_offset)
			hvp_try(add_info(writer, images->guest, "kaslr", number));
		snprintf(number, sizeof(number), "%#llx", (unsigned long long)images->text_address);
		if (images->has_text_address)
			hvp_try(add_info(writer, images->guest, "text", number));
	}
	return NULL;
}

static struct hvp_error *emit_file(const struct file *file, const char *path,
				   enum hvp_blob_kind kind, uint32_t domain,
				   const struct hvp_sink *sink)
{
	const struct hvp_record record = {.type = HVP_RECORD_BLOB,
					  .time = hvp_clock_now(),
					  .blob = {.kind = kind,
						   .domain = domain,
						   .path = path,
						   .data = (const uint8_t *)file->data,
						   .size = file->size}};

	return file->data ? sink->record(sink->arg, &record) : NULL;
}

static bool is_for(const struct guest *guest, const struct hvp_vm *vm)
{
	const char *name = guest->images.guest;
	const struct hvp_target target = {.guests = &name, .num_guests = 1};

	return !strcmp(name, "*") || hvp_target_has_vm(&target, vm);
}

struct hvp_error *hvp_guest_files_emit(const struct hvp_guest_files *files, const struct hvp_vm *vm,
				       const struct hvp_sink *sink)
{
	for (size_t i = 0; i < files->num; i++) {
		struct guest *guest = &files->guests[i];

		if (vm->domain <= guest->last_domain || !is_for(guest, vm))
			continue;
		guest->last_domain = vm->domain;
		hvp_try(emit_file(&guest->kallsyms, guest->images.kallsyms, HVP_BLOB_KALLSYMS,
				  vm->domain, sink));
		hvp_try(emit_file(&guest->modules, guest->images.modules, HVP_BLOB_MODULES,
				  vm->domain, sink));
	}
	return NULL;
}
