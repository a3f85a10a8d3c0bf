/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbolizer/kernel/kernel_image.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/array.h"
#include "symbolizer/kernel/kernel_check.h"
#include "symbolizer/kernel/kernel_internal.h"

#define MAX_KALLSYMS ((size_t)256 << 20)
#define MAX_MODULES_TEXT ((size_t)4 << 20)
/* What x86-64 kernels are linked at: a System.map with it has not been moved by KASLR yet. */
#define X86_LINKED_TEXT 0xffffffff81000000ULL

struct hvp_error *hvp_kernel_create(const struct hvp_kernel_sources *sources,
				    struct hvp_images *images, const struct hvp_session *session,
				    struct hvp_kernel **ret)
{
	struct hvp_kernel *kernel = calloc(1, sizeof(*kernel));

	if (!kernel)
		return hvp_error_no_memory;
	kernel->sources = *sources;
	kernel->images = images;
	kernel->session = session;
	kernel->notes = images->finder->notes;
	pthread_mutex_init(&kernel->lock, NULL);
	*ret = kernel;
	return NULL;
}

void hvp_kernel_destroy(struct hvp_kernel *kernel)
{
	if (!kernel)
		return;
	free(kernel->ranges);
	hvp_kallsyms_deinit(&kernel->kallsyms);
	hvp_modules_deinit(&kernel->modules);
	hvp_file_deinit(&kernel->kallsyms_text);
	hvp_file_deinit(&kernel->modules_text);
	pthread_mutex_destroy(&kernel->lock);
	free(kernel);
}

/* A kernel without modules has no list of them. */
static struct hvp_error *read_live(const char *path, size_t max, struct hvp_file *ret)
{
	struct hvp_error *err = hvp_file_read_below(NULL, path, max, ret);

	if (!err || hvp_error_errno(err) != ENOENT)
		return err;
	hvp_error_destroy(err);
	return NULL;
}

/* A part of the kernel's text: named by the user, carried in the session, or this machine's own. */
static struct hvp_error *read_text(const struct hvp_kernel_sources *sources, const char *path,
				   const struct hvp_record_blob *blob, const char *live_name,
				   size_t max, struct hvp_file *ret)
{
	char live_path[PATH_MAX];

	if (path)
		return hvp_file_read_below(NULL, path, max, ret);
	snprintf(live_path, sizeof(live_path), "%s/%s", hvp_kernel_proc(sources), live_name);
	if (blob)
		return hvp_file_copy(blob->path && *blob->path ? blob->path : live_path, blob->data,
				     blob->size, ret);
	return sources->is_live ? read_live(live_path, max, ret) : NULL;
}

/*
 * A collector may carry only the functions that it saw, without the symbols that mark where the
 * text begins and ends.
 */
static void set_borders(struct hvp_kernel *kernel)
{
	const struct hvp_kernel_sources *sources = &kernel->sources;
	struct hvp_kallsyms *kallsyms = &kernel->kallsyms;

	if (!kallsyms->text)
		kallsyms->text = sources->recorded_text;
	if (!kallsyms->etext && sources->recorded_text == kallsyms->text)
		kallsyms->etext = sources->recorded_text + sources->recorded_text_size;
	if (!kallsyms->text)
		kallsyms->text = hvp_kernel_first_text(kernel);
	if (kallsyms->etext <= kallsyms->text)
		kallsyms->etext = hvp_kernel_last_text(kernel, kallsyms->text);
}

static struct hvp_error *load_kallsyms(struct hvp_kernel *kernel)
{
	const struct hvp_kernel_sources *sources = &kernel->sources;

