/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The programs at fixed addresses (ELF ET_EXEC) below a guest's root folder. */
#ifndef HVP_SYMBOLIZER_GUEST_PROGRAMS_H
#define HVP_SYMBOLIZER_GUEST_PROGRAMS_H

#include <signal.h>
#include <stdbool.h>

#include "common/base/error.h"

/*
 * Calls `found` with the path (from the root, with a leading slash) of each, hard links once.
 * Symbolic links are not followed, /proc, /sys and /dev not entered. `*ret_is_cut_short` is set
 * when there was too much to see it all, or `interrupted` (may be NULL) became non-zero.
 */
struct hvp_error *hvp_guest_programs_walk(const char *root,
					  const volatile sig_atomic_t *interrupted,
					  struct hvp_error *(*found)(void *arg, const char *path),
					  void *arg, bool *ret_is_cut_short) hvp_must_use;

#endif
