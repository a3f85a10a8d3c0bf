/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbolizer/symbolizer.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "common/session/format.h"
#include "symbolizer/symbolizer_internal.h"

static const struct {
	const char *name;
	enum hvp_unresolved why;
} stand_ins[HVP_NUM_STAND_INS] = {
	[HVP_STAND_IN_UNKNOWN] = {"[unknown]", HVP_UNRESOLVED_NO_MAPPING},
	[HVP_STAND_IN_HOST_KERNEL] = {"[host kernel]", HVP_UNRESOLVED_RESTRICTED},
	[HVP_STAND_IN_GUEST_KERNEL] = {"[guest kernel]", HVP_UNRESOLVED_GUEST_KERNEL},
	[HVP_STAND_IN_GUEST_USER] = {"[guest user]", HVP_UNRESOLVED_GUEST_USER},
	[HVP_STAND_IN_HYPERVISOR] = {"[hypervisor]", HVP_UNRESOLVED_NO_FILE},
	[HVP_STAND_IN_JIT] = {"[jit]", HVP_UNRESOLVED_JIT},
};

static bool is_this_boot(const struct hvp_session *session, const char *proc)
{
	const char *boot_id = hvp_session_info(session, HVP_INFO_BOOT_ID);
	struct hvp_file file;
	struct hvp_error *err;
	bool is_same;
	char path[PATH_MAX];
	size_t length;

	if (!boot_id || !*boot_id)
		return false;
	snprintf(path, sizeof(path), "%s/sys/kernel/random/boot_id", proc ? proc : "/proc");
	err = hvp_file_read_below(NULL, path, 256, &file);
	if (err) {
		hvp_error_destroy(err);
		return false;
	}
	length = strcspn((const char *)file.data, "\n");
	is_same = strlen(boot_id) == length && !memcmp(boot_id, file.data, length);
	hvp_file_deinit(&file);
	return is_same;
}

static struct hvp_error *make_stand_ins(struct hvp_symbolizer *symbolizer)
{
	for (size_t i = 0; i < HVP_NUM_STAND_INS; i++) {
		struct hvp_image_spec spec = {
			.kind = HVP_IMAGE_STAND_IN,
			.path = stand_ins[i].name,
			.why = stand_ins[i].why,
		};

		hvp_try(hvp_images_get(&symbolizer->images, &spec, &symbolizer->stand_ins[i]));
	}
	return NULL;
}

static struct hvp_error *init_finder(struct hvp_symbolizer *symbolizer,
				     const struct hvp_symbolizer_options *options)
{
	const struct hvp_debuginfod_options debuginfod = {
		.interrupted = options->interrupted,
		.progress = options->progress,
		.progress_arg = options->progress_arg,
	};

	symbolizer->finder = (struct hvp_finder){
		.host_root = symbolizer->host_root,
		.debug_dirs = options->debug_dirs,
		.use_debuginfod = options->use_debuginfod,
		.naming = options->naming,
		.interrupted = options->interrupted,
		.progress = options->progress,
		.progress_arg = options->progress_arg,
		.log = options->log,
		.notes = &symbolizer->notes,
	};
	if (!options->use_debuginfod)
		return NULL;
	return hvp_debuginfod_create(&debuginfod, &symbolizer->finder.debuginfod);
}

struct hvp_error *hvp_symbolizer_create(const struct hvp_session *session,
					const struct hvp_symbolizer_options *options,
					struct hvp_symbolizer **ret)
{
	hvp_scope(hvp_symbolizer_destroy_scope) struct hvp_symbolizer *symbolizer = NULL;
	const char *symfs = options->symfs;

	symbolizer = calloc(1, sizeof(*symbolizer));
	if (!symbolizer)
		return hvp_error_no_memory;
	symbolizer->session = session;
	symbolizer->host_root = symfs && *symfs && strcmp(symfs, "/") ? symfs : NULL;
	symbolizer->is_live = is_this_boot(session, options->proc);
	hvp_notes_init(&symbolizer->notes);
	hvp_images_init(&symbolizer->images, &symbolizer->finder);
	hvp_spaces_init(&symbolizer->spaces);
	hvp_ksymbols_init(&symbolizer->ksymbols);
	hvp_map_init(&symbolizer->guest_of_domain);
	hvp_map_init(&symbolizer->jit_of_pid);
	hvp_map_init(&symbolizer->mounts_of_pid);
	hvp_try(init_finder(symbolizer, options));
	hvp_try(make_stand_ins(symbolizer));
	hvp_try(hvp_symbolizer_read_processes(symbolizer));
	hvp_try(hvp_ksymbols_read(&symbolizer->ksymbols, session, &symbolizer->images));
	hvp_try(hvp_symbolizer_read_kernels(symbolizer, options));
	*ret = hvp_take(symbolizer);
	return NULL;
}

void hvp_symbolizer_destroy(struct hvp_symbolizer *symbolizer)
{
	if (!symbolizer)
		return;
	hvp_kernel_destroy(symbolizer->host_kernel);
	for (size_t i = 0; i < symbolizer->num_guests; i++) {
		hvp_kernel_destroy(symbolizer->guests[i].kernel);
		hvp_guest_user_destroy(symbolizer->guests[i].user);
	}
	free(symbolizer->guests);
	hvp_map_deinit(&symbolizer->guest_of_domain);
	hvp_map_deinit(&symbolizer->jit_of_pid);
	hvp_map_deinit(&symbolizer->mounts_of_pid);
	hvp_ksymbols_deinit(&symbolizer->ksymbols);
	hvp_spaces_deinit(&symbolizer->spaces);
	hvp_images_deinit(&symbolizer->images);
	hvp_debuginfod_destroy(symbolizer->finder.debuginfod);
	hvp_notes_deinit(&symbolizer->notes);
	free(symbolizer);
}