	hvp_try(read_text(sources, sources->kallsyms, sources->kallsyms_blob, "kallsyms",
			  MAX_KALLSYMS, &kernel->kallsyms_text));
	if (!kernel->kallsyms_text.size)
		return NULL;
	hvp_try(hvp_kallsyms_parse((char *)kernel->kallsyms_text.data, kernel->kallsyms_text.size,
				   kernel->kallsyms_text.path, &kernel->kallsyms));
	set_borders(kernel);
	if (kernel->kallsyms.num_bad_lines)
		hvp_notes_add(kernel->notes, "%s: %zu lines are not symbols and were left out",
			      kernel->kallsyms_text.path, kernel->kallsyms.num_bad_lines);
	return NULL;
}

static struct hvp_error *load_modules(struct hvp_kernel *kernel)
{
	const struct hvp_kernel_sources *sources = &kernel->sources;

	hvp_try(read_text(sources, sources->modules, sources->modules_blob, "modules",
			  MAX_MODULES_TEXT, &kernel->modules_text));
	if (!kernel->modules_text.size)
		return NULL;
	hvp_try(hvp_modules_parse((const char *)kernel->modules_text.data,
				  kernel->modules_text.size, &kernel->modules));
	if (kernel->modules.num_bad_lines)
		hvp_notes_add(kernel->notes, "%s: %zu lines are not modules and were left out",
			      kernel->modules_text.path, kernel->modules.num_bad_lines);
	return NULL;
}

/* What cannot be read costs names, not the report. */
static void note_error(struct hvp_kernel *kernel, struct hvp_error *err)
{
	if (!err)
		return;
	hvp_notes_add(kernel->notes, "kernel of %s: %s", kernel->sources.label,
		      hvp_error_message(err));
	hvp_error_destroy(err);
}

static bool has_kallsyms(const struct hvp_kernel *kernel)
{
	return kernel->kallsyms.num > 0;
}

/* How far the running kernel is above the addresses in kallsyms: only a System.map differs. */
static uint64_t kallsyms_shift(const struct hvp_kernel *kernel)
{
	const struct hvp_kernel_sources *sources = &kernel->sources;
	bool is_linked = kernel->kallsyms.text == X86_LINKED_TEXT && !kernel->kallsyms.num_modules;

	if (!sources->kallsyms && !sources->kallsyms_blob)
		return 0;
	if (is_linked && sources->recorded_text)
		return sources->recorded_text - kernel->kallsyms.text;
	if (sources->has_text_address && kernel->kallsyms.text)
		return sources->text_address - kernel->kallsyms.text;
	return sources->has_kaslr_offset && is_linked ? (uint64_t)sources->kaslr_offset : 0;
}

/* The session knows where the kernel was: a kallsyms that has it elsewhere would give wrong names. */
static void drop_other_boot(struct hvp_kernel *kernel)
{
	uint64_t recorded = kernel->sources.recorded_text;
	const struct hvp_kallsyms *kallsyms = &kernel->kallsyms;

	if (!recorded || !kernel->sources.kallsyms || !kallsyms->num ||
	    recorded == kallsyms->text + kallsyms_shift(kernel) || recorded == kallsyms->stext)
		return;
	hvp_notes_add(kernel->notes,
		      "kernel of %s: %s is of another boot and is not used: it has the kernel at "
		      "0x%" PRIx64 ", and the session at 0x%" PRIx64,
		      kernel->sources.label, kernel->kallsyms_text.path, kallsyms->text, recorded);
	hvp_kallsyms_deinit(&kernel->kallsyms);
	kernel->why = HVP_UNRESOLVED_MISMATCH;
}

static const char *const landmark_names[] = {"_text", "_stext", "_etext", "_sinittext",
					     "_einittext"};

static void read_landmarks(const struct hvp_elf *elf, struct hvp_kernel_landmarks *ret)
{
	uint64_t values[HVP_ARRAY_SIZE(landmark_names)];

	hvp_elf_symbol_values(elf, landmark_names, HVP_ARRAY_SIZE(landmark_names), values);
	*ret = (struct hvp_kernel_landmarks){
		.text = values[0] ? values[0] : values[1],
		.etext = values[2],
		.sinittext = values[3],
		.einittext = values[4],
	};
}

