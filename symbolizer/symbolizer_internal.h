/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The symbolizer as its own files see it. */
#ifndef HVP_SYMBOLIZER_SYMBOLIZER_INTERNAL_H
#define HVP_SYMBOLIZER_SYMBOLIZER_INTERNAL_H

#include "common/base/map.h"
#include "symbolizer/elf/finder.h"
#include "symbolizer/guest/guest_user.h"
#include "symbolizer/images.h"
#include "symbolizer/kernel/kernel_image.h"
#include "symbolizer/kernel/ksymbols.h"
#include "symbolizer/spaces.h"
#include "symbolizer/symbolizer.h"

enum hvp_stand_in {
	HVP_STAND_IN_UNKNOWN,
	HVP_STAND_IN_HOST_KERNEL,
	HVP_STAND_IN_GUEST_KERNEL,
	HVP_STAND_IN_GUEST_USER,
	HVP_STAND_IN_HYPERVISOR,
	HVP_STAND_IN_JIT,
};
#define HVP_NUM_STAND_INS 6

/* One virtual machine: what resolves its kernel's and its programs' addresses. */
struct hvp_guest {
	struct hvp_kernel *kernel;
	struct hvp_guest_user *user;
};

struct hvp_symbolizer {
	const struct hvp_session *session;
	/* Borrowed from the options; NULL is the whole machine. */
	const char *host_root;
	/* Recorded here since this machine booted. */
	bool is_live;
	struct hvp_finder finder;
	struct hvp_notes notes;
	struct hvp_images images;
	struct hvp_spaces spaces;
	struct hvp_image *stand_ins[HVP_NUM_STAND_INS];
	struct hvp_kernel *host_kernel;
	struct hvp_ksymbols ksymbols;
	struct hvp_guest *guests;
	size_t num_guests, capacity_guests;
	/* Domain number -> index of the guest. */
	struct hvp_map guest_of_domain;
	/*
	 * Process number -> its mount namespace, where the machine itself is looked at; and our own
	 * one.
	 */
	struct hvp_map mounts_of_pid;
	uint64_t own_mounts;
	/* Process number -> index of the image of its JIT map. */
	struct hvp_map jit_of_pid;
	/* The session's copy of the vDSO, or this machine's own; NULL without one. */
	const struct hvp_record_blob *vdso;
	struct hvp_record_blob own_vdso;
};

/* processes.c: the session's records about host processes become address spaces. */
struct hvp_error *hvp_symbolizer_read_processes(struct hvp_symbolizer *symbolizer) hvp_must_use;

/*
 * guests.c: the host's kernel, and each domain's images: from the options, the session's blobs, the
 * paths it noted.
 */
struct hvp_error *
hvp_symbolizer_read_kernels(struct hvp_symbolizer *symbolizer,
			    const struct hvp_symbolizer_options *options) hvp_must_use;

#endif