/* An address without image: the stand-in and its reason, or a better one. */
static void stand_in(struct hvp_symbolizer *symbolizer, enum hvp_stand_in which,
		     enum hvp_unresolved why, struct hvp_location *ret)
{
	ret->image = symbolizer->stand_ins[which];
	ret->why = why ? why : symbolizer->stand_ins[which]->why;
}

static void locate_in_kernel(struct hvp_symbolizer *symbolizer, struct hvp_kernel *kernel,
			     enum hvp_stand_in otherwise, struct hvp_location *ret)
{
	const struct hvp_kernel_range *range = NULL;
	enum hvp_unresolved why = HVP_RESOLVED;

	if (kernel)
		range = hvp_kernel_find(kernel, ret->address, &why);
	if (!range) {
		stand_in(symbolizer, otherwise, why, ret);
		return;
	}
	ret->image = range->image;
	ret->address -= range->delta;
}

/*
 * Outside of the kernel proper, what came and went while recording goes before the one picture that
 * kallsyms is.
 */
static void locate_in_host_kernel(struct hvp_symbolizer *symbolizer, uint64_t time,
				  struct hvp_location *ret)
{
	const uint64_t address = ret->address;
	struct hvp_image *image;

	locate_in_kernel(symbolizer, symbolizer->host_kernel, HVP_STAND_IN_HOST_KERNEL, ret);
	if (ret->image == symbolizer->host_kernel->core)
		return;
	image = hvp_ksymbols_find(&symbolizer->ksymbols, time, address);
	if (image)
		*ret = (struct hvp_location){.image = image, .address = address};
}

static const struct hvp_guest *guest_of(const struct hvp_symbolizer *symbolizer, uint32_t domain)
{
	uint64_t index;

	return hvp_map_get(&symbolizer->guest_of_domain, domain, &index)
		       ? &symbolizer->guests[index]
		       : NULL;
}

static void locate_guest_user(struct hvp_symbolizer *symbolizer, const struct hvp_guest *guest,
			      struct hvp_location *ret)
{
	uint64_t address = ret->address;

	if (guest && guest->user)
		ret->image = hvp_guest_user_find(guest->user, ret->address, &address);
	if (ret->image)
		ret->address = address;
	else
		stand_in(symbolizer, HVP_STAND_IN_GUEST_USER, HVP_RESOLVED, ret);
}

static void locate_host_user(struct hvp_symbolizer *symbolizer, const struct hvp_row *row,
			     struct hvp_location *ret)
{
	const struct hvp_piece *piece =
		hvp_spaces_find(&symbolizer->spaces, row->pid, row->time, ret->address);
	uint64_t jit;

	if (piece) {
		ret->image = piece->image;
		ret->why = piece->image->why;
		if (piece->image->kind == HVP_IMAGE_ELF)
			ret->why = hvp_image_address(&symbolizer->images, piece->image,
						     ret->address + piece->bias, &ret->address);
	} else if (hvp_map_get(&symbolizer->jit_of_pid, row->pid, &jit)) {
		ret->image = hvp_images_at(&symbolizer->images, (uint32_t)jit);
	} else {
		stand_in(symbolizer, HVP_STAND_IN_UNKNOWN, HVP_RESOLVED, ret);
	}
}

void hvp_symbolizer_locate(struct hvp_symbolizer *symbolizer, const struct hvp_row *row,
			   uint64_t address, bool is_kernel, struct hvp_location *ret)
{
	struct hvp_image *image;

	*ret = (struct hvp_location){.address = address};
	if (row->mode == HVP_MODE_HYPERVISOR) {
		stand_in(symbolizer, HVP_STAND_IN_HYPERVISOR, HVP_RESOLVED, ret);
	} else if (hvp_mode_is_guest(row->mode)) {
		const struct hvp_guest *guest = guest_of(symbolizer, row->domain);

		if (is_kernel)
			locate_in_kernel(symbolizer, guest ? guest->kernel : NULL,
					 HVP_STAND_IN_GUEST_KERNEL, ret);
		else
			locate_guest_user(symbolizer, guest, ret);
	} else if (is_kernel) {
		locate_in_host_kernel(symbolizer, row->time, ret);
	} else {
		locate_host_user(symbolizer, row, ret);
	}
	image = (struct hvp_image *)ret->image;
	/* Read first: the line of memory stays shared between threads. */
	if (!atomic_load_explicit(&image->is_located, memory_order_relaxed))
		atomic_store_explicit(&image->is_located, true, memory_order_relaxed);
}

const char *hvp_image_name(const struct hvp_image *image)
{
	return image->name;
}

const char *hvp_image_path(const struct hvp_image *image)
{
	return image->shown_path;
}

uint32_t hvp_image_index(const struct hvp_image *image)
{
	return image->index;
}

const struct hvp_image *hvp_symbolizer_image(const struct hvp_symbolizer *symbolizer,
					     uint32_t index)
{
	return hvp_images_at(&symbolizer->images, index);
}

size_t hvp_symbolizer_num_notes(const struct hvp_symbolizer *symbolizer)
{
	return hvp_notes_num(&symbolizer->notes);
}

const char *hvp_symbolizer_note(const struct hvp_symbolizer *symbolizer, size_t index)
{
	return hvp_notes_line(&symbolizer->notes, index);
}
