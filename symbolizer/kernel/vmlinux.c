/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looking for the vmlinux of a kernel that is known by its kallsyms: only lines and code need it. */
#include <limits.h>
#include <stdio.h>

#include "common/base/array.h"
#include "symbolizer/kernel/kernel_internal.h"
#include "symbolizer/kernel/module_file.h"

/* Where distributions put it; %s is the release. */
static const char *const places[] = {
	"/usr/lib/debug/boot/vmlinux-%s",
	"/usr/lib/debug/lib/modules/%s/vmlinux",
	"/boot/vmlinux-%s",
	"/lib/modules/%s/vmlinux",
	"/lib/modules/%s/build/vmlinux",
};

static bool try_image(struct hvp_kernel *kernel, const struct hvp_image_spec *spec)
{
	struct hvp_kernel_landmarks linked;
	struct hvp_image *image;
	struct hvp_error *err = hvp_images_get(kernel->images, spec, &image);

	if (err) {
		hvp_finder_log_error(kernel->images->finder, err);
		return false;
	}
	if (!hvp_kernel_match_vmlinux(kernel, image, &linked, &kernel->vmlinux_delta))
		return false;
	kernel->vmlinux = image;
	return true;
}

static void look_for_vmlinux(struct hvp_kernel *kernel)
{
	const struct hvp_kernel_sources *sources = &kernel->sources;
	struct hvp_image_spec spec = {
		.kind = HVP_IMAGE_ELF,
		.name = "[kernel]",
		.path = "vmlinux",
		.root = sources->root,
		.build_id = sources->build_id,
		.build_id_size = sources->build_id_size,
	};
	char path[PATH_MAX];

	if (spec.build_id_size && try_image(kernel, &spec))
		return;
	if (!sources->release)
		return;
	for (size_t i = 0; i < HVP_ARRAY_SIZE(places); i++) {
		spec.path = path;
		spec.build_id_size = 0;
		if (snprintf(path, sizeof(path), places[i], sources->release) < PATH_MAX &&
		    try_image(kernel, &spec))
			return;
	}
}

struct hvp_image *hvp_kernel_file_of(struct hvp_kernel *kernel, struct hvp_image *image,
				     uint64_t *ret_delta)
{
	*ret_delta = 0;
	if (image != kernel->core) {
		pthread_mutex_lock(&kernel->lock);
		hvp_module_file_open(kernel, image);
		pthread_mutex_unlock(&kernel->lock);
		return image->elf || image->debug ? image : NULL;
	}
	pthread_mutex_lock(&kernel->lock);
	if (!kernel->vmlinux && !kernel->has_looked_for_vmlinux)
		look_for_vmlinux(kernel);
	kernel->has_looked_for_vmlinux = true;
	pthread_mutex_unlock(&kernel->lock);
	if (!kernel->vmlinux || !kernel->num_ranges)
		return NULL;
	/*
	 * The image's own addresses are kallsyms'; the kernel's range says how far those are below
	 * the running kernel.
	 */
	*ret_delta = kernel->vmlinux_delta - kernel->ranges[0].delta;
	return kernel->vmlinux;
}
