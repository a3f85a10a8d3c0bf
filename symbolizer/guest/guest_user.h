/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs in a guest. A stock kernel tells of a guest's user-space sample the address and nothing
 * else: neither process nor address space. What can be known all the same, from files below the
 * guest's root folder:
 *
 *	maps:FILE	copies of the guest's /proc/PID/maps give exact mappings;
 *	program:PATH	names a program that ran; one that is not position-independent, or one with a base, is placed;
 *	root:DIR	alone: of all programs at fixed addresses, the only one that covers an address.
 *
 * Where two files could be meant, none is taken. Nothing is ever looked for outside of the root.
 */
#ifndef HVP_SYMBOLIZER_GUEST_USER_H
#define HVP_SYMBOLIZER_GUEST_USER_H

#include "symbolizer/images.h"
#include "symbolizer/symbolizer.h"

struct hvp_guest_user;

/* Borrows everything. `label` is the guest's name, for notes. Reads nothing yet. */
struct hvp_error *hvp_guest_user_create(const struct hvp_guest_images *given, const char *root,
					const char *label, struct hvp_images *images,
					struct hvp_guest_user **ret) hvp_must_use;
/* Accepts NULL. */
void hvp_guest_user_destroy(struct hvp_guest_user *user);

/* NULL: no file, or more than one, covers the address. Loads on the first call. Thread-safe. */
struct hvp_image *hvp_guest_user_find(struct hvp_guest_user *user, uint64_t address,
				      uint64_t *ret_address);

#endif
