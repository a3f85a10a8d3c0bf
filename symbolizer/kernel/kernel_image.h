/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One running kernel, the host's or a guest's: which address is in the core or in which module,
 * from its kallsyms, its list of modules, and a vmlinux with the distance (KASLR) between it and
 * the running kernel.
 *
 * Parts that contradict each other or the samples are not used: a wrong name is worse than none.
 */
#ifndef HVP_SYMBOLIZER_KERNEL_IMAGE_H
#define HVP_SYMBOLIZER_KERNEL_IMAGE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/session/reader.h"
#include "symbolizer/file.h"
#include "symbolizer/images.h"
#include "symbolizer/kernel/kallsyms.h"
#include "symbolizer/kernel/modules.h"

/* Where the parts of one kernel come from. All borrowed; NULL and 0 are "not given". */
struct hvp_kernel_sources {
	/* For notes: "the host" or the guest's name. */
	const char *label;
	uint32_t domain;
	bool is_guest;
	/* Files named by the user; they go before what the session carries. */
	const char *kallsyms, *modules, *vmlinux;
	/* Below it /lib/modules and /usr/lib/debug are looked for. NULL: this machine. */
	const char *root;
	const struct hvp_record_blob *kallsyms_blob, *modules_blob;
	/* Where the session's records have the kernel's text; 0 without one. */
	uint64_t recorded_text, recorded_text_size;
	/* The session was recorded on this machine since it booted: its /proc may be read. */
	bool is_live;
	/* Where that is; NULL: /proc. */
	const char *proc;
	bool has_kaslr_offset, has_text_address;
	int64_t kaslr_offset;
	uint64_t text_address;
	/* The kernel's release and build id, when recorded. */
	const char *release;
	uint8_t build_id[HVP_BUILD_ID_MAX];
	uint8_t build_id_size;
};

static inline const char *hvp_kernel_proc(const struct hvp_kernel_sources *sources)
{
	return sources->proc ? sources->proc : "/proc";
}

/* Run-time addresses [begin, end) belong to an image, whose own addresses are lower by `delta`. */
struct hvp_kernel_range {
	uint64_t begin, end;
	uint64_t delta;
	struct hvp_image *image;
};

struct hvp_kernel {
	struct hvp_kernel_sources sources;
	struct hvp_images *images;
	const struct hvp_session *session;
	struct hvp_notes *notes;
	pthread_mutex_t lock;
	atomic_bool is_loaded;
	/* Ordered and disjoint. */
	struct hvp_kernel_range *ranges;
	size_t num_ranges, capacity_ranges;
	/* For addresses outside all ranges. */
	enum hvp_unresolved why;
	/* What names are borrowed from. */
	struct hvp_file kallsyms_text, modules_text;
	struct hvp_kallsyms kallsyms;
	struct hvp_modules modules;
	/* The core, and how far the running kernel is above its vmlinux (when one fits). */
	struct hvp_image *core;
	struct hvp_image *vmlinux;
	uint64_t vmlinux_delta;
	/* vmlinux was looked for by itself, for lines and code. */
	bool has_looked_for_vmlinux;
};

/* Opens nothing yet. */
struct hvp_error *hvp_kernel_create(const struct hvp_kernel_sources *sources,
				    struct hvp_images *images, const struct hvp_session *session,
				    struct hvp_kernel **ret) hvp_must_use;
/* Accepts NULL. */
void hvp_kernel_destroy(struct hvp_kernel *kernel);

/*
 * The range of a run-time address; NULL and *ret_why when there is none. Loads on the first call.
 * Thread-safe.
 */
const struct hvp_kernel_range *hvp_kernel_find(struct hvp_kernel *kernel, uint64_t address,
					       enum hvp_unresolved *ret_why);

/*
 * The image with the file that has lines and code of `image`, and what to subtract from the latter's addresses: for the core
 * a vmlinux that fits, for a module itself with its .ko file. NULL when none is found. Looked for once.
 */
struct hvp_image *hvp_kernel_file_of(struct hvp_kernel *kernel, struct hvp_image *image,
				     uint64_t *ret_delta);

#endif