/* The vmlinux's distance when nothing but options (or nothing at all) tells it. */
static uint64_t given_delta(const struct hvp_kernel_sources *sources,
			    const struct hvp_kernel_landmarks *linked)
{
	if (sources->has_text_address)
		return sources->text_address - linked->text;
	if (sources->has_kaslr_offset)
		return (uint64_t)sources->kaslr_offset;
	return sources->recorded_text ? sources->recorded_text - linked->text : 0;
}

bool hvp_kernel_match_vmlinux(struct hvp_kernel *kernel, struct hvp_image *image,
			      struct hvp_kernel_landmarks *ret_linked, uint64_t *ret_delta)
{
	uint64_t shift = kallsyms_shift(kernel);

	hvp_image_load_table(kernel->images, image);
	if (!image->elf || !image->symtab.num)
		return false;
	read_landmarks(image->elf, ret_linked);
	if (!ret_linked->text)
		return false;
	*ret_delta = given_delta(&kernel->sources, ret_linked);
	if (!has_kallsyms(kernel) || !kernel->kallsyms.text)
		return true;
	*ret_delta = kernel->kallsyms.text + shift - ret_linked->text;
	return hvp_kernel_tables_agree(&kernel->kallsyms, &image->symtab, *ret_delta - shift);
}

/* The vmlinux that the user named becomes the core, if it is the kernel that ran. */
static struct hvp_error *load_vmlinux(struct hvp_kernel *kernel,
				      struct hvp_kernel_landmarks *ret_linked)
{
	const struct hvp_kernel_sources *sources = &kernel->sources;
	struct hvp_image_spec spec = {
		.kind = HVP_IMAGE_ELF, .name = "[kernel]", .path = sources->vmlinux};
	struct hvp_image *image;

	hvp_try(hvp_images_get(kernel->images, &spec, &image));
	if (!hvp_kernel_match_vmlinux(kernel, image, ret_linked, &kernel->vmlinux_delta)) {
		hvp_notes_add(
			kernel->notes,
			image->symtab.num && has_kallsyms(kernel)
				? "kernel of %s: %s is another kernel than %s and is not used"
				: "kernel of %s: %s has no symbols of a kernel and is not used",
			sources->label, sources->vmlinux, kernel->kallsyms_text.path);
		return NULL;
	}
	if (sources->build_id_size && image->elf->build_id_size == sources->build_id_size &&
	    memcmp(image->elf->build_id, sources->build_id, sources->build_id_size)) {
		hvp_notes_add(kernel->notes,
			      "kernel of %s: %s has another build id than the kernel that ran and "
			      "is not used",
			      sources->label, sources->vmlinux);
		return NULL;
	}
	kernel->vmlinux = image;
	return NULL;
}

static struct hvp_error *make_core_image(struct hvp_kernel *kernel)
{
	struct hvp_image_spec spec = {
		.kind = HVP_IMAGE_KERNEL,
		.name = "[kernel]",
		.path = kernel->kallsyms_text.path,
		.scope = kernel->sources.domain + 1ULL,
	};

	if (kernel->vmlinux) {
		kernel->core = kernel->vmlinux;
		return NULL;
	}
	hvp_try(hvp_images_get(kernel->images, &spec, &kernel->core));
	kernel->core->kernel = kernel;
	return NULL;
}

static struct hvp_error *add_core_ranges(struct hvp_kernel *kernel,
					 const struct hvp_kernel_landmarks *linked)
{
	uint64_t shift = kallsyms_shift(kernel);
	struct hvp_kernel_landmarks marks = *linked;
	uint64_t delta = kernel->vmlinux_delta;

	if (!kernel->vmlinux) {
		marks = (struct hvp_kernel_landmarks){
			.text = kernel->kallsyms.text,
			.etext = kernel->kallsyms.etext,
			.sinittext = kernel->kallsyms.sinittext,
			.einittext = kernel->kallsyms.einittext,
		};
		delta = shift;
	}
	hvp_try(hvp_kernel_add_range(kernel, marks.text, marks.etext, delta, kernel->core));
	return hvp_kernel_add_range(kernel, marks.sinittext, marks.einittext, delta, kernel->core);
}

