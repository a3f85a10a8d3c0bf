/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The code of the running kernel, as it is in memory: /proc/kcore, a core file whose segments are
 * the kernel's own addresses (fs/proc/kcore.c). Only root may read it; nothing but the headers and
 * the ranges asked for is read.
 */
#ifndef HVP_SYMBOLIZER_KCORE_H
#define HVP_SYMBOLIZER_KCORE_H

#include <stddef.h>
#include <stdint.h>

#include "symbolizer/kernel/kernel_image.h"

struct hvp_kcore {
	char *path;
	int fd;
	struct hvp_kcore_segment {
		uint64_t address, size, offset;
	} * segments;
	size_t num_segments;
};

/* `path` is copied. HVP_ERROR_OS when it cannot be read, with what to do; _FORMAT when it is none. */
struct hvp_error *hvp_kcore_open(const char *path, struct hvp_kcore *ret) hvp_must_use;
void hvp_kcore_close(struct hvp_kcore *kcore);
/* HVP_ERROR_NOT_FOUND when the range is not in one segment. */
struct hvp_error *hvp_kcore_read(const struct hvp_kcore *kcore, uint64_t address, size_t size,
				 uint8_t *ret) hvp_must_use;

/*
 * The bytes of the function `name` at `address` of an image of a kernel. HVP_ERROR_NOT_FOUND says
 * why the running kernel cannot give them: another machine, another boot, or the function is not
 * there now (its module was loaded again).
 */
struct hvp_error *hvp_kernel_live_code(const struct hvp_kernel *kernel,
				       const struct hvp_image *image, const char *name,
				       uint64_t address, size_t size, uint8_t *ret) hvp_must_use;

#endif