static struct hvp_error *build(struct hvp_kernel *kernel, const struct hvp_kernel_landmarks *linked)
{
	if (!kernel->vmlinux && !has_kallsyms(kernel))
		return NULL;
	hvp_try(make_core_image(kernel));
	hvp_try(add_core_ranges(kernel, linked));
	hvp_try(hvp_kernel_add_modules(kernel));
	hvp_kernel_order_ranges(kernel);
	return hvp_kernel_fill_tables(kernel, kallsyms_shift(kernel));
}

/* Images that put samples outside of all code are of another kernel, or of another boot of it. */
static struct hvp_error *check_samples(struct hvp_kernel *kernel)
{
	struct hvp_kernel_ips ips;
	struct hvp_kernel_fit fit;

	if (!kernel->num_ranges ||
	    (!kernel->sources.is_guest && !kernel->sources.kallsyms && !kernel->vmlinux))
		return NULL;
	hvp_try(hvp_kernel_ips_read(kernel->session, kernel->sources.domain,
				    kernel->sources.is_guest, &ips));
	hvp_kernel_measure_fit(&ips, kernel->ranges, kernel->num_ranges, kernel->ranges[0].begin,
			       &fit);
	hvp_kernel_ips_deinit(&ips);
	if (!hvp_kernel_is_misfit(&fit))
		return NULL;
	hvp_notes_add(kernel->notes,
		      "kernel of %s: the images given do not fit: %zu of %zu samples, 0x%" PRIx64
		      " for one, are outside of its code; give the kallsyms of this very boot, or "
		      "kaslr: or text: with vmlinux:",
		      kernel->sources.label,
		      fit.num_known ? fit.num_core - fit.num_inside : fit.num,
		      fit.num_known ? fit.num_core : fit.num, fit.example_outside);
	kernel->num_ranges = 0;
	kernel->why = HVP_UNRESOLVED_MISMATCH;
	return NULL;
}

static void load(struct hvp_kernel *kernel)
{
	struct hvp_kernel_landmarks linked = {0};

	kernel->why =
		kernel->sources.is_guest ? HVP_UNRESOLVED_GUEST_KERNEL : HVP_UNRESOLVED_RESTRICTED;
	note_error(kernel, load_kallsyms(kernel));
	drop_other_boot(kernel);
	note_error(kernel, load_modules(kernel));
	if (kernel->kallsyms.is_restricted)
		kernel->why = HVP_UNRESOLVED_RESTRICTED;
	if (kernel->sources.vmlinux)
		note_error(kernel, load_vmlinux(kernel, &linked));
	note_error(kernel, build(kernel, &linked));
	if (kernel->num_ranges)
		kernel->why = HVP_UNRESOLVED_NO_MAPPING;
	note_error(kernel, check_samples(kernel));
}

/* Once. */
static void load_once(struct hvp_kernel *kernel)
{
	pthread_mutex_lock(&kernel->lock);
	if (!atomic_load(&kernel->is_loaded)) {
		load(kernel);
		atomic_store(&kernel->is_loaded, true);
	}
	pthread_mutex_unlock(&kernel->lock);
}

const struct hvp_kernel_range *hvp_kernel_find(struct hvp_kernel *kernel, uint64_t address,
					       enum hvp_unresolved *ret_why)
{
	size_t low = 0, high;

	if (!atomic_load_explicit(&kernel->is_loaded, memory_order_acquire))
		load_once(kernel);
	for (high = kernel->num_ranges; low < high;) {
		size_t middle = low + (high - low) / 2;

		if (kernel->ranges[middle].begin <= address)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_why = kernel->why;
	if (!low || address >= kernel->ranges[low - 1].end)
		return NULL;
	*ret_why = HVP_RESOLVED;
	return &kernel->ranges[low - 1];
}
